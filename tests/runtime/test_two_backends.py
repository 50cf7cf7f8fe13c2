"""One graph and one model on two backends in one process."""

from __future__ import annotations

import numpy as np
import pytest

import polykeras
from polykeras import backend as K
from polykeras.layers import Dense, Dropout
from polykeras.models import Sequential
from polykeras.runtime import select

OTHERS = [name for name in select.installed() if name not in ("numpy", "cupy")]

pytestmark = pytest.mark.parametrize("other", OTHERS)


def test_a_graph_built_once_runs_on_both(other):
    x, w = K.placeholder((None, 3)), K.variable(np.arange(6.0).reshape(3, 2) / 10)
    y = K.softmax(K.tanh(K.dot(x, w)))
    grads = K.gradients(K.sum(K.square(y)), [x, w])
    feed = np.random.RandomState(0).rand(4, 3)
    results = [K.function([x], [y, *grads], backend=name)([feed]) for name in ("numpy", other)]
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7)


def trained(steps):
    """Weights of a small model after steps on the backends named."""
    K.clear_session()
    np.random.seed(3)
    model = Sequential([Dense(8, activation="relu", input_shape=(5,)), Dropout(0.5), Dense(2)])
    model.compile("adam", "mse")
    x, y = np.random.rand(16, 5), np.random.rand(16, 2)
    losses = []
    for backend in steps:
        with polykeras.backend_scope(backend):
            losses.append(model.train_on_batch(x, y))
    return losses, model.get_weights(), model


def test_a_model_moves_between_backends_in_the_middle_of_training(other):
    plain, weights, _ = trained(["numpy"] * 6)
    moving, moved, _ = trained(["numpy", other, other, "numpy", other, "numpy"])
    np.testing.assert_allclose(plain, moving, rtol=1e-5)
    for a, b in zip(weights, moved, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_set_backend_changes_the_default_at_any_time(other):
    _, _, model = trained(["numpy"])
    x = np.random.rand(4, 5)
    before = model.predict(x)
    try:
        polykeras.set_backend(other)
        assert K.backend() == other
        np.testing.assert_allclose(model.predict(x), before, rtol=1e-5, atol=1e-6)
    finally:
        polykeras.set_backend(None)


def test_random_numbers_are_the_same(other):
    draws = []
    for name in ("numpy", other):
        f = K.function([], [K.random_uniform((50,), seed=4), K.random_normal((50,), seed=4)], backend=name)
        draws.append([*f([]), *f([])])
    for a, b in zip(*draws, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
