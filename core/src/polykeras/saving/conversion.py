"""Weights as other times and backends stored them, brought into today's shapes and order.

One table says which steps the weights of a layer class go through. A layer that holds layers is taken apart first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer

Array: TypeAlias = np.ndarray[Any, Any]
Weights: TypeAlias = list[Array]


@dataclass(frozen=True)
class Origin:
    """Where weights come from. A file that names no version was written by Keras 1; no backend: kernels as ours."""

    keras_version: str = "1"
    backend: str | None = None
    reshape: bool = False

    @property
    def is_keras_1(self) -> bool:
        """Whether Keras 1 wrote the file."""
        return self.keras_version.split(".")[0] == "1"


Step: TypeAlias = Callable[[Any, Weights, Origin], Weights]


def preprocess_weights_for_loading(
    layer: Layer,
    weights: Sequence[Array],
    original_keras_version: str | None = None,
    original_backend: str | None = None,
    reshape: bool = False,
) -> Weights:
    """The weights of one layer, as a file holds them, in the shapes and the order that the layer has today.

    ``original_keras_version`` and ``original_backend`` are the file's; ``reshape`` lets a kernel of as many elements
    take the layer's shape.
    """
    return convert(layer, weights, Origin(original_keras_version or "1", original_backend, reshape))


def convert(layer: Any, weights: Sequence[Array], origin: Origin) -> Weights:
    """The same, by an Origin."""
    converted = _convert_parts(layer, list(weights), origin)
    for step in STEPS.get(type(layer).__name__, ()):
        converted = step(layer, converted, origin)
    return converted


def _convert_parts(layer: Any, weights: Weights, origin: Origin) -> Weights:
    """Convert the weights of a layer that holds layers: a model, a wrapper around one, a pair of directions."""
    if hasattr(layer, "forward_layer") and hasattr(layer, "backward_layer"):
        half = len(weights) // 2
        forward = convert(layer.forward_layer, weights[:half], origin)
        return forward + convert(layer.backward_layer, weights[half:], origin)
    if hasattr(layer, "layers"):
        return _convert_members(layer, weights, origin)
    if hasattr(layer, "layer") and hasattr(layer.layer, "weights"):
        return convert(layer.layer, weights, origin)
    return weights


def _convert_members(model: Any, weights: Weights, origin: Origin) -> Weights:
    """A model lists trainable weights first, so a member's weights lie apart; they are told by identity."""
    own = [id(variable) for variable in model.weights]
    if len(own) != len(weights):
        return weights
    for member in model.layers:
        places = [own.index(id(variable)) for variable in member.weights]
        for place, value in zip(places, convert(member, [weights[place] for place in places], origin), strict=False):
            weights[place] = value
    return weights


# -- Steps -------------------------------------------------------------------------------------------------------------


def _flip_kernels(count: int) -> Step:
    """Theano convolved and the others correlate: turn the first ``count`` kernels around in their spatial axes."""

    def flip(layer: Any, weights: Weights, origin: Origin) -> Weights:
        if origin.backend != "theano":
            return weights
        return [np.flip(kernel, tuple(range(kernel.ndim - 2))) for kernel in weights[:count]] + weights[count:]

    return flip


def _reshape_kernel(layer: Any, weights: Weights, origin: Origin) -> Weights:
    """On request, give the kernel the layer's shape; ValueError where the numbers of elements differ."""
    if not origin.reshape or not weights:
        return weights
    wanted = tuple(layer.weights[0].spec.shape)
    if math.prod(wanted) != weights[0].size:
        raise ValueError(
            f"Weights must be of equal size to apply a reshape operation. Layer {layer.name}'s weights have shape "
            f"{wanted} and size {math.prod(wanted)}. The weights for loading have shape {weights[0].shape} and size "
            f"{weights[0].size}."
        )
    return [weights[0].reshape(wanted), *weights[1:]]


def _keras_1_conv1d(layer: Any, weights: Weights, origin: Origin) -> Weights:
    """Keras 1 kept (length, 1, in, out), or before 1.2 (out, in, length, 1)."""
    if not origin.is_keras_1:
        return weights
    kernel, length = weights[0], layer.kernel_size[0]
    if kernel.shape[:2] != (length, 1) or kernel.shape[3] != layer.filters:
        kernel = kernel.transpose(2, 3, 1, 0)
    return [kernel[:, 0], *weights[1:]]


