"""Random bits by NumPy's own Philox generator, whose order the shared kernel follows.

A kernel keeps one generator and sets its counter at each call.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Step
from polykeras.symbolic.ops.random import dropout_threshold
from polykeras_numpy.binding import binder

Array = Any
WORD = 2**64 - 1


class Philox:
    """The sequence of one seed and stream."""

    def __init__(self, seed: int, stream: int):
        self.bits = np.random.Philox(0)
        self.generator = np.random.Generator(self.bits)
        self.counter = np.zeros(4, "uint64")
        self.state = self.bits.state
        self.state["state"] = {"counter": self.counter, "key": np.array([seed & WORD, stream & WORD], "uint64")}

    def seek(self, counter: Any, position: Any) -> None:
        """Go to the start of a call's draw at a position of a loop."""
        self.counter[:] = 0, position, counter, 0
        self.bits.state = self.state

    def words(self, count: int) -> Array:
        """`count` 32-bit words."""
        return self.bits.random_raw(-(-count // 2)).view("uint32")[:count]


@binder("random_bits")
def bind_random_bits(step: Step) -> Kernel | None:
    return _bind(_random_bits, step)


@binder("random_unit")
def bind_random_unit(step: Step) -> Kernel | None:
    return None if step.attrs["dtype"] == "float16" else _bind(_random_unit, step)


@binder("dropout_mask")
def bind_dropout_mask(step: Step) -> Kernel | None:
    if step.dynamic:
        return None
    level, dtype = step.attrs["level"], step.attrs["dtype"]
    scale = np.asarray(1 / (1 - level), dtype)
    return _bind(_dropout_mask, step, np.asarray(dropout_threshold(level), "uint32"), scale)


def _bind(function: Any, step: Step, *attributes: Any) -> Kernel | None:
    if step.dynamic or not step.outs[0].spec.concrete:
        return None
    philox = Philox(step.attrs["seed"], step.attrs.get("stream", 0))
    return Kernel(functools.partial(function, philox, *attributes), into=True)


def _random_bits(philox: Philox, counter: Array, position: Array, out: Array) -> None:
    philox.seek(counter, position)
    np.copyto(out, philox.words(out.size).reshape(out.shape))


def _random_unit(philox: Philox, counter: Array, position: Array, out: Array) -> None:
    philox.seek(counter, position)
    philox.generator.random(out=out, dtype=out.dtype.type)


def _dropout_mask(philox: Philox, threshold: Array, scale: Array, counter: Array, position: Array, out: Array) -> None:
    philox.seek(counter, position)
    keep = philox.words(out.size).reshape(out.shape) >= threshold
    np.multiply(keep, scale, out=out)
