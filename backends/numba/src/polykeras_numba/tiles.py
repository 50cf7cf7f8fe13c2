"""Convolutions with 3 x 3 windows and steps of 1 by Winograd's products: which images, and which tiles of them.

F(2 x 2, 3 x 3) needs 2.25 times fewer products than the sums written out, with the accuracy of those. F(4 x 4, 3 x 3)
needs 4 times fewer, and loses a decimal digit: only where `polykeras.config.fast_convolution` allows it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from polykeras_numba import product, sums, winograd
from polykeras_numba.item import PARTS
from polykeras_numba.windows import Axis, Geometry, Images, Words, aligned, group_of

Sizes = Sequence[int]

# Transformed tiles that are in the second cache at a time, in bytes; and tiles that make a product worth its call.
BLOCK_BYTES = 2**18
FEWEST_TILES, MOST_TILES = 24, 96
# Below these the transforms cost more than the products save.
CHANNELS, FILTERS = 16, 16
OUTPUTS = {2: 128, 4: 2048}
# The sums of a kernel's gradient, in bytes, up to which it pays to keep them.
TOTAL_BYTES = 2**24


class Tiled(NamedTuple):
    """An item of `winograd`.

    kind, m, tile, itemsize: which kernel.
    words:   its table.
    kernel:  the table that transforms the kernel before, and where the first tap is in bytes; None in its gradient.
    places:  offsets in the scratch memory by the word that they belong to.
    scratch: bytes of scratch memory;  own: of it, what each part of the images needs for itself;  work: each part of
             the tiles of one image.
    operations: of its products.
    kernel_bytes: of the transformed kernel, or of the sums of its gradient.
    """

    kind: str
    m: int
    tile: product.Tile
    itemsize: int
    words: Any
    kernel: tuple[list[int], int] | None
    places: dict[int, int]
    scratch: int
    own: int
    work: int
    operations: int
    kernel_bytes: int


def suits(g: Geometry, m: int) -> bool:
    """Is this a convolution that tiles of m x m outputs are meant for?"""
    ones = all(n == 1 for n in (*g.strides, *g.dilation))
    enough = g.channels >= CHANNELS and g.filters >= FILTERS and g.batch * math.prod(g.outputs) >= OUTPUTS[m]
    return ones and list(g.window) == [3, 3] and enough


def size(g: Geometry, fast: bool) -> int:
    """Outputs of a tile along an axis: more where the user allows the loss, and where there are enough of them."""
    return 4 if fast and g.itemsize == 4 and suits(g, 4) else 2


def forward(g: Geometry, m: int, strides: Sizes | None = None) -> Tiled | None:
    """y = conv(x, kernel). None where it would not be faster."""
    if not suits(g, m):
        return None
    first = [-before for before, _ in g.pads]
    row = g.channels * g.filters * g.itemsize
    taps = [3 * row, row, g.filters * g.itemsize, g.itemsize]
    return _images(g, m, g.spatial, g.outputs, first, (g.channels, g.filters), strides, taps, 0)


def input_grad(g: Geometry, m: int, strides: Sizes | None = None) -> Tiled | None:
    """dx = conv_input_grad(g, kernel): a convolution of g with the kernel turned round."""
    if not suits(g, m):
        return None
    first = [before - 2 for before, _ in g.pads]
    row = g.channels * g.filters * g.itemsize
    taps = [-3 * row, -row, g.itemsize, g.filters * g.itemsize]
    return _images(g, m, g.outputs, g.spatial, first, (g.filters, g.channels), strides, taps, 8 * row)


def kernel_grad(g: Geometry, m: int, x_strides: Sizes | None = None) -> Tiled | None:
    """dkernel = conv_kernel_grad(x, g); g is contiguous."""
    if not suits(g, m):
        return None
    layout = _Layout(g, m, g.spatial, g.outputs, [-before for before, _ in g.pads], (g.channels, g.filters), x_strides)
    totals = (m + 2) ** 2 * g.channels * layout.pitch
    if totals > TOTAL_BYTES:
        return None
    item = layout.item("kernel_grad")
    inner = layout.block
    for word, count in ((winograd.WHOLE, inner), (winograd.LAST, layout.last)):
        rows = np.arange(g.channels)
        item.head[word] = _product(
            item, g.channels, g.filters, count, (g.channels * g.itemsize, layout.pitch, layout.panel * g.itemsize),
            rows * g.itemsize, rows * layout.pitch,
        )  # fmt: skip
    return layout.finished("kernel_grad", item, None, totals)


def _images(
    g: Geometry,
    m: int,
    sizes: Sizes,
    outputs: Sizes,
    first: list[int],
    channels: tuple[int, int],
    strides: Sizes | None,
    taps: list[int],
    start: int,
) -> Tiled:
    """sizes, outputs: of what is read and of the result;  first: where the first window starts;  channels: of both."""
    layout = _Layout(g, m, sizes, outputs, first, channels, strides)
    item = layout.item("images")
    rows = np.arange(layout.block)
    panel_bytes = layout.panel * g.itemsize
    for word, count in ((winograd.WHOLE, layout.block), (winograd.LAST, layout.last)):
        item.head[word] = _product(
            item, count, channels[1], channels[0], (g.itemsize, panel_bytes, channels[0] * panel_bytes),
            rows * channels[0] * g.itemsize, rows * layout.pitch,
        )  # fmt: skip
    kernel = [0, 0, *channels, *taps]
    return layout.finished("images", item, (kernel, start), (m + 2) ** 2 * channels[0] * layout.pitch)


def _product(
    item: Words, rows: int, columns: int, inner: int, steps: tuple[int, int, int], a_rows: Any, c_rows: Any
) -> int:
    """Describe a product; where in the item the description is."""
    none = item.table(np.zeros(1, "int64"))
    places = [item.table(a_rows), item.table(c_rows)]
    return item.table(np.array([rows, columns, 1, inner, *steps, *places, none, none]))


class _Layout:
    """How images are cut into tiles, and where everything lies."""

    def __init__(
        self,
        g: Geometry,
        m: int,
        sizes: Sizes,
        outputs: Sizes,
        first: list[int],
        channels: tuple[int, int],
        strides: Sizes | None,
    ):
        self.m, self.itemsize, self.outputs, self.channels = m, g.itemsize, outputs, channels
        counts = [-(-n // m) for n in outputs]
        group = group_of(g.batch, 8 * math.prod(counts))
        # tiles read beyond what the last outputs need
        axes = [
            Axis(range(n * m), range(start, start + n * m), range(3), range(3))
            for n, start in zip(counts, first, strict=True)
        ]
        self.images = Images(g.batch, group, sizes, channels[0], [axes], g.itemsize, strides)
        self.tile = product.tile(channels[1], g.itemsize)
        self.panel = product.panel_columns(self.tile, g.itemsize)
        self.pitch = -(-channels[1] // self.panel) * self.panel * g.itemsize
        starts = self.images.places([[start + m * i for i in range(n)] for n, start in zip(counts, first, strict=True)])
        image = math.prod(outputs) * channels[1] * g.itemsize
        self.rows = [outputs[1] * channels[1] * g.itemsize, channels[1] * g.itemsize]
        self.tiles = []
        places = itertools.product(range(group), *[range(n) for n in counts])
        for start, (i, r, c) in zip(starts.tolist(), places, strict=True):
            target = i * image + r * m * self.rows[0] + c * m * self.rows[1]
            self.tiles += [start, target, min(m, outputs[0] - r * m), min(m, outputs[1] - c * m)]
        self.image = group * image
        count = len(self.tiles) // 4
        each = (m + 2) ** 2 * (channels[0] * g.itemsize + self.pitch)
        wanted = max(FEWEST_TILES, min(MOST_TILES, BLOCK_BYTES // each))
        if self.images.count == 1:  # blocks are what threads share
            wanted = max(FEWEST_TILES, min(wanted, -(-count // PARTS)))
        # blocks of nearly equal size, and whole in rows of a product's tile
        equal = -(-count // -(-count // wanted))
        self.block = min(count, -(-equal // self.tile.rows) * self.tile.rows)
        self.last = count - (-(-count // self.block) - 1) * self.block

    def item(self, kind: str) -> Words:
        item = Words(winograd.WORDS)
        head, images = item.head, self.images
        head[sums.IMAGES] = images.count
        images.words(item)
        moving = sums.B_IMAGES if kind == "kernel_grad" else sums.C_IMAGES
        head[moving] = item.table(np.arange(images.count) * self.image)
        steps = [s * self.itemsize for s in images.strides[1:3]]
        head[winograd.TILES], head[winograd.TILE] = len(self.tiles) // 4, item.table(np.array(self.tiles))
        head[winograd.BLOCK] = self.block
        head[winograd.A_ROW], head[winograd.A_COLUMN] = steps
        head[winograd.C_ROW], head[winograd.C_COLUMN] = self.rows
        head[winograd.CHANNELS], head[winograd.FILTERS] = self.channels
        return item

    def finished(self, kind: str, item: Words, kernel: tuple[list[int], int] | None, kernel_bytes: int) -> Tiled:
        planes = (self.m + 2) ** 2 * self.block
        # the transformed kernel, or the sums of its gradient, come first
        parts = {
            winograd.TOTALS: kernel_bytes,
            sums.BUFFER: self.images.nbytes if self.images.padded else 0,
            winograd.INPUTS: planes * self.channels[0] * self.itemsize,
            winograd.RESULTS: planes * self.pitch,
            winograd.SPARE: self.pitch,
        }
        places, scratch = {}, 0
        for word, nbytes in parts.items():
            places[word] = scratch
            scratch += aligned(nbytes)
        own = scratch if kernel is None else scratch - aligned(kernel_bytes)
        work = scratch - places[winograd.INPUTS]
        tiles = len(self.tiles) // 4 * self.images.count
        operations = 2 * tiles * (self.m + 2) ** 2 * math.prod(self.channels)
        words = item.words()
        return Tiled(
            kind, self.m, self.tile, self.itemsize, words, kernel, places, scratch, own, work, operations, kernel_bytes
        )
