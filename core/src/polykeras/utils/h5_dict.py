"""`H5Dict`: a dictionary that lives in an HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import numpy as np

__all__ = ["H5Dict", "h5dict"]


class _Group(dict[str, Any]):
    """A group of an H5Dict that lives in a dictionary; other dictionaries in it are values."""


class H5Dict:
    """A dictionary that lives in an HDF5 file, in a group of one, or in a dictionary.

        with H5Dict("state.h5") as state:
            state["names"] = ["kernel", "bias"]
            state["weights"]["kernel"] = array          # a group is made when it is first asked for

    path: a file's name, an `h5py.Group`, or a dict, which is written to.
    mode: "r" to read only, "w" to begin anew, "a" for either.

    Arrays and NumPy scalars become datasets; other values (numbers, texts, bytes, lists of texts) become attributes.
    Texts in lists are read as bytes. Nothing is pickled.

    Raises ValueError for writing in mode "r", and for asking there for a key that is missing; KeyError for a second
    array of one name.
    """

    def __init__(self, path: Any, mode: str = "a") -> None:
        self._is_file = isinstance(path, (str, os.PathLike))
        self.read_only = mode == "r"
        if self._is_file:
            import h5py

            self.data: Any = h5py.File(path, mode=mode)
        elif isinstance(path, dict) or _is_group(path):
            self.data = path
            if mode == "w":
                path.clear()
        else:
            raise TypeError(f"Required Group, str or dict. Received: {type(path).__name__}.")

    @staticmethod
    def is_supported_type(path: Any) -> bool:
        """Whether an H5Dict can live in `path`."""
        return isinstance(path, (str, os.PathLike, dict)) or _is_group(path)

    def __setitem__(self, attr: str | bytes, val: Any) -> None:
        if self.read_only:
            raise ValueError(f"Cannot set item {attr!r} in read-only mode.")
        attr = _text(attr)
        if isinstance(self.data, dict):
            self.data[attr] = val
        elif attr in self.data:
            raise KeyError(f'Cannot set attribute. Group with name "{attr}" exists.')
        elif isinstance(val, (np.ndarray, np.generic)):
            self.data.create_dataset(attr, data=val)
        elif isinstance(val, (list, tuple)) and val and isinstance(val[0], (str, bytes)):
            from polykeras.saving.attributes import save_attributes_to_hdf5_group

            save_attributes_to_hdf5_group(self.data, attr, val)
        else:
            self.data.attrs[attr] = val

    def __getitem__(self, attr: str | bytes) -> Any:
        attr = _text(attr)
        if isinstance(self.data, dict):
            found = self.data[attr] if attr in self.data else self._new_group(attr)
            return self._subgroup(found) if isinstance(found, _Group) else found
        if attr in self.data.attrs:
            return _value(self.data.attrs[attr])
        if attr not in self.data and f"{attr}0" in self.data.attrs:
            return _pieces(self.data.attrs, attr)
        found = self.data[attr] if attr in self.data else self._new_group(attr)
        return self._subgroup(found) if _is_group(found) else np.asarray(found)

    def _new_group(self, name: str) -> Any:
        if self.read_only:
            raise ValueError(f"Cannot create group {name!r} in read-only mode: there is no such key.")
        if isinstance(self.data, dict):
            return self.data.setdefault(name, _Group())
        return self.data.create_group(name)

    def _subgroup(self, data: Any) -> H5Dict:
        group = H5Dict(data)
        group.read_only = self.read_only
        return group

    def __contains__(self, key: str) -> bool:
        return key in self.data or (not isinstance(self.data, dict) and key in self.data.attrs)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def iter(self) -> Iterator[str]:
        """The names of groups and arrays."""
        return iter(self.data)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default` where there is none; no group is made."""
        return (
            self[key] if key in self or (not isinstance(self.data, dict) and f"{key}0" in self.data.attrs) else default
        )

    def update(self, *args: Mapping[str, Any]) -> None:
        """Set all that these mappings hold."""
        for mapping in args:
            for key, value in mapping.items():
                self[key] = value

    def __getattr__(self, name: str) -> Any:
        """What else the file, the group or the dictionary has: `attrs`, `items`, `create_group` …"""
        if name == "data":  # not set yet
            raise AttributeError(name)
        return getattr(self.data, name)

    def close(self) -> None:
        """Write what is not yet in the file, and close it if it was opened here."""
        if not isinstance(self.data, dict) and self.data:
            self.data.file.flush()
            if self._is_file:
                self.data.close()

    def __enter__(self) -> H5Dict:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


h5dict = H5Dict


def _is_group(value: Any) -> bool:
    """Whether it is an h5py.Group; no need to import h5py for that."""
    return any(kind.__name__ == "Group" and kind.__module__.startswith("h5py") for kind in type(value).__mro__)


def _text(key: str | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else key


def _value(found: Any) -> Any:
    return found.tolist() if isinstance(found, np.ndarray) and found.dtype.kind == "S" else found


def _pieces(attributes: Any, name: str) -> list[Any]:
    """A list that was too long for one attribute."""
    values: list[Any] = []
    number = 0
    while f"{name}{number}" in attributes:
        values += attributes[f"{name}{number}"].tolist()
        number += 1
    return values
