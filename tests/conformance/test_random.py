"""Random numbers: NumPy's bits on every kernel, sequences that repeat where they should, the right distributions."""

from statistics import NormalDist

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.runtime.xp.random import Random
from polykeras.symbolic.op import as_size, constant
from polykeras.symbolic.ops import random as ops


class Shared(Random):
    """The shared kernels on NumPy."""

    xp = np


def philox(seed, counter, position, stream=0):
    key = np.array([seed, stream], "uint64")
    return np.random.Philox(key=key, counter=np.array([0, position, counter, 0], "uint64"))


def scalars(*values):
    return [np.asarray(v, "int64") for v in values]


CALLS = [(0, 0, 0, 0), (7, 3, 0, 1), (7, 0, 9, 0), (2**63 + 5, 2**40, 12, 1), (2**64 - 1, 1, 1, 0)]


@pytest.mark.parametrize("seed, counter, position, stream", CALLS)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 257])
def test_bits_are_those_of_numpys_philox(seed, counter, position, stream, count):
    expected = philox(seed, counter, position, stream).random_raw(-(-count // 2) or 1).view("uint32")[:count]
    shared = Shared().random_bits(*scalars(counter, position), (count,), seed=seed, stream=stream)
    np.testing.assert_array_equal(shared, expected)
    bound = K.eval(
        ops.random_bits(*[constant(s) for s in scalars(counter, position)], as_size((count,)), seed=seed, stream=stream)
    )
    np.testing.assert_array_equal(bound, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_numbers_are_those_of_numpys_generator(dtype):
    expected = np.random.Generator(philox(5, 2, 0)).random((3, 4), dtype=dtype)
    args = scalars(2, 0)
    np.testing.assert_array_equal(Shared().random_unit(*args, (3, 4), seed=5, dtype=dtype), expected)
    np.testing.assert_array_equal(
        K.eval(ops.random_unit(*[constant(a) for a in args], as_size((3, 4)), seed=5, dtype=dtype)), expected
    )


def draws(tensor, calls):
    f = K.function([], [tensor])
    return np.stack([f([])[0] for _ in range(calls)])


def test_each_call_draws_anew_and_a_seed_names_the_sequence():
    first = draws(K.random_uniform((4,), seed=1), 3)
    assert len(np.unique(first)) == 12
    np.testing.assert_array_equal(draws(K.random_uniform((4,), seed=1), 3), first)
    assert not np.isin(draws(K.random_uniform((4,), seed=2), 3), first).any()


def test_readers_of_one_tensor_and_its_gradient_see_one_draw():
    x = K.variable(np.ones((50,)))
    y = K.dropout(x, 0.5, seed=1)
    out, gradient, again = K.function([], [y, K.gradients(y, [x])[0], y * 1.0])([])
    np.testing.assert_array_equal(out, gradient)
    np.testing.assert_array_equal(out, again)


def test_numpys_seed_before_building_makes_a_script_reproducible():
    def script():
        np.random.seed(11)
        return [draws(K.random_normal((3,)), 2), draws(K.random_uniform((3,)), 2)]

    for a, b in zip(script(), script(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loop_draws_in_each_iteration_and_its_reverse_draws_the_same():
    x = K.variable(np.ones((5, 60)))
    y = K.map_fn(lambda row: K.dropout(row, 0.5, seed=3), x)
    f = K.function([], [y, K.gradients(y, [x])[0]])
    out, gradient = f([])
    np.testing.assert_array_equal(out, gradient)
    assert len({row.tobytes() for row in out}) == 5
    assert not np.array_equal(out, f([])[0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_uniform(dtype):
    x = K.eval(K.random_uniform((20000,), -1.0, 3.0, dtype=dtype, seed=1))
    assert x.dtype == dtype and x.min() >= -1 and x.max() <= 3
    assert abs(x.mean(dtype="float64") - 1) < 0.05 and abs(x.std(dtype="float64") - 4 / 12**0.5) < 0.02
    unit = K.eval(K.random_uniform((20000,), dtype=dtype, seed=1))
    assert unit.max() < 1


def test_uniform_whole_numbers():
    x = K.eval(K.random_uniform((3000,), 2, 5, dtype="int32", seed=1))
    assert x.dtype == "int32" and set(x.tolist()) == {2, 3, 4}


def quantiles_agree(x, distribution, tolerance=0.03):
    probabilities = np.linspace(0.02, 0.98, 25)
    expected = [distribution(p) for p in probabilities]
    np.testing.assert_allclose(np.quantile(x, probabilities), expected, atol=tolerance)


def test_normal():
    x = K.eval(K.random_normal((40000,), 2.0, 0.5, seed=4))
    quantiles_agree(x, NormalDist(2, 0.5).inv_cdf)


def test_truncated_normal_stays_within_two_deviations():
    x = K.eval(K.truncated_normal((40000,), 1.0, 0.5, seed=4))
    assert np.abs(x - 1).max() <= 1
    low = NormalDist().cdf(-2)
    quantiles_agree(x, lambda p: 1 + 0.5 * NormalDist().inv_cdf(low + p * (1 - 2 * low)))


def test_erfinv_is_the_normal_quantile():
    p = np.concatenate([np.geomspace(1e-300, 0.4, 200), np.linspace(0.4, 1 - 1e-12, 200)])
    x = 2 * p - 1
    inside = x > -1
    expected = np.array([NormalDist().inv_cdf((1 + v) / 2) for v in x[inside]]) / np.sqrt(2)
    np.testing.assert_allclose(K.eval(ops.erfinv(K.constant(x[inside], "float64"))), expected, rtol=1e-9, atol=1e-15)
    assert K.eval(ops.erfinv(K.constant([-1.0, 0.0, 1.0]))).tolist() == [-np.inf, 0, np.inf]


def test_binomial():
    x = K.eval(K.random_binomial((20000,), p=0.3, seed=2))
    assert set(x.tolist()) == {0, 1} and abs(x.mean() - 0.3) < 0.02


def test_dropout_keeps_the_mean_and_shares_noise_along_axes():
    x = K.variable(np.ones((200, 30)))
    out = K.eval(K.dropout(x, 0.25, seed=1))
    np.testing.assert_allclose(np.unique(out), [0, 4 / 3], rtol=1e-6)
    assert abs(out.mean() - 1) < 0.03
    shared = K.eval(K.dropout(x, 0.5, noise_shape=(None, 1), seed=1))
    assert (shared == shared[:, :1]).all() and 0 < shared[:, 0].mean() < 2
    tensor_level = K.eval(K.dropout(x, K.variable(0.25), seed=1))
    np.testing.assert_allclose(np.unique(tensor_level), [0, 4 / 3], rtol=1e-6)


@pytest.mark.parametrize("level", [-0.1, 1.0, 2])
def test_a_dropout_level_outside_its_range_is_refused(level):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        K.dropout(K.variable(np.ones(3)), level)


def test_the_same_elements_are_dropped_in_every_dtype():
    masks = [
        K.eval(K.dropout(K.variable(np.ones(100), dtype), 0.5, seed=9)) for dtype in ("float16", "float32", "float64")
    ]
    for mask in masks:
        np.testing.assert_array_equal(mask, masks[0])


def test_random_variables_start_random_and_stay():
    v = K.random_normal_variable((100,), 1.0, 0.1, seed=1, name="start")
    np.testing.assert_array_equal(K.get_value(v), K.get_value(v))
    assert abs(K.get_value(v).mean() - 1) < 0.05
    u = K.random_uniform_variable((100,), 2.0, 3.0)
    assert K.get_value(u).min() >= 2 and K.get_value(u).max() < 3
