"""The distributions of the random functions: moments and the Kolmogorov-Smirnov distance of a million draws."""

import math

import numpy as np
import pytest

from polykeras import backend as K

N = 10**6


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def truncated_cdf(x):
    low, high = (0.5 * (1 + math.erf(e / math.sqrt(2))) for e in (-2, 2))
    return (normal_cdf(x) - low) / (high - low)


def uniform_cdf(x):
    return x


# the variance of a normal within two deviations: 1 - 2 * 2 phi(2) / (Phi(2) - Phi(-2))
TRUNCATED = 1 - 4 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
DRAWS = {
    "uniform": (lambda **k: K.random_uniform((N,), **k), uniform_cdf, 0.5, 1 / 12, -6 / 5),
    "normal": (lambda **k: K.random_normal((N,), **k), normal_cdf, 0.0, 1.0, 0.0),
    "truncated": (lambda **k: K.truncated_normal((N,), **k), truncated_cdf, 0.0, TRUNCATED, None),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DRAWS)
def test_moments_and_distance(name, dtype):
    make, cdf, mean, variance, kurtosis = DRAWS[name]
    x = K.eval(make(seed=12345, dtype=dtype)).astype("float64")
    error = math.sqrt(variance / N)
    assert abs(x.mean() - mean) < 5 * error
    assert x.var() == pytest.approx(variance, rel=0.01)
    centred = (x - mean) / math.sqrt(variance)
    assert abs((centred**3).mean()) < 5 * math.sqrt(15 / N)
    if kurtosis is not None:
        assert abs((centred**4).mean() - 3 - kurtosis) < 5 * math.sqrt(96 / N)
    ordered = np.sort(x)
    steps = np.arange(1, N + 1) / N
    sample = slice(None, None, 97)  # the distribution function is slow
    distance = np.abs(cdf(ordered[sample]) - steps[sample]).max()
    assert distance < 1.95 / math.sqrt(N) + 1 / N  # exceeded once in a thousand times


@pytest.mark.parametrize("name", DRAWS)
def test_neighbours_and_calls_do_not_depend_on_each_other(name):
    make, _, mean, _, _ = DRAWS[name]
    draw = K.function([], [make(seed=99)])
    first, second = draw([])[0] - mean, draw([])[0] - mean
    for a, b in ((first[:-1], first[1:]), (first, second), (first[:-8], first[8:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(N)


def test_whole_numbers_are_equally_likely():
    x = K.eval(K.random_uniform((N,), 2, 9, dtype="int32", seed=3))
    counts = np.bincount(x, minlength=9)[2:]
    assert x.min() == 2 and x.max() == 8
    chi_square = ((counts - N / 7) ** 2 / (N / 7)).sum()
    assert chi_square < 22.5  # 6 degrees of freedom, 99.9 %


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_binomial(p):
    x = K.eval(K.random_binomial((N,), p=p, seed=4))
    assert set(np.unique(x)) <= {0.0, 1.0} and x.dtype == np.float32
    assert abs(x.mean() - p) <= 5 * math.sqrt(p * (1 - p) / N)


def test_ends_scale_and_offset():
    x = K.eval(K.random_uniform((N,), -3.0, 5.0, seed=5))
    assert -3 <= x.min() < -2.99 and 4.99 < x.max() < 5.0001
    x = K.eval(K.truncated_normal((N,), mean=10.0, stddev=2.0, seed=6))
    assert 6 <= x.min() < 6.01 and 13.99 < x.max() <= 14
    x = K.eval(K.random_normal((N,), mean=-1.0, stddev=0.5, seed=7))
    assert x.mean() == pytest.approx(-1, abs=0.01) and x.std() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("name", DRAWS)
def test_every_evaluation_draws_anew_and_a_new_op_repeats(name):
    make = DRAWS[name][0]
    one = make(seed=11)
    draws = [K.eval(one), K.eval(one)]
    assert (draws[0] != draws[1]).mean() > 0.99
    again = make(seed=11)
    np.testing.assert_array_equal(K.eval(again), draws[0])
    np.testing.assert_array_equal(K.eval(again), draws[1])


def test_numpys_seed_makes_what_is_built_reproducible():
    values = []
    for _ in range(2):
        np.random.seed(5)
        values.append(K.eval(K.random_normal((4,))).tolist() + K.eval(K.dropout(K.ones((50,)), 0.5)).tolist())
    assert values[0] == values[1]


def test_variables_start_in_their_distribution():
    x = K.get_value(K.random_uniform_variable((1000, 100), -1, 1, seed=1))
    assert x.min() >= -1 and x.max() < 1 and x.std() == pytest.approx(2 / math.sqrt(12), rel=0.01)
    x = K.get_value(K.random_normal_variable((1000, 100), 2, 3, seed=1))
    assert x.mean() == pytest.approx(2, abs=0.05) and x.std() == pytest.approx(3, rel=0.01)
