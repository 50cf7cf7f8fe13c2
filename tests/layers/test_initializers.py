"""Initial values: properties that no recorded number shows."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import initializers
from polykeras.layers import Dense, Input


@pytest.mark.parametrize(("shape", "data_format", "fans"), [
    ((4, 6), "channels_last", (4, 6)),
    ((3, 5, 4, 6), "channels_last", (60, 90)),
    ((6, 4, 3, 5), "channels_first", (60, 90)),
    ((3, 4, 6), "channels_last", (12, 18)),
    ((16,), "channels_last", (4, 4)),
    ((), "channels_last", (1, 1)),
])  # fmt: skip
def test_fans(shape, data_format, fans):
    assert initializers._compute_fans(shape, data_format) == fans


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    q = K.eval(initializers.Orthogonal(gain=2.0)(shape)).reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_identity_repeats_along_the_long_side():
    np.testing.assert_array_equal(K.eval(initializers.Identity(3.0)((4, 2))), 3 * np.tile(np.eye(2), (2, 1)))
    np.testing.assert_array_equal(K.eval(initializers.Identity()((2, 4))), np.tile(np.eye(2), (1, 2)))


@pytest.mark.parametrize("name", ["glorot_uniform", "he_normal", "random_normal", "truncated_normal", "orthogonal"])
def test_numpys_seed_before_building_fixes_the_weights(name):
    kernels = []
    for seed in (3, 3, 4):
        np.random.seed(seed)
        layer = Dense(4, kernel_initializer=name)
        layer(Input((5,)))
        kernels.append(layer.get_weights()[0])
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).all()


@pytest.mark.parametrize("make", [
    initializers.RandomNormal, initializers.RandomUniform, initializers.TruncatedNormal, initializers.glorot_normal,
    initializers.Orthogonal,
])  # fmt: skip
def test_equal_seeds_equal_values(make):
    first, again, other = (K.eval(make(seed=seed)((3, 4))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_dtype_is_that_asked_for():
    for initializer in (initializers.Ones(), initializers.RandomUniform(), initializers.Orthogonal()):
        assert K.dtype(initializer((2, 2), dtype="float64")) == "float64"
        assert K.dtype(initializer((2, 2))) == K.floatx()
