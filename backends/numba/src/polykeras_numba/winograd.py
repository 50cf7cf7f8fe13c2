"""Convolution with 3 x 3 windows by Winograd's minimal filtering (Lavin and Gray, Fast algorithms for convolutional
neural networks, 2015): m x m outputs by (m + 2)^2 products instead of 9 m^2.

    y = A' ((G k G') * (B' d B)) A            d: a tile of the image, k: one channel's window, *: element by element
    dk = G' ((A g A') * (B' d B)) G           the same map's adjoint in k

Summed over channels (or, in dk, over tiles) each of the (m + 2)^2 elements is a matrix product, which `product`
computes while a block of tiles is in the cache.

The table starts as that of `sums` does, up to its packing; then

    TILES        how many; TILE: where in the item they are: of each the offset in a and in the result (or g), and how
                 many rows and columns of the result are inside
    BLOCK        tiles of a block
    INPUTS, RESULTS, TOTALS   addresses: the transformed tiles of a, those of the result (or g), the sums of dk
    SPARE        address of a line: zeros that are read, or a place for what is not wanted
    A_ROW, A_COLUMN, C_ROW, C_COLUMN   steps from row to row and from column to column in a, and in the result (or g)
    CHANNELS, FILTERS
    WHOLE, LAST  where in the item the products of a whole block and of the last one are described
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras_numba import product, sums
from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.lanes import F32, F64, Lanes, Number

(
    TILES, TILE, BLOCK, INPUTS, RESULTS, TOTALS, SPARE, A_ROW, A_COLUMN, C_ROW, C_COLUMN, CHANNELS, FILTERS, WHOLE,
    LAST,
) = range(sums.PACKING, sums.PACKING + 15)  # fmt: skip
WORDS = LAST + 1
# The table of the kernel's transform: addresses; sizes; the strides of taps along both axes, of rows, of columns.
SOURCE, TARGET, ROWS, COLUMNS, TAP_ROW, TAP_COLUMN, ROW_STEP, COLUMN_STEP = range(8)

Matrix = Sequence[Sequence[float]]

# B', G and A' of F(m x m, 3 x 3), by m: the points 0, 1, -1 and infinity; for m = 4 also 2 and -2.
B: dict[int, Matrix] = {
    2: ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
    4: (
        (4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0),
        (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1),
    ),
}  # fmt: skip
G: dict[int, Matrix] = {
    2: ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
    4: (
        (1 / 4, 0, 0), (-1 / 6, -1 / 6, -1 / 6), (-1 / 6, 1 / 6, -1 / 6),
        (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1),
    ),
}  # fmt: skip
A: dict[int, Matrix] = {
    2: ((1, 1, 1, 0), (0, 1, -1, -1)),
    4: ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)),
}  # fmt: skip


def kernel(kind: str, m: int, rows: int, vectors: int, itemsize: int) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address.

    kind: "images" (y from x and the transformed kernel), "kernel" (its transform; its columns are adjacent in memory),
          "turned_kernel" (the same, whose columns lie anyhow), "kernel_grad" (dk from x and g).
    """
    tile = product.Tile(rows, vectors)

    def write(code: Code, table: Table) -> None:
        if kind in ("kernel", "turned_kernel"):
            _transform_kernel(code, table, m, tile, itemsize, adjacent=kind == "kernel")
        else:
            _Tiles(code, table, kind, m, tile, itemsize).write()

    return kernel_of(write)


def _transposed(matrix: Matrix) -> Matrix:
    return list(zip(*matrix, strict=True))


def _both_sides(k: Lanes, matrix: Matrix, grid: list[list[Number]]) -> list[list[Number]]:
    """matrix grid matrix'"""
    half = [[_combined(k, row, column) for column in zip(*grid, strict=True)] for row in matrix]
    return [[_combined(k, row, line) for row in matrix] for line in half]


def _combined(k: Lanes, factors: Sequence[float], xs: Sequence[Number]) -> Number:
    """The sum of factors times xs."""
    b, total = k.builder, None
    for factor, x in sorted(zip(factors, xs, strict=True), key=_sign, reverse=True):
        if not factor:
            continue
        if total is None:
            total = x if factor == 1 else b.fmul(k.like(x, factor), x)
        elif abs(factor) == 1:
            total = b.fadd(total, x) if factor > 0 else b.fsub(total, x)
        else:
            total = k.multiply_add(k.like(x, factor), x, total)
    return total


def _sign(pair: tuple[float, Number]) -> float:
    return (pair[0] > 0) - (pair[0] < 0)


