"""Batch normalisation: whose statistics, when, and what follows."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import BatchNormalization, Input
from tests.layers.arrays import random, run


def step(layer, *arrays):
    """One pass in training that runs the updates."""
    inputs = [Input(batch_shape=(None, *array.shape[1:])) for array in arrays]
    outputs = [layer(x) for x in inputs]
    return K.function([*inputs, K.learning_phase()], outputs, updates=layer.updates)([*arrays, 1])


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_training_uses_the_batch_along_any_axis(axis):
    x = random(5, 4, 3).astype("float32") * 2 + 1
    axes = tuple(a for a in range(3) if a != axis % 3)
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 0.01)
    np.testing.assert_allclose(run(BatchNormalization(axis=axis, epsilon=0.01), x, training=1), expected, atol=1e-5)


@pytest.mark.parametrize("axis", [-1, 1])
def test_inference_uses_the_moving_statistics_along_any_axis(axis):
    x = random(5, 4, 3).astype("float32")
    size = x.shape[axis]
    gamma, beta, mean, variance = random(4, size, seed=1) ** 2 + 0.5
    layer = BatchNormalization(axis=axis, weights=[gamma, beta, mean, variance])
    wide = (size,) if axis == -1 else (size, 1)
    gamma, beta, mean, variance = (w.reshape(wide) for w in (gamma, beta, mean, variance))
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(run(layer, x), expected, rtol=1e-4, atol=1e-5)


def test_moving_statistics_follow_the_documented_formula():
    x = random(8, 3).astype("float32")
    layer = BatchNormalization(momentum=0.9)
    step(layer, x)
    np.testing.assert_allclose(layer.get_weights()[2], 0.1 * x.mean(0), rtol=1e-4, atol=1e-6)
    variance = x.var(0) * 8 / (8 - 1.001)
    np.testing.assert_allclose(layer.get_weights()[3], 0.9 + 0.1 * variance, rtol=1e-5)


def test_a_shared_layer_called_twice_moves_twice():
    x, y = random(8, 3).astype("float32"), random(8, 3, seed=1).astype("float32") + 2
    layer = BatchNormalization(momentum=0.5)
    step(layer, x, y)
    accumulated = 0.5 * (x.mean(0) - 0) + 0.5 * (y.mean(0) - 0)
    np.testing.assert_allclose(layer.get_weights()[2], accumulated, rtol=1e-4, atol=1e-6)


def test_frozen_keeps_its_statistics_and_still_uses_the_batch():
    x = random(8, 3).astype("float32")
    layer = BatchNormalization()
    layer(Input((3,)))
    layer.trainable = False
    assert layer.updates == []
    assert len(layer.non_trainable_weights) == 4
    np.testing.assert_allclose(run(layer, x, training=1).mean(0), 0, atol=1e-5)


def test_inference_asked_for_makes_no_updates():
    layer = BatchNormalization()
    x = Input((3,))
    y = layer(x, training=False)
    assert layer.updates == []
    assert not getattr(y, "_uses_learning_phase", False)
    value = random(4, 3).astype("float32")
    np.testing.assert_allclose(K.function([x], [y])([value])[0], value / np.sqrt(1.001), rtol=1e-5)


def test_updates_belong_to_the_inputs_that_made_them():
    layer = BatchNormalization()
    x, y = Input((3,)), Input((3,))
    layer(x)
    layer(y)
    assert len(layer.get_updates_for(x)) == 2
    assert len(layer.updates) == 4
    assert layer.get_updates_for(None) == []
