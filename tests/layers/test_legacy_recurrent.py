"""Layers that write their own step, as Keras 1's users did, against the layers of today with the same weights."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import ConvLSTM2D, Input, Masking, SimpleRNN
from polykeras.legacy.layers import ConvRecurrent2D, Recurrent
from polykeras.models import Model, Sequential
from polykeras.testing.layers import check_layer
from tests.layers.arrays import float64, random, run


class Elman(Recurrent):
    """h' = tanh(x · W + b + h · U), the input's part for all steps at once."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        self.input_spec[0].shape = (shape[0] if self.stateful else None, None, shape[2])
        self.states = [None]
        if self.stateful:
            self.reset_states()
        self.kernel = self.add_weight(shape=(shape[2], self.units), initializer="glorot_uniform", name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), initializer="orthogonal", name="recurrent")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.built = True

    def preprocess_input(self, inputs, training=None):
        return K.bias_add(K.dot(inputs, self.kernel), self.bias)

    def get_constants(self, inputs, training=None):
        return [K.constant(1.0)]

    def step(self, inputs, states):
        state, one = states
        new = K.tanh(inputs + K.dot(state * one, self.recurrent))
        return new, [new]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def pair(**arguments):
    """An Elman layer and a SimpleRNN."""
    return Elman(3, **arguments), SimpleRNN(3, **arguments)


def agree(elman, simple, *arrays, **how):
    expected = run(simple, *arrays, **how)
    run(elman, *arrays, **how)
    elman.set_weights(simple.get_weights())
    np.testing.assert_allclose(run(elman, *arrays, **how), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"return_sequences": True}, {"go_backwards": True}, {"unroll": True, "return_sequences": True}],
    ids=str,
)
def test_output(arguments):
    with float64():
        agree(*pair(**arguments), random(4, 5, 2))


def test_mask():
    mask = np.array([[True] * 5, [True, False, True, True, False]])
    with float64():
        agree(*pair(return_sequences=True), random(2, 5, 2), mask=mask)


def test_states_in_and_out():
    with float64():
        x, h = random(4, 5, 2), random(4, 3, seed=1)
        sequence, state = Input((5, 2)), Input((3,))
        elman, simple = pair(return_state=True)
        outputs = [*elman(sequence, initial_state=state), *simple(sequence, initial_state=state)]
        elman.set_weights(simple.get_weights())
        assert [K.int_shape(output) for output in outputs] == [(None, 3)] * 4
        a, a_state, b, b_state = Model([sequence, state], outputs).predict([x, h])
    np.testing.assert_allclose([a, a_state], [b, b_state], rtol=1e-10)
    np.testing.assert_array_equal(a, a_state)


def test_stateful():
    with float64():
        x = random(4, 6, 2)
        whole = Sequential([Elman(3, batch_input_shape=(4, 6, 2))])
        parts = Sequential([Elman(3, batch_input_shape=(4, 3, 2), stateful=True)])
        parts.set_weights(whole.get_weights())
        expected = whole.predict(x, batch_size=4)
        for _ in range(2):
            parts.predict(x[:, :3], batch_size=4)
            np.testing.assert_allclose(parts.predict(x[:, 3:], batch_size=4), expected, rtol=1e-10)
            parts.reset_states()
        parts.layers[0].reset_states(random(4, 3))
        np.testing.assert_array_equal(K.get_value(parts.layers[0].states[0]), random(4, 3))


def test_config():
    layer = Elman(3, return_sequences=True, implementation=2, name="elman")
    config = layer.get_config()
    own = {"return_sequences": True, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False}
    assert config == {"name": "elman", "trainable": True, **own, "implementation": 2, "units": 3}
    assert Elman.from_config(config).get_config() == config


def test_training_behind_a_mask():
    model = Sequential([Masking(input_shape=(5, 2)), Elman(3)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.train_on_batch(np.ones((4, 5, 2)), np.zeros((4, 3)))
    assert all(np.abs(new - old).max() > 0 for new, old in zip(model.get_weights(), before, strict=True))


def test_a_layer_without_a_step_is_told_to_define_one():
    class Stepless(Recurrent):
        units = 3

        def build(self, input_shape):
            self.states = [None]
            self.built = True

    with pytest.raises(NotImplementedError, match="Stepless defines no `step"):
        Stepless()(Input((5, 2)))


class Averages(ConvRecurrent2D):
    """h' = (x ⋆ W + h) / 2"""

    def build(self, input_shape):
        self.input_spec[0].shape = (input_shape[0] if self.stateful else None, None, *input_shape[2:])
        self.states = [None]
        if self.stateful:
            self.reset_states()
        channels = input_shape[2 if self.data_format == "channels_first" else -1]
        shape = (*self.kernel_size, channels, self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.built = True

    def step(self, inputs, states):
        new = K.conv2d(inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        new = (new + states[0]) / 2
        return new, [new]


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("padding, strides", [("valid", 1), ("same", 2)])
def test_images(data_format, padding, strides):
    with float64():
        x = random(2, 3, 4, 5, 6)
        layer = Averages(2, 3, strides, padding, data_format, return_sequences=True)
        found = run(layer, x)
        twin = ConvLSTM2D(2, 3, strides=strides, padding=padding, data_format=data_format, return_sequences=True)
        assert found.shape == run(twin, x).shape
        assert layer.compute_output_shape((None, 3, *x.shape[2:])) == (None, *found.shape[1:])
        step = K.function([], [K.conv2d(K.constant(x[:, 0]), layer.kernel, layer.strides, padding, data_format)])
    np.testing.assert_allclose(found[:, 0], step([])[0] / 2, rtol=1e-10)


def test_stateful_images():
    model = Sequential([Averages(2, 3, padding="same", stateful=True, batch_input_shape=(1, 2, 4, 4, 1))])
    ones = np.ones((1, 2, 4, 4, 1))
    first, second = model.predict(ones), model.predict(ones)
    assert np.abs(second - first).max() > 1e-3
    model.reset_states()
    np.testing.assert_array_equal(model.predict(ones), first)
    config = model.layers[0].get_config()
    assert config["kernel_size"] == (3, 3) and Averages.from_config(config).get_config() == config


def test_the_layer_kit():
    check_layer(Elman, {"units": 3, "return_sequences": True}, (None, None, 2))
    check_layer(Averages, {"filters": 2, "kernel_size": 3}, (None, 3, 5, 6, 2))
