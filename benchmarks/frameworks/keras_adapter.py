"""Keras 3 on the backend that KERAS_BACKEND names, through `train_on_batch`."""

from __future__ import annotations

import os

import keras
import numpy as np
from keras import layers

from benchmarks.workloads.workload import Conv, Dense, Dropout, Flatten, Layer, MaxPool, Workload


def prepare(threads: int | None) -> None:
    if threads is not None and os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


class Model:
    """A compiled `Sequential`."""

    def __init__(self, workload: Workload) -> None:
        self.model = keras.Sequential([layers.Input(workload.shape), *map(_layer, workload.layers)])
        self.model.compile(optimizer=keras.optimizers.Adam(0.001, epsilon=1e-7), loss="categorical_crossentropy")
        self.model.set_weights(workload.weights())
        self.x, digits = workload.arrays()
        self.y = np.eye(workload.classes, dtype="float32")[digits]

    def evaluate(self) -> float:
        return _single(self.model.test_on_batch(self.x, self.y))

    def step(self) -> float:
        # Keras 3 reports the mean loss since the metrics were reset; without a reset it is not this step's.
        self.model.reset_metrics()
        return _single(self.model.train_on_batch(self.x, self.y))


build = Model


def _single(loss: object) -> float:
    return float(np.ravel(np.asarray(loss))[0])


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
