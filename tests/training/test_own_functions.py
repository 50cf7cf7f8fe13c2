"""Training loops and functions of one's own, as packages for Keras 2 write them."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Dense, Dropout, Input
from polykeras.models import Model, Sequential

X, Y = np.ones((4, 3)), np.zeros((4, 2))


def compiled(dropout=0.0):
    model = Sequential([Dense(2, input_shape=(3,), kernel_initializer="ones"), Dropout(dropout)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_a_loop_by_hand_feeds_what_is_standardized():
    model, twin = compiled(0.5), compiled(0.5)
    x, y, weights = model._standardize_user_data(X, Y)
    assert [w.tolist() for w in weights] == [[1, 1, 1, 1]]
    model._make_train_function()
    model._make_test_function()
    losses = [model.train_function([*x, *y, *weights, 1.0])[0] for _ in range(3)]
    assert len(set(map(float, losses))) == 3
    found = model.test_function([*x, *y, *weights, 0.0])
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(found, twin.test_on_batch(X, Y), rtol=1e-6)


def test_weights_that_are_given_are_kept():
    given = np.arange(4.0)
    _, _, weights = compiled()._standardize_user_data(X, Y, sample_weight=given)
    np.testing.assert_array_equal(weights[0], given)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_function_in_the_place_of_the_models_own_is_used_everywhere(dropout):
    model = compiled(dropout)
    calls = []
    for mode in ("train", "test", "predict"):
        getattr(model, f"_make_{mode}_function")()
        own = getattr(model, f"{mode}_function")

        def watched(inputs, own=own, mode=mode):
            calls.append((mode, [np.shape(value) for value in inputs]))
            return own(inputs)

        setattr(model, f"{mode}_function", watched)
        assert getattr(model, f"{mode}_function") is watched

    phase = [()] if dropout else []
    model.fit(X, Y, batch_size=2, verbose=0, validation_data=(X[:2], Y[:2]))
    assert calls == [("train", [(2, 3), (2, 2), (2,), *phase])] * 2 + [("test", [(2, 3), (2, 2), (2,), *phase])]
    calls.clear()
    model.train_on_batch(X, Y, sample_weight=np.ones(4))
    model.test_on_batch(X, Y)
    model.predict(X)
    assert [mode for mode, _ in calls] == ["train", "test", "predict"]
    assert calls[2][1] == [(4, 3), *phase]

    model.train_function = None
    calls.clear()
    model.train_on_batch(X, Y)
    model.compile("sgd", "mse")
    model.test_on_batch(X, Y)
    assert calls == []


class Accumulates(Model):
    """Adds up the gradients of two batches before each step, in a train function of its own."""

    def _make_train_function(self):
        if self.train_function is not None:
            return
        inputs = [*self._feed_inputs, *self._feed_targets, *self._feed_sample_weights]
        if self.uses_learning_phase and not isinstance(K.learning_phase(), int):
            inputs.append(K.learning_phase())
        weights = self._collected_trainable_weights
        self.sums = [K.zeros(K.int_shape(w)) for w in weights]
        self.batches = K.variable(0)
        complete = K.equal(self.batches % 2, 1)
        updates = [K.update_add(self.batches, 1)]
        for weight, total, gradient in zip(weights, self.sums, K.gradients(self.total_loss, weights), strict=True):
            new_total = total + gradient
            updates.append(K.update(weight, K.switch(complete, weight - 0.1 * new_total / 2, weight)))
            updates.append(K.update(total, K.switch(complete, K.zeros_like(total), new_total)))
        updates += self.updates + self.metrics_updates
        self.train_function = K.function(
            inputs,
            [self.total_loss, *self.metrics_tensors],
            updates=updates,
            name="accumulate",
            **self._function_kwargs,
        )


def test_a_subclass_makes_a_train_function_of_its_own():
    """Two halves accumulated are one step of plain gradient descent on the whole batch."""
    rng = np.random.RandomState(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    inputs = Input((3,))
    outputs = Dense(2)(inputs)
    model, plain = Accumulates(inputs, outputs), Sequential([Dense(2, input_shape=(3,))])
    plain.set_weights(model.get_weights())
    for one in (model, plain):
        one.compile("sgd", "mse", metrics=["mae"])
    K.set_value(plain.optimizer.lr, 0.1)
    history = model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0).history
    expected = plain.train_on_batch(x, y)
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose([history["loss"][0], history["mean_absolute_error"][0]], expected, rtol=1e-5)


def test_a_subclass_that_only_adds_to_the_function_it_inherits():
    calls = []

    class Counts(Model):
        def _make_train_function(self):
            super()._make_train_function()
            own = self.train_function

            def counted(inputs):
                calls.append(len(inputs))
                return own(inputs)

            self.train_function = counted

    inputs = Input((3,))
    model = Counts(inputs, Dense(2)(inputs))
    model.compile("sgd", "mse")
    before = model.get_weights()[0]
    model.fit(X, Y, verbose=0)
    model.train_on_batch(X, Y)
    assert calls == [3, 3] and np.abs(model.get_weights()[0] - before).max() > 0
