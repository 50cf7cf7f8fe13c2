"""Whole programs on the Numba backend: as NumPy's, to rounding; and what is compiled for them."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

import polykeras.backend as K
from polykeras.symbolic.op import OPS
from polykeras_numpy import NumpyBackend
from tests.runtime.random_programs import random_case, run


def executable(function):
    return list(function.programs.values())[-1]


def lines(function):
    """The lines of the program's code: one for each run of compiled steps, one for each other step."""
    return [s.op.name for s in executable(function).emitted.steps.values()]


def small_model(seed=0, sizes=(16, 32, 10)):
    """A training step with Adam: inputs, loss, updates and the weights."""
    r = np.random.default_rng(seed)
    x, y = K.placeholder((None, sizes[0])), K.placeholder((None, sizes[-1]))
    h, weights = x, []
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        w, c = K.variable(r.normal(size=(a, b)).astype("float32") / a**0.5), K.variable(np.zeros(b, "float32"))
        h = K.dot(h, w) + c if i == len(sizes) - 2 else K.tanh(K.dot(h, w) + c)
        weights += [w, c]
    loss = K.mean(K.categorical_crossentropy(y, K.softmax(h)))
    count = K.variable(0, dtype="int64")
    t = K.cast(count, "float32") + 1
    rate = 0.01 * K.sqrt(1 - K.pow(0.999, t)) / (1 - K.pow(0.9, t))
    updates = [K.update_add(count, 1)]
    for w, g in zip(weights, K.gradients(loss, weights), strict=True):
        m, v = K.zeros(K.int_shape(w)), K.zeros(K.int_shape(w))
        new_m, new_v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * K.square(g)
        updates += [(m, new_m), (v, new_v), (w, w - rate * new_m / (K.sqrt(new_v) + 1e-7))]
    return [x, y], loss, updates, weights


def batch(rows, seed=1):
    r = np.random.default_rng(seed)
    return [r.normal(size=(rows, 16)).astype("float32"), np.eye(10, dtype="float32")[r.integers(0, 10, rows)]]


@pytest.mark.parametrize("seed", range(30, 42))
def test_random_programs_in_float32(seed, numba_backend):
    case = random_case(seed, steps=40)
    for a, b in zip(run(case, NumpyBackend(), calls=1), run(case, numba_backend, calls=1), strict=True):
        # a floor or a comparison may fall on the other side of a rounding
        near = np.isclose(a, b, rtol=1e-4, atol=1e-4)
        assert near.mean() > 0.97, np.max(np.abs(a - b))


