"""Sums of products of pairs of lines, channel by channel: depthwise convolution and its gradients.

    c[r, i] = sum over the pairs of row r of  a[p, i] b[q, i]

    0 images;  1, 2, 3 addresses of a, b, c;  4, 5, 6 their bytes for an image (0: the same for all)
    7 bytes of a line: channels times element;  8 rows;  9 words of each row;  10 where in the item the rows are
    11 shall the images be added up in c?

A row: how many pairs, the offset of its line in c, whether it is added to what an earlier row left there; then the
offsets of each pair's lines in a and b.
"""

from __future__ import annotations

from typing import Any

from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.lanes import F32, F64, Lanes

IMAGES, A, B, C, A_STEP, B_STEP, C_STEP, LINE, ROWS, ROW, FIRST, ADDING = range(12)
WORDS = 12
PAIRS = 3  # the word of a row at which its pairs begin


def kernel(dtype: str) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""
    element, itemsize = (F32, 4) if dtype == "float32" else (F64, 8)

    def write(code: Code, table: Table) -> None:
        rows = Table(code, table.address() + table[FIRST])
        row_words, line, adding = table[ROW], table[LINE], table[ADDING]
        starts, steps = [table[w] for w in (A, B, C)], [table[w] for w in (A_STEP, B_STEP, C_STEP)]
        vector, single = code.lanes(itemsize), code.lanes(itemsize, 1)
        width = vector.width * itemsize
        with code.loop(table[IMAGES]) as image, code.loop(table[ROWS]) as index:
            a, b, c = (start + image * step for start, step in zip(starts, steps, strict=True))
            row = rows.part(index * row_words)
            c = c + row[1]
            more = (image.smaller(1) * adding | row[2]).compared("!=", 0)

            def add_up(k: Lanes, at: Word, row: Table = row, a: Word = a, b: Word = b, c: Word = c) -> None:
                total = code.variable(k.constant(element, 0.0))
                with code.loop(row[0]) as pair:
                    x, y = (
                        k.load((start + row[pair * 2 + (PAIRS + i)] + at).ir, dtype) for i, start in enumerate((a, b))
                    )
                    total.set(k.multiply_add(x, y, total.get()))
                with code.when(more):
                    total.set(k.builder.fadd(k.load((c + at).ir, dtype), total.get()))
                k.store(total.get(), (c + at).ir, dtype)

            blocks = line // width
            with code.loop(blocks) as block:
                add_up(vector, block * width)
            with code.loop((line - blocks * width) // itemsize) as rest:
                add_up(single, blocks * width + rest * itemsize)

    return kernel_of(write)
