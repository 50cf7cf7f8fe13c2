"""The networks of Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition (2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from polykeras.models import Model
from polykeras_applications._inputs import image_shape, pooled, start
from polykeras_applications._weights import Published, check_weights, load

FILTERS = (64, 128, 256, 512, 512)


def vgg(
    name: str,
    depths: Sequence[int],
    source: Published,
    include_top: bool,
    weights: str | None,
    input_tensor: Any,
    input_shape: Any,
    pooling: str | None,
    classes: int,
) -> Model:
    """Five blocks of 3x3 convolutions, `depths` of them in each, each block halving the picture; three Dense layers."""
    check_weights(weights, include_top, classes)
    image, inputs = start(input_tensor, image_shape(input_shape, 224, 32, include_top, weights))
    x = image
    for block, (depth, filters) in enumerate(zip(depths, FILTERS, strict=True), 1):
        for number in range(1, depth + 1):
            x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{number}")(x)
        x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if include_top:
        x = Flatten(name="flatten")(x)
        x = Dense(4096, activation="relu", name="fc1")(x)
        x = Dense(4096, activation="relu", name="fc2")(x)
        x = Dense(classes, activation="softmax", name="predictions")(x)
    else:
        x = pooled(x, pooling)
    model = Model(inputs, x, name=name)
    load(model, weights, include_top, source)
    return model
