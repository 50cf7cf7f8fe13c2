"""DenseNet121, 169 and 201: Huang and others, Densely connected convolutional networks (2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from polykeras.models import Model
from polykeras_applications import imagenet_utils
from polykeras_applications._inputs import channel_axis, check_options, image_shape, pooled, start
from polykeras_applications._weights import check_weights, load, published
from polykeras_applications.imagenet_utils import decode_predictions

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_ORIGIN = "https://github.com/keras-team/keras-applications/releases/download/densenet/"
_BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
_HASHES = {
    121: ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    169: ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    201: ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
}
_GROWTH = 32


def preprocess_input(x: Any, data_format: str | None = None, **kwargs: Any) -> Any:
    """Pictures with values from 0 to 255 as the models take them: each channel less its mean, by its deviation.

    A float array is changed in place.
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch", **kwargs)


def DenseNet121(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """The DenseNet with 121 layers of weights. Pictures go through `preprocess_input` first.

    include_top:  with the Dense layer that classifies.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    input_shape:  (height, width, 3), at least 32 x 32; by default (224, 224, 3), or open without top.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 1024); None: (batch, h / 32, w / 32, 1024).
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("DenseNet121", kwargs)
    return _densenet(121, include_top, weights, input_tensor, input_shape, pooling, classes)


def DenseNet169(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """The DenseNet with 169 layers of weights, 1664 channels at the end. The arguments are those of `DenseNet121`."""
    check_options("DenseNet169", kwargs)
    return _densenet(169, include_top, weights, input_tensor, input_shape, pooling, classes)


def DenseNet201(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """The DenseNet with 201 layers of weights, 1920 channels at the end. The arguments are those of `DenseNet121`."""
    check_options("DenseNet201", kwargs)
    return _densenet(201, include_top, weights, input_tensor, input_shape, pooling, classes)


def _densenet(
    depth: int,
    include_top: bool,
    weights: str | None,
    input_tensor: Any,
    input_shape: Any,
    pooling: str | None,
    classes: int,
) -> Model:
    check_weights(weights, include_top, classes)
    image, inputs = start(input_tensor, image_shape(input_shape, 224, 32, include_top, weights))
    x = ZeroPadding2D(3)(image)
    x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1/conv")(x)
    x = _active(x, "conv1/bn", "conv1/relu")
    x = ZeroPadding2D(1)(x)
    x = MaxPooling2D(3, strides=2, name="pool1")(x)
    x = _dense_blocks(x, _BLOCKS[depth])
    x = _active(x, "bn", "relu")
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = Dense(classes, activation="softmax", name="fc1000")(x)
    else:
        x = pooled(x, pooling, "avg_pool", "max_pool")
    model = Model(inputs, x, name=f"densenet{depth}")
    top, notop = _HASHES[depth]
    load(model, weights, include_top, published(_ORIGIN, f"densenet{depth}", top, notop))
    return model


def _dense_blocks(x: Any, counts: Sequence[int]) -> Any:
    """Blocks in which each convolution reads all before it; between them half as many channels, half the size."""
    for stage, count in enumerate(counts, 2):
        if stage > 2:
            x = _transition(x, f"pool{stage - 1}")
        for number in range(1, count + 1):
            place = f"conv{stage}_block{number}"
            h = _active(x, f"{place}_0_bn", f"{place}_0_relu")
            h = Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{place}_1_conv")(h)
            h = _active(h, f"{place}_1_bn", f"{place}_1_relu")
            h = Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{place}_2_conv")(h)
            x = Concatenate(axis=channel_axis(), name=f"{place}_concat")([x, h])
    return x


def _transition(x: Any, place: str) -> Any:
    x = _active(x, f"{place}_bn", f"{place}_relu")
    x = Conv2D(K.int_shape(x)[channel_axis()] // 2, 1, use_bias=False, name=f"{place}_conv")(x)
    return AveragePooling2D(2, strides=2, name=f"{place}_pool")(x)


def _active(x: Any, norm: str, relu: str) -> Any:
    """Batch normalisation and ReLU, by these names."""
    return Activation("relu", name=relu)(BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=norm)(x))
