"""Polykeras, on the backend that POLYKERAS_BACKEND names, through `train_on_batch`."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads.workload import Conv, Dense, Dropout, Flatten, Layer, MaxPool, Workload
from polykeras import layers
from polykeras.models import Sequential
from polykeras.optimizers import Adam


def prepare(threads: int | None) -> None:
    """Threads are limited by the environment."""


class Model:
    """A compiled `Sequential`."""

    def __init__(self, workload: Workload) -> None:
        self.model = Sequential([layers.InputLayer(input_shape=workload.shape), *map(_layer, workload.layers)])
        self.model.compile(optimizer=Adam(lr=0.001, epsilon=1e-7), loss="categorical_crossentropy")
        self.model.set_weights(workload.weights())
        self.x, digits = workload.arrays()
        self.y = np.eye(workload.classes, dtype="float32")[digits]

    def evaluate(self) -> float:
        return float(self.model.test_on_batch(self.x, self.y))

    def step(self) -> float:
        return float(self.model.train_on_batch(self.x, self.y))


build = Model


def _layer(layer: Layer) -> object:
    match layer:
        case Dense(units, activation):
            return layers.Dense(units, activation=activation)
        case Conv(filters, size):
            return layers.Conv2D(filters, size, activation="relu")
        case MaxPool(size):
            return layers.MaxPooling2D(size)
        case Dropout(rate):
            return layers.Dropout(rate)
        case Flatten():
            return layers.Flatten()
