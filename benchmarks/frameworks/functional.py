"""A network as a functional model of Keras's API, which Keras 3 and polykeras share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Network, Workload
from benchmarks.workloads import layers as described

__all__ = ["FunctionalModel", "functional"]


class FunctionalModel:
    """A compiled model with the workload's weights and batch.

    keras: the package.   adam: its optimizer, ready.   options: of `compile`.
    """

    def __init__(self, workload: Workload, keras: Any, adam: Any, **options: Any) -> None:
        network = workload.build()
        self.trains = workload.trains
        self.model, weighted = functional(network, keras)
        self.model.compile(optimizer=adam, loss="categorical_crossentropy", **options)
        for layer, weights in zip(weighted, network.weights(), strict=True):
            if weights:
                layer.set_weights(weights)
        self.x, self.classes = workload.arrays(network)
        self.y = np.eye(network.shapes[-1][-1], dtype="float32")[self.classes]

    def evaluate(self) -> float:
        return single(self.model.test_on_batch(self.x, self.y))

    def step(self) -> float:
        if self.trains:
            return single(self.model.train_on_batch(self.x, self.y))
        return float(self.model.predict_on_batch(self.x)[0, 0])


def single(loss: Any) -> float:
    """The loss as a number, from whatever a Keras returns."""
    return float(np.ravel(np.asarray(loss))[0])


def functional(network: Network, keras: Any) -> tuple[Any, list[Any]]:
    """The model of the network, not compiled; and for each node of the network the layer that has its weights."""
    made = _Layers(keras.layers)
    shape = network.shapes[0]
    values = [keras.layers.Input(shape, dtype="int32") if network.tokens else keras.layers.Input(shape)]
    for layer, inputs in network.nodes:
        values.append(made.add(layer, network.shapes[inputs[0]])(*[values[i] for i in inputs]))
    return keras.models.Model(values[0], values[-1]), made.weighted


class _Layers:
    """Makes layers as they are called for.   weighted: for each node, the layer that has its weights"""

    def __init__(self, layers: Any) -> None:
        self.layers = layers
        self.weighted: list[Any] = []

    def add(self, layer: Any, shape: tuple[int, ...]) -> Callable[..., Any]:
        """What to call on the operands; shape: of a sample of the first one."""
        layers, called = self.layers, None
        match layer:
            case described.Dense(units, activation):
                made = layers.Dense(units, activation=activation)
            case described.Conv(filters, kernel, stride, padding, activation):
                same = padding and stride == 1 and 2 * padding == kernel - 1
                made = layers.Conv2D(
                    filters, kernel, strides=stride, padding="same" if same else "valid", activation=activation
                )
                called = None if same else self._padded(padding, made)
            case described.MaxPool(size, stride, padding):
                made = layers.MaxPooling2D(size, strides=stride or size)
                called = self._padded(padding, made)
            case described.GlobalPool():
                made = layers.GlobalAveragePooling2D() if len(shape) == 3 else layers.GlobalAveragePooling1D()
            case described.Dropout(rate):
                made = layers.Dropout(rate)
            case described.Activation(name):
                made = layers.Activation(name)
            case described.Add():
                made = layers.Add()
                called = _on_list(made)
            case described.Flatten():
                made = layers.Flatten()
            case described.BatchNorm():
                made = layers.BatchNormalization()
            case described.LayerNorm():
                made = layers.LayerNormalization(epsilon=1e-3)
            case described.Embedding(tokens, width):
                made = layers.Embedding(tokens, width)
            case described.LSTM(units):
                made = layers.LSTM(units, recurrent_activation="sigmoid")
            case described.Attention(heads):
                made = layers.MultiHeadAttention(heads, shape[-1] // heads)
                called = _on_itself(made)
            case _:
                raise TypeError(f"no layer for {layer}")
        self.weighted.append(made)
        return called or made

    def _padded(self, padding: int, layer: Any) -> Any:
        if not padding:
            return layer
        zeros = self.layers.ZeroPadding2D(padding)

        def padded(x: Any) -> Any:
            return layer(zeros(x))

        return padded


def _on_list(layer: Any) -> Callable[..., Any]:
    def call(*operands: Any) -> Any:
        return layer(list(operands))

    return call


def _on_itself(layer: Any) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        return layer(x, x)

    return call
