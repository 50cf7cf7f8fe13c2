"""Items of convolutions and poolings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polykeras import config
from polykeras.runtime.program import Step
from polykeras.runtime.views import is_contiguous
from polykeras.runtime.xp.pool import window_counts
from polykeras.symbolic import dtypes
from polykeras.symbolic.spec import Spec
from polykeras.symbolic.windows import output_sizes, taps
from polykeras_numba import elementwise, packing, panelled, pooling, product, sums, tiles, windows, winograd
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import PARTS, Item, Items, Made, Maker, Strides, Together, divided, ranges
from polykeras_numba.parts import FLOATS

# -- convolutions ----------------------------------------------------------------------------------------------------


def _convolved(step: Step, strides: Sequence[Strides]) -> Items | None:
    g = windows.geometry(step)
    if g is None or not _flat(step, 1, strides):
        return None
    result, ready = step.outs[0].spec, step.op is panelled.CONV
    tiled = tiles.forward(g, _tile_size(step, g), strides[0])
    return _tiled(tiled, result, ready) if tiled is not None else _sums(windows.forward(g, strides[0]), result, ready)


def _input_gradient(step: Step, strides: Sequence[Strides]) -> Items | None:
    g = windows.geometry(step)
    if g is None or not _flat(step, 1, strides):
        return None
    tiled = tiles.input_grad(g, _tile_size(step, g), strides[0])
    result = step.outs[0].spec
    return _tiled(tiled, result) if tiled is not None else _sums(windows.input_grad(g, strides[0]), result)


def _kernel_gradient(step: Step, strides: Sequence[Strides]) -> Items | None:
    g = windows.geometry(step)
    if g is None:
        return None
    tiled = tiles.kernel_grad(g, _tile_size(step, g), strides[0]) if _flat(step, 1, strides) else None
    if tiled is not None:
        return _tiled(tiled, step.outs[0].spec)
    found = windows.kernel_grad(g, *strides)
    return None if found is None else _sums(found, step.outs[0].spec)


def _tile_size(step: Step, g: windows.Geometry) -> int:
    """As it is allowed now, or was when panels were made."""
    return tiles.size(g, step.attrs.get("fast", config.fast_convolution()))


def _flat(step: Step, operand: int, strides: Sequence[Strides]) -> bool:
    return is_contiguous(step.arrays[operand].spec.sizes, strides[operand])


# After a convolution's operands and its result comes the scratch memory.
A, B, C, SCRATCH_MEMORY = range(4)
# What all parts of a convolution together may have of memory of their own, if they are more than two.
PRIVATE_BYTES = 1 << 25


def _sums(found: windows.Sums, result: Spec, ready: bool = False) -> Items:
    """Sums of products, after the packing of their second operand if it has one, unless it comes packed.

    In parts: of the images; of a result that is added up over the images, one for each part, which are then added; of a
    single image, of its rows.
    """
    made: Items = []
    tile, itemsize = found.tile, found.itemsize
    packs = found.packing is not None and not ready
    if packs:
        assert found.packing is not None
        words, start = found.packing
        function = KERNELS.address(*panelled.packing_kernel(found), "panels")
        made.append(Item(function, words, [(packing.SOURCE, B, start), (packing.TARGET, SCRATCH_MEMORY, 0)]))
    function = KERNELS.address("sums", repr((*tile, itemsize))[1:-1], "sums of products")
    head = found.words
    places = [(sums.A, A, 0), (sums.C, C, 0)]
    if found.scratch:
        places += [(sums.BUFFER, SCRATCH_MEMORY, found.buffer), (sums.PANELS, SCRATCH_MEMORY, 0)]
    places.append((sums.B, SCRATCH_MEMORY if packs else B, 0))
    item = Item(function, head, places)
    images, products = int(head[sums.IMAGES]), int(head[sums.PRODUCTS])
    adding = bool(head[sums.ADDING])
    parts = ranges(images, operations=found.operations, most=_most_parts(found, result, adding))
    if len(parts) > 1:
        return [*made, *_by_images(item, parts, found, result, adding)]
    if images > 1 or products != 1 or head[sums.PACKED]:
        return [*made, item]
    apart = _by_rows_or_columns(item, found)
    if head[sums.LINES] and isinstance(apart, Together):
        made.append(_filled(item, sums.PRODUCTS))
        apart = _by_rows_or_columns(_from_buffer(item, (SCRATCH_MEMORY, found.buffer)), found)
    return [*made, apart]


def _by_rows_or_columns(item: Item, found: windows.Sums) -> Made:
    """A single product in parts of its result, so that the larger operand is read once, and the other by each part."""
    described = [int(n) for n in item.words[sums.WORDS : sums.WORDS + product.WORDS]]
    rows, columns = described[product.ROWS], described[product.COLUMNS]
    if rows >= columns:
        parts = ranges(rows, operations=found.operations, unit=found.tile.rows)
        tables = {sums.WORDS + product.A_ROWS: 1, sums.WORDS + product.C_ROWS: 1}
        return divided(item, sums.WORDS + product.ROWS, parts, {}, tables)
    width = product.panel_columns(found.tile, found.itemsize)
    parts = ranges(columns, operations=found.operations, unit=width)
    moved = {sums.B: described[product.PANEL] // width, sums.C: found.itemsize}
    return divided(item, sums.WORDS + product.COLUMNS, parts, moved)


def _most_parts(found: windows.Sums | tiles.Tiled, result: Spec, adding: bool) -> int:
    """How many parts may have memory of their own, and, where results are added up, a result of their own."""
    return max(2, min(PARTS, PRIVATE_BYTES // max(found.own + _partial(result, adding), 1)))


def _partial(result: Spec, adding: bool) -> int:
    """Bytes of a part's result; 0 where it is a part of the result."""
    return windows.aligned(result.size * dtypes.itemsize(result.dtype)) if adding else 0


