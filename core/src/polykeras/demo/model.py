"""The demo's network: two convolutions and two dense layers, 26,154 weights."""

from __future__ import annotations

from typing import Any

from polykeras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from polykeras.models import Sequential

__all__ = ["BATCH", "build"]

BATCH = 32


def build(input_shape: tuple[int, ...]) -> Any:
    """The compiled model. Images of `input_shape` in, the ten digits' probabilities out."""
    model = Sequential(name="digits")
    model.add(Conv2D(16, (3, 3), padding="same", activation="relu", input_shape=input_shape))
    model.add(Conv2D(32, (3, 3), activation="relu"))
    model.add(MaxPooling2D())
    model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(64, activation="relu"))
    model.add(Dropout(0.25))
    model.add(Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
