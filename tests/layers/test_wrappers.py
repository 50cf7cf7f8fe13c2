"""TimeDistributed and Bidirectional: what they pass on to the layers in them, and what they show of them."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import layers
from polykeras.engine.base_layer import Layer
from polykeras.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    Masking,
    SimpleRNN,
    TimeDistributed,
)  # fmt: skip
from polykeras.models import Model, Sequential
from tests.layers.arrays import float64, random, run

# -- TimeDistributed ---------------------------------------------------------------------------------------------------


def test_model_with_normalization_at_every_step():
    inner = Sequential([Dense(3, input_shape=(2,)), BatchNormalization()])
    i = Input((4, 2))
    model = Model(i, TimeDistributed(inner)(i))
    assert len(model.updates) == 2
    model.compile("sgd", "mse")
    before = inner.layers[1].get_weights()[2]
    model.train_on_batch(random(5, 4, 2) + 3, random(5, 4, 3))
    assert (inner.layers[1].get_weights()[2] != before).all()


def test_losses_are_counted_once():
    inner = Dense(3, kernel_regularizer="l2", activity_regularizer="l1")
    i = Input((4, 2))
    layer = TimeDistributed(inner)
    y = layer(i)
    model = Model(i, y)
    assert len(layer.get_losses_for(None)) == 1
    (activity,) = layer.get_losses_for(i)
    x = random(5, 4, 2).astype("float32")
    loss, output = K.function([i], [activity, y])([x])
    assert loss == pytest.approx(0.01 * np.abs(output).sum(), rel=1e-5)
    assert len(model.losses) == 2


def test_phase_reaches_the_inner_layer():
    i = Input((4, 50))
    y = TimeDistributed(Dropout(0.5))(i)
    assert y._uses_learning_phase
    dropped, kept = (K.function([i, K.learning_phase()], [y])([np.ones((2, 4, 50)), phase])[0] for phase in (1, 0))
    assert set(np.unique(dropped)) == {0, 2} and set(np.unique(kept)) == {1}


def test_masks_go_through():
    x = random(3, 4, 5, 2).astype("float32")
    x[:, :, 3:] = 0
    i = Input((4, 5, 2))
    inner = LSTM(3)
    y = TimeDistributed(inner)(TimeDistributed(Masking())(i))
    plain = LSTM(3, weights=inner.get_weights())
    wanted = run(plain, x[:, :, :3].reshape(12, 3, 2)).reshape(3, 4, 3)
    np.testing.assert_allclose(Model(i, y).predict(x), wanted, rtol=1e-5, atol=1e-6)


def test_masks_of_the_inner_layer():
    words = Input((4, 5), dtype="int32")
    embedded = TimeDistributed(Embedding(7, 2, mask_zero=True, input_length=5))(words)
    mask = embedded._keras_mask
    x = np.arange(40).reshape(2, 4, 5) % 7
    np.testing.assert_array_equal(K.function([words], [mask])([x])[0], x != 0)


def test_outer_mask_goes_around_a_layer_without_one():
    i = Input((4, 2))
    y = TimeDistributed(Dense(3))(Masking()(i))
    x = random(2, 4, 2)
    x[:, 2] = 0
    np.testing.assert_array_equal(K.function([i], [y._keras_mask])([x])[0], (x != 0).any(-1))


def test_outer_mask_says_nothing_of_inner_steps():
    x = random(2, 4, 5, 2).astype("float32")
    i, mask = Input((4, 5, 2)), K.constant([[1, 1, 0, 1]] * 2, dtype="bool")
    inner = LSTM(3)
    layer = TimeDistributed(inner)
    found = K.function([i], [layer(i, mask=mask)])([x])[0]
    np.testing.assert_allclose(found, run(TimeDistributed(inner), x), rtol=1e-6)
    assert K.int_shape(layer.compute_mask(i, mask)) == (2, 4)


def test_unknown_steps_and_fixed_batch():
    layer = TimeDistributed(Dense(3))
    assert K.int_shape(layer(Input((None, 2)))) == (None, None, 3)
    fixed = Input(batch_shape=(2, 4, 2))
    assert K.int_shape(TimeDistributed(Dense(3))(fixed)) == (2, 4, 3)
    x = random(2, 4, 2).astype("float32")
    found = K.function([fixed], [layer(fixed)])([x])[0]
    np.testing.assert_allclose(found, run(layer, x), rtol=1e-6)


def test_wrapping_does_not_thaw():
    frozen = Dense(2, trainable=False)
    layer = TimeDistributed(frozen)
    assert not layer.trainable and not frozen.trainable
    layer(Input((3, 2)))
    assert layer.trainable_weights == []
    again = TimeDistributed.from_config(layer.get_config())
    assert not again.trainable
    again.trainable = True
    assert again.layer.trainable


# -- Bidirectional -----------------------------------------------------------------------------------------------------

MODES = {
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_two_directions(mode, sequences, masked):
    x = random(3, 5, 2).astype("float32")
    mask = random(3, 5, seed=1) > 0 if masked else None
    layer = Bidirectional(GRU(4, return_sequences=sequences), merge_mode=mode)
    found = run(layer, x, mask=mask)
    weights = layer.get_weights()
    forward = run(GRU(4, return_sequences=sequences, weights=weights[:3]), x, mask=mask)
    turned = None if mask is None else mask[:, ::-1]
    backward = run(GRU(4, return_sequences=sequences, weights=weights[3:]), x[:, ::-1], mask=turned)
    wanted = MODES[mode](forward, backward[:, ::-1] if sequences else backward)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", [*MODES, None])
def test_masks_of_both_directions(mode):
    i = Input((4, 2))
    masked = Masking()(i)
    for sequences in (False, True):
        y = Bidirectional(LSTM(3, return_sequences=sequences), merge_mode=mode)(masked)
        for output in y if mode is None else [y]:
            assert (output._keras_mask is not None) == sequences


def test_states_of_both_directions():
    with float64():
        x, states = random(3, 4, 2), [random(3, 5, seed=n) for n in range(1, 5)]
        layer = Bidirectional(LSTM(5, return_state=True))
        inputs = [Input((4, 2)), *(Input((5,)) for _ in states)]
        outputs = layer(inputs[0], initial_state=inputs[1:])
        found = Model(inputs, outputs).predict([x, *states])
        weights, parts = layer.get_weights(), []
        for own, own_weights, data in ((states[:2], weights[:3], x), (states[2:], weights[3:], x[:, ::-1])):
            plain = LSTM(5, return_state=True, weights=own_weights)
            variables = [K.variable(state) for state in own]
            i = Input((4, 2))
            parts.append(K.function([i], plain(i, initial_state=variables))([data]))
        (y, *s), (z, *t) = parts
        for got, wanted in zip(found, [np.concatenate([y, z], -1), *s, *t], strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-10)
        as_variables = layer(inputs[0], initial_state=[K.variable(state) for state in states])
        np.testing.assert_allclose(K.function(inputs[:1], as_variables[:1])([x])[0], found[0])


def test_model_with_states_goes_through_its_config():
    i, s, t = Input((4, 2)), Input((3,)), Input((3,))
    model = Model([i, s, t], Bidirectional(GRU(3))(i, initial_state=[s, t]))
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    arrays = [random(2, 4, 2), random(2, 3), random(2, 3, seed=1)]
    np.testing.assert_array_equal(again.predict(arrays), model.predict(arrays))


def test_an_odd_number_of_states():
    with pytest.raises(ValueError, match="culprit.*got 1"):
        Bidirectional(GRU(3), name="culprit")(Input((4, 2)), initial_state=Input((3,)))


def test_stateful_in_both_directions():
    model = Sequential([Bidirectional(SimpleRNN(3, stateful=True), batch_input_shape=(2, 4, 2))])
    x = random(2, 4, 2)
    first, second = (model.predict(x, batch_size=2) for _ in range(2))
    assert (first != second).all()
    model.reset_states()
    np.testing.assert_allclose(model.predict(x, batch_size=2), first)


def test_losses_and_weights_of_both_directions():
    layer = Bidirectional(LSTM(3, kernel_regularizer="l2", activity_regularizer="l1", kernel_constraint="non_neg"))
    i = Input((4, 2))
    model = Model(i, layer(i))
    assert len(layer.get_losses_for(None)) == 2 and len(layer.get_losses_for(i)) == 1
    assert len(model.losses) == 3
    assert set(layer.constraints) == {layer.weights[0], layer.weights[3]}
    with pytest.raises(ValueError, match="6 weights"):
        layer.set_weights(layer.get_weights()[:5])
    layer.trainable = False
    assert model.trainable_weights == [] and len(layer.non_trainable_weights) == 6


def test_weights_of_a_layer_that_is_wrapped_later_are_the_forward_ones():
    inner = LSTM(3)
    inner(Input((4, 2)))
    layer = Bidirectional(inner)
    layer(Input((4, 2)))
    for ours, theirs in zip(layer.forward_layer.get_weights(), inner.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(inner._inbound_nodes) == 1


def test_given_weights_start_both_directions():
    weights = [random(*shape, seed=n) for n, shape in enumerate([(2, 3), (3, 3), (3,)] * 2)]
    layer = Bidirectional(SimpleRNN(3), weights=weights)
    layer(Input((4, 2)))
    for got, wanted in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


class Sum(Layer):
    """A cell that is not registered: h' = h + x"""

    state_size = 2

    def call(self, inputs, states):
        return states[0] + inputs, [states[0] + inputs]


