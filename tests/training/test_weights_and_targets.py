"""Weights of samples, time steps and classes, masks, and tensors as targets: losses and metrics, by brute force."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Dense, Embedding, Input, Masking, TimeDistributed
from polykeras.models import Model, Sequential
from polykeras.optimizers import SGD

R = np.random.RandomState(3)
X = R.rand(6, 4, 2)
FLAT = R.rand(6, 2)
STILL = {"lr": 0.0}


def keras_mean(values, weights=None, mask=None):
    """How Keras 2 makes one number of a loss's values (batch, [time]), in float64."""
    values = np.asarray(values, dtype="float64")
    if mask is not None:
        values = values * mask / (mask.mean() + 1e-7)
    if weights is not None:
        values = values.mean(axis=tuple(range(weights.ndim, values.ndim))) * weights / (weights != 0).mean()
    return values.mean()


def squares(model, x, y):
    return ((model.predict(x) - y) ** 2).mean(axis=-1)


@pytest.fixture
def sequences():
    """Two outputs with a time axis, and one without."""
    x = Input((4, 2), name="x")
    steps = TimeDistributed(Dense(3), name="steps")(x)
    both = [steps, TimeDistributed(Dense(1), name="more")(x)]
    return Model(x, both)


Y = [R.rand(6, 4, 3), R.rand(6, 4, 1)]
BY_STEP = R.randint(0, 3, size=(6, 4)).astype("float64")
BY_SAMPLE = np.array([0.0, 1, 2, 0.5, 0, 3])


class TestTemporal:
    @pytest.mark.parametrize("mode", ["temporal", ["temporal", "temporal"], {"steps": "temporal", "more": "temporal"}])
    @pytest.mark.parametrize("as_dict", [False, True])
    def test_every_output(self, sequences, mode, as_dict):
        sequences.compile(SGD(**STILL), "mse", sample_weight_mode=mode)
        weights = [BY_STEP, BY_STEP[::-1].copy()]
        given = dict(zip(("steps", "more"), weights, strict=True)) if as_dict else weights
        got = sequences.evaluate(X, Y, sample_weight=given, verbose=0)
        predicted = sequences.predict(X)
        expected = [keras_mean(((p - y) ** 2).mean(-1), w) for p, y, w in zip(predicted, Y, weights, strict=True)]
        np.testing.assert_allclose(got, [sum(expected), *expected], rtol=1e-5)

    @pytest.mark.parametrize("mode", [["temporal", None], {"steps": "temporal", "more": None}])
    def test_one_output(self, sequences, mode):
        sequences.compile(SGD(**STILL), "mse", sample_weight_mode=mode)
        got = sequences.evaluate(X, Y, sample_weight=[BY_STEP, BY_SAMPLE], verbose=0)
        predicted = sequences.predict(X)
        expected = [
            keras_mean(((p - y) ** 2).mean(-1), w) for p, y, w in zip(predicted, Y, (BY_STEP, BY_SAMPLE), strict=True)
        ]
        np.testing.assert_allclose(got, [sum(expected), *expected], rtol=1e-5)

    def test_weights_for_one_output_only(self, sequences):
        sequences.compile(SGD(**STILL), "mse", sample_weight_mode="temporal")
        got = sequences.evaluate(X, Y, sample_weight={"more": BY_STEP}, verbose=0)
        predicted = sequences.predict(X)
        expected = [
            keras_mean(((p - y) ** 2).mean(-1), w) for p, y, w in zip(predicted, Y, (None, BY_STEP), strict=True)
        ]
        np.testing.assert_allclose(got, [sum(expected), *expected], rtol=1e-5)

    def test_training_follows_the_weighted_loss(self):
        """One step of descent is the gradient of the brute-force mean, by finite differences."""
        model = Sequential([TimeDistributed(Dense(1, use_bias=False), input_shape=(4, 2))])
        model.compile(SGD(1.0), "mse", sample_weight_mode="temporal")
        w = model.get_weights()[0].astype("float64")

        def loss(w):
            return keras_mean(((X @ w - Y[1]) ** 2).mean(-1), BY_STEP)

        model.train_on_batch(X, Y[1], sample_weight=BY_STEP)
        for i in range(2):
            e = np.zeros((2, 1))
            e[i] = 1e-5
            slope = (loss(w + e) - loss(w - e)) / 2e-5
            assert w[i] - model.get_weights()[0][i] == pytest.approx(slope, rel=1e-4)

    def test_values_beyond_the_steps_are_averaged(self):
        """(batch, time, 2, 3): the loss has an axis more than the weights."""
        x = Input((4, 2, 3))
        model = Model(x, Dense(3)(x))
        model.compile(SGD(**STILL), "mse", sample_weight_mode="temporal")
        data, y = R.rand(6, 4, 2, 3), R.rand(6, 4, 2, 3)
        expected = keras_mean(squares(model, data, y), BY_STEP)
        assert model.evaluate(data, y, sample_weight=BY_STEP, verbose=0) == pytest.approx(expected, rel=1e-5)