def _by_images(
    item: Item, parts: list[tuple[int, int]], found: windows.Sums | tiles.Tiled, result: Spec, adding: bool
) -> Items:
    """An item in parts of its images, each with scratch memory of its own."""
    tables = dict.fromkeys((sums.A_IMAGES, sums.B_IMAGES, sums.C_IMAGES), 1)
    private = {word: found.own for word, which, _ in item.addresses if which == SCRATCH_MEMORY and word != sums.B}
    if not adding:
        return [divided(item, sums.IMAGES, parts, {}, tables, private)]
    nbytes, start = _partial(result, adding), found.scratch + (len(parts) - 1) * found.own
    addresses = [(w, SCRATCH_MEMORY, start) if w == sums.C else (w, which, at) for w, which, at in item.addresses]
    private[sums.C] = nbytes
    apart = divided(Item(item.function, item.words, addresses), sums.IMAGES, parts, {}, tables, private)
    return [apart, _total(len(parts), result, nbytes, start)]


def _total(count: int, result: Spec, nbytes: int, start: int) -> Item:
    """The sum of the parts' results, in their order."""
    dtype, size = result.dtype, result.size
    ops = [("add", (0, 1), dtype), *[("add", (count + i, i + 2), dtype) for i in range(count - 2)]]
    found = elementwise.layout((size,), [(1,)] * (count + 1), [dtypes.itemsize(dtype)] * (count + 1), count)
    assert found is not None
    description = elementwise.Description((dtype,) * count, found.letters, tuple(ops), (2 * count - 2,))
    function = KERNELS.address("elementwise", repr(tuple(description)), f"the sum of {count} arrays of {dtype}")
    addresses = [(elementwise.address_word(i), SCRATCH_MEMORY, start + i * nbytes) for i in range(count)]
    return Item(function, found.words, [*addresses, (elementwise.address_word(count), C, 0)])


def _filled(item: Item, counted: int) -> Item:
    """The item that only copies the image into its buffer."""
    words = np.array(item.words)
    words[counted] = 0
    return Item(item.function, words, item.addresses)


