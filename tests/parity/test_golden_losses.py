"""Losses and metrics against the numbers of real Keras 2.2.4."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import losses, metrics
from tests.parity.golden import Golden, paths, recorded_environment


def evaluate(function, golden):
    """The function's result, its mean, and its gradient for the recorded cotangent."""
    y_true, y_pred = K.variable(golden["y_true"]), K.variable(golden["y_pred"])
    out = function(y_true, y_pred, **golden.config["kwargs"])
    golden.check(K.eval(out), "out")
    golden.check(K.eval(K.mean(out)), "mean")
    return out, y_pred


@pytest.mark.parametrize("path", paths("loss"))
def test_loss(path):
    golden = Golden(path)
    with recorded_environment(golden.config):
        out, y_pred = evaluate(losses.get(golden.config["fn"]), golden)
        (gradient,) = K.gradients(K.sum(out * K.variable(golden["r"])), [y_pred])
        golden.check(K.eval(gradient), "dy_pred")


@pytest.mark.parametrize("path", paths("metric"))
def test_metric(path):
    golden = Golden(path)
    with recorded_environment(golden.config):
        evaluate(metrics.get(golden.config["fn"]), golden)


def test_categorical_hinge_is_the_margin_to_the_best_wrong_class():
    y_true = np.eye(3, dtype="float32")[[0, 2, 1]]
    y_pred = np.array([[0.9, 0.2, 0.4], [0.5, 0.8, 0.1], [-3.0, 2.0, -1.0]], dtype="float32")
    expected = [
        max(0.0, 1 + max(v for i, v in enumerate(row) if i != right) - row[right])
        for row, right in zip(y_pred.tolist(), [0, 2, 1], strict=True)
    ]
    # Where all wrong scores are negative, the right class's own zero counts as the best wrong one.
    expected[2] = max(0.0, 1 + 0.0 - 2.0)
    got = K.eval(losses.categorical_hinge(K.variable(y_true), K.variable(y_pred)))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_logcosh_does_not_overflow():
    got = K.eval(losses.logcosh(K.zeros((1, 2)), K.variable([[500.0, -500.0]])))
    np.testing.assert_allclose(got, [500.0 - np.log(2.0)], rtol=1e-6)


@pytest.mark.parametrize("alias", ["mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "kld", "KLD", "cosine"])
def test_aliases_are_the_same_function(alias):
    full = losses.get(alias)
    assert getattr(losses, alias) is full
    assert getattr(losses, full.__name__) is full
    if alias.lower() != "kld":
        assert getattr(metrics, alias) is full


def test_unknown_names_say_the_nearest():
    with pytest.raises(ValueError, match="loss function.*binary_crossentropy"):
        losses.get("binary_crosentropy")
    with pytest.raises(ValueError, match="metric function.*binary_accuracy"):
        metrics.get("binary_acuracy")
    with pytest.raises(ValueError, match="loss function"):
        losses.get(3)


def test_round_trip_of_configs():
    assert losses.deserialize(losses.serialize(losses.mse)) is losses.mse
    assert losses.serialize(losses.mse) == "mean_squared_error"
    assert metrics.deserialize(metrics.serialize(metrics.binary_accuracy)) is metrics.binary_accuracy
