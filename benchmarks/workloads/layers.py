"""Layers as data: what shape they give and which weights they start from, for every framework to build its own.

Shapes are without the batch, channels last. Weights lie as Keras keeps them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

__all__ = [
    "LSTM",
    "Activation",
    "Add",
    "Attention",
    "BatchNorm",
    "Conv",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalPool",
    "Layer",
    "LayerNorm",
    "MaxPool",
]

Shape = tuple[int, ...]
Weights = list[np.ndarray]


class Layer(Protocol):
    def shape(self, x: Shape) -> Shape:
        """Of the result; x: of the (first) operand."""

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        """Initial values, in Keras's order."""


class _Weightless:
    __slots__ = ()

    def shape(self, x: Shape) -> Shape:
        return x

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        return []


@dataclass(frozen=True, slots=True)
class Dense:
    """On the last axis.   activation: relu, softmax or nothing"""

    units: int
    activation: str | None = None

    def shape(self, x: Shape) -> Shape:
        return (*x[:-1], self.units)

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        return [_glorot(random, (x[-1], self.units)), _zeros(self.units)]


@dataclass(frozen=True, slots=True)
class Conv:
    """A square kernel; `padding` zeros on each side."""

    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    activation: str | None = None

    def shape(self, x: Shape) -> Shape:
        return (*_windows(x, self.kernel, self.stride, self.padding), self.filters)

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        return [_glorot(random, (self.kernel, self.kernel, x[-1], self.filters)), _zeros(self.filters)]


@dataclass(frozen=True, slots=True)
class MaxPool(_Weightless):
    """Of numbers that are not negative: `padding` zeros on each side are never the greatest."""

    size: int
    stride: int = 0
    padding: int = 0

    def shape(self, x: Shape) -> Shape:
        return (*_windows(x, self.size, self.stride or self.size, self.padding), x[-1])


@dataclass(frozen=True, slots=True)
class GlobalPool(_Weightless):
    """The mean over all places: of an image, or of a sequence."""

    def shape(self, x: Shape) -> Shape:
        return x[-1:]


@dataclass(frozen=True, slots=True)
class Dropout(_Weightless):
    rate: float


@dataclass(frozen=True, slots=True)
class Activation(_Weightless):
    name: str


@dataclass(frozen=True, slots=True)
class Add(_Weightless):
    """Of two operands."""


@dataclass(frozen=True, slots=True)
class Flatten(_Weightless):
    def shape(self, x: Shape) -> Shape:
        return (math.prod(x),)


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Epsilon 0.001, momentum 0.99. The statistics start as if the network had been trained."""

    def shape(self, x: Shape) -> Shape:
        return x

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        near_one = [random.uniform(0.8, 1.2, x[-1]).astype("float32") for _ in range(2)]
        near_zero = [random.uniform(-0.1, 0.1, x[-1]).astype("float32") for _ in range(2)]
        return [near_one[0], *near_zero, near_one[1]]


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """Over the last axis. Epsilon 0.001."""

    def shape(self, x: Shape) -> Shape:
        return x

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        return [np.ones(x[-1], "float32"), _zeros(x[-1])]


@dataclass(frozen=True, slots=True)
class Embedding:
    tokens: int
    width: int

    def shape(self, x: Shape) -> Shape:
        return (*x, self.width)

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        return [random.uniform(-0.05, 0.05, (self.tokens, self.width)).astype("float32")]


@dataclass(frozen=True, slots=True)
class LSTM:
    """The last output; gates by sigmoid, in the order input, forget, cell, output."""

    units: int

    def shape(self, x: Shape) -> Shape:
        return (self.units,)

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        gates = 4 * self.units
        return [_glorot(random, (x[-1], gates)), _glorot(random, (self.units, gates)), _zeros(gates)]


@dataclass(frozen=True, slots=True)
class Attention:
    """Self-attention of several heads, which share the width of the input."""

    heads: int

    def shape(self, x: Shape) -> Shape:
        return x

    def weights(self, random: np.random.RandomState, x: Shape) -> Weights:
        width = x[-1]
        each = (self.heads, width // self.heads)
        found = []
        for _ in range(3):  # query, key, value
            found += [_glorot(random, (width, width)).reshape(width, *each), _zeros(each)]
        return [*found, _glorot(random, (width, width)).reshape(*each, width), _zeros(width)]


def _windows(x: Shape, size: int, stride: int, padding: int) -> Shape:
    return tuple((n + 2 * padding - size) // stride + 1 for n in x[:-1])


def _zeros(shape: Any) -> np.ndarray:
    return np.zeros(shape, "float32")


def _glorot(random: np.random.RandomState, shape: Shape) -> np.ndarray:
    receptive = math.prod(shape[:-2])
    limit = np.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
    return random.uniform(-limit, limit, shape).astype("float32")