def _from_buffer(item: Item, buffer: tuple[int, int]) -> Item:
    """The item that finds its image in the buffer."""
    words = np.array(item.words)
    words[sums.LINES] = 0
    addresses = [(w, *buffer) if w == sums.A else (w, which, at) for w, which, at in item.addresses]
    return Item(item.function, words, addresses)


def _tiled(found: tiles.Tiled, result: Spec, ready: bool = False) -> Items:
    """Winograd's products, after the transform of the kernel if that is an operand; in parts as `_sums`."""
    made: Items = []
    arguments = (found.m, *found.tile, found.itemsize)
    panels = found.places[winograd.TOTALS]
    transforms = found.kernel is not None and not ready
    if transforms:
        assert found.kernel is not None
        words, start = found.kernel
        function = KERNELS.address(*panelled.winograd_kernel(found), "a transform of kernels")
        addresses = [(winograd.SOURCE, B, start), (winograd.TARGET, SCRATCH_MEMORY, panels)]
        made.append(Item(function, words, addresses))
    function = KERNELS.address("winograd", repr((found.kind, *arguments))[1:-1], "a convolution by tiles")
    addresses = [(word, SCRATCH_MEMORY, place) for word, place in found.places.items()]
    addresses += [(sums.A, A, 0), (sums.C, C, 0)]
    addresses.append((sums.B, SCRATCH_MEMORY, panels) if transforms else (sums.B, B, 0))
    item = Item(function, found.words, addresses)
    adding = found.kind == "kernel_grad"
    most = _most_parts(found, result, adding)
    parts = ranges(int(found.words[sums.IMAGES]), operations=found.operations, most=most)
    if len(parts) > 1:
        return [*made, *_by_images(item, parts, found, result, adding)]
    tiled, block = int(found.words[winograd.TILES]), int(found.words[winograd.BLOCK])
    parts = ranges(tiled, operations=found.operations, unit=block)
    if adding or found.words[sums.IMAGES] != 1 or len(parts) == 1:
        return [*made, item]
    if found.words[sums.LINES]:
        made.append(_filled(item, winograd.TILES))
        item = _from_buffer(item, (SCRATCH_MEMORY, found.places[sums.BUFFER]))
    private = dict.fromkeys((winograd.INPUTS, winograd.RESULTS, winograd.SPARE), found.work)
    return [*made, divided(item, winograd.TILES, parts, {}, {winograd.TILE: 4}, private)]


def _windows_scratch(step: Step) -> int:
    g = windows.geometry(step)
    if g is None:
        return 0
    # elements that all lie in one place: the case in which everything must be copied
    nowhere = (0,) * step.arrays[0].spec.ndim
    size = _tile_size(step, g)
    found: list[windows.Sums | tiles.Tiled | None]
    if step.op.name in ("conv", panelled.CONV.name):
        found = [windows.forward(g, nowhere), tiles.forward(g, size, nowhere)]
    elif step.op.name == "conv_input_grad":
        found = [windows.input_grad(g, nowhere), tiles.input_grad(g, size, nowhere)]
    else:
        found = [windows.kernel_grad(g, nowhere, nowhere), tiles.kernel_grad(g, size, nowhere)]
    result, adding = step.outs[0].spec, step.op.name == "conv_kernel_grad"
    return max([_room(f, result, adding) for f in found if f is not None], default=0)


def _room(found: windows.Sums | tiles.Tiled, result: Spec, adding: bool) -> int:
    """Scratch memory for as many parts as there may be."""
    if found.words[sums.IMAGES] == 1:
        return found.scratch + (PARTS - 1) * (found.work if isinstance(found, tiles.Tiled) else 0)
    most = _most_parts(found, result, adding)
    return found.scratch + (most - 1) * found.own + most * _partial(result, adding)


# -- poolings --------------------------------------------------------------------------------------------------------


