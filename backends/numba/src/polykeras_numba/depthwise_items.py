"""Items of depthwise convolutions with one output for each channel, and of their gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from polykeras.runtime.program import Step
from polykeras.runtime.views import is_contiguous
from polykeras.symbolic import dtypes
from polykeras.symbolic.windows import output_sizes, taps
from polykeras_numba import pairs
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import PARTS, Item, Made, Maker, Strides, divided, ranges
from polykeras_numba.parts import FLOATS

# Pairs that are added up at a time in a kernel's gradient, so that rounding errors stay small.
CHUNK = 256


def _convolved(step: Step, strides: Sequence[Strides]) -> Made | None:
    shapes = [v.spec.shape for v in step.arrays]
    return _item(step, strides, shapes[0], shapes[1])


def _input_gradient(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _item(step, strides, step.outs[0].spec.shape, step.arrays[1].spec.shape)


def _kernel_gradient(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _item(step, strides, step.arrays[0].spec.shape, step.outs[0].spec.shape)


def _item(step: Step, strides: Sequence[Strides], x: Any, kernel: Any) -> Made | None:
    """x, kernel: the shapes of the convolution."""
    values = [*step.arrays, *step.outs]
    dtype = step.outs[0].spec.dtype
    flat = all(is_contiguous(v.spec.sizes, s) for v, s in zip(step.arrays, strides, strict=True))
    if not flat or kernel[-1] != 1 or dtype not in FLOATS or not all(v.spec.size for v in values):
        return None
    batch, *sizes, channels = x
    line = channels * dtypes.itemsize(dtype)
    outputs: Any = output_sizes(sizes, kernel[:-2], *[step.attrs[n] for n in ("strides", "dilation", "padding")])
    inputs, results = math.prod(sizes) * line, math.prod(outputs) * line
    met = _meetings(sizes, outputs, kernel[:-2], step.attrs)
    words = [0] * pairs.WORDS
    if step.op.name == "depthwise_conv":
        rows = _rows(met[:, 1], met[:, 0], met[:, 2], math.prod(outputs), len(met), line)
        images = inputs, 0, results
    elif step.op.name == "depthwise_conv_input_grad":
        rows = _rows(met[:, 0], met[:, 1], met[:, 2], math.prod(sizes), len(met), line)
        images = results, 0, inputs
    else:
        rows = _rows(met[:, 2], met[:, 0], met[:, 1], math.prod(kernel[:-2]), CHUNK, line)
        images = inputs, results, 0
        words[pairs.ADDING] = 1
    words[pairs.IMAGES], words[pairs.LINE] = batch, line
    words[pairs.A_STEP : pairs.C_STEP + 1] = images
    words[pairs.ROWS], words[pairs.ROW] = rows.shape
    words[pairs.FIRST] = pairs.WORDS * 8
    function = KERNELS.address("pairs", repr(dtype), f"sums of pairs of {dtype}")
    addresses = [(pairs.A, 0, 0), (pairs.B, 1, 0), (pairs.C, 2, 0)]
    item = Item(function, np.concatenate([words, rows.ravel()]), addresses)
    parts = ranges(batch, nbytes=len(met) * batch * line, most=1 if words[pairs.ADDING] else PARTS)
    moved = dict(zip((pairs.A, pairs.B, pairs.C), images, strict=True))
    return divided(item, pairs.IMAGES, parts, moved)


def _meetings(sizes: Any, outputs: Any, window: Any, attrs: dict[str, Any]) -> Any:
    """Which places of the input, of the output and of the window meet, tap by tap."""
    inputs, places = (np.arange(math.prod(n)).reshape(n) for n in (sizes, outputs))
    found = [np.zeros((0, 3), "int64")]
    for tap, there, here in taps(sizes, window, attrs["strides"], attrs["dilation"], attrs["padding"]):
        i, o = inputs[here[1:]].ravel(), places[there[1:]].ravel()
        found.append(np.stack([i, o, np.full(len(i), np.ravel_multi_index(tap, window))], axis=1))
    return np.concatenate(found)


def _rows(targets: Any, first: Any, second: Any, count: int, chunk: int, line: int) -> Any:
    """The table's rows: for each target the pairs that belong to it, at most `chunk` in a row."""
    order = np.argsort(targets, kind="stable")
    totals = np.bincount(targets, minlength=count)
    ends = np.cumsum(totals)
    width = max(min(chunk, int(totals.max(initial=0))), 1)
    rows = []
    for target, (total, end) in enumerate(zip(totals.tolist(), ends.tolist(), strict=True)):
        for start in range(0, max(total, 1), width):
            chosen = order[end - total + start : min(end - total + start + width, end)]
            row = np.zeros(pairs.PAIRS + 2 * width, "int64")
            row[: pairs.PAIRS] = len(chosen), target * line, start > 0
            row[pairs.PAIRS : pairs.PAIRS + 2 * len(chosen) : 2] = first[chosen] * line
            row[pairs.PAIRS + 1 : pairs.PAIRS + 2 * len(chosen) : 2] = second[chosen] * line
            rows.append(row)
    return np.stack(rows)


MAKERS: dict[str, Maker] = {
    "depthwise_conv": _convolved,
    "depthwise_conv_input_grad": _input_gradient,
    "depthwise_conv_kernel_grad": _kernel_gradient,
}