class TestMasks:
    MASKED = np.where(np.arange(4)[:, None] < np.array([4, 2, 3, 1, 4, 1])[:, None, None], X, 0.0)
    MASK = (MASKED != 0).any(axis=-1)

    @pytest.fixture
    def model(self):
        return Sequential([Masking(input_shape=(4, 2)), TimeDistributed(Dense(3))])

    @pytest.mark.parametrize(("mode", "weights"), [(None, None), (None, BY_SAMPLE), ("temporal", BY_STEP)])
    def test_in_losses_and_metrics(self, model, mode, weights):
        model.compile(SGD(**STILL), "mse", metrics=["mae", "mse"], weighted_metrics=["mse"], sample_weight_mode=mode)
        got = model.evaluate(self.MASKED, Y[0], sample_weight=weights, verbose=0)
        errors = model.predict(self.MASKED) - Y[0]
        square, absolute = (errors**2).mean(-1), abs(errors).mean(-1)
        expected = [
            keras_mean(square, weights, self.MASK),
            keras_mean(absolute, None, self.MASK),
            keras_mean(square, None, self.MASK),
            keras_mean(square, weights, self.MASK),
        ]
        np.testing.assert_allclose(got, expected, rtol=1e-5)

    def test_of_an_output_among_several(self):
        tokens = np.array([[1, 2, 0, 0], [2, 1, 2, 0]])
        x = Input((4,))
        hidden = Embedding(3, 2, mask_zero=True)(x)
        model = Model(x, [TimeDistributed(Dense(1), name="a")(hidden), Dense(1, name="b")(hidden)])
        model.compile(SGD(**STILL), "mse")
        y = R.rand(2, 4, 1)
        predicted = model.predict(tokens)
        expected = [keras_mean(((p - y) ** 2).mean(-1), None, tokens > 0) for p in predicted]
        got = model.evaluate(tokens, [y, y], verbose=0)
        np.testing.assert_allclose(got, [sum(expected), *expected], rtol=1e-5)

    def test_a_loss_of_ones_own_is_masked_too(self, model):
        def loss(y_true, y_pred):
            return K.max(K.abs(y_true - y_pred), axis=-1)

        model.compile(SGD(**STILL), loss)
        expected = keras_mean(abs(model.predict(self.MASKED) - Y[0]).max(-1), None, self.MASK)
        assert model.evaluate(self.MASKED, Y[0], verbose=0) == pytest.approx(expected, rel=1e-5)


OF_A = {0: 1.0, 1: 0.0, 2: 4.0}
OF_B = {0: 3.0, 1: 0.5}


