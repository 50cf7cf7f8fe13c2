"""Sums of products, a tile of the result at a time in registers: one kernel for matrix products and convolutions.

    c[m, n] = sum over k of a[m, k] b[k, n]

A convolution is such a product, where a row is a place of the output and k an element of its window. So the rows of a
and c, and the outer part of k, are found through tables of offsets; only the inner part of k and n go by strides. Any
window, step or dilation of any rank is thus a matter of the tables (see `windows`).

A product is described by words:

    0 rows m;  1 columns n;  2 outer k;  3 inner k
    4 a's inner stride;  5 b's inner stride;  6 from one panel of b to the next
    7, 8 offsets of the rows in a and in c;  9, 10 offsets of outer k in a and in b: where in the item those tables are

All strides and offsets are in bytes. b lies in panels of as many columns as a tile has, row after row
(or, where n is a multiple of that, as a plain matrix: a panel is then `tile` columns further).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from polykeras_numba.code import Code, Table, Word, lane_mask, masked_load, masked_store
from polykeras_numba.lanes import F32, F64, Lanes, native_width

WORDS = 11
ROWS, COLUMNS, OUTER, INNER, A_STEP, B_STEP, PANEL, A_ROWS, C_ROWS, A_OUTER, B_OUTER = range(WORDS)


class Tile(NamedTuple):
    """The part of a result that is summed in registers: rows, and vectors of columns."""

    rows: int
    vectors: int


# By the number of float32 in a vector: wide tiles first. Registers: rows x vectors sums, `vectors` of b, one of a.
_TILES = {
    16: (Tile(12, 2), Tile(12, 1)),
    8: (Tile(6, 2), Tile(10, 1)),
    4: (Tile(6, 2), Tile(8, 1)),
}


def tile(columns: int, itemsize: int) -> Tile:
    """The tile for a result of so many columns."""
    wide, narrow = _TILES[native_width()]
    return narrow if columns * itemsize <= native_width() * 4 else wide


def panel_columns(shape: Tile, itemsize: int) -> int:
    """How many columns a tile has."""
    return shape.vectors * native_width() * 4 // itemsize


class Product:
    """Writes the code of a product.

    item: where the item's table starts, words: where in it the product is described;  adding: shall the sums be added
    to c (not 0), or replace it?
    """

    def __init__(self, code: Code, shape: Tile, itemsize: int, item: Word, words: Word, adding: Word):
        self.code = code
        self.item = item
        self.tile = shape
        self.itemsize = itemsize
        self.element = F32 if itemsize == 4 else F64
        self.lanes: Lanes = code.lanes(itemsize)
        self.width = panel_columns(shape, itemsize)
        self.words = Table(code, item + words)
        self.adding = adding.compared("!=", 0)

    def _table(self, word: int) -> Table:
        return Table(self.code, self.item + self.words[word])

    def write(self, a: Word, b: Word, c: Word) -> None:
        code, words, count = self.code, self.words, self.tile.rows
        rows, columns = words[ROWS], words[COLUMNS]
        a_rows, c_rows = self._table(A_ROWS), self._table(C_ROWS)
        with code.loop((columns + self.width - 1) // self.width) as panel:
            start = b + panel * words[PANEL]
            left = columns - panel * self.width
            target = c + panel * (self.width * self.itemsize)
            with code.loop((rows + count - 1) // count) as block:
                first = block * count
                # the last tile may reach beyond the rows: it sums the last row several times and stores it once
                places = [(first + i).smaller(rows - 1) for i in range(count)]
                sums = self._sums([a + a_rows[place] for place in places], start)
                for i, place in enumerate(places):
                    with code.when((first + i).compared("<", rows)):
                        self._store(sums[i], target + c_rows[place], left)

    def _sums(self, rows: list[Word], b: Word) -> list[list[Any]]:
        """The sums of one tile, as vectors; `rows`: the addresses of a's rows."""
        code, k, builder = self.code, self.lanes, self.code.builder
        zero = k.constant(self.element, 0.0)
        sums = [[code.variable(zero) for _ in range(self.tile.vectors)] for _ in rows]
        a_outer, b_outer = self._table(A_OUTER), self._table(B_OUTER)
        a_step, b_step, inner = self.words[A_STEP], self.words[B_STEP], self.words[INNER]
        dtype = "float32" if self.itemsize == 4 else "float64"
        one = code.lanes(self.itemsize, 1)
        with code.loop(self.words[OUTER]) as outer:
            starts = [row + a_outer[outer] for row in rows]
            place = b + b_outer[outer]
            with code.tight_loop(inner) as index:
                here = place + index * b_step
                along = index * a_step
                factors = [k.load((here + v * k.width * self.itemsize).ir, dtype) for v in range(self.tile.vectors)]
                for start, row_sums in zip(starts, sums, strict=True):
                    x = k.spread(one.load((start + along).ir, dtype))
                    for factor, total in zip(factors, row_sums, strict=True):
                        total.set(k.multiply_add(x, factor, total.get()))
        return [[builder.load(total.slot) for total in row_sums] for row_sums in sums]

    def _store(self, sums: list[Any], address: Word, left: Word) -> None:
        """One row of a tile; `left`: columns from its first one to the end of the row."""
        code, k = self.code, self.lanes
        dtype = "float32" if self.itemsize == 4 else "float64"
        with code.either(left.compared(">=", self.width)) as (whole, part):
            with whole:
                for v, total in enumerate(sums):
                    place = address + v * k.width * self.itemsize
                    with code.either(self.adding) as (more, first):
                        with more:
                            k.store(code.builder.fadd(k.load(place.ir, dtype), total), place.ir, dtype)
                        with first:
                            k.store(total, place.ir, dtype)
            with part:
                for v, total in enumerate(sums):
                    place = address + v * k.width * self.itemsize
                    mask = lane_mask(k, left - v * k.width)
                    with code.when(self.adding):
                        total = code.builder.fadd(masked_load(k, self.element, place, mask), total)
                        masked_store(k, total, place, mask)
                    with code.when(code.builder.not_(self.adding)):
                        masked_store(k, sums[v], place, mask)
