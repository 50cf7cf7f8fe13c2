"""Convolutions and their gradients as sums of products: the tables that say which elements meet.

Along each axis of the images a result has places where its windows start, and a window has taps at some distances from
there. With the channels last:

    y[o, n]     = sum over t, i of  x[o s - p + t d, i]  kernel[t, i, n]         rows: the outputs, k: taps and channels
    dx[q, i]    = sum over t, n of  g[(q + p - t d) / s, n]  kernel[t, i, n]     for each remainder of q divided by s
    dk[t, i, n] = sum over o    of  x[o s - p + t d, i]  g[o, n]                 rows: taps and channels, k: the outputs

Pads are made by copying images into a buffer with room around them. A few small images are taken as one, so that
little of the last tile of each is wasted.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from polykeras.runtime.program import Step
from polykeras.runtime.views import contiguous, is_contiguous
from polykeras.symbolic import dtypes
from polykeras.symbolic.windows import output_sizes, pads
from polykeras_numba import packing, product, sums

Sizes = Sequence[Any]  # of ints
Array = Any

ALIGNMENT = 64
# Rows of a result that fill tiles with little waste, and rows from which on it pays to pack the kernel.
ENOUGH_ROWS = 192
PACKED_ROWS = 48
# Elements of k that are added up at a time in a kernel's gradient: what a tile reads of them stays in the first cache.
CHUNK = 256


class Sums(NamedTuple):
    """An item of `sums`.

    words:   its table.
    packing: the table of what packs the kernel before, where its first element lies in bytes; None: nothing does.
    buffer:  where the padded images lie in the scratch memory; the panels lie at its start.
    scratch: bytes of scratch memory.
    """

    tile: product.Tile
    itemsize: int
    words: Array
    packing: tuple[list[int], int] | None
    buffer: int
    scratch: int

    @property
    def own(self) -> int:
        """Bytes of the scratch memory that each part of the work needs for itself: all but panels packed before."""
        return self.scratch if self.packing is None else self.scratch - self.buffer

    @property
    def operations(self) -> int:
        head = self.words
        first = [sums.WORDS + i * product.WORDS for i in range(head[sums.PRODUCTS])]
        sizes = (product.ROWS, product.COLUMNS, product.OUTER, product.INNER)
        return 2 * int(head[sums.IMAGES]) * sum(math.prod(int(head[f + word]) for word in sizes) for f in first)


class Geometry:
    """The sizes of a convolution: x is (batch, *spatial, channels), the kernel (*window, channels, filters)."""

    def __init__(self, x: Sizes, kernel: Sizes, attrs: dict[str, Any], dtype: str):
        self.batch, *self.spatial, self.channels = x
        *self.window, _, self.filters = kernel
        self.strides: Sizes = attrs["strides"]
        self.dilation: Sizes = attrs["dilation"]
        self.outputs: Any = output_sizes(self.spatial, self.window, self.strides, self.dilation, attrs["padding"])
        self.pads = pads(self.spatial, self.window, self.strides, self.dilation, attrs["padding"])
        self.itemsize = dtypes.itemsize(dtype)

    @property
    def plain(self) -> bool:
        """Is it a product of whole images with a matrix?"""
        return all(n == 1 for n in (*self.window, *self.strides)) and not any(map(any, self.pads))

    def axes(self) -> list[Axis]:
        """From the outputs to the inputs that they read."""
        sizes = zip(self.outputs, self.window, self.strides, self.dilation, self.pads, strict=True)
        return [
            Axis(range(n), [o * s - before for o in range(n)], range(w), [t * d for t in range(w)])
            for n, w, s, d, (before, _) in sizes
        ]

    def phases(self) -> list[list[Axis]]:
        """From the inputs to the outputs that read them, for each remainder of an input's place by the strides."""
        sizes = zip(self.spatial, self.window, self.strides, self.dilation, self.pads, strict=True)
        choices = []
        for n, w, s, d, (before, _) in sizes:
            axis = []
            for remainder in range(min(s, n)):
                places = range(remainder, n, s)
                # from the last tap to the first, so that the outputs are read in their order
                taps = [t for t in reversed(range(w)) if (remainder + before - t * d) % s == 0]
                distances = [(remainder + before - t * d) // s for t in taps]
                axis.append(Axis(places, range(len(places)), [w - 1 - t for t in taps], distances))
            choices.append(axis)
        return [list(axes) for axes in itertools.product(*choices)]


class Axis(NamedTuple):
    """One axis of a convolution.

    places, starts:  of the result's elements, and where their windows start.
    taps, distances: of the window's elements, and how far from the start they read.
    """

    places: Sizes
    starts: Sizes
    taps: Sizes
    distances: Sizes


def geometry(step: Step) -> Geometry | None:
    """The sizes of a convolution or of a gradient of one; None where they are not known or nothing is to be done."""
    if step.dynamic or not all(v.spec.concrete and v.spec.size for v in (*step.arrays, *step.outs)):
        return None
    out = step.outs[0].spec
    first, second = [v.spec.sizes for v in step.arrays]
    second = step.attrs.get("kernel", second)  # of panels: the shape of what they were made of
    if out.dtype not in ("float32", "float64"):
        return None
    x = out.sizes if step.op.name == "conv_input_grad" else first
    kernel = out.sizes if step.op.name == "conv_kernel_grad" else second
    return Geometry(x, kernel, step.attrs, out.dtype)


# -- the three sums of products --------------------------------------------------------------------------------------


def forward(g: Geometry, strides: Sizes | None = None) -> Sums:
    """y = conv(x, kernel). `strides`: of x in elements, if it is not contiguous."""
    axes = g.axes()
    group = group_of(g.batch, math.prod(g.outputs))
    images = Images(g.batch, group, g.spatial, g.channels, [axes], g.itemsize, strides)
    rows = images.places([a.starts for a in axes])
    merged = g.dilation[-1] == 1
    taps = [a.distances for a in axes]
    inner = g.channels * (g.window[-1] if merged else 1)
    outer = images.taps([*taps[:-1], taps[-1][:1]] if merged else taps)
    width = g.filters * g.itemsize
    found = _Product(rows, np.arange(len(rows)) * width, outer, np.arange(len(outer)) * inner, inner, g.itemsize)
    count = math.prod(g.window) * g.channels
    b = _kernel_panels(g, g.filters, len(rows) * images.count, [1, count, g.filters, 0, width, g.itemsize], 0)
    return _assembled(images, [found], b, 0, math.prod(g.outputs) * group * width, adding=False)


def input_grad(g: Geometry, strides: Sizes | None = None) -> Sums:
    """dx = conv_input_grad(g, kernel): one product for each phase."""
    phases = g.phases()
    group = group_of(g.batch, math.prod(g.spatial) // math.prod(g.strides))
    images = Images(g.batch, group, g.outputs, g.filters, phases, g.itemsize, strides)
    width = g.channels * g.itemsize
    merged = all(s == 1 for s in g.strides) and g.dilation[-1] == 1
    inner = g.filters * (g.window[-1] if merged else 1)
    targets = contiguous((group, *g.spatial))
    products = []
    for axes in phases:
        rows = images.places([a.starts for a in axes])
        goals = grid([range(group), *[a.places for a in axes]], targets) * width
        distances, taps = [a.distances for a in axes], [a.taps for a in axes]
        if merged:
            distances[-1], taps[-1] = distances[-1][:1], taps[-1][:1]
        order = grid(taps, contiguous(tuple(g.window))) * g.filters
        products.append(_Product(rows, goals, images.taps(distances), order, inner, g.itemsize))
    taps_count, tap = math.prod(g.window), g.channels * g.filters * g.itemsize
    turned = [taps_count, g.filters, g.channels, -tap, g.itemsize, g.filters * g.itemsize]
    b = _kernel_panels(g, g.channels, math.prod(g.spatial) * g.batch, turned, (taps_count - 1) * tap)
    return _assembled(images, products, b, 0, math.prod(g.spatial) * group * width, adding=False)


def kernel_grad(g: Geometry, x_strides: Sizes | None = None, g_strides: Sizes | None = None) -> Sums | None:
    """dkernel = conv_kernel_grad(x, g). None for an order of g's elements that cannot be packed."""
    axes = g.axes()
    group = group_of(g.batch, math.prod(g.outputs))
    images = Images(g.batch, group, g.spatial, g.channels, [axes], g.itemsize, x_strides)
    rows = np.add.outer(images.taps([a.distances for a in axes]), np.arange(g.channels) * g.itemsize).ravel()
    outer = images.places([*[a.starts for a in axes[:-1]], axes[-1].starts[:1]])
    inner, width = g.outputs[-1], g.filters * g.itemsize
    step = g.strides[-1] * images.strides[-2] * g.itemsize
    places, targets = np.arange(len(outer)) * inner, np.arange(len(rows)) * width
    count = max(1, CHUNK // inner)
    parts = [slice(i, i + count) for i in range(0, len(outer), count)]
    found = [_Product(rows, targets, outer[part], places[part], inner, step) for part in parts]
    b = _gradient_panels(g, group, g_strides)
    return b and _assembled(images, found, b, b.image, 0, adding=True)


# -- images ----------------------------------------------------------------------------------------------------------


def group_of(batch: int, rows: int) -> int:
    """How many images are taken as one."""
    return next((n for n in range(1, batch + 1) if batch % n == 0 and n * rows >= ENOUGH_ROWS), batch)


class Images:
    """Groups of images as they are read: where they lie, or in a buffer with room for all that windows reach.

    strides: of (image, *axes, channel) in elements, as they are read.
    """

    def __init__(
        self,
        batch: int,
        group: int,
        sizes: Sizes,
        channels: int,
        phases: list[list[Axis]],
        itemsize: int,
        strides: Sizes | None,
    ):
        self.count, self.group, self.sizes, self.channels = batch // group, group, sizes, channels
        self.itemsize = itemsize
        shape = (batch, *sizes, channels)
        self.source = contiguous(shape) if strides is None else tuple(strides)
        self.before, after = [], []
        for i, size in enumerate(sizes):
            reads = [phase[i] for phase in phases if len(phase[i].distances)]
            low = min([a.starts[0] + min(a.distances) for a in reads], default=0)
            high = max([a.starts[-1] + max(a.distances) for a in reads], default=0)
            self.before.append(max(0, -low))
            after.append(max(0, high - size + 1))
        self.padded = any(self.before) or any(after) or not is_contiguous(shape, self.source)
        self.room = [n + b + a for n, b, a in zip(sizes, self.before, after, strict=True)]
        self.strides = contiguous((group, *self.room, channels)) if self.padded else self.source

    @property
    def nbytes(self) -> int:
        return self.group * math.prod(self.room) * self.channels * self.itemsize

    def places(self, axes: Sequence[Any]) -> Array:
        """The offsets of places in all images of a group."""
        shifted = [np.asarray(axis) + before for axis, before in zip(axes, self.before, strict=True)]
        return grid([range(self.group), *shifted], self.strides[:-1]) * self.itemsize

    def taps(self, axes: list[Sizes]) -> Array:
        return grid(axes, self.strides[1:-1]) * self.itemsize

    def words(self, item: Words) -> None:
        """How they are copied into the buffer: a line for each run of elements along the last axis."""
        item.head[sums.A_IMAGES] = item.table(np.arange(self.count) * self.group * self.source[0] * self.itemsize)
        if not self.padded:
            return
        lines = [range(n) for n in self.sizes[:-1]]
        from_ = grid([range(self.group), *lines], self.source[:-2]) * self.itemsize
        shifted = [np.asarray(axis) + before for axis, before in zip(lines, self.before, strict=False)]
        to = grid([range(self.group), *shifted], self.strides[:-2]) + self.before[-1] * self.channels
        item.head[sums.LINES] = len(from_)
        item.head[sums.LINE_SOURCES], item.head[sums.LINE_TARGETS] = item.table(from_), item.table(to * self.itemsize)
        item.head[sums.BUFFER_BYTES] = self.nbytes
        item.head[sums.LINE_PLACES], item.head[sums.LINE_CHANNELS] = self.sizes[-1], self.channels
        item.head[sums.PLACE_STEP], item.head[sums.CHANNEL_STEP] = [s * self.itemsize for s in self.source[-2:]]
        if self.source[-1] == 1 and self.source[-2] == self.channels:  # one run of memory
            item.head[sums.LINE_PLACES], item.head[sums.LINE_CHANNELS] = 1, self.sizes[-1] * self.channels


def grid(axes: Sequence[Any], strides: Sizes) -> Array:
    """The sums of one element of each axis times its stride, the last axis running fastest."""
    scaled = [np.asarray(axis, "int64") * s for axis, s in zip(axes, strides, strict=True)]
    return functools.reduce(np.add.outer, scaled, np.zeros((), "int64")).ravel()


# -- the second operand ----------------------------------------------------------------------------------------------


class _Panels(NamedTuple):
    """b as products read it.

    step, panel: from row to row and from panel to panel, in bytes.
    once:        the packing before all images, and where the matrix starts; None: b is read where it lies, or `each`.
    each:        the packing of each group of images.
    image:       from one group to the next.
    nbytes:      of the panels.
    """

    tile: product.Tile
    columns: int
    step: int
    panel: int
    once: tuple[list[int], int] | None
    each: list[int] | None
    image: int
    nbytes: int


def _kernel_panels(g: Geometry, columns: int, rows: int, packing_words: list[int], start: int) -> _Panels:
    """The kernel as a matrix of so many columns, for so many rows of the result."""
    tile = product.tile(columns, g.itemsize)
    width = product.panel_columns(tile, g.itemsize)
    outer, inner, _, _, step, across = packing_words
    nbytes = outer * inner * -(-columns // width) * width * g.itemsize
    whole = outer == 1 and columns % width == 0 and across == g.itemsize
    if whole and (columns == width or rows < PACKED_ROWS):
        return _Panels(tile, columns, step, width * g.itemsize, None, None, 0, 0)
    panel = outer * inner * width * g.itemsize
    return _Panels(tile, columns, width * g.itemsize, panel, (packing_words, start), None, 0, nbytes)


def _gradient_panels(g: Geometry, group: int, strides: Sizes | None) -> _Panels | None:
    """The gradient of the result as a matrix: a row for each output of a group of images."""
    tile = product.tile(g.filters, g.itemsize)
    width = product.panel_columns(tile, g.itemsize)
    shape = (group, *g.outputs, g.filters)
    strides = contiguous((g.batch, *g.outputs, g.filters)) if strides is None else tuple(strides)
    image, count = group * strides[0] * g.itemsize, group * math.prod(g.outputs)
    row = g.filters * g.itemsize
    if g.filters % width == 0 and is_contiguous(shape, strides):
        return _Panels(tile, g.filters, row, width * g.itemsize, None, None, image, 0)
    merged = _merged(shape[:-1], strides[:-1])
    if len(merged) > 2:
        return None
    (outer, outer_step), (inner, inner_step) = [(1, 0)] * (2 - len(merged)) + merged
    words = [outer, inner, g.filters, *[s * g.itemsize for s in (outer_step, inner_step, strides[-1])]]
    panel = count * width * g.itemsize
    return _Panels(tile, g.filters, width * g.itemsize, panel, None, words, image, -(-g.filters // width) * panel)


def _merged(shape: Sizes, strides: Sizes) -> list[tuple[int, int]]:
    """Sizes and strides, with axes as one that lie evenly in memory."""
    result: list[tuple[int, int]] = []
    for n, s in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if result and result[-1][1] == n * s:
            result[-1] = result[-1][0] * n, s
        else:
            result.append((n, s))
    return result


# -- the item --------------------------------------------------------------------------------------------------------


class _Product(NamedTuple):
    """Offsets of a's and c's rows and of outer k in a; rows of b where outer k starts; inner k, a's step along it."""

    a_rows: Array
    c_rows: Array
    a_outer: Array
    b_outer: Array
    inner: int
    a_step: int


class Words:
    """A table while it is made: words, then tables of offsets."""

    def __init__(self, words: int):
        self.head = [0] * words
        self.tables: list[Array] = []
        self.size = words

    def table(self, offsets: Array) -> int:
        """Where in the item these offsets are, in bytes."""
        place = self.size * 8
        self.tables.append(np.asarray(offsets, "int64"))
        self.size += len(offsets)
        return place

    def words(self) -> Array:
        return np.concatenate([np.array(self.head, "int64"), *self.tables])


def _assembled(images: Images, products: list[_Product], b: _Panels, b_image: int, c_image: int, adding: bool) -> Sums:
    products = [p for p in products if len(p.c_rows)]
    item = Words(sums.WORDS + product.WORDS * len(products))
    head = item.head
    head[sums.IMAGES] = images.count
    images.words(item)
    numbers = np.arange(images.count)
    head[sums.B_IMAGES], head[sums.C_IMAGES] = item.table(numbers * b_image), item.table(numbers * c_image)
    head[sums.ADDING] = int(adding)
    head[sums.PRODUCTS], head[sums.PRODUCT] = len(products), sums.WORDS * 8
    if b.each is not None:
        head[sums.PACKED] = 1
        head[sums.PACKING + packing.OUTER : sums.PACKING + packing.WORDS] = b.each
    for i, p in enumerate(products):
        first = sums.WORDS + i * product.WORDS
        head[first : first + product.WORDS] = [
            len(p.a_rows), b.columns, len(p.a_outer), p.inner, p.a_step, b.step, b.panel,
            *[item.table(offsets) for offsets in (p.a_rows, p.c_rows, p.a_outer, p.b_outer * b.step)],
        ]  # fmt: skip
    once = None if b.once is None else ([0, 0, *b.once[0]], b.once[1])
    buffer = aligned(b.nbytes)
    return Sums(b.tile, images.itemsize, item.words(), once, buffer, buffer + (images.nbytes if images.padded else 0))


def aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