@pytest.mark.parametrize("seed", range(50, 62))
def test_random_programs_in_float64_are_exact(seed, numba_backend):
    case = random_case(seed, steps=40, dtype="float64")
    for a, b in zip(run(case, NumpyBackend()), run(case, numba_backend), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("seed", range(70, 74))
def test_a_program_gives_the_same_bits_again(seed, numba_backend):
    case = random_case(seed, scale=5)
    for a, b in zip(run(case, numba_backend), run(case, numba_backend), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_training_step_trains_as_on_numpy(numba_backend):
    results = []
    for backend in (NumpyBackend(), numba_backend):
        inputs, loss, updates, weights = small_model()
        function = K.function(inputs, [loss], updates=updates, backend=backend)
        results.append([function(batch(32))[0] for _ in range(30)] + [K.get_value(w).sum() for w in weights])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-5)
    assert results[1][29] < 0.5 * results[1][0]


def test_a_training_step_is_two_calls(numba_backend):
    """All that can fail, then the results are taken, then the variables are written: nothing is left to Python."""
    inputs, loss, updates, _ = small_model()
    function = K.function(inputs, [loss], updates=updates, backend=numba_backend)
    function(batch(32))
    made = executable(function).emitted
    assert lines(function) == []
    assert [name for name in made.makers if name.startswith("run")] == ["run0", "run1"]


def test_another_batch_size_compiles_nothing(numba_backend):
    from polykeras_numba.cache import KERNELS

    inputs, loss, updates, _ = small_model()
    function = K.function(inputs, [loss], updates=updates, backend=numba_backend)
    function(batch(32))
    known = KERNELS.compiled + KERNELS.loaded
    for rows in (1, 2, 7, 33, 100):
        function(batch(rows))
    # a batch of one row may lie otherwise (an axis of size 1 is no axis); no other size may
    inputs, loss, updates, _ = small_model(sizes=(16, 7, 5, 10))
    once = KERNELS.compiled + KERNELS.loaded
    assert once - known <= 4
    function = K.function(inputs, [loss], updates=updates, backend=numba_backend)
    for rows in (3, 32, 1000):
        function(batch(rows))
    assert KERNELS.compiled + KERNELS.loaded == once


def test_no_size_is_part_of_a_kernel(numba_backend):
    from polykeras_numba.cache import KERNELS

    inputs, loss, updates, _ = small_model(sizes=(16, 229, 10))
    K.function(inputs, [loss], updates=updates, backend=numba_backend)(batch(227))
    arguments = " ".join(arguments for _, arguments in KERNELS.made)
    assert "multiply" in arguments
    assert "229" not in arguments and "227" not in arguments


def test_new_values_read_old_ones(numba_backend):
    """m and v are written where they lie, and both read g; p reads the new m and v, and its old self."""
    p, m, v = (K.variable(np.full(33, x, "float32")) for x in (1.0, 0.5, 0.25))
    g = K.placeholder((33,))
    new_m, new_v = 0.5 * m + g, 0.5 * v + g * g
    function = K.function([g], [p + m], updates=[(m, new_m), (v, new_v), (p, p - new_m / new_v)], backend=numba_backend)
    grad = np.linspace(1, 2, 33, dtype="float32")
    before = function([grad])[0]
    np.testing.assert_allclose(before, 1.5)
    np.testing.assert_allclose(K.get_value(m), 0.25 + grad, rtol=1e-6)
    np.testing.assert_allclose(K.get_value(p), 1 - (0.25 + grad) / (0.125 + grad**2), rtol=1e-6)


def test_variables_swap(numba_backend):
    a, b = K.variable(np.arange(9.0)), K.variable(np.ones(9))
    K.function([], [], updates=[(a, b * 1), (b, a * 1)], backend=numba_backend)([])
    np.testing.assert_array_equal(K.get_value(a), np.ones(9))
    np.testing.assert_array_equal(K.get_value(b), np.arange(9.0))


def test_second_order_gradients(numba_backend):
    x = K.placeholder((3, 4), dtype="float64")
    y = K.sum(K.tanh(K.square(x)) * K.sigmoid(x))
    (first,) = K.gradients(y, [x])
    (second,) = K.gradients(K.sum(first * first), [x])
    value = np.random.default_rng(0).normal(size=(3, 4))
    half = K.function([x], [K.sum(first * first)], backend=numba_backend)
    got = K.function([x], [second], backend=numba_backend)([value])[0]
    for place in np.ndindex(3, 4):
        step = np.zeros((3, 4))
        step[place] = 1e-5
        slope = (half([value + step])[0] - half([value - step])[0]) / 2e-5
        np.testing.assert_allclose(got[place], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("steps", [1, 9])
def test_loops_run_compiled_bodies(steps, numba_backend):
    r = np.random.default_rng(1)
    x, w = K.placeholder((None, None, 5)), K.variable(r.normal(size=(5, 5)).astype("float32") * 0.5)

    def step(inputs, states):
        h = K.tanh(K.dot(inputs, w) + K.dot(states[0], w) * 0.5)
        return h, [h]

    zeros = K.zeros_like(x[:, 0])
    outputs = K.rnn(step, x, [zeros])[1]
    loss = K.sum(K.square(outputs))
    gradient = K.gradients(loss, [w])[0]
    value = r.normal(size=(3, steps, 5)).astype("float32")
    results = []
    for backend in (NumpyBackend(), numba_backend):
        results.append(K.function([x], [loss, gradient], backend=backend)([value]))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_random_numbers_are_numpys(numba_backend):
    draws = []
    for backend in (NumpyBackend(), numba_backend):
        tensors = [
            K.random_normal((50, 3), seed=7),
            K.random_uniform((50, 3), seed=8),
            K.truncated_normal((99,), seed=9),
        ]
        draws.append(K.function([], tensors, backend=backend)([]))
    for a, b in zip(*draws, strict=True):
        np.testing.assert_array_equal(a, b)


def test_eight_threads_get_what_one_gets(numba_backend):
    inputs, loss, _, weights = small_model()
    function = K.function(inputs, [loss, *K.gradients(loss, weights)], backend=numba_backend)
    batches = [batch(rows, rows) for rows in (5, 32)]
    expected = [function(b) for b in batches]
    wrong = []

    def call(number):
        for i in range(200):
            which = (i + number) % 2
            for a, b in zip(function(batches[which]), expected[which], strict=True):
                if not np.array_equal(a, b):
                    wrong.append((number, i))

    threads = [threading.Thread(target=call, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_results_are_not_overwritten(numba_backend):
    x = K.placeholder((4,))
    function = K.function([x], [K.exp(x), x * 2], backend=numba_backend)
    first = function([np.zeros(4, "float32")])
    function([np.ones(4, "float32")])
    np.testing.assert_array_equal(first[0], np.ones(4))
    np.testing.assert_array_equal(first[1], np.zeros(4))


def test_a_failing_step_leaves_variables_as_they_were(numba_backend):
    v, x, i = K.variable(np.ones(3)), K.placeholder((3,)), K.placeholder((2,), dtype="int32")
    picked = K.gather(x, i)
    function = K.function([x, i], [K.sum(picked)], updates=[(v, v * 2 + K.sum(picked))], backend=numba_backend)
    ones = np.ones(3, "float32")
    with pytest.raises(IndexError, match="gather"):
        function([ones, np.array([0, 7], "int32")])
    np.testing.assert_array_equal(K.get_value(v), np.ones(3))
    function([ones, np.array([0, 2], "int32")])
    np.testing.assert_array_equal(K.get_value(v), np.full(3, 4.0))


def test_softmax_of_large_logits(numba_backend):
    x = np.array([[1e4, 0, -1e4], [-3e38, 3e38, 0], [1, 1, 1]], "float32")
    feed = K.placeholder((3, 3))
    for op in ("softmax", "log_softmax"):
        a, b = (K.function([feed], [OPS[op](feed)], backend=bk)([x])[0] for bk in (NumpyBackend(), numba_backend))
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_convolutional_net_learns_as_on_numpy():
    """The demo's network and data: the same initial weights, and the same losses to 1e-4 after an epoch."""
    pytest.importorskip("polykeras_numba", reason="polykeras-numba is not installed")
    pytest.importorskip("sklearn", reason="the handwritten digits come with scikit-learn")
    from polykeras.demo import data, model
    from polykeras.runtime.select import backend_scope
    from polykeras.utils import set_random_seed

    digits = data.load()
    losses, weights = [], []
    for name in ("numpy", "numba"):
        set_random_seed(1)
        with backend_scope(name):
            net = model.build(digits.training.images.shape[1:])
            weights.append(net.get_weights())
            history = net.fit(*digits.training, batch_size=32, epochs=1, validation_data=tuple(digits.test), verbose=0)
        losses.append([history.history["loss"][0], history.history["val_loss"][0]])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-4)