class Sums(Layer):
    """The same, with constants: h' = h + x · constant"""

    state_size = 2

    def call(self, inputs, states, constants):
        h = states[0] + inputs * constants[0]
        return h, [h]


def test_a_cell_of_ones_own_in_both_directions():
    x = random(3, 4, 2).astype("float32")
    found = run(Bidirectional(RNN(Sum(), return_sequences=True)), x)
    backward = x[:, ::-1].cumsum(axis=1)[:, ::-1]
    np.testing.assert_allclose(found, np.concatenate([x.cumsum(axis=1), backward], -1), rtol=1e-5, atol=1e-6)
    i, k = Input((4, 2)), Input((2,))
    y = Bidirectional(RNN(Sums()), merge_mode="sum")(i, constants=k)
    constant = random(3, 2).astype("float32")
    wanted = 2 * x.sum(axis=1) * constant
    np.testing.assert_allclose(Model([i, k], y).predict([x, constant]), wanted, rtol=1e-4, atol=1e-6)


def test_cudnn_in_both_directions():
    x = random(3, 4, 2).astype("float32")
    layer = Bidirectional(layers.CuDNNGRU(3))
    found = run(layer, x)
    weights = layer.get_weights()
    forward = run(layers.CuDNNGRU(3, weights=weights[:3]), x)
    backward = run(layers.CuDNNGRU(3, weights=weights[3:]), x[:, ::-1])
    np.testing.assert_allclose(found, np.concatenate([forward, backward], -1), rtol=1e-5, atol=1e-6)
