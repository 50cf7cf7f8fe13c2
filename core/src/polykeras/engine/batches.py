"""Batches of arrays: in order or shuffled, cut from blocks that are gathered several batches at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Protocol

import numpy as np

Arrays = list[Any]
Batch = tuple[int, Any]  # the number of samples, and what the step takes

BLOCK_BYTES = 1 << 18  # rows are gathered in blocks of about this size, which stay in a core's cache


class Feed(Protocol):
    """Where a training run gets its batches from, epoch by epoch."""

    def begin_epoch(self) -> None:
        """A new epoch starts: draw its order."""

    def batches(self, first: int) -> Iterable[Batch]:
        """The epoch's batches from number `first` on."""

    def get_state(self) -> Any:
        """What `set_state` needs to give the same batches again."""

    def set_state(self, state: Any) -> None:
        """Go on where the state was taken, within an epoch or between two.   Raises ValueError where data differ."""


class ArrayFeed:
    """The rows of arrays, all of them in each epoch.

    arrays: with `size` rows each.
    batch_size: the last batch of an epoch may be smaller.
    shuffle: False: in order; True: in an order drawn anew for each epoch; "batch": whole batches in such an order.
    dtypes: what the step takes.

    A batch is overwritten when the next ones are gathered.
    """

    def __init__(self, arrays: Arrays, size: int, batch_size: int, shuffle: bool | str, dtypes: Sequence[str]) -> None:
        self._size = size
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._index: np.ndarray | None = np.arange(size) if shuffle else None
        self._rows = batch_size * _batches_in_block(arrays, batch_size)
        take = _cutter if self._index is None else _picker
        rows = min(self._rows, size)
        self._takers = [take(array, rows, dtype) for array, dtype in zip(arrays, dtypes, strict=True)]

    def begin_epoch(self) -> None:
        if self._index is None:
            return
        if self._shuffle == "batch":
            self._index = batch_shuffle(self._index, self._batch_size)
        else:
            np.random.shuffle(self._index)

    def batches(self, first: int = 0) -> Iterator[Batch]:
        index, size, batch_size = self._index, self._size, self._batch_size
        for start in range(first * batch_size, size, self._rows):
            rows: Any = slice(start, min(start + self._rows, size))
            count = rows.stop - start
            if index is not None:
                rows = index[rows]
            blocks = [take(rows) for take in self._takers]
            if count > batch_size:
                whole = count // batch_size
                for batch in zip(*[_split(block, whole, batch_size) for block in blocks], strict=True):
                    yield batch_size, batch
                blocks = [block[whole * batch_size :] for block in blocks]
                count -= whole * batch_size
            if count:
                yield count, blocks

    def get_state(self) -> dict[str, Any]:
        order = None if self._index is None else self._index.copy()
        return {"samples": self._size, "batch_size": self._batch_size, "order": order}

    def set_state(self, state: dict[str, Any]) -> None:
        own = {"samples": self._size, "batch_size": self._batch_size}
        for name, value in own.items():
            check_same(name, state.get(name), value)
        check_same("shuffling", state["order"] is not None, self._index is not None)
        self._index = state["order"]


class RepeatedFeed:
    """The same arrays or tensors in every step.

    steps: in an epoch.
    """

    def __init__(self, arrays: Arrays, steps: int) -> None:
        self._arrays = arrays
        self._steps = steps

    def begin_epoch(self) -> None:
        """Nothing is drawn."""

    def batches(self, first: int = 0) -> Iterator[Batch]:
        return repeat((1, self._arrays), self._steps - first)

    def get_state(self) -> dict[str, Any]:
        return {"steps": self._steps}

    def set_state(self, state: dict[str, Any]) -> None:
        check_same("steps", state.get("steps"), self._steps)


def check_same(what: str, then: Any, now: Any) -> None:
    """ValueError where training goes on with other data than it was interrupted with."""
    if then != now:
        raise ValueError(f"Training was interrupted with other data: {what} was {then}, and is {now} now.")


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """(start, stop) of each batch of `size` samples; the last may be smaller."""
    return [(start, min(size, start + batch_size)) for start in range(0, size, batch_size)]


def batch_shuffle(index_array: np.ndarray, batch_size: int) -> np.ndarray:
    """`index_array` with its whole batches in random order; samples stay within their batch, the rest stays last."""
    whole = len(index_array) // batch_size * batch_size
    batches = index_array[:whole].reshape(-1, batch_size)
    np.random.shuffle(batches)
    return np.concatenate([batches.reshape(-1), index_array[whole:]])


# -- rows of one array -------------------------------------------------------------------------------------------------


def _batches_in_block(arrays: Arrays, batch_size: int) -> int:
    """How many batches are gathered together: one where that is large enough, or where rows are no plain numbers."""
    if not all(isinstance(array, np.ndarray) for array in arrays):
        return 1
    row_bytes: int = sum(array.nbytes // max(1, len(array)) for array in arrays)
    return int(max(1, BLOCK_BYTES // max(1, row_bytes * batch_size)))


def _cutter(array: Any, rows: int, dtype: str) -> Callable[[slice], Any]:
    """The function that takes a slice of the array's rows: a view where it can be one."""
    if not isinstance(array, np.ndarray) or array.dtype == dtype or not _is_numeric(array):
        return array.__getitem__  # type: ignore[no-any-return]

    def cut(rows: slice) -> np.ndarray:
        return array[rows].astype(dtype)

    return cut


def _picker(array: Any, rows: int, dtype: str) -> Callable[[np.ndarray], Any]:
    """The function that picks up to `rows` rows of the array by number, into a buffer of the step's dtype."""
    if not isinstance(array, np.ndarray):
        return array.__getitem__ if hasattr(array, "toarray") else _file_picker(array)
    buffer = np.empty((rows, *array.shape[1:]), dtype if _is_numeric(array) else array.dtype)
    if array.dtype == buffer.dtype and array.flags.c_contiguous:
        take = array.take

        def pick(numbers: np.ndarray) -> np.ndarray:
            # "clip" writes straight into `out`: the numbers need no check
            return take(numbers, 0, buffer[: len(numbers)], "clip")

        return pick

    def pick_and_cast(numbers: np.ndarray) -> np.ndarray:
        block = buffer[: len(numbers)]
        block[...] = array[numbers]
        return block

    return pick_and_cast


def _split(block: np.ndarray, count: int, size: int) -> np.ndarray:
    """The first `count` batches of a block, along a new first axis: a view."""
    return block[: count * size].reshape(count, size, *block.shape[1:])


def _is_numeric(array: np.ndarray) -> bool:
    """Whether it may be cast here. Of other arrays the step says what is wrong."""
    return array.dtype.kind in "biuf"


def _file_picker(array: Any) -> Callable[[np.ndarray], Any]:
    """Picks rows of what slices like an array: files want increasing numbers."""

    def pick(numbers: np.ndarray) -> np.ndarray:
        if (np.diff(numbers) == 1).all():
            block: np.ndarray = array[int(numbers[0]) : int(numbers[-1]) + 1]
            return block
        order = np.argsort(numbers)
        block = np.asarray(array[numbers[order].tolist()])
        return block[np.argsort(order)]

    return pick
