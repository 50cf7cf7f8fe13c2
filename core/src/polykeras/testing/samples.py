"""The sampler that ops make their test inputs with.

    @matmul.samples
    def matmul_samples(r):
        yield (r(2, 3), r(3, 4)), {}

An operand may not have one size twice (sizes above 1), because square matrices hide swapped axes; `repeats=True`
allows it. Numbers keep away from whole and half ones, so that finite differences do not straddle a kink of relu, floor
or round.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from polykeras.runtime.sparse import Csr, as_csr
from polykeras.symbolic.op import Op

Array = Any


class Sampler:
    """Makes arrays, the same ones for the same seed; floats are float64, and a check casts them."""

    def __init__(self, seed: int = 0, repeats: bool = False):
        self._repeats = repeats
        self._generator = np.random.default_rng(seed)
        self._fixed: list[Array] = []

    def __call__(self, *shape: int, repeats: bool = False) -> Array:
        """Floats around 0, most within [-3, 3], at least 0.1 away from multiples of 0.5."""
        self._check(shape, repeats)
        halves = np.floor(self._generator.normal(scale=2.4, size=shape))
        return np.asarray((halves + self._generator.uniform(0.2, 0.8, shape)) / 2)

    def positive(self, *shape: int, repeats: bool = False) -> Array:
        """Floats above 0.1."""
        return np.asarray(np.abs(self(*shape, repeats=repeats)))

    def distinct(self, *shape: int, repeats: bool = False) -> Array:
        """Floats of which no two are nearer than 0.1: no ties."""
        self._check(shape, repeats)
        count = int(np.prod(shape))
        places = self._generator.permutation(count) - count // 2
        return np.asarray(0.3 * places.reshape(shape) + self._generator.uniform(0.1, 0.2, shape))

    def integers(self, *shape: int, low: int = 0, high: int = 10, repeats: bool = False) -> Array:
        """int32 from `low` up to but without `high`."""
        self._check(shape, repeats)
        return np.asarray(self._generator.integers(low, high, shape, "int32"))

    def bools(self, *shape: int, repeats: bool = False) -> Array:
        """True and False, equally likely."""
        self._check(shape, repeats)
        return np.asarray(self._generator.integers(0, 2, shape).astype(bool))

    def sparse(self, rows: int, columns: int) -> Csr:
        """A sparse matrix: a third of the elements, and none in the last row."""
        dense = self(rows, columns) * (self._generator.random((rows, columns)) < 1 / 3)
        dense[-1:] = 0
        return as_csr(dense, "float64")

    def count(self, value: int) -> Array:
        """An int64 scalar, such as the counter of a random op."""
        return np.asarray(value, "int64")

    def fixed(self, array: Array) -> Array:
        """`array`, which gradient checks must not move: the op jumps when it does."""
        self._fixed.append(array)
        return array

    def _check(self, shape: tuple[int, ...], repeats: bool) -> None:
        sizes = [n for n in shape if n > 1]
        if not (repeats or self._repeats) and len(set(sizes)) < len(sizes):
            raise ValueError(
                f"the shape {shape} has one size twice, which hides swapped axes; say repeats=True to allow it"
            )

    def is_fixed(self, array: Array) -> bool:
        return any(array is kept for kept in self._fixed)


class Sample(NamedTuple):
    """One application of an op: operands and attributes; `fixed` holds places of operands that must not be moved."""

    op: Op
    number: int
    operands: tuple[Any, ...]
    attrs: dict[str, Any]
    fixed: frozenset[int]

    def __str__(self) -> str:
        return f"{self.op.name}-{self.number}"


class ErrorSample(NamedTuple):
    """An application that must be refused, and words that the error must hold."""

    op: Op
    number: int
    operands: tuple[Any, ...]
    attrs: dict[str, Any]
    words: str

    def __str__(self) -> str:
        return f"{self.op.name}-{self.number}"


def samples(op: Op) -> Iterator[Sample]:
    """The samples in an op's declaration."""
    if op.sample_rule is not None:
        sampler = Sampler(zlib.crc32(op.name.encode()))
        for number, (operands, attrs) in enumerate(op.sample_rule(sampler)):
            fixed = frozenset(i for i, x in enumerate(operands) if sampler.is_fixed(x))
            yield Sample(op, number, tuple(operands), attrs, fixed)


def error_samples(op: Op) -> Iterator[ErrorSample]:
    """The samples that an op must refuse."""
    if op.error_rule is not None:
        for number, (operands, attrs, words) in enumerate(
            op.error_rule(Sampler(zlib.crc32(op.name.encode()), repeats=True))
        ):
            yield ErrorSample(op, number, tuple(operands), attrs, words)
