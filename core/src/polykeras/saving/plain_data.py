"""Plain data in an HDF5 file: numbers, texts, None, lists, tuples, dicts, NumPy scalars and arrays, exactly.

One text in JSON holds all but the elements of the arrays, which lie behind each other in one block of bytes. Reading
makes such data and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import h5py

    from polykeras.saving.gate import CheckedGroup

TEXT, BLOCK = "data", "arrays"
# What JSON does not know is an object with one of these keys; a dict with other keys than texts, or with these, is too.
ARRAY, SCALAR, TUPLE, DICT = "$array", "$scalar", "$tuple", "$dict"
TAGS = frozenset((ARRAY, SCALAR, TUPLE, DICT))
KINDS = "biufc"  # of the arrays: booleans, integers, floating-point and complex numbers
ALIGNMENT = 16  # bytes, of an array's place in the block


def write(group: h5py.Group, data: Any) -> None:
    """Write `data` into an empty group.   Raises TypeError, with the place, for what is no plain data."""
    packer = _Packer()
    text = json.dumps(packer.pack(data, "data"))
    group.create_dataset(TEXT, data=np.frombuffer(text.encode("ascii"), "uint8"))
    block = group.create_dataset(BLOCK, (packer.size,), "uint8")
    for start, array in packer.arrays:
        if array.size:
            block[start : start + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view("uint8")


def read(group: CheckedGroup) -> Any:
    """What `write` wrote.   Raises ValueError for a group that holds something else."""
    text, block = group.array(TEXT), group.array(BLOCK)
    try:
        return _unpacked(json.loads(text.astype("uint8").tobytes()), block.astype("uint8", copy=False))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{group.source} holds no plain data that polykeras wrote: {error}") from error


class _Packer:
    """Turns data into what JSON has.

    arrays: those that were met, with their places in the block.
    size: of the block, in bytes.
    """

    def __init__(self) -> None:
        self.arrays: list[tuple[int, np.ndarray]] = []
        self.size = 0

    def pack(self, value: Any, place: str) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            return self._array(value, place)
        if isinstance(value, Mapping):
            pairs = [(key, self.pack(item, f"{place}[{key!r}]")) for key, item in value.items()]
            if all(type(key) is str and key not in TAGS for key in value):
                return dict(pairs)
            return {DICT: [[self.pack(key, f"a key of {place}"), item] for key, item in pairs]}
        if isinstance(value, (list, tuple)):
            items = [self.pack(item, f"{place}[{number}]") for number, item in enumerate(value)]
            return {TUPLE: items} if isinstance(value, tuple) else items
        raise TypeError(
            f"{place} is {value!r:.80} ({type(value).__name__}), which cannot be kept: numbers, texts, None, arrays, "
            "and lists, tuples and dicts of them can."
        )

    def _array(self, value: Any, place: str) -> dict[str, Any]:
        if value.dtype.kind not in KINDS:
            raise TypeError(f"{place} is an array of {value.dtype}; only arrays of numbers can be kept.")
        start = self.size
        self.arrays.append((start, np.asarray(value)))
        self.size += -(-value.nbytes // ALIGNMENT) * ALIGNMENT
        return {ARRAY if isinstance(value, np.ndarray) else SCALAR: [start, list(value.shape), value.dtype.str]}


def _unpacked(value: Any, block: np.ndarray) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, block) for item in value]
    if not isinstance(value, dict):
        return value
    if not TAGS.intersection(value):
        return {key: _unpacked(item, block) for key, item in value.items()}
    ((tag, content),) = value.items()
    if tag == TUPLE:
        return tuple([_unpacked(item, block) for item in content])
    if tag == DICT:
        return {_unpacked(key, block): _unpacked(item, block) for key, item in content}
    array = _array(block, *content)
    return array[()] if tag == SCALAR else array


def _array(block: np.ndarray, start: int, shape: list[int], name: str) -> np.ndarray:
    dtype = np.dtype(name)
    if dtype.kind not in KINDS or start < 0 or any(n < 0 for n in shape):
        raise ValueError(f"an array of {dtype} and shape {shape} at {start}")
    return block[start : start + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
