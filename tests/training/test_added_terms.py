"""Losses and metrics that layers and models add: whose they are, what they are worth, and where they go."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import metrics
from polykeras.layers import Dense, Input, Lambda, Layer
from polykeras.models import Model, Sequential
from polykeras.optimizers import SGD

X = np.arange(12.0).reshape(6, 2)
ZEROS = np.zeros((6, 2))


class Watched(Layer):
    """Gives its input; adds its mean as a loss and its largest element as a metric, within `call`."""

    def __init__(self, aggregation="mean", **kwargs):
        super().__init__(**kwargs)
        self.aggregation = aggregation

    def call(self, x):
        self.add_loss(K.mean(x))
        self.add_metric(K.max(x), name="largest", aggregation=self.aggregation)
        return x * 1.0


class Counting(Layer):
    """Counts what passes through, in a metric with state."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.passed = metrics.Sum(name="passed")

    def call(self, x):
        self.add_metric(self.passed(x))
        return x * 1.0


def evaluated(model, *args, **kwargs):
    values = np.atleast_1d(model.evaluate(*args, verbose=0, **kwargs))
    return dict(zip(model.metrics_names, values, strict=True))


class TestLosses:
    def test_of_a_model(self):
        x = Input((2,))
        hidden = Dense(2, kernel_initializer="identity")(x)
        model = Model(x, Lambda(lambda t: t * 0.0)(hidden))
        model.add_loss(K.mean(K.square(hidden)))
        model.compile(SGD(0.0), "mse")
        assert model.evaluate(X, ZEROS, verbose=0) == pytest.approx((X**2).mean(), rel=1e-6)

    def test_alone(self):
        """As variational autoencoders are trained."""
        x = Input((2,))
        hidden = Dense(2, use_bias=False, kernel_initializer="identity", name="d")(x)
        model = Model(x, hidden)
        model.add_loss(K.mean(hidden))
        model.compile(SGD(0.5))
        assert model.evaluate(X, None, verbose=0) == pytest.approx(X.mean(), rel=1e-6)
        model.train_on_batch(X, None)
        expected = np.eye(2) - 0.5 * X.mean(axis=0)[:, None] / 2
        np.testing.assert_allclose(model.get_layer("d").get_weights()[0], expected, rtol=1e-5)

    def test_one_per_sample_counts_as_its_mean(self):
        x = Input((2,))
        model = Model(x, Dense(2)(x))
        model.add_loss(K.sum(x, axis=-1))
        model.compile("sgd")
        assert model.evaluate(X, None, verbose=0) == pytest.approx(X.sum(axis=1).mean(), rel=1e-6)

    def test_of_a_nested_model_are_those_of_its_call(self):
        x = Input((2,))
        inner = Model(x, Lambda(lambda t: t * 0.0)(x))
        inner.add_loss(K.mean(x))
        y = Input((2,))
        outer = Model(y, inner(Lambda(lambda t: t + 1.0)(y)))
        outer.compile("sgd", "mse")
        assert outer.evaluate(X, ZEROS, verbose=0) == pytest.approx(X.mean() + 1, rel=1e-6)

    def test_of_weights_count_once_wherever(self):
        x = Input((2,))
        layer = Dense(2, kernel_initializer="ones")
        inner = Model(x, Lambda(lambda t: t * 0.0)(layer(x)))
        inner.add_loss(K.sum(layer.kernel))
        assert inner.get_losses_for(None) == inner.losses
        y = Input((2,))
        outer = Model(y, inner(inner(y)))
        outer.compile("sgd", "mse")
        assert outer.evaluate(X, ZEROS, verbose=0) == 4

    def test_within_call_belong_to_that_call(self):
        layer = Watched()
        a, b = Input((2,)), Input((2,))
        first, second = Model(a, layer(a)), Model(b, layer(b))
        assert [len(m.losses) for m in (first, second)] == [1, 1]
        assert layer.get_losses_for(None) == []
        assert layer.get_losses_for(a) == first.losses != second.losses
        first.compile(SGD(0.0), "mse")
        assert evaluated(first, X, X)["loss"] == pytest.approx(X.mean(), rel=1e-6)

    def test_within_call_of_a_nested_layer(self):
        inner = Sequential([Watched(input_shape=(2,))])
        x = Input((2,))
        outer = Model(x, inner(Lambda(lambda t: 3.0 * t)(x)))
        outer.compile(SGD(0.0), "mse")
        assert evaluated(outer, X, 3 * X) == pytest.approx({"loss": 3 * X.mean(), "largest": 33})

    def test_within_call_of_a_subclassed_model(self):
        class Own(Model):
            def __init__(self):
                super().__init__()
                self.dense = Dense(2, kernel_initializer="identity")

            def call(self, x):
                self.add_loss(K.mean(x))
                self.add_metric(K.min(x), name="least")
                return self.dense(x)

        model = Own()
        model.compile(SGD(0.0), "mse")
        assert evaluated(model, X, X) == pytest.approx({"loss": X.mean(), "least": 0})


