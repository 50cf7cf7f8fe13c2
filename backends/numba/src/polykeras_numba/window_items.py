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
from polykeras.symbolic.windows import output_sizes, taps
from polykeras_numba import packing, pooling, product, sums, tiles, windows, winograd
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import Item, Maker, Strides
from polykeras_numba.parts import FLOATS

# -- convolutions ----------------------------------------------------------------------------------------------------


def _convolved(step: Step, strides: Sequence[Strides]) -> list[Item] | None:
    g = windows.geometry(step)
    if g is None or not _flat(step, 1, strides):
        return None
    tiled = tiles.forward(g, _tile_size(g), strides[0])
    return _tiled(tiled) if tiled is not None else _sums(windows.forward(g, strides[0]))


def _input_gradient(step: Step, strides: Sequence[Strides]) -> list[Item] | None:
    g = windows.geometry(step)
    if g is None or not _flat(step, 1, strides):
        return None
    tiled = tiles.input_grad(g, _tile_size(g), strides[0])
    return _tiled(tiled) if tiled is not None else _sums(windows.input_grad(g, strides[0]))


def _kernel_gradient(step: Step, strides: Sequence[Strides]) -> list[Item] | None:
    g = windows.geometry(step)
    if g is None:
        return None
    tiled = tiles.kernel_grad(g, _tile_size(g), strides[0]) if _flat(step, 1, strides) else None
    if tiled is not None:
        return _tiled(tiled)
    found = windows.kernel_grad(g, *strides)
    return None if found is None else _sums(found)


def _tile_size(g: windows.Geometry) -> int:
    """Outputs of a tile along an axis: more where the user allows the loss, and where there are enough of them."""
    return 4 if g.itemsize == 4 and config.fast_convolution() and tiles.suits(g, 4) else 2


def _flat(step: Step, operand: int, strides: Sequence[Strides]) -> bool:
    return is_contiguous(step.arrays[operand].spec.sizes, strides[operand])


# After a convolution's operands and its result comes the scratch memory.
A, B, C, SCRATCH_MEMORY = range(4)


def _sums(found: windows.Sums) -> list[Item]:
    """Sums of products, after the packing of their second operand if it has one."""
    made = []
    tile, itemsize = found.tile, found.itemsize
    if found.packing is not None:
        words, start = found.packing
        arguments = repr((product.panel_columns(tile, itemsize), itemsize))[1:-1]
        function = KERNELS.address("packing", arguments, "panels")
        made.append(Item(function, words, [(packing.SOURCE, B, start), (packing.TARGET, SCRATCH_MEMORY, 0)]))
    function = KERNELS.address("sums", repr((*tile, itemsize))[1:-1], "sums of products")
    places = [(sums.A, A, 0), (sums.C, C, 0)]
    if found.scratch:
        places += [(sums.BUFFER, SCRATCH_MEMORY, found.buffer), (sums.PANELS, SCRATCH_MEMORY, 0)]
    places.append((sums.B, B if found.packing is None else SCRATCH_MEMORY, 0))
    made.append(Item(function, found.words, places))
    return made


def _tiled(found: tiles.Tiled) -> list[Item]:
    """Winograd's products, after the transform of the kernel if that is an operand."""
    made = []
    arguments = (found.m, *found.tile, found.itemsize)
    panels = found.places[winograd.TOTALS]
    if found.kernel is not None:
        words, start = found.kernel
        kind = "kernel" if words[winograd.COLUMN_STEP] == found.itemsize else "turned_kernel"
        function = KERNELS.address("winograd", repr((kind, *arguments))[1:-1], "a transform of kernels")
        addresses = [(winograd.SOURCE, B, start), (winograd.TARGET, SCRATCH_MEMORY, panels)]
        made.append(Item(function, words, addresses))
    function = KERNELS.address("winograd", repr((found.kind, *arguments))[1:-1], "a convolution by tiles")
    addresses = [(word, SCRATCH_MEMORY, place) for word, place in found.places.items()]
    addresses += [(sums.A, A, 0), (sums.C, C, 0)]
    addresses.append((sums.B, B, 0) if found.kernel is None else (sums.B, SCRATCH_MEMORY, panels))
    made.append(Item(function, found.words, addresses))
    return made


def _windows_scratch(step: Step) -> int:
    g = windows.geometry(step)
    if g is None:
        return 0
    # elements that all lie in one place: the case in which everything must be copied
    nowhere = (0,) * step.arrays[0].spec.ndim
    size = _tile_size(g)
    found: list[windows.Sums | tiles.Tiled | None]
    if step.op.name == "conv":
        found = [windows.forward(g, nowhere), tiles.forward(g, size, nowhere)]
    elif step.op.name == "conv_input_grad":
        found = [windows.input_grad(g, nowhere), tiles.input_grad(g, size, nowhere)]
    else:
        found = [windows.kernel_grad(g, nowhere, nowhere), tiles.kernel_grad(g, size, nowhere)]
    return max([f.scratch for f in found if f is not None], default=0)


# -- poolings --------------------------------------------------------------------------------------------------------


def _pooled(step: Step, strides: Sequence[Strides]) -> Item | None:
    return _pooling(step, strides, step.op.name.removesuffix("_pool"), step.arrays[0].spec.shape)


def _max_gradient(step: Step, strides: Sequence[Strides]) -> Item | None:
    return _pooling(step, strides, "max_grad", step.arrays[1].spec.shape)


def _avg_gradient(step: Step, strides: Sequence[Strides]) -> Item | None:
    return _pooling(step, strides, "avg_grad", step.args[1])


def _pooling(step: Step, strides: Sequence[Strides], kind: str, shape: Any) -> Item | None:
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
    return Item(function, np.concatenate([words, rows.ravel()]), addresses)


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
    ("conv", "conv_input_grad", "conv_kernel_grad"), _windows_scratch
)
MAKERS: dict[str, Maker] = {
    "conv": _convolved, "conv_input_grad": _input_gradient, "conv_kernel_grad": _kernel_gradient,
    "max_pool": _pooled, "avg_pool": _pooled, "max_pool_grad": _max_gradient, "avg_pool_grad": _avg_gradient,
}  # fmt: skip
