"""Calls of compiled kernels from Python, and the addresses of arrays that their tables hold."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

_Kernel = ctypes.CFUNCTYPE(None, ctypes.c_int64)


def address(array: Any) -> int:
    """Where an array's first element lies."""
    place: int = array.__array_interface__["data"][0]
    return place


def call(kernel: int, words: Any, arrays: dict[int, int]) -> None:
    """Run the kernel at an address on a table of words, with these addresses at these words."""
    table = np.array(words, "int64")
    for word, place in arrays.items():
        table[word] = place
    _Kernel(kernel)(address(table))
