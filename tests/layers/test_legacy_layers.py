"""Keras 1's layers against arithmetic."""

import numpy as np
import pytest

from polykeras.layers import Conv1D, Conv2D
from polykeras.legacy.layers import AtrousConvolution1D, AtrousConvolution2D, Highway, MaxoutDense
from tests.layers.arrays import float64, random, run


def test_maxout():
    with float64():
        x = random(5, 4)
        layer = MaxoutDense(3, nb_feature=2, input_dim=4, weights=[random(2, 4, 3, seed=1), random(2, 3, seed=2)])
        w, b = layer._initial_weights
        np.testing.assert_allclose(run(layer, x), np.maximum(x @ w[0] + b[0], x @ w[1] + b[1]), rtol=1e-10)
    assert [w.name.split("/")[1] for w in layer.weights] == ["W:0", "b:0"]


def test_highway():
    with float64():
        x = random(5, 4)
        layer = Highway(activation="tanh")
        run(layer, x)
        assert layer.get_weights()[3].tolist() == [1] * 4
        w, w_carry, b, b_carry = (random(*a.shape, seed=n) for n, a in enumerate(layer.get_weights()))
        layer.set_weights([w, w_carry, b, b_carry])
        t = 1 / (1 + np.exp(-(x @ w_carry + b_carry)))
        np.testing.assert_allclose(run(layer, x), t * np.tanh(x @ w + b) + (1 - t) * x, rtol=1e-10)


@pytest.mark.parametrize("old, new", [(AtrousConvolution1D, Conv1D), (AtrousConvolution2D, Conv2D)])
def test_dilated(old, new):
    with pytest.warns(DeprecationWarning, match="dilation_rate"):
        layer = old(3, 2, atrous_rate=2)
    assert {**layer.get_config(), "name": ""} == {**new(3, 2, dilation_rate=2).get_config(), "name": ""}