class TestMetrics:
    def test_averaged_over_batches(self):
        model = Sequential([Watched(input_shape=(2,))])
        model.compile(SGD(0.0), "mse", metrics=["mae"])
        assert model.metrics_names == ["loss", "mean_absolute_error", "largest"]
        history = model.fit(X, X, batch_size=4, verbose=0, shuffle=False, validation_data=(X[:2], X[:2])).history
        expected = (4 * 7 + 2 * 11) / 6
        assert history["largest"] == pytest.approx([expected])
        assert history["val_largest"] == [3]
        assert evaluated(model, X, X, batch_size=4)["largest"] == pytest.approx(expected)

    def test_of_the_last_batch(self):
        model = Sequential([Watched(None, input_shape=(2,))])
        model.compile(SGD(0.0), "mse")
        assert evaluated(model, X[::-1], X[::-1], batch_size=4)["largest"] == 3
        history = model.fit(X, X, batch_size=4, verbose=0, shuffle=False).history
        assert history["largest"] == [11]

    def test_with_state(self):
        model = Sequential([Counting(input_shape=(2,))])
        model.compile(SGD(0.0), "mse")
        assert model.metrics_names == ["loss", "passed"]
        history = model.fit(X, X, batch_size=4, epochs=2, verbose=0).history
        assert history["passed"] == [X.sum(), X.sum()]
        assert evaluated(model, X, X, batch_size=4)["passed"] == X.sum()

    def test_with_state_in_a_nested_model(self):
        inner = Sequential([Counting(input_shape=(2,))])
        x = Input((2,))
        outer = Model(x, inner(Lambda(lambda t: 2.0 * t)(x)))
        outer.compile(SGD(0.0), "mse")
        assert evaluated(outer, X, X, batch_size=4)["passed"] == 2 * X.sum()

    def test_of_a_model(self):
        x = Input((2,))
        hidden = Dense(2, kernel_initializer="identity")(x)
        model = Model(x, Dense(1)(hidden))
        model.add_metric(hidden, name="activity")
        model.add_metric(metrics.Mean(name="activity")(hidden))
        model.compile(SGD(0.0), "mse")
        assert model.metrics_names == ["loss", "activity", "activity_1"]
        got = evaluated(model, X, X[:, :1], batch_size=4)
        assert got["activity"] == pytest.approx(X.mean())
        assert got["activity_1"] == pytest.approx(X.mean())

    def test_of_a_nested_model_are_those_of_its_call(self):
        x = Input((2,))
        inner = Model(x, Lambda(lambda t: t * 1.0)(x))
        inner.add_metric(K.max(x), name="largest")
        inner.add_metric(metrics.Sum(name="total")(x))
        y = Input((2,))
        outer = Model(y, inner(Lambda(lambda t: t + 1.0)(y)))
        outer.compile(SGD(0.0), "mse")
        got = evaluated(outer, X, X, batch_size=2)
        assert (got["largest"], got["total"]) == (pytest.approx((4 + 8 + 12) / 3), X.sum() + 12)

    def test_shown_by_fit(self, capsys):
        model = Sequential([Counting(input_shape=(2,))])
        model.compile(SGD(0.0), "mse")
        model.fit(X, X, batch_size=2, verbose=2)
        assert f"passed: {X.sum()}" in capsys.readouterr().out

    def test_errors(self):
        layer = Dense(1, name="d")
        with pytest.raises(ValueError, match="d: add_metric needs a `name`"):
            layer.add_metric(K.constant(1.0))
        with pytest.raises(ValueError, match=r'"mean" or None; got .sum.'):
            layer.add_metric(K.constant(1.0), "a", aggregation="sum")
