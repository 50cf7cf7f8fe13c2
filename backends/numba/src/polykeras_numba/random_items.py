"""Items of random ops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from polykeras.runtime.program import Step
from polykeras.symbolic import dtypes
from polykeras.symbolic.ops.random import dropout_threshold
from polykeras_numba import philox
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import Item, Made, Maker, Strides, divided, ranges


def _bits(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _drawn(step, "bits", 0, 0.0)


def _unit(step: Step, strides: Sequence[Strides]) -> Made | None:
    return _drawn(step, "unit", 0, 0.0)


def _dropout(step: Step, strides: Sequence[Strides]) -> Made | None:
    level = step.attrs["level"]
    scale = np.asarray(1 / (1 - level), step.outs[0].spec.dtype)
    return _drawn(step, "dropout", dropout_threshold(level), float(scale))


def _drawn(step: Step, kind: str, threshold: int, scale: float) -> Made | None:
    out = step.outs[0].spec
    numbers_differ = any(v.spec.dtype != "int64" for v in step.arrays)
    if numbers_differ or out.dtype == "float16" or threshold >= 2**32:
        return None
    key = [_signed(step.attrs["seed"]), _signed(step.attrs.get("stream", 0))]
    kept = int(np.float64(scale).view("int64"))
    function = KERNELS.address("philox", repr((kind, out.dtype))[1:-1], f"random {kind} of {out.dtype}")
    words = [0, 0, 0, out.size, *key, threshold, kept, 0]
    item = Item(function, words, [(philox.COUNTER, 0, 0), (philox.POSITION, 1, 0), (philox.RESULT, 2, 0)])
    # a word takes as long as some 16 bytes of memory
    parts = ranges(out.size, nbytes=16 * out.size, unit=8 * philox.BLOCK)
    moved = {philox.RESULT: dtypes.itemsize(out.dtype)}
    return divided(item, philox.COUNT, parts, moved, start=philox.START)


def _signed(number: int) -> int:
    """The low 64 bits as a signed number."""
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number


MAKERS: dict[str, Maker] = {"random_bits": _bits, "random_unit": _unit, "dropout_mask": _dropout}
