"""Projections of a weight after each update: a tensor in, one of the same shape out.

`axis` says over which axes a norm is taken: 0 for the input weights of each unit of a `Dense` kernel,
[0, 1, 2] for each filter of a `Conv2D` kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.identifiers import resolve, revive
from polykeras.registry import constraints as registered
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import deserialize_keras_object as deserialize_keras_object
from polykeras.utils.generic_utils import serialize_keras_object

Axes = int | Sequence[int]


class Constraint:
    """Base class: a callable from a weight to the weight that is allowed."""

    def __call__(self, w: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, w).")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        return cls(**config)


class MaxNorm(Constraint):
    """w * min(norm(w), max_value) / norm(w)"""

    def __init__(self, max_value: float = 2, axis: Axes = 0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norm(w, self.axis)
        return w * (K.clip(norms, 0, self.max_value) / (K.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """w where w >= 0, else 0."""

    def __call__(self, w: Tensor) -> Tensor:
        return w * K.cast(K.greater_equal(w, 0.0), K.dtype(w))


class UnitNorm(Constraint):
    """w / norm(w)"""

    def __init__(self, axis: Axes = 0):
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        return w / (K.epsilon() + _norm(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """w * (rate * clip(norm(w), min_value, max_value) + (1 - rate) * norm(w)) / norm(w)

    rate: 1 enforces the bounds at every step, less moves towards them.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axes = 0):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norm(w, self.axis)
        desired = self.rate * K.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (desired / (K.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


def _norm(w: Tensor, axis: Axes) -> Tensor:
    """sqrt(sum(w ** 2)) over `axis`, which stays as a dim of 1."""
    return K.sqrt(K.sum(K.square(w), axis=axis, keepdims=True))


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm


def serialize(constraint: Any) -> Any:
    """The config of a constraint, the name of a function, None of None."""
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint that `serialize` described."""
    return revive(config, registered, "constraint", custom_objects)


def get(identifier: Any) -> Any:
    """The constraint that `identifier` means: None, a name, a config, an instance, a class or a function."""
    return None if identifier is None else resolve(identifier, registered, "constraint")
