"""Rows of an HDF5 file as data, read a batch at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["HDF5Matrix"]


class HDF5Matrix:
    """A dataset of an HDF5 file, from row `start` to before row `end`, to be given to `fit` in the place of an array.

        x = HDF5Matrix("data.h5", "images", start=0, end=50_000, normalizer=scaled)
        model.fit(x, y, shuffle="batch")

    Rows are read when they are asked for, so the data need not fit into memory. `shuffle="batch"` reads them in blocks;
    `shuffle=True` picks single rows, which is slow in a file.

    normalizer: a function that is applied to an array of rows, and gives an array.

    Several on one file share its handle. A copy in another process opens the file anew.
    """

    def __init__(
        self,
        datapath: str | os.PathLike[str],
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[Any], Any] | None = None,
    ) -> None:
        self.datapath = os.fspath(datapath)
        self.dataset = dataset
        self.normalizer = normalizer
        self.start = start
        rows = self.data.shape[0]
        self.end = rows if end is None else end
        if not 0 <= self.start <= self.end <= rows:
            raise ValueError(f"{self!r}: rows {self.start} to {self.end} were asked for, but there are {rows}.")
        first = self.data[self.start : min(self.start + 1, self.end)]
        if normalizer is not None:
            first = normalizer(first)
        self._row_shape = tuple(first.shape[1:])
        self._dtype = first.dtype

    def __repr__(self) -> str:
        return f"HDF5Matrix({self.datapath!r}, {self.dataset!r})"

    @property
    def data(self) -> Any:
        """The dataset of h5py."""
        file = _file(self.datapath)
        if self.dataset not in file:
            raise KeyError(f"{self.datapath} has no dataset {self.dataset!r}; it has: {', '.join(file)}")
        return file[self.dataset]

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        """The rows that an int, a slice, or a list or array of ints names, counted from `start`; normalized.

        Raises IndexError for rows that are not there.
        """
        if isinstance(key, slice):
            if key.stop is not None and key.stop > len(self):
                raise self._no_row(key.stop - 1)
            read = self._read(np.arange(*key.indices(len(self))))
        elif isinstance(key, (int, np.integer)):
            read = self._read(np.asarray([key]))[0]
        else:
            read = self._read(np.asarray(key))
        return read if self.normalizer is None else self.normalizer(read)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """Rows in any order, perhaps more than once; HDF5 itself wants increasing numbers, and blocks are faster."""
        if not rows.size:
            return self.data[:0]  # type: ignore[no-any-return]
        if rows.dtype.kind not in "iu":
            raise IndexError(f"{self!r}: rows are numbered by ints; got {rows.dtype}")
        wrong = rows[(rows < -len(self)) | (rows >= len(self))]
        if wrong.size:
            raise self._no_row(int(wrong[0]))
        rows = np.where(rows < 0, rows + len(self), rows) + self.start
        first, last = int(rows[0]), int(rows[-1])
        if (np.diff(rows) == 1).all():
            return self.data[first : last + 1]  # type: ignore[no-any-return]
        distinct, places = np.unique(rows, return_inverse=True)
        return self.data[distinct.tolist()][places]  # type: ignore[no-any-return]

    def _no_row(self, row: int) -> IndexError:
        return IndexError(f"{self!r} has {len(self)} rows; there is no row {row}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the shape of one."""
        return (len(self), *self._row_shape)

    @property
    def dtype(self) -> Any:
        """The dtype of the rows."""
        return self._dtype

    @property
    def ndim(self) -> int:
        """The number of dims."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)


_files: dict[tuple[str, int], Any] = {}
_opening = threading.Lock()


def _file(path: str) -> Any:
    """The file, opened for reading once in this process."""
    import h5py

    key = os.path.realpath(path), os.getpid()
    with _opening:
        if not _files.get(key):  # a closed file is false
            _files[key] = h5py.File(path, "r")
        return _files[key]
