"""ResNet-50 of polykeras layers, and deeper ones of the same blocks."""

from __future__ import annotations

from typing import Any

from polykeras.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    Input,
    MaxPooling2D,
)
from polykeras.models import Model

__all__ = ["RESNET50", "resnet"]

RESNET50 = (3, 4, 6, 3)  # blocks of each stage


def resnet(blocks: tuple[int, ...] = RESNET50, size: int = 224) -> Any:
    """A residual network with bottleneck blocks; images (size, size, 3) in, 1,000 probabilities out. Not compiled."""
    image = Input((size, size, 3))
    x = _convolution(image, 64, 7, strides=2)
    x = MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, count in enumerate(blocks):
        for index in range(count):
            x = _block(x, 64 * 2**stage, strides=2 if stage and not index else 1, widens=not index)
    return Model(image, Dense(1000, activation="softmax")(GlobalAveragePooling2D()(x)))


def _convolution(x: Any, filters: int, kernel: int, strides: int = 1, activation: str | None = "relu") -> Any:
    x = Conv2D(filters, kernel, strides=strides, padding="same")(x)
    x = BatchNormalization()(x)
    return Activation(activation)(x) if activation else x


def _block(x: Any, filters: int, strides: int, widens: bool) -> Any:
    y = _convolution(x, filters, 1, strides)
    y = _convolution(y, filters, 3)
    y = _convolution(y, 4 * filters, 1, activation=None)
    shortcut = _convolution(x, 4 * filters, 1, strides, activation=None) if widens else x
    return Activation("relu")(Add()([y, shortcut]))
