"""Common mistakes with shapes: the error names the layer, what it expected, what came, and the likely fix."""

import numpy as np
import pytest

from polykeras import layers
from polykeras.layers import (
    LSTM,
    Add,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv1D,
    Conv2D,
    ConvLSTM2D,
    Dense,
    Dot,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    RepeatVector,
    Reshape,
    TimeDistributed,
)
from polykeras.models import Model, Sequential

NAMED = {"name": "culprit"}


def model(*stack, loss="mse"):
    made = Sequential(list(stack))
    made.compile("sgd", loss)
    return made


def fit(made, x, y):
    made.fit(np.zeros(x), np.zeros(y), verbose=0)


def two_inputs():
    a, b = Input((3,), name="left"), Input((3,), name="right")
    return Model([a, b], Add()([a, b]))


MISTAKES = {
    "images without a channel axis": (
        lambda: Conv2D(4, 3, **NAMED)(Input((28, 28))),
        ["culprit", "ndim=4", "(None, 28, 28)", "np.expand_dims(x, -1)"],
    ),
    "data of images without a channel axis": (
        lambda: model(Conv2D(2, 3, input_shape=(8, 8, 1), **NAMED)).predict(np.zeros((5, 8, 8))),
        ["culprit_input", "4 dimensions", "(5, 8, 8)", "np.expand_dims(x, -1)"],
    ),
    "one image instead of a batch": (
        lambda: model(Conv2D(2, 3, input_shape=(8, 9, 1), **NAMED)).predict(np.zeros((8, 9, 1))),
        ["culprit_input", "4 dimensions", "(8, 9, 1)", "x[None]"],
    ),
    "one vector instead of a batch": (
        lambda: model(Dense(2, input_shape=(4,), **NAMED)).predict(np.zeros(4)),
        ["culprit_input", "(4,)", "(1,)", "x[None]"],
    ),
    "the batch in input_shape": (
        lambda: model(Dense(2, input_shape=(32, 784), **NAMED)).predict(np.zeros((32, 784))),
        ["culprit_input", "3 dimensions", "(32, 784)", "without it: (784,)"],
    ),
    "channels on another axis": (
        lambda: model(Conv2D(2, 3, input_shape=(9, 8, 3), **NAMED)).predict(np.zeros((5, 3, 9, 8))),
        ["culprit_input", "(9, 8, 3)", "(3, 9, 8)", "data_format"],
    ),
    "a window larger than what is called rows": (
        lambda: Conv2D(4, 3, **NAMED)(Input((1, 28, 28))),
        ["culprit", "spans 3", "1 elements", "data_format"],
    ),
    "one pooling too many": (
        lambda: MaxPooling2D(**NAMED)(MaxPooling2D()(Input((3, 3, 1)))),
        ["culprit", "spans 2", "1 elements", "fewer poolings"],
    ),
    "no Flatten before the last Dense": (
        lambda: fit(model(Conv2D(2, 3, input_shape=(8, 8, 1)), Dense(10, **NAMED)), (5, 8, 8, 1), (5, 10)),
        ["culprit", "4 dimensions", "(5, 10)", "Flatten()"],
    ),
    "Flatten too early": (
        lambda: layers.GlobalAveragePooling2D(**NAMED)(Flatten()(Input((4, 4, 2)))),
        ["culprit", "ndim=4", "(None, 32)", "`Flatten` before it comes too early"],
    ),
    "Flatten of an unknown size": (
        lambda: Flatten(**NAMED)(Input((None, 3))),
        ["culprit", "fully defined", "(None, 3)", "input_shape"],
    ),
    "Dense on an unknown size": (
        lambda: Dense(3, **NAMED)(Input((4, None))),
        ["culprit", "known last axis", "(None, 4, None)", "global pooling"],
    ),
    "no return_sequences in a stack": (
        lambda: LSTM(3, **NAMED)(LSTM(4)(Input((5, 2)))),
        ["culprit", "ndim=3", "(None, 4)", "return_sequences=True"],
    ),
    "vectors into a recurrent layer": (
        lambda: Bidirectional(LSTM(3), **NAMED)(Input((5,))),
        ["culprit", "ndim=3", "(None, 5)", "Reshape((-1, 1))"],
    ),
    "vectors into a convolution over a sequence": (
        lambda: Conv1D(3, 2, **NAMED)(Input((100,))),
        ["culprit", "ndim=3", "(None, 100)", "Reshape((-1, 1))"],
    ),
    "images into a recurrent layer": (
        lambda: LSTM(3, **NAMED)(Input((5, 8, 8, 1))),
        ["culprit", "ndim=3", "(None, 5, 8, 8, 1)", "TimeDistributed(Flatten())"],
    ),
    "an image into a layer over sequences of them": (
        lambda: ConvLSTM2D(3, 3, **NAMED)(Input((8, 8, 1))),
        ["culprit", "ndim=5", "(None, 8, 8, 1)", "np.expand_dims(x, 1)"],
    ),
    "TimeDistributed without steps": (
        lambda: TimeDistributed(Dense(3), **NAMED)(LSTM(4)(Input((5, 2)))),
        ["culprit", "at least 3 axes", "(None, 4)", "return_sequences=True"],
    ),
    "a sequence where a vector is repeated": (
        lambda: RepeatVector(3, **NAMED)(LSTM(4, return_sequences=True)(Input((5, 2)))),
        ["culprit", "ndim=2", "(None, 5, 4)", "without `return_sequences=True`"],
    ),
    "targets of every step for the last output": (
        lambda: fit(model(LSTM(3, input_shape=(5, 2), **NAMED)), (4, 5, 2), (4, 5, 3)),
        ["culprit", "2 dimensions", "(4, 5, 3)", "needs `return_sequences=True`"],
    ),
    "one target for every step's output": (
        lambda: fit(model(LSTM(3, return_sequences=True, input_shape=(5, 2), **NAMED)), (4, 5, 2), (4, 3)),
        ["culprit", "3 dimensions", "(4, 3)", "leave out `return_sequences=True`"],
    ),
    "class numbers for one-hot vectors": (
        lambda: fit(model(Dense(10, input_shape=(4,), **NAMED), loss="categorical_crossentropy"), (5, 4), (5,)),
        ["culprit", "(10,)", "(1,)", "to_categorical", "sparse_categorical_crossentropy"],
    ),
    "one-hot vectors for class numbers": (
        lambda: fit(
            model(Dense(10, input_shape=(4,), **NAMED), loss="sparse_categorical_crossentropy"), (5, 4), (5, 10)
        ),
        ["culprit", "(1,)", "(10,)", "argmax"],
    ),
    "sums of different sizes": (
        lambda: Add(**NAMED)([Input((3,)), Input((4,))]),
        ["culprit", "(3,) (4,)", "`Dense`", "`Concatenate`"],
    ),
    "joining along the wrong axis": (
        lambda: Concatenate(1, **NAMED)([Input((2, 3)), Input((3, 4))]),
        ["culprit", "matching shapes", "(None, 2, 3)", "(None, 3, 4)", "`axis`"],
    ),
    "sizes of a product": (
        lambda: Dot(1, **NAMED)([Input((3,)), Input((4,))]),
        ["culprit", "3 != 4", "(None, 3)", "(None, 4)", "`axes`"],
    ),
    "merging one tensor": (
        lambda: Concatenate(**NAMED)(Input((3,))),
        ["culprit", "list of inputs", "(None, 3)", "([a, b])"],
    ),
    "another number of values": (
        lambda: Reshape((4,), **NAMED)(Input((2, 3))),
        ["culprit", "(2, 3)", "6 values", "(4,)"],
    ),
    "sequences of another length": (
        lambda: Embedding(7, 3, input_length=5, **NAMED)(Input((6,))),
        ["culprit", "5", "(None, 6)", "leave out `input_length`"],
    ),
    "one array for two inputs": (
        lambda: two_inputs().predict(np.zeros((2, 3))),
        ["left", "right", "list of 2 arrays", "(2, 3)"],
    ),
    "another number of features in a second call": (
        lambda: [layer(Input((size,))) for layer in [Dense(2, **NAMED)] for size in (3, 4)],
        ["culprit", "axis -1", "value 3", "(None, 4)", "another layer"],
    ),
    "features on an unknown axis": (
        lambda: BatchNormalization(axis=1, **NAMED)(Input((None, 3))),
        ["culprit", "axis 1", "defined dimension", "(None, None, 3)"],
    ),
    "stateful without a batch size": (
        lambda: LSTM(3, stateful=True, **NAMED)(Input((5, 2))),
        ["culprit", "batch size", "batch_input_shape", "Input(batch_shape=...)"],
    ),
    "unrolling an unknown number of steps": (
        lambda: LSTM(3, unroll=True, **NAMED)(Input((None, 2))),
        ["culprit", "unroll", "unknown", "leave out `unroll`"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(ValueError) as caught:
        make()
    for word in words:
        assert word in str(caught.value), str(caught.value)
