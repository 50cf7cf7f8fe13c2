"""Rows added up at repeated indices: the gradient of an embedding.

    out[j] = sum of g[i] over the i with indices[i] = j

Table: addresses of g, of the indices and of the result; how many rows g has; bytes of a row, and of the result.
The rows of one index are added in their order. Indices are checked before, in Python: a kernel cannot raise.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Step
from polykeras.symbolic import dtypes
from polykeras_numba.cache import KERNELS
from polykeras_numba.calling import address, call
from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.lanes import I32, I64
from polykeras_numba.parts import FLOATS

G, INDICES, OUT, ROWS, ROW_BYTES, OUT_BYTES = range(6)


def kernel(dtype: str, index: str) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""
    itemsize = 4 if dtype == "float32" else 8

    def write(code: Code, table: Table) -> None:
        b = code.builder
        vector, single = code.lanes(itemsize), code.lanes(itemsize, 1)
        source, out, row_bytes = table[G], table[OUT], table[ROW_BYTES]
        code.clear(out, table[OUT_BYTES])

        def add(k: Any, here: Word, there: Word) -> None:
            k.store(b.fadd(k.load(there.ir, dtype), k.load(here.ir, dtype)), there.ir, dtype)

        with code.loop(table[ROWS]) as row:
            here = source + row * row_bytes
            there = out + _index(code, table[INDICES], row, index) * row_bytes
            step = vector.width * itemsize
            blocks = row_bytes // step
            with code.loop(blocks) as block:
                add(vector, here + block * step, there + block * step)
            done = blocks * step
            with code.loop((row_bytes - done) // itemsize) as rest:
                add(single, here + done + rest * itemsize, there + done + rest * itemsize)

    return kernel_of(write)


def _index(code: Code, indices: Word, row: Word, index: str) -> Word:
    b = code.builder
    kind, nbytes = (I32, 4) if index == "int32" else (I64, 8)
    found = b.load(b.inttoptr((indices + row * nbytes).ir, kind.as_pointer()))
    return code.word(b.sext(found, I64) if index == "int32" else found)


def bound(step: Step) -> Kernel | None:
    """What runs the op `scatter_add` from Python; None for what the kernel is not written for."""
    if step.op.name != "scatter_add" or step.dynamic or len(step.arrays) != 2:
        return None
    g, indices, out = step.arrays[0].spec, step.arrays[1].spec, step.outs[0].spec
    rows = step.attrs["axis"] % max(out.ndim, 1) == 0 and out.dtype in FLOATS and indices.dtype in ("int32", "int64")
    if not rows or not g.size or g.dtype != out.dtype:
        return None
    count, itemsize = indices.size, dtypes.itemsize(g.dtype)
    words = [0, 0, 0, count, g.size // count * itemsize, out.size * itemsize]
    function = KERNELS.address("scatter", repr((g.dtype, indices.dtype))[1:-1], f"rows of {g.dtype} added up")
    return Kernel(functools.partial(_scatter_add, function, words, out.sizes[0]), into=True)


def _scatter_add(function: int, words: list[int], size: int, g: Any, indices: Any, out: Any) -> None:
    low, high = np.minimum.reduce(indices, None), np.maximum.reduce(indices, None)
    if low < 0 or high >= size:
        raise IndexError(f"index {high if high >= size else low} is out of range for axis 0 of size {size}")
    g, indices = np.ascontiguousarray(g), np.ascontiguousarray(indices)
    call(function, words, {G: address(g), INDICES: address(indices), OUT: address(out)})
