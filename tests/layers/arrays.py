"""Running a layer on arrays, in float64 where it is compared with arithmetic."""

from contextlib import contextmanager

import numpy as np

from polykeras import backend as K
from polykeras.layers import Input


@contextmanager
def float64():
    before = K.floatx()
    K.set_floatx("float64")
    try:
        yield
    finally:
        K.set_floatx(before)


def random(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def run(layer, *arrays, training=0, mask=None):
    """The layer's output for arrays."""
    inputs = [Input(batch_shape=(None, *array.shape[1:]), dtype=str(array.dtype)) for array in arrays]
    arguments = {} if mask is None else {"mask": K.constant(mask, dtype="bool")}
    output = layer(inputs[0] if len(inputs) == 1 else inputs, **arguments)
    return K.function([*inputs, K.learning_phase()], [output])([*arrays, training])[0]


def channels_first(array):
    return np.moveaxis(array, -1, 1)


def channels_last(array):
    return np.moveaxis(array, 1, -1)
