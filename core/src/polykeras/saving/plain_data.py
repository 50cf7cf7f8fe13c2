"""Plain data in an HDF5 file: numbers, texts, None, lists, tuples, dicts, NumPy scalars and arrays, exactly as they were.

One text in JSON holds all but the arrays, which it names by number. Reading it makes such data and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py

    from polykeras.saving.gate import CheckedGroup

TEXT = "data"
ARRAYS = "arrays"
# What JSON does not know is an object with one of these keys; a dict with other keys than texts, or with these, is too.
ARRAY, SCALAR, TUPLE, DICT = "$array", "$scalar", "$tuple", "$dict"
TAGS = frozenset((ARRAY, SCALAR, TUPLE, DICT))
KINDS = "biuf"  # of the arrays: booleans, integers, floating-point numbers


def write(group: h5py.Group, data: Any) -> None:
    """Write `data` into an empty group.   Raises TypeError, with the place, for what is no plain data."""
    arrays: list[np.ndarray] = []
    text = json.dumps(_packed(data, arrays, "data"))
    group.create_dataset(TEXT, data=np.frombuffer(text.encode("ascii"), "uint8"))
    members = group.create_group(ARRAYS)
    for number, array in enumerate(arrays):
        members.create_dataset(str(number), data=array)


def read(group: CheckedGroup) -> Any:
    """What `write` wrote.   Raises ValueError for a group that holds something else."""
    text = group.array(TEXT)
    try:
        return _unpacked(json.loads(text.astype("uint8").tobytes()), group.group(ARRAYS))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{group.source} holds no plain data that polykeras wrote: {error}") from error


def _packed(value: Any, arrays: list[np.ndarray], place: str) -> Any:
    """`value` as JSON has it; its arrays are added to `arrays`."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.kind not in KINDS:
            raise TypeError(f"{place} is an array of {value.dtype}; only arrays of numbers can be kept.")
        arrays.append(np.asarray(value, "uint8" if value.dtype.kind == "b" else None))  # a bool is an enum to HDF5
        return {ARRAY if isinstance(value, np.ndarray) else SCALAR: [len(arrays) - 1, value.dtype.str]}
    if isinstance(value, Mapping):
        pairs = [(key, _packed(item, arrays, f"{place}[{key!r}]")) for key, item in value.items()]
        if all(type(key) is str and key not in TAGS for key in value):
            return dict(pairs)
        return {DICT: [[_packed(key, arrays, f"a key of {place}"), item] for key, item in pairs]}
    if isinstance(value, (list, tuple)):
        items = [_packed(item, arrays, f"{place}[{number}]") for number, item in enumerate(value)]
        return {TUPLE: items} if isinstance(value, tuple) else items
    raise TypeError(
        f"{place} is {value!r:.80} ({type(value).__name__}), which cannot be kept: numbers, texts, None, arrays, and "
        "lists, tuples and dicts of them can."
    )


def _unpacked(value: Any, arrays: CheckedGroup) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if not TAGS.intersection(value):
        return {key: _unpacked(item, arrays) for key, item in value.items()}
    ((tag, content),) = value.items()
    if tag == TUPLE:
        return tuple(_unpacked(item, arrays) for item in content)
    if tag == DICT:
        return {_unpacked(key, arrays): _unpacked(item, arrays) for key, item in content}
    number, dtype = content[0], np.dtype(content[1])
    if dtype.kind not in KINDS:
        raise ValueError(f"an array of {dtype}")
    array = arrays.array(str(int(number))).astype(dtype, copy=False)
    return array[()] if tag == SCALAR else array
