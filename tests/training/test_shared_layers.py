"""Layers that several models have, and what each model's training does to them."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import BatchNormalization, Dense, Dropout, Input, Layer, SimpleRNN
from polykeras.models import Model, Sequential

MOMENTUM = 0.5


def data(shift, seed=0):
    return np.random.RandomState(seed).normal(size=(8, 3)).astype("float32") + shift


def moved(mean, *batches):
    """The moving mean after steps on these batches, by the documented formula."""
    for batch in batches:
        mean = mean * MOMENTUM + batch.mean(0) * (1 - MOMENTUM)
    return mean


class Shared:
    """One normalisation in two models, and in one that has both; targets of zeros."""

    def __init__(self):
        self.layer = BatchNormalization(momentum=MOMENTUM)
        self.a, self.b = Input((3,)), Input((3,))
        first, second = self.layer(self.a), self.layer(self.b)
        self.model_a, self.model_b = Model(self.a, first), Model(self.b, second)
        self.both = Model([self.a, self.b], [first, second])
        for model in (self.model_a, self.model_b, self.both):
            model.compile("sgd", "mse")

    def mean(self):
        return K.get_value(self.layer.moving_mean)


@pytest.fixture
def shared():
    return Shared()


ZEROS = np.zeros((8, 3))


def test_each_model_has_the_updates_of_its_own_call(shared):
    layer = shared.layer
    assert len(layer.updates) == 4
    assert shared.model_a.updates == layer.get_updates_for(shared.a) == layer.updates[:2]
    assert shared.model_b.updates == layer.get_updates_for(shared.b) == layer.updates[2:]
    assert set(shared.both.updates) == set(layer.updates)
    assert shared.model_a.get_updates_for(shared.a) == shared.model_a.updates
    assert shared.model_a.get_updates_for(None) == [] == shared.model_a.get_updates_for(shared.b)


def test_training_one_model_moves_by_its_data(shared):
    shared.model_a.train_on_batch(data(1), ZEROS)
    expected = moved(np.zeros(3), data(1))
    np.testing.assert_allclose(shared.mean(), expected, rtol=1e-5)
    shared.model_b.train_on_batch(data(-4), ZEROS)
    np.testing.assert_allclose(shared.mean(), moved(expected, data(-4)), rtol=1e-5)


def test_testing_and_predicting_move_nothing_and_see_what_training_moved(shared):
    shared.model_a.train_on_batch(data(1), ZEROS)
    weights = shared.layer.get_weights()
    shared.model_b.test_on_batch(data(5), ZEROS)
    found = shared.model_b.predict(data(5))
    for before, after in zip(weights, shared.layer.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)
    gamma, beta, mean, variance = weights
    np.testing.assert_allclose(found, (data(5) - mean) / np.sqrt(variance + 1e-3) * gamma + beta, rtol=1e-4)


def test_training_a_model_that_has_both_calls_moves_twice(shared):
    shared.both.train_on_batch([data(1), data(-4)], [ZEROS, ZEROS])
    both = (data(1).mean(0) + data(-4).mean(0)) * (1 - MOMENTUM)  # each reads the mean from before the step
    np.testing.assert_allclose(shared.mean(), both, rtol=1e-5)


def test_freezing_holds_for_models_compiled_after_it(shared):
    shared.model_b.train_on_batch(data(1), ZEROS)
    shared.layer.trainable = False
    shared.model_a.compile("sgd", "mse")
    before = shared.layer.get_weights()
    assert shared.model_a.updates == []
    shared.model_a.train_on_batch(data(7), ZEROS)
    for old, new in zip(before, shared.layer.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    shared.layer.trainable = True
    shared.model_a.compile("sgd", "mse")
    shared.model_a.train_on_batch(data(7), ZEROS)
    np.testing.assert_allclose(shared.mean(), moved(before[2], data(7)), rtol=1e-4)


def test_a_frozen_normalisation_below_a_trained_layer():
    """The usual fine-tuning: statistics stay, the head learns, the batch is still normalised by itself in training."""
    frozen, head = BatchNormalization(momentum=MOMENTUM), Dense(1, use_bias=False)
    model = Sequential([Dense(3, input_shape=(3,), trainable=False), frozen, head])
    frozen.trainable = False
    model.compile("sgd", "mse")
    before, kernel = frozen.get_weights(), head.get_weights()[0]
    model.fit(data(3), np.ones((8, 1)), epochs=2, verbose=0)
    for old, new in zip(before, frozen.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    assert np.abs(head.get_weights()[0] - kernel).max() > 1e-4


def test_a_model_inside_two_models(shared):
    outer_input = Input((3,))
    outer = Model(outer_input, Dense(3)(shared.model_a(outer_input)))
    outer.compile("sgd", "mse")
    assert len(outer.updates) == 2 and len(outer.get_updates_for(outer_input)) == 2
    outer.train_on_batch(data(2), ZEROS)
    np.testing.assert_allclose(shared.mean(), moved(np.zeros(3), data(2)), rtol=1e-5)
    shared.model_a.train_on_batch(data(-1), ZEROS)
    np.testing.assert_allclose(shared.mean(), moved(np.zeros(3), data(2), data(-1)), rtol=1e-5)


class Counts(Layer):
    """Counts its steps in training, whatever the inputs; and asks a price for its input's size."""

    def build(self, input_shape):
        self.steps = self.add_weight(name="steps", shape=(), initializer="zeros", trainable=False)
        self.add_update(K.update_add(self.steps, 1))
        self.built = True

    def call(self, inputs):
        self.add_loss(K.sum(K.abs(inputs)), inputs=inputs)
        return K.identity(inputs)