def _pooled(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _pooling(step, strides, step.op.name.removesuffix("_pool"), step.arrays[0].spec.shape)


def _max_gradient(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _pooling(step, strides, "max_grad", step.arrays[1].spec.shape)


def _avg_gradient(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _pooling(step, strides, "avg_grad", step.args[1])


def _pooling(step: Step, strides: Sequence[Strides], kind: str, shape: Any) -> Made | None:
    """`shape`: of the images."""
    values = [*step.arrays, *step.outs]
    dtype = values[0].spec.dtype
    flat = all(_flat(step, i, strides) for i in range(len(step.arrays)))
    if not flat or dtype not in FLOATS or any(v.spec.dtype != dtype or not v.spec.size for v in values):
        return None
    batch, *sizes, channels = shape
    itemsize = dtypes.itemsize(dtype)
    window, steps, padding = (step.attrs[name] for name in ("window", "strides", "padding"))
    rows = _window_rows(sizes, window, steps, padding, channels * itemsize, dtype)
    overlapping = any(s < w for s, w in zip(steps, window, strict=True))
    image = math.prod(sizes) * channels * itemsize
    touched = int(rows[:, 0].sum()) * channels * itemsize
    words = [0] * pooling.WORDS
    words[pooling.IMAGES] = batch
    for i, v in enumerate(values):
        words[pooling.STEP + i] = v.spec.size // batch * itemsize
    words[pooling.PLACE_BYTES] = channels * itemsize
    words[pooling.PLACES], words[pooling.ROW] = rows.shape
    words[pooling.ROWS] = pooling.WORDS * 8
    words[pooling.CLEARED] = image if kind.endswith("grad") and (overlapping or touched < image) else 0
    function = KERNELS.address("pooling", repr((kind, overlapping, dtype))[1:-1], f"{kind} pooling of {dtype}")
    addresses = [(pooling.ARRAY + i, i, 0) for i in range(len(values))]
    item = Item(function, np.concatenate([words, rows.ravel()]), addresses)
    parts = ranges(batch, nbytes=sum(v.spec.size for v in values) * itemsize)
    moved = {pooling.ARRAY + i: words[pooling.STEP + i] for i in range(len(values))}
    return divided(item, pooling.IMAGES, parts, moved)


def _window_rows(sizes: Any, window: Any, strides: Any, padding: Any, place_bytes: int, dtype: str) -> Any:
    """For each place of the result: how many elements its window has, the weight of each, and their offsets."""
    outputs: Any = output_sizes(sizes, window, strides, (1,) * len(window), padding)
    inputs = np.arange(math.prod(sizes)).reshape(sizes) * place_bytes
    rows = np.zeros((*outputs, 2 + math.prod(window)), "int64")
    counts = rows[..., 0]
    for _, there, here in taps(sizes, window, strides, (1,) * len(window), padding):
        part = rows[there[1:]]
        np.put_along_axis(part, 2 + counts[there[1:]][..., None], inputs[here[1:]][..., None], axis=-1)
        counts[there[1:]] += 1
    # as the reference has them: the product of the axes' shares, in the arrays' precision
    weights = np.ones((1,) * len(sizes), dtype)
    for axis, size in enumerate(sizes):
        place = padding if isinstance(padding, str) else padding[axis]
        shares = np.array([1 / n for n in window_counts(size, window[axis], strides[axis], place)], dtype)
        weights = weights * shares.reshape(-1, *(1,) * (len(sizes) - 1 - axis))
    rows[..., 1] = np.broadcast_to(weights, outputs).astype("float64").view("int64")
    return rows.reshape(-1, rows.shape[-1])


SCRATCH: dict[str, Callable[[Step], int]] = dict.fromkeys(
    ("conv", panelled.CONV.name, "conv_input_grad", "conv_kernel_grad"), _windows_scratch
)
MAKERS: dict[str, Maker] = {
    "conv": _convolved, panelled.CONV.name: _convolved,
    "conv_input_grad": _input_gradient, "conv_kernel_grad": _kernel_gradient,
    "max_pool": _pooled, "avg_pool": _pooled, "max_pool_grad": _max_gradient, "avg_pool_grad": _avg_gradient,
}  # fmt: skip
