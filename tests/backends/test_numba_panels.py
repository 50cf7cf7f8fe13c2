"""Convolutions that read their kernel as panels, which are made once for each version of the weights."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import config
from polykeras.layers import BatchNormalization, Conv2D
from polykeras.models import Sequential
from polykeras_numpy import NumpyBackend

pytest.importorskip("numba", reason="polykeras-numba is not installed")

from polykeras_numba import NumbaBackend, panelled

SHAPES = {
    "windows": ((18, 18, 16), Conv2D, (32, 3), {"padding": "same"}),
    "strided": ((17, 19, 5), Conv2D, (21, 3), {"strides": 2}),
    "places": ((16, 16, 40), Conv2D, (48, 1), {}),
}


@pytest.fixture
def fast():
    config.set_fast_convolution(True)
    yield
    config.set_fast_convolution(False)


def _model(case):
    shape, layer, arguments, keywords = SHAPES[case]
    model = Sequential([layer(*arguments, input_shape=shape, **keywords), BatchNormalization()])
    random = np.random.RandomState(1)
    model.set_weights([random.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model, random.standard_normal((12, *shape)).astype("float32")


def _predicting(model, backend):
    return K.function([model.input], [model.output], backend=backend)


def _steps(function):
    return [step.op.name for program in function.programs.values() for step in program.program.steps]


@pytest.mark.parametrize("case", SHAPES)
def test_predictions_read_panels_and_equal_the_referee(case):
    model, x = _model(case)
    function = _predicting(model, NumbaBackend())
    found = function([x])[0]
    assert panelled.CONV.name in _steps(function)
    assert not {"conv", panelled.PANELS.name} & set(_steps(function))
    expected = _predicting(model, NumpyBackend())([x])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


@pytest.mark.parametrize("case", SHAPES)
def test_new_weights_make_new_panels(case):
    model, x = _model(case)
    function = _predicting(model, NumbaBackend())
    before = function([x])[0]
    weights = model.get_weights()
    model.set_weights([2 * weights[0], *weights[1:]])
    expected = _predicting(model, NumpyBackend())([x])[0]
    assert np.abs(expected - before).max() > 0.1
    np.testing.assert_allclose(function([x])[0], expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_programs_of_other_batches_share_panels():
    model, x = _model("windows")
    backend = NumbaBackend()
    function = _predicting(model, backend)
    function([x])
    made = len(backend.derived)
    function([x[:5]])
    assert len(function.programs) == 2
    assert len(backend.derived) == made > 0


def test_tiles_that_were_allowed_stay_what_they_were(fast):
    """A program's panels and its tiles belong together, whatever the switch says later."""
    model, x = _model("windows")
    function = _predicting(model, NumbaBackend())
    before = function([x])[0]
    config.set_fast_convolution(False)
    np.testing.assert_array_equal(function([x])[0], before)


def test_a_convolution_of_weights_alone_stays_whole_and_is_kept():
    """All of it is derived, and derived values are computed step by step."""
    random = np.random.RandomState(2)
    image, kernel = (random.standard_normal(s).astype("float32") for s in ((1, 18, 18, 16), (3, 3, 16, 32)))
    scale = K.placeholder(())
    constant = K.conv2d(K.variable(image), K.variable(kernel), padding="same")
    functions = [K.function([scale], [scale * constant], backend=b) for b in (NumbaBackend(), NumpyBackend())]
    found, expected = (function([np.float32(2)])[0] for function in functions)
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_a_training_step_keeps_its_convolutions_whole():
    model, x = _model("windows")
    model.compile("sgd", "mse")
    gradients = K.gradients(K.sum(model.output), [model.weights[0]])
    update = K.update(model.weights[0], model.weights[0] - 1e-3 * gradients[0])
    function = K.function([model.input], [model.output], updates=[update], backend=NumbaBackend())
    function([x])
    assert "conv" in _steps(function)
    assert panelled.CONV.name not in _steps(function)