def test_losses_and_updates_of_a_model_by_its_inputs():
    counts, penalised = Counts(), Dense(2, kernel_regularizer="l2", kernel_initializer="ones", use_bias=False)
    a, b = Input((3,)), Input((3,))
    model_a, model_b = Model(a, penalised(counts(a))), Model(b, penalised(counts(b)))
    both = Model([a, b], [model_a.output, model_b.output])
    ones = np.ones((1, 3))

    def value(model, *arrays):
        return K.function(model.inputs, [sum(model.losses)])(list(arrays))[0]

    kernel = 0.01 * 6
    np.testing.assert_allclose(value(model_a, ones), 3 + kernel, rtol=1e-6)
    np.testing.assert_allclose(value(both, ones, 2 * ones), 3 + 6 + kernel, rtol=1e-6)  # the kernel's once
    assert len(model_a.get_losses_for(a)) == 1 and len(model_a.get_losses_for(None)) == 1
    assert model_a.get_losses_for(a) == counts.get_losses_for(a) and model_a.get_losses_for(b) == []
    assert len(counts.get_updates_for(None)) == 1 and counts.get_updates_for(a) == []

    for model in (model_a, model_b):
        model.compile("sgd", "mse")
    model_a.train_on_batch(ones, np.zeros((1, 2)))
    model_b.train_on_batch(ones, np.zeros((1, 2)))
    model_b.test_on_batch(ones, np.zeros((1, 2)))
    assert K.get_value(counts.steps) == 2


# -- stateful layers ---------------------------------------------------------------------------------------------------


def run_of_states(layer, x, h):
    """The states that a SimpleRNN goes through, in NumPy."""
    kernel, recurrent, bias = layer.get_weights()
    for step in np.moveaxis(x, 1, 0):
        h = np.tanh(step @ kernel + h @ recurrent + bias)
    return h


@pytest.mark.parametrize("function", ["predict", "evaluate", "fit"])
def test_a_stateful_layer_goes_on_where_it_was_in_every_function(function):
    """Two batches of one call of the function, then another call: the states run through all three."""
    layer = SimpleRNN(3, stateful=True)
    model = Sequential([Dropout(0.0, batch_input_shape=(2, 4, 3)), layer])
    model.compile("sgd", "mse")
    K.set_value(model.optimizer.lr, 0.0)
    x = np.random.RandomState(0).normal(size=(6, 4, 3)).astype("float32")
    y = np.zeros((6, 3))

    def call(rows):
        arguments = [x[rows]] if function == "predict" else [x[rows], y[rows]]
        further = {"shuffle": False, "epochs": 1} if function == "fit" else {}
        return getattr(model, function)(*arguments, batch_size=2, verbose=0, **further)

    call(slice(0, 4))
    call(slice(4, 6))
    h = np.zeros((2, 3))
    for start in (0, 2, 4):
        h = run_of_states(layer, x[start : start + 2], h)
    np.testing.assert_allclose(K.get_value(layer.states[0]), h, rtol=1e-4, atol=1e-6)
    model.reset_states()
    np.testing.assert_array_equal(K.get_value(layer.states[0]), np.zeros((2, 3)))


def test_the_functions_of_a_model_share_the_states():
    layer = SimpleRNN(3, stateful=True)
    model = Sequential([Dropout(0.0, batch_input_shape=(2, 4, 3)), layer])
    model.compile("sgd", "mse")
    K.set_value(model.optimizer.lr, 0.0)
    x = np.random.RandomState(1).normal(size=(2, 4, 3)).astype("float32")
    model.train_on_batch(x, np.zeros((2, 3)))
    model.test_on_batch(x, np.zeros((2, 3)))
    found = model.predict_on_batch(x)
    h = np.zeros((2, 3))
    for _ in range(3):
        h = run_of_states(layer, x, h)
    np.testing.assert_allclose(found, h, rtol=1e-4, atol=1e-6)
