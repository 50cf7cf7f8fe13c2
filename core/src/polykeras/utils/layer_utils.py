"""Helpers for layers and models, where Keras keeps them; and weights of Theano's and of other data formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from polykeras import backend as K
from polykeras.engine.layer_graph import get_source_inputs
from polykeras.engine.network import Network
from polykeras.engine.summary import print_summary
from polykeras.engine.weights import count_params
from polykeras.utils.conv_utils import convert_kernel

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer

__all__ = [
    "convert_all_kernels_in_model",
    "convert_dense_weights_data_format",
    "convert_kernel",
    "count_params",
    "get_source_inputs",
    "print_layer_summary",
    "print_summary",
]

_FLIPPED_BY_THEANO = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")

print_layer_summary = print_summary  # what Keras's `engine.network` calls it


def convert_all_kernels_in_model(model: Network) -> None:
    """Flip the kernels of all convolutions of a model, of those in models inside it too: `convert_kernel` on each."""
    flipped = [(layer.kernel, convert_kernel(K.get_value(layer.kernel))) for layer in _convolutions(model)]
    K.batch_set_value(flipped)


def convert_dense_weights_data_format(
    dense: Layer, previous_feature_map_shape: Sequence[int], target_data_format: str = "channels_first"
) -> None:
    """Reorder the rows of a Dense layer's kernel, which follows a Flatten, for feature maps of the other data format.

    previous_feature_map_shape: the shape, without the batch, that comes into the Flatten in the *target* format.
    target_data_format: "channels_first" (the kernel is of channels last) or "channels_last" (the other way round).

    Raises ValueError for another format, and for a shape whose product is not the number of the kernel's rows.
    """
    target = K.normalize_data_format(target_data_format)
    shape = tuple(previous_feature_map_shape)
    kernel, *bias = dense.get_weights()
    if np.prod(shape) != len(kernel):
        raise ValueError(
            f"The kernel of {dense.name} has {len(kernel)} rows, but feature maps of shape {shape} "
            f"have {np.prod(shape)} values."
        )
    if target == "channels_first":
        channels, *sizes = shape
        maps = np.moveaxis(kernel.reshape(*sizes, channels, -1), -2, 0)
    else:
        *sizes, channels = shape
        maps = np.moveaxis(kernel.reshape(channels, *sizes, -1), 0, -2)
    dense.set_weights([maps.reshape(kernel.shape), *bias])


def _convolutions(model: Network) -> Iterator[Any]:
    for layer in model.layers:
        if isinstance(layer, Network):
            yield from _convolutions(layer)
        elif type(layer).__name__ in _FLIPPED_BY_THEANO:
            yield layer
