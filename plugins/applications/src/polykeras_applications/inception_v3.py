"""InceptionV3: Szegedy and others, Rethinking the inception architecture for computer vision (2015)."""

from __future__ import annotations

from typing import Any

from polykeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
    concatenate,
)
from polykeras.models import Model
from polykeras_applications import imagenet_utils
from polykeras_applications._inputs import channel_axis, check_options, image_shape, pooled, start
from polykeras_applications._weights import check_weights, load, published
from polykeras_applications.imagenet_utils import decode_predictions

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

_PUBLISHED = published(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.5/",
    "inception_v3",
    top="9a0d58056eeedaa3f26cb7ebd46da564",
    notop="bcbd6486424b2319ff4ef7d526e38f63",
)


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Pictures with values from 0 to 255 as the model takes them, from -1 to 1. A float array is changed in place."""
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def InceptionV3(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """Eleven blocks of parallel convolutions, `mixed0` to `mixed10`. Pictures go through `preprocess_input` first.

    include_top:  with the Dense layer that classifies.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    input_shape:  (height, width, 3), at least 75 x 75; by default (299, 299, 3), or open without top.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 2048); None: (batch, h, w, 2048).
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("InceptionV3", kwargs)
    check_weights(weights, include_top, classes)
    image, inputs = start(input_tensor, image_shape(input_shape, 299, 75, include_top, weights))
    x = _conv(image, 32, 3, 3, strides=2, padding="valid")
    x = _conv(x, 32, 3, 3, padding="valid")
    x = _conv(x, 64, 3, 3)
    x = MaxPooling2D(3, strides=2)(x)
    x = _conv(x, 80, 1, 1, padding="valid")
    x = _conv(x, 192, 3, 3, padding="valid")
    x = MaxPooling2D(3, strides=2)(x)
    for number, pool in enumerate((32, 64, 64)):
        x = _squares(x, pool, f"mixed{number}")
    x = _first_reduction(x, "mixed3")
    for number, width in enumerate((128, 160, 160, 192), 4):
        x = _factored(x, width, f"mixed{number}")
    x = _second_reduction(x, "mixed8")
    for number in (0, 1):
        x = _widened(x, number)
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = Dense(classes, activation="softmax", name="predictions")(x)
    else:
        x = pooled(x, pooling)
    model = Model(inputs, x, name="inception_v3")
    load(model, weights, include_top, _PUBLISHED)
    return model


# -- blocks ------------------------------------------------------------------------------------------------------------


def _squares(x: Any, pool: int, name: str) -> Any:
    """1x1; 5x5; twice 3x3; an average."""
    single = _conv(x, 64, 1, 1)
    five = _conv(_conv(x, 48, 1, 1), 64, 5, 5)
    double = _conv(_conv(_conv(x, 64, 1, 1), 96, 3, 3), 96, 3, 3)
    return _joined([single, five, double, _averaged(x, pool)], name)


def _first_reduction(x: Any, name: str) -> Any:
    """Half the size: 3x3; twice 3x3; a maximum."""
    three = _conv(x, 384, 3, 3, strides=2, padding="valid")
    double = _conv(_conv(x, 64, 1, 1), 96, 3, 3)
    double = _conv(double, 96, 3, 3, strides=2, padding="valid")
    return _joined([three, double, MaxPooling2D(3, strides=2)(x)], name)


def _factored(x: Any, width: int, name: str) -> Any:
    """1x1; 7x7 as 1x7 and 7x1; the same twice; an average."""
    single = _conv(x, 192, 1, 1)
    seven = _conv(_conv(_conv(x, width, 1, 1), width, 1, 7), 192, 7, 1)
    double = _conv(_conv(_conv(x, width, 1, 1), width, 7, 1), width, 1, 7)
    double = _conv(_conv(double, width, 7, 1), 192, 1, 7)
    return _joined([single, seven, double, _averaged(x, 192)], name)


def _second_reduction(x: Any, name: str) -> Any:
    """Half the size: 3x3; 7x7 and 3x3; a maximum."""
    three = _conv(_conv(x, 192, 1, 1), 320, 3, 3, strides=2, padding="valid")
    seven = _conv(_conv(_conv(x, 192, 1, 1), 192, 1, 7), 192, 7, 1)
    seven = _conv(seven, 192, 3, 3, strides=2, padding="valid")
    return _joined([three, seven, MaxPooling2D(3, strides=2)(x)], name)


def _widened(x: Any, number: int) -> Any:
    """1x1; 1x3 beside 3x1; 3x3 and the same; an average."""
    single = _conv(x, 320, 1, 1)
    three = _conv(x, 384, 1, 1)
    three = _joined([_conv(three, 384, 1, 3), _conv(three, 384, 3, 1)], f"mixed9_{number}")
    double = _conv(_conv(x, 448, 1, 1), 384, 3, 3)
    double = _joined([_conv(double, 384, 1, 3), _conv(double, 384, 3, 1)], None)
    return _joined([single, three, double, _averaged(x, 192)], f"mixed{9 + number}")


def _averaged(x: Any, filters: int) -> Any:
    return _conv(AveragePooling2D(3, strides=1, padding="same")(x), filters, 1, 1)


def _joined(tensors: list[Any], name: str | None) -> Any:
    return concatenate(tensors, axis=channel_axis(), name=name)


def _conv(x: Any, filters: int, rows: int, columns: int, strides: int = 1, padding: str = "same") -> Any:
    """A convolution, its batch normalisation without gamma, ReLU."""
    x = Conv2D(filters, (rows, columns), strides=strides, padding=padding, use_bias=False)(x)
    return Activation("relu")(BatchNormalization(axis=channel_axis(), scale=False)(x))
