"""Products of a few rows with one matrix, many times over: the matrix is packed once, a tile is summed in registers.

    out[m, n] = sum over k of x[m, k] u[k, n], or that added to out

The matrix lies in panels of as many columns as a tile has, row after row, then the next panel; what is beyond its
columns is 0. BLAS packs it in every call, which for few rows is a third of the work.
"""

from __future__ import annotations

from typing import Any

from polykeras_numba.code import Code, Word, lane_mask, masked_load, masked_store
from polykeras_numba.lanes import F32, F64, native_width

# Rows of a tile, which has two vectors of columns, by the number of float32 in a vector.
_ROWS = {16: 8, 8: 6, 4: 6}
VECTORS = 2


def panel_columns(itemsize: int) -> int:
    """How many columns a panel has."""
    return VECTORS * native_width() * 4 // itemsize


class Products:
    """Writes the packing of matrices, and calls of one function that multiplies."""

    def __init__(self, code: Code, itemsize: int):
        self.itemsize = itemsize
        self.dtype, self.element = ("float32", F32) if itemsize == 4 else ("float64", F64)
        self.width = panel_columns(itemsize)
        self.rows = _ROWS[native_width()]
        self.call = code.function("product", 9, self._multiply)

    def nbytes(self, inner: Word, columns: Word) -> Word:
        """Bytes of a packed matrix."""
        return (columns + self.width - 1) // self.width * inner * (self.width * self.itemsize)

    def pack(
        self,
        code: Code,
        source: Word,
        inner: Word,
        columns: Word,
        inner_step: Word | int,
        step: Word | int,
        target: Word,
    ) -> None:
        """Pack a matrix of `inner` rows, whose elements lie by two strides in bytes."""
        one = code.lanes(self.itemsize, 1)
        zero = one.constant(self.element, 0.0)
        with code.loop((columns + self.width - 1) // self.width) as panel:
            first = panel * self.width
            count = (columns - first).smaller(self.width)
            with code.loop(inner) as k:
                here = source + k * inner_step + first * step
                there = target + (panel * inner + k) * (self.width * self.itemsize)
                with code.loop(count) as column:
                    x = one.load((here + column * step).ir, self.dtype)
                    one.store(x, (there + column * self.itemsize).ir, self.dtype)
                with code.loop(code.word(self.width) - count) as rest:
                    one.store(zero, (there + (count + rest) * self.itemsize).ir, self.dtype)

    def _multiply(
        self, code: Code, x: Word, x_row: Word, panels: Word, inner: Word, columns: Word, out: Word, out_row: Word,
        rows: Word, adding: Word,
    ) -> None:  # fmt: skip
        """x_row and out_row: from one row to the next, in bytes."""
        adds = adding.compared("!=", 0)
        with code.loop((columns + self.width - 1) // self.width) as panel:
            u = panels + panel * inner * (self.width * self.itemsize)
            target, left = out + panel * (self.width * self.itemsize), columns - panel * self.width
            with code.loop((rows + self.rows - 1) // self.rows) as block:
                first = block * self.rows
                # the last tile may reach beyond the rows: it sums the last row several times and stores it once
                places = [(first + i).smaller(rows - 1) for i in range(self.rows)]
                sums = self._sums(code, [x + place * x_row for place in places], u, inner)
                for i, place in enumerate(places):
                    with code.when((first + i).compared("<", rows)):
                        self._store(code, sums[i], target + place * out_row, left, adds)

    def _sums(self, code: Code, rows: list[Word], u: Word, inner: Word) -> list[list[Any]]:
        k, one = code.lanes(self.itemsize), code.lanes(self.itemsize, 1)
        zero = k.constant(self.element, 0.0)
        sums = [[code.variable(zero) for _ in range(VECTORS)] for _ in rows]
        with code.tight_loop(inner) as index:
            here = u + index * (self.width * self.itemsize)
            factors = [k.load((here + v * k.width * self.itemsize).ir, self.dtype) for v in range(VECTORS)]
            for row, totals in zip(rows, sums, strict=True):
                x = k.spread(one.load((row + index * self.itemsize).ir, self.dtype))
                for factor, total in zip(factors, totals, strict=True):
                    total.set(k.multiply_add(x, factor, total.get()))
        return [[total.get() for total in totals] for totals in sums]

    def _store(self, code: Code, sums: list[Any], address: Word, left: Word, adds: Any) -> None:
        """One row of a tile; `left`: columns from its first one to the end of the row."""
        k = code.lanes(self.itemsize)
        b = code.builder
        for v, total in enumerate(sums):
            place = address + v * k.width * self.itemsize
            with code.either(left.compared(">=", (v + 1) * k.width)) as (whole, part):
                with whole, code.either(adds) as (more, new):
                    with more:
                        k.store(b.fadd(k.load(place.ir, self.dtype), total), place.ir, self.dtype)
                    with new:
                        k.store(total, place.ir, self.dtype)
                with part:
                    mask = lane_mask(k, left - v * k.width)
                    with code.either(adds) as (more, new):
                        with more:
                            before = masked_load(k, self.element, place, mask)
                            masked_store(k, b.fadd(before, total), place, mask)
                        with new:
                            masked_store(k, total, place, mask)
