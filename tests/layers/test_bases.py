"""The private bases are found where Keras 2 scripts look for them, and carry layers of one's own."""

import numpy as np

from polykeras import backend as K
from polykeras.layers.convolutional import _Conv
from polykeras.layers.merge import _Merge
from polykeras.layers.pooling import _GlobalPooling2D, _Pooling2D
from tests.layers.arrays import random, run


class WeightedAverage(_Merge):
    def _merge_function(self, inputs):
        return 0.25 * inputs[0] + 0.75 * inputs[1]


class MeanOfMaxAndAverage(_Pooling2D):
    def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
        highest = K.pool2d(inputs, pool_size, strides, padding, data_format, pool_mode="max")
        return (highest + K.pool2d(inputs, pool_size, strides, padding, data_format, pool_mode="avg")) / 2


class GlobalMin(_GlobalPooling2D):
    def call(self, inputs):
        return K.min(inputs, axis=[1, 2])


class Twice(_Conv):
    def call(self, inputs):
        return 2 * super().call(inputs)


def test_merge():
    x, y = (random(2, 3, seed=seed).astype("float32") for seed in (0, 1))
    np.testing.assert_allclose(run(WeightedAverage(), x, y), 0.25 * x + 0.75 * y, rtol=1e-6)


def test_pooling():
    x = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    assert run(MeanOfMaxAndAverage(), x).ravel().tolist() == [2.25]


def test_global_pooling():
    x = random(2, 3, 4, 5).astype("float32")
    np.testing.assert_array_equal(run(GlobalMin(), x), x.min((1, 2)))


def test_convolution():
    x = np.ones((1, 3, 3, 1), "float32")
    assert run(Twice(2, 1, 2, kernel_initializer="ones"), x).ravel().tolist() == [8] * 4
