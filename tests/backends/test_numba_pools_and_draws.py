"""Poolings and random bits as compiled kernels: NumPy's numbers, to the bit where nothing is added up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import polykeras.backend as K
from polykeras.symbolic.op import OPS
from polykeras.symbolic.windows import output_sizes
from polykeras_numpy import NumpyBackend


def both(backend, op, arrays, sizes=(), **attrs):
    """An op's result here and on NumPy. Here, all steps must be compiled."""
    results = []
    for b in (backend, NumpyBackend()):
        feeds = [K.placeholder(a.shape, dtype=str(a.dtype)) for a in arrays]
        function = K.function(feeds, [OPS[op](*feeds, *sizes, **attrs)], backend=b)
        results += function(list(arrays))
        if b is backend:
            assert not list(function.programs.values())[-1].emitted.steps
    return results


@st.composite
def poolings(draw):
    rank = draw(st.integers(1, 3))
    window = draw(st.tuples(*[st.integers(1, 3)] * rank))
    sizes = tuple([draw(st.integers(w, 9)) for w in window])
    padding = draw(st.sampled_from(["valid", "same", "pairs"]))
    if padding == "pairs":
        padding = tuple([(draw(st.integers(0, w - 1)), draw(st.integers(0, w - 1))) for w in window])
    attrs = {"window": window, "strides": draw(st.tuples(*[st.integers(1, 3)] * rank)), "padding": padding}
    return (draw(st.integers(1, 3)), *sizes, draw(st.sampled_from([1, 3, 8, 21]))), attrs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(case=poolings())
def test_any_pooling_and_its_gradient(dtype, module_backend, case):
    shape, attrs = case
    r = np.random.default_rng(0)
    x = r.integers(-3, 4, size=shape).astype(dtype)  # few numbers: windows hold their maximum several times
    outputs = output_sizes(shape[1:-1], attrs["window"], attrs["strides"], (1,) * (len(shape) - 2), attrs["padding"])
    g = r.integers(-8, 9, size=(shape[0], *outputs, shape[-1])).astype(dtype)  # sums of these are exact
    y, expected = both(module_backend, "max_pool", [x], **attrs)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(*both(module_backend, "max_pool_grad", [g, x, y], **attrs))
    np.testing.assert_array_equal(*both(module_backend, "avg_pool", [x], **attrs))
    got, expected = both(module_backend, "avg_pool_grad", [g, x], **attrs)
    np.testing.assert_allclose(got, expected, atol=1e-5 if dtype == "float32" else 1e-13)


def test_nan_is_the_maximum_of_its_windows(module_backend):
    x = np.arange(48, dtype="float32").reshape(1, 4, 4, 3)
    x[0, 1, 2, 1] = np.nan
    y, expected = both(module_backend, "max_pool", [x], window=(2, 2), strides=(2, 2), padding="valid")
    np.testing.assert_array_equal(y, expected)
    assert np.isnan(y).sum() == 1


DRAWS = [
    ("random_bits", {}),
    ("random_unit", {"dtype": "float32"}),
    ("random_unit", {"dtype": "float64", "stream": 3}),
    ("dropout_mask", {"level": 0.3, "dtype": "float32"}),
    ("dropout_mask", {"level": 0.75, "dtype": "float64"}),
]


@pytest.mark.parametrize("seed", [0, 7, 2**63 + 5])
@pytest.mark.parametrize(("op", "attrs"), DRAWS)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (7,), (8,), (3, 5), (31, 33)])
def test_draws_have_numpys_bits(op, attrs, seed, shape, module_backend):
    for call, position in ((0, 0), (2**40, 3)):
        numbers = [np.asarray(n, "int64") for n in (call, position)]
        got, expected = both(module_backend, op, numbers, [shape], seed=seed, **attrs)
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype
