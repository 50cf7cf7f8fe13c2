"""Activation functions: tensor in, tensor of the same shape out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from polykeras import backend as K
from polykeras._faces import lazy
from polykeras.registry import activations as registered
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import deserialize_keras_object

__getattr__, __dir__ = lazy(__name__, {"Layer": "polykeras.engine.base_layer:Layer"})  # which Keras shows here too

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def linear(x: Tensor) -> Tensor:
    """x"""
    return x


def relu(x: Tensor, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """max_value where x >= max_value;  x where threshold <= x < max_value;  alpha * (x - threshold) below."""
    return K.relu(x, alpha=alpha, max_value=max_value, threshold=threshold)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1)."""
    return K.elu(x, alpha)


def selu(x: Tensor) -> Tensor:
    """scale * elu(x, alpha), the constants chosen so that mean 0 and variance 1 are a fixed point of deep networks."""
    return SELU_SCALE * K.elu(x, SELU_ALPHA)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis`. Raises ValueError for a vector, which has no axis beside the batch."""
    if K.ndim(x) == 1:
        raise ValueError(
            f"Cannot apply softmax to a tensor that is 1D: got shape {K.int_shape(x)}, expected (batch, ..., classes)."
        )
    return K.softmax(x, axis=axis)


def softplus(x: Tensor) -> Tensor:
    """log(exp(x) + 1)"""
    return K.softplus(x)


def softsign(x: Tensor) -> Tensor:
    """x / (abs(x) + 1)"""
    return K.softsign(x)


def tanh(x: Tensor) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))"""
    return K.tanh(x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x))"""
    return K.sigmoid(x)


def hard_sigmoid(x: Tensor) -> Tensor:
    """0.2 * x + 0.5, cut to [0, 1]."""
    return K.hard_sigmoid(x)


def exponential(x: Tensor) -> Tensor:
    """exp(x)"""
    return K.exp(x)


def get(identifier: Any) -> Callable[..., Any]:
    """The function that `identifier` means: None is `linear`, a name is looked up, a function is itself."""
    if identifier is None:
        return linear
    if isinstance(identifier, str | dict):
        return deserialize(identifier)
    if callable(identifier):
        given: Callable[..., Any] = identifier
        if hasattr(identifier, "compute_output_shape"):
            warnings.warn(
                f"The layer {identifier!r} is given as an activation: its weights would not be tracked. "
                f"Call the layer on the output instead.",
                stacklevel=2,
            )
        return given
    raise ValueError(
        f"Could not interpret activation function identifier: {identifier!r}. Expected a name, a function or None."
    )


def serialize(activation: Callable[..., Any]) -> str:
    """The name by which `get` finds the function again."""
    return activation.__name__


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """The function of that name, among the custom objects or the registered ones."""
    found: Callable[..., Any] = deserialize_keras_object(
        name, module_objects=registered, custom_objects=custom_objects, printable_module_name="activation function"
    )
    return found
