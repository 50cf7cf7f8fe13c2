"""A matrix copied into the panels that products read: `width` columns side by side, row after row, then the next panel.

The matrix's rows have an outer and an inner part. What is beyond its columns is filled with zeros.
Table: the matrix; the panels; outer and inner rows, columns; the strides of all three, in bytes.
"""

from __future__ import annotations

from typing import Any

from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.lanes import F32, F64

SOURCE, TARGET, OUTER, INNER, COLUMNS, OUTER_STEP, INNER_STEP, COLUMN_STEP = range(8)
WORDS = 8


def kernel(width: int, itemsize: int) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""

    def write(code: Code, table: Table) -> None:
        write_packing(code, table, table[SOURCE], table[TARGET], width, itemsize)

    return kernel_of(write)


def write_packing(code: Code, words: Table, source: Word, target: Word, width: int, itemsize: int) -> None:
    """The code that packs a matrix; `words`: its sizes and strides, from the word OUTER on."""
    one = code.lanes(itemsize, 1)
    dtype, element = ("float32", F32) if itemsize == 4 else ("float64", F64)
    outer, inner, columns = words[OUTER], words[INNER], words[COLUMNS]
    outer_step, inner_step, step = words[OUTER_STEP], words[INNER_STEP], words[COLUMN_STEP]
    zero = one.constant(element, 0.0)
    row_bytes = width * itemsize
    with code.loop((columns + width - 1) // width) as panel:
        first = panel * width
        count = (columns - first).smaller(width)
        start, goal = source + first * step, target + panel * outer * inner * row_bytes
        with code.loop(outer) as o, code.loop(inner) as i:
            here, there = start + o * outer_step + i * inner_step, goal + (o * inner + i) * row_bytes
            with code.either(step.compared("==", itemsize)) as (adjacent, apart):
                with adjacent:
                    code.move(there, here, count * itemsize)
                with apart, code.loop(count) as column:
                    one.store(one.load((here + column * step).ir, dtype), (there + column * itemsize).ir, dtype)
            with code.loop(code.word(width) - count) as rest:
                one.store(zero, (there + (count + rest) * itemsize).ir, dtype)