class TestClassWeights:
    LABELS = np.array([0, 2, 1, 1, 0, 2])
    ONE_HOT = np.eye(3)[LABELS]
    BINARY = np.array([0.0, 1, 1, 0, 1, 0])[:, None]

    @pytest.fixture
    def model(self):
        x = Input((2,))
        a = Dense(3, name="a", activation="softmax")(x)
        return Model(x, [a, Dense(1, name="b", activation="sigmoid")(x)])

    def expected(self, model, weights_of_a, weights_of_b):
        a, b = (p.astype("float64") for p in model.predict(FLAT))
        of_a = keras_mean(-np.log(a[np.arange(6), self.LABELS]), weights_of_a)
        t = self.BINARY
        of_b = keras_mean(-(t * np.log(b) + (1 - t) * np.log(1 - b)).mean(-1), weights_of_b)
        return [of_a + of_b, of_a, of_b]

    @pytest.mark.parametrize("as_dict", [False, True])
    def test_by_output(self, model, as_dict):
        model.compile(SGD(**STILL), ["categorical_crossentropy", "binary_crossentropy"])
        given = {"a": OF_A, "b": OF_B} if as_dict else [OF_A, OF_B]
        got = model.train_on_batch(FLAT, [self.ONE_HOT, self.BINARY], class_weight=given)
        of_a = np.array([OF_A[c] for c in self.LABELS])
        of_b = np.array([OF_B[c] for c in self.BINARY[:, 0]])
        np.testing.assert_allclose(got, self.expected(model, of_a, of_b), rtol=1e-5)

    def test_for_one_output(self, model):
        model.compile(SGD(**STILL), ["categorical_crossentropy", "binary_crossentropy"])
        history = model.fit(FLAT, [self.ONE_HOT, self.BINARY], class_weight={"b": OF_B}, verbose=0).history
        of_b = np.array([OF_B[c] for c in self.BINARY[:, 0]])
        got = [history[name][0] for name in ("loss", "a_loss", "b_loss")]
        np.testing.assert_allclose(got, self.expected(model, None, of_b), rtol=1e-5)

    def test_times_the_samples_weights(self, model):
        model.compile(SGD(**STILL), ["sparse_categorical_crossentropy", "binary_crossentropy"])
        got = model.train_on_batch(
            FLAT,
            [self.LABELS, self.BINARY],
            class_weight={"a": OF_A},
            sample_weight={"a": BY_SAMPLE, "b": BY_SAMPLE},
        )
        of_a = np.array([OF_A[c] for c in self.LABELS]) * BY_SAMPLE
        np.testing.assert_allclose(got, self.expected(model, of_a, BY_SAMPLE), rtol=1e-5)


class TestTargetTensors:
    @pytest.fixture
    def model(self):
        x = Input((2,))
        return Model(x, [Dense(1, name="a")(x), Dense(3, name="b")(x)])

    @pytest.mark.parametrize("as_dict", [False, True])
    def test_a_tensor_for_one_output_and_data_for_the_other(self, model, as_dict):
        target = K.variable(R.rand(6, 1))
        model.compile(SGD(**STILL), "mse", target_tensors={"a": target} if as_dict else [target, None])
        y = R.rand(6, 3)
        a, b = model.predict(FLAT)
        expected = [((a - K.get_value(target)) ** 2).mean(), ((b - y) ** 2).mean()]
        for data in (y, [y], {"b": y}):
            got = model.train_on_batch(FLAT, data)
            np.testing.assert_allclose(got, [sum(expected), *expected], rtol=1e-5)

    def test_computed_from_the_inputs(self, model):
        """An autoencoder needs no targets."""
        x = Input((2,))
        model = Model(x, Dense(2)(x))
        model.compile(SGD(**STILL), "mse", target_tensors=x)
        expected = ((model.predict(FLAT) - FLAT) ** 2).mean()
        assert model.evaluate(FLAT, None, verbose=0) == pytest.approx(expected, rel=1e-5)

    def test_metrics_see_it(self, model):
        target = K.variable(np.ones((6, 1)))
        model.compile(SGD(**STILL), ["mse", None], metrics=["mae"], target_tensors=[target, None])
        expected = abs(model.predict(FLAT)[0] - 1).mean()
        assert model.evaluate(FLAT, None, verbose=0)[-1] == pytest.approx(expected, rel=1e-5)
