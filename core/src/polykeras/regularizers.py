"""Penalties on weights and outputs: a tensor in, a scalar to add to the loss out."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras.identifiers import resolve, revive
from polykeras.registry import regularizers as registered
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import deserialize_keras_object as deserialize_keras_object
from polykeras.utils.generic_utils import serialize_keras_object


class Regularizer:
    """Base class: a callable from a tensor to a scalar."""

    def __call__(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, x).")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        return cls(**config)


class L1L2(Regularizer):
    """l1 * sum(abs(x)) + l2 * sum(x ** 2), over all of x.

    Keras keeps the factors in floatx, and so do its files: 0.01 is saved as 0.009999999776482582.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = float(K.cast_to_floatx(l1))
        self.l2 = float(K.cast_to_floatx(l2))

    def __call__(self, x: Tensor) -> Tensor:
        penalties = []
        if self.l1:
            penalties.append(self.l1 * K.sum(K.abs(x)))
        if self.l2:
            penalties.append(self.l2 * K.sum(K.square(x)))
        return sum(penalties[1:], penalties[0]) if penalties else K.constant(0.0, dtype=K.dtype(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


def l1(l: float = 0.01) -> L1L2:  # noqa: E741  Keras's name for the argument
    """l * sum(abs(x))"""
    return L1L2(l1=l)


def l2(l: float = 0.01) -> L1L2:  # noqa: E741  Keras's name for the argument
    """l * sum(x ** 2)"""
    return L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """l1 * sum(abs(x)) + l2 * sum(x ** 2)"""
    return L1L2(l1=l1, l2=l2)


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer, the name of a function, None of None."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer that `serialize` described."""
    return revive(config, registered, "regularizer", custom_objects)


def get(identifier: Any) -> Any:
    """The regularizer that `identifier` means: None, a name, a config, an instance, a class or a function."""
    return None if identifier is None else resolve(identifier, registered, "regularizer")