class _Numbers:
    """Vectors of a kernel's dtype, and what is left of a line at its end one by one."""

    def __init__(self, code: Code, itemsize: int):
        self.code = code
        self.itemsize = itemsize
        self.dtype, self.element = ("float32", F32) if itemsize == 4 else ("float64", F64)
        self.vector, self.single = code.lanes(itemsize), code.lanes(itemsize, 1)

    def along(self, count: Word, write: Any) -> None:
        """`write(lanes, index)` for all elements of a line."""
        width = self.vector.width
        blocks = count // width
        with self.code.loop(blocks) as block:
            write(self.vector, block * width)
        with self.code.loop(count - blocks * width) as rest:
            write(self.single, blocks * width + rest)


def _transform_kernel(code: Code, table: Table, m: int, tile: product.Tile, itemsize: int, adjacent: bool) -> None:
    """G k G' of each channel and filter, as panels."""
    numbers = _Numbers(code, itemsize)
    width = product.panel_columns(tile, itemsize)
    rows, columns, step = table[ROWS], table[COLUMNS], table[COLUMN_STEP]
    panel = rows * (width * itemsize)
    plane = (columns + width - 1) // width * panel
    source, target, row_step = table[SOURCE], table[TARGET], table[ROW_STEP]
    taps = [[table[TAP_ROW] * i + table[TAP_COLUMN] * j for j in range(3)] for i in range(3)]

    def transform(k: Lanes, here: Word, there: Word) -> None:
        places = [[(here + tap).ir for tap in line] for line in taps]
        if adjacent:
            grid = [[k.load(place, numbers.dtype) for place in line] for line in places]
        else:
            grid = [[k.gather(place, step.ir, numbers.dtype) for place in line] for line in places]
        results = [x for line in _both_sides(k, G[m], grid) for x in line]
        for i, x in enumerate(results):
            k.store(x, (there + plane * i).ir, numbers.dtype)

    with code.loop((columns + width - 1) // width) as index, code.loop(rows) as row:
        first = index * width
        here = source + row * row_step
        there = target + index * panel + row * (width * itemsize)

        def of_panel(k: Lanes, column: Word) -> None:
            transform(k, here + (first + column) * step, there + column * itemsize)

        numbers.along((columns - first).smaller(width), of_panel)


class _Tiles:
    def __init__(self, code: Code, table: Table, kind: str, m: int, tile: product.Tile, itemsize: int):
        self.code = code
        self.table = table
        self.kind = kind
        self.m = m
        self.size = m + 2
        self.tile = tile
        self.itemsize = itemsize
        self.numbers = _Numbers(code, itemsize)
        width = product.panel_columns(tile, itemsize)
        self.channels, self.filters = table[CHANNELS], table[FILTERS]
        self.pitch = (self.filters + width - 1) // width * (width * itemsize)
        self.block = table[BLOCK]
        self.inputs, self.results, self.spare = table[INPUTS], table[RESULTS], table[SPARE]
        self.a_plane = self.block * self.channels * itemsize
        self.c_plane = self.block * self.pitch
        self.item = table.address()

    def write(self) -> None:
        code, table = self.code, self.table
        call = code.function("product", 6, self._multiply)
        words = [table[i] for i in range(sums.PACKING)]
        padded = words[sums.LINES].compared(">", 0)
        with code.when(padded):
            code.clear(words[sums.BUFFER], words[sums.BUFFER_BYTES])
        code.clear(self.spare, self.pitch)
        places = [Table(code, self.item + words[w]) for w in (sums.A_IMAGES, sums.B_IMAGES, sums.C_IMAGES)]
        tiles, count = Table(code, self.item + table[TILE]), table[TILES]
        gradient = self.kind == "kernel_grad"
        result, other = (sums.B, sums.C) if gradient else (sums.C, sums.B)
        with code.loop(words[sums.IMAGES]) as image:
            a = words[sums.A] + places[0][image]
            out = words[result] + places[1 if gradient else 2][image]
            with code.when(padded):
                sums.copy_lines(code, self.item, words, a, self.itemsize)
            a = code.chosen(padded, words[sums.BUFFER], a)
            with code.loop((count + self.block - 1) // self.block) as block:
                first = block * self.block
                here = (count - first).smaller(self.block)
                described = code.chosen(here.compared("==", self.block), table[WHOLE], table[LAST])
                with code.loop(here) as index:
                    tile = tiles.part((first + index) * 4)
                    self._take(tile, a + tile[0], self.inputs + index * self.channels * self.itemsize)
                    if gradient:
                        self._take_gradient(tile, out + tile[1], self.results + index * self.pitch)
                self._products(call, described, words[other], (image + block).smaller(1))
                if not gradient:
                    with code.loop(here) as index:
                        tile = tiles.part((first + index) * 4)
                        self._give(tile, self.results + index * self.pitch, out + tile[1])
        if gradient:
            self._finish(words[sums.C])

    def _multiply(self, code: Code, item: Word, words: Word, a: Word, b: Word, c: Word, adding: Word) -> None:
        product.Product(code, self.tile, self.itemsize, item, words, adding).write(a, b, c)

    def _products(self, call: Any, described: Word, other: Word, more: Word) -> None:
        code = self.code
        with code.loop(self.size**2) as plane:
            a, c = self.inputs + plane * self.a_plane, self.results + plane * self.c_plane
            if self.kind == "images":
                kernel = other + plane * self.channels * self.pitch
                call(code, self.item, described, a, kernel, c, 0)
            else:
                total = self.table[TOTALS] + plane * self.channels * self.pitch
                call(code, self.item, described, a, c, total, more)

    def _take(self, tile: Table, a: Word, target: Word) -> None:
        """B' d B of all channels of one tile."""
        n, table, numbers = self.size, self.table, self.numbers
        places = [[a + table[A_ROW] * i + table[A_COLUMN] * j for j in range(n)] for i in range(n)]

        def take(k: Lanes, channel: Word) -> None:
            at = channel * self.itemsize
            grid = [[k.load((place + at).ir, numbers.dtype) for place in line] for line in places]
            self._spread(k, _both_sides(k, B[self.m], grid), target + at, self.a_plane)

        numbers.along(self.channels, take)

    def _take_gradient(self, tile: Table, g: Word, target: Word) -> None:
        """A g A' of all filters of one tile; what lies outside counts as 0."""
        places, numbers = self._outputs(tile, g), self.numbers

        def take(k: Lanes, channel: Word) -> None:
            at = channel * self.itemsize
            grid = [[k.load((place + at).ir, numbers.dtype) for place in line] for line in places]
            self._spread(k, _both_sides(k, _transposed(A[self.m]), grid), target + at, self.c_plane)

        numbers.along(self.filters, take)

    def _give(self, tile: Table, source: Word, out: Word) -> None:
        """A' t A of all filters of one tile: the outputs."""
        places, numbers = self._outputs(tile, out), self.numbers

        def give(k: Lanes, channel: Word) -> None:
            at = channel * self.itemsize
            results = _both_sides(k, A[self.m], self._gathered(k, source + at, self.c_plane))
            for line, row in zip(results, places, strict=True):
                for x, place in zip(line, row, strict=True):
                    k.store(x, (place + at).ir, numbers.dtype)

        numbers.along(self.filters, give)

    def _finish(self, out: Word) -> None:
        """G' t G of the sums of all tiles: the kernel's gradient."""
        code, numbers = self.code, self.numbers
        plane, line = self.channels * self.pitch, self.filters * self.itemsize
        with code.loop(self.channels) as channel:
            source, target = self.table[TOTALS] + channel * self.pitch, out + channel * line

            def finish(k: Lanes, filter: Word) -> None:
                at = filter * self.itemsize
                results = _both_sides(k, _transposed(G[self.m]), self._gathered(k, source + at, plane))
                self._spread(k, results, target + at, self.channels * line)

            numbers.along(self.filters, finish)

    def _outputs(self, tile: Table, first: Word) -> list[list[Word]]:
        """The places of a tile's results; the spare line for those outside."""
        code, table = self.code, self.table
        inside = [[tile[2 + axis].compared(">", i) for i in range(self.m)] for axis in range(2)]
        return [
            [
                code.chosen(
                    code.builder.and_(inside[0][i], inside[1][j]),
                    first + table[C_ROW] * i + table[C_COLUMN] * j,
                    self.spare,
                )
                for j in range(self.m)
            ]
            for i in range(self.m)
        ]

    def _gathered(self, k: Lanes, start: Word, plane: Word) -> list[list[Number]]:
        """An element of each plane."""
        n = self.size
        return [[k.load((start + plane * (i * n + j)).ir, self.numbers.dtype) for j in range(n)] for i in range(n)]

    def _spread(self, k: Lanes, grid: list[list[Number]], start: Word, plane: Word) -> None:
        """Store an element in each plane."""
        for i, x in enumerate([x for line in grid for x in line]):
            k.store(x, (start + plane * i).ir, self.numbers.dtype)