def _keras_1_kernel(channels_first: tuple[int, ...], channels_last: tuple[int, ...] | None = None) -> Step:
    """Keras 1 laid kernels out by the data format: the axes of today's kernel in that one."""

    def transpose(layer: Any, weights: Weights, origin: Origin) -> Weights:
        axes = channels_first if layer.data_format == "channels_first" else channels_last
        if not origin.is_keras_1 or axes is None:
            return weights
        return [weights[0].transpose(axes), *weights[1:]]

    return transpose


def _keras_1_gates(order: tuple[int, ...]) -> Step:
    """Keras 1 kept kernel, recurrent kernel and bias of each gate apart; ``order`` is that of today's gates."""

    def join(layer: Any, weights: Weights, origin: Origin) -> Weights:
        if not origin.is_keras_1 or len(weights) != 3 * len(order):
            return weights
        if type(layer).__name__ == "ConvLSTM2D" and layer.data_format == "channels_first":
            weights = [weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight for weight in weights]
        return [np.concatenate([weights[3 * gate + part] for gate in order], axis=-1) for part in range(3)]

    return join


def _from_cudnn(gates: int) -> Step:
    """Weights of a CuDNN layer, which are told by their bias of two per gate and unit, as the plain layer has them."""

    def unpack(layer: Any, weights: Weights, origin: Origin) -> Weights:
        if len(weights) != 3 or weights[2].shape != (2 * weights[1].shape[-1],):
            return weights
        kernel, recurrent_kernel, bias = weights
        biases = bias.reshape(2, -1)
        merged = biases if getattr(layer, "reset_after", False) else biases.sum(axis=0)
        return [_cudnn_matrices(kernel, gates), _cudnn_matrices(recurrent_kernel, gates), merged]

    return unpack


def _to_cudnn(gates: int) -> Step:
    """Weights of the plain layer as the CuDNN layer has them; an LSTM's bias is halved between input and state."""

    def pack(layer: Any, weights: Weights, origin: Origin) -> Weights:
        width = weights[1].shape[-1] if len(weights) == 3 else None
        if width is None or weights[2].shape not in ((width,), (2, width)):
            return weights
        kernel, recurrent_kernel, bias = weights
        if bias.ndim == 1:
            if gates == 3:
                raise ValueError(
                    f"Layer {layer.name}: a GRU with `reset_after=False` computes something else than CuDNNGRU, so its "
                    f"weights do not fit. Load them into `GRU`."
                )
            bias = np.stack([bias / 2, bias / 2])
        return [_packed(kernel, gates), _packed(recurrent_kernel, gates), bias.reshape(-1)]

    return pack


def _cudnn_matrices(kernel: Array, gates: int) -> Array:
    """Each gate's values, row by row cuDNN's matrix (units, d), as a block (d, units).   kernel: (d, gates units)"""
    blocks = np.split(kernel, gates, axis=1)
    return np.concatenate([block.reshape(block.shape[::-1]).T for block in blocks], axis=1)


def _packed(kernel: Array, gates: int) -> Array:
    """The inverse.   kernel: (d, gates units)"""
    blocks = np.split(kernel, gates, axis=1)
    return np.concatenate([block.T.reshape(block.shape) for block in blocks], axis=1)


STEPS: dict[str, tuple[Step, ...]] = {
    "Conv1D": (_keras_1_conv1d, _flip_kernels(1), _reshape_kernel),
    "Conv2D": (_keras_1_kernel((2, 3, 1, 0)), _flip_kernels(1), _reshape_kernel),
    "Conv3D": (_keras_1_kernel((2, 3, 4, 1, 0)), _flip_kernels(1), _reshape_kernel),
    "Conv2DTranspose": (_keras_1_kernel((2, 3, 0, 1), (0, 1, 3, 2)), _flip_kernels(1), _reshape_kernel),
    "ConvLSTM2D": (_keras_1_gates((0, 2, 1, 3)), _flip_kernels(2), _reshape_kernel),
    "LSTM": (_keras_1_gates((0, 2, 1, 3)), _from_cudnn(4)),
    "GRU": (_keras_1_gates((0, 1, 2)), _from_cudnn(3)),
    "CuDNNLSTM": (_to_cudnn(4),),
    "CuDNNGRU": (_to_cudnn(3),),
}
"""What the weights of a class go through, in order."""
