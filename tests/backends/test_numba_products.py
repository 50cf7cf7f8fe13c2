"""Products of many matrices by the compiled kernel, and batch normalisation in compiled steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import polykeras.backend as K
from polykeras.symbolic.op import OPS
from polykeras_numpy import NumpyBackend


def compiled(backend, tensors, feeds, arrays):
    """Results of a program, all of whose steps must be compiled."""
    function = K.function(feeds, tensors, backend=backend)
    results = function(arrays)
    assert not list(function.programs.values())[-1].emitted.steps
    return results


@st.composite
def products(draw):
    """Shapes of both operands, and which are transposed."""
    batch = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    shapes = []
    for _ in range(2):
        own = [draw(st.sampled_from([n, 1])) for n in batch]
        shapes.append(own[draw(st.integers(0, len(own))) :])
    rows, inner, columns = (draw(st.sampled_from([1, 2, 5, 7, 16, 33, 60])) for _ in range(3))
    if max(len(s) for s in shapes) == 0:
        shapes[0] = batch
    turned = draw(st.booleans()), draw(st.booleans())
    x = (inner, rows) if turned[0] else (rows, inner)
    y = (columns, inner) if turned[1] else (inner, columns)
    return (*shapes[0], *x), (*shapes[1], *y), turned


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=80, deadline=None, derandomize=True)
@given(case=products())
def test_products_of_many_matrices(dtype, module_backend, case):
    x_shape, y_shape, (transpose_a, transpose_b) = case
    r = np.random.default_rng(0)
    x, y = r.normal(size=x_shape).astype(dtype), r.normal(size=y_shape).astype(dtype)
    feeds = [K.placeholder(a.shape, dtype=dtype) for a in (x, y)]
    product = OPS["matmul"](*feeds, transpose_a=transpose_a, transpose_b=transpose_b)
    (got,) = compiled(module_backend, [product], feeds, [x, y])
    a, b = (v.astype("float64") for v in (x, y))
    expected = (a.swapaxes(-1, -2) if transpose_a else a) @ (b.swapaxes(-1, -2) if transpose_b else b)
    np.testing.assert_allclose(got, expected, atol=1e-4 if dtype == "float32" else 1e-12)


def test_matrices_that_are_views(module_backend):
    """Heads of attention: (batch, time, head, size) seen as (batch, head, time, size)."""
    r = np.random.default_rng(1)
    q, k = r.normal(size=(2, 9, 3, 8)), r.normal(size=(2, 11, 3, 8))
    feeds = [K.placeholder(a.shape, dtype="float64") for a in (q, k)]
    heads = [OPS["transpose"](OPS["multiply"](f, 1.0), axes=(0, 2, 1, 3)) for f in feeds]
    (got,) = compiled(module_backend, [OPS["matmul"](*heads, transpose_b=True)], feeds, [q, k])
    np.testing.assert_allclose(got, np.einsum("bqhd,bkhd->bhqk", q, k), atol=1e-12)


@pytest.mark.parametrize(("shape", "axes"), [((4, 5, 6, 7), (0, 1, 2)), ((4, 7, 5), (0, 2)), ((9, 17), (0,))])
def test_batch_normalisation_and_its_gradient(shape, axes, module_backend):
    kept = [n for i, n in enumerate(shape) if i not in axes]
    r = np.random.default_rng(2)
    arrays = [r.normal(size=s) for s in (shape, kept, kept, shape)]
    feeds = [K.placeholder(a.shape, dtype="float64") for a in arrays]
    x, gamma, beta, g = feeds
    y, mean, var = OPS["batch_norm_train"](x, gamma, beta, axes=axes, epsilon=1e-3)
    results = [y, mean, var, *OPS["batch_norm_grad"](g, x, gamma, mean, var, axes=axes, epsilon=1e-3)]
    expected = K.function(feeds, results, backend=NumpyBackend())(arrays)
    for got, want in zip(K.function(feeds, results, backend=module_backend)(arrays), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("target", ["int32", "int64"])
@pytest.mark.parametrize("source", ["float32", "float64"])
def test_casts_to_integers_are_compiled(source, target, module_backend):
    x = np.array([0.0, -0.0, 0.9, -0.9, 1.5, -2.7, 1e9, -1e9] * 3, source)
    feed = K.placeholder(x.shape, dtype=source)
    (got,) = compiled(module_backend, [OPS["cast"](feed, dtype=target)], [feed], [x])
    np.testing.assert_array_equal(got, x.astype(target))
