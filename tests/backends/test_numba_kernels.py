"""The compiled kernels: their functions' accuracy, every layout and dtype, reductions and products."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import polykeras.backend as K
from polykeras.symbolic.op import OPS
from polykeras_numpy import NumpyBackend

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.5, 1e-45, -1e-40, 1e-20, 87.0, -87.0, 89.0, -104.0, 1e20, -1e20, 3e38]
SPECIAL = np.array([*NUMBERS, np.inf, -np.inf, np.nan], "float32")

# the greatest error in units in the last place that the module promises
PROMISED = {"exp": 1.1, "expm1": 1.5, "log": 0.9, "log1p": 2.5, "tanh": 2.5, "sigmoid": 2.5, "softplus": 2.7}
TRUTH = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, 0),
}


def apply(backend, op, *arrays, **attrs):
    """An op's result on arrays that are fed."""
    feeds = [K.placeholder(a.shape, dtype=str(a.dtype)) for a in arrays]
    return K.function(feeds, [OPS[op](*feeds, **attrs)], backend=backend)(list(arrays))[0]


@pytest.mark.parametrize("op", PROMISED)
def test_functions_keep_the_promised_error(op, numba_backend):
    # float32 of every size: each 20011th bit pattern
    x = np.arange(0, 2**32, 20011, dtype="uint64").astype("uint32").view("float32")
    with np.errstate(all="ignore"):
        truth = TRUTH[op](x.astype("longdouble"))
        expected = truth.astype("float32")
    got = apply(numba_backend, op, x)
    finite = np.isfinite(expected) & np.isfinite(got)
    unit = np.spacing(np.maximum(np.abs(expected[finite]), np.float32(2.0**-126)))
    assert np.max(np.abs(got[finite] - truth[finite]) / unit) <= PROMISED[op]
    np.testing.assert_array_equal(got[~finite], expected[~finite])


def test_every_element_has_the_bits_it_has_alone(numba_backend):
    """Vectors and the rest at the end of an array: one arithmetic."""
    x = np.random.default_rng(0).normal(size=37).astype("float32") * 5
    for op in PROMISED:
        whole = apply(numba_backend, op, x)
        for n in (1, 3, 8, 15, 16, 17):
            np.testing.assert_array_equal(apply(numba_backend, op, x[:n]), whole[:n])


SAME_BITS = (
    "negative", "abs", "sign", "square", "sqrt", "relu", "floor", "ceil", "round", "isnan", "isfinite", "add",
    "subtract", "multiply", "divide", "maximum", "minimum", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal",
)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", SAME_BITS)
def test_exact_ops_have_numpys_bits_for_special_numbers(op, dtype, numba_backend):
    x, y = (a.ravel().astype(dtype) for a in np.meshgrid(SPECIAL, SPECIAL))
    arrays = (x, y) if len(OPS[op].operands) == 2 else (x,)
    np.testing.assert_array_equal(apply(numba_backend, op, *arrays), apply(NumpyBackend(), op, *arrays))


@pytest.mark.parametrize("op", PROMISED)
def test_functions_treat_special_numbers_as_numpy_does(op, numba_backend):
    got, expected = apply(numba_backend, op, SPECIAL), apply(NumpyBackend(), op, SPECIAL)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=2e-38)
    zeros = expected == 0
    np.testing.assert_array_equal(np.signbit(got[zeros & (SPECIAL == 0)]), np.signbit(expected[zeros & (SPECIAL == 0)]))


def test_division_by_zero_does_not_raise(numba_backend):
    x, zero = np.array([1, -1, 0], "float32"), np.zeros(3, "float32")
    np.testing.assert_array_equal(apply(numba_backend, "divide", x, zero), [np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint32", "uint64"])
def test_integers_wrap_and_compare_as_in_numpy(dtype, numba_backend):
    info = np.iinfo(dtype)
    numbers = np.array([info.min, info.max, 0, 1, 2, 100, info.max // 2], dtype)
    x, y = (a.ravel() for a in np.meshgrid(numbers, numbers))
    for op in ("add", "subtract", "multiply", "maximum", "minimum", "less", "greater_equal", "equal", "relu_grad"):
        np.testing.assert_array_equal(apply(numba_backend, op, x, y), apply(NumpyBackend(), op, x, y), err_msg=op)
    for op in ("square", "relu") + (() if dtype.startswith("u") else ("negative", "abs", "sign")):
        np.testing.assert_array_equal(apply(numba_backend, op, x), apply(NumpyBackend(), op, x), err_msg=op)


@pytest.mark.parametrize("target", ["bool", "int8", "uint8", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("source", ["bool", "int8", "uint8", "int32", "int64", "float32", "float64"])
def test_casts_are_numpys(source, target, numba_backend):
    x = np.array([0, 1, 2, 3, 100, 1, 0, 77, 5, 127, 0], source)
    if source not in ("bool", "uint8"):
        x = np.concatenate([x, -x])
    np.testing.assert_array_equal(apply(numba_backend, "cast", x, dtype=target), x.astype(target))


def test_bools_are_bytes_of_one_and_zero(numba_backend):
    x, y = np.array([True, False] * 11), np.array([True, True, False, False] * 5 + [True, False])
    for op, expected in (("logical_and", x & y), ("logical_or", x | y), ("equal", x == y)):
        got = apply(numba_backend, op, x, y)
        np.testing.assert_array_equal(got.view("uint8"), expected.view("uint8"))
    np.testing.assert_array_equal(apply(numba_backend, "where", x, x * 2.0, y * 3.0), np.where(x, x * 2.0, y * 3.0))


# -- layouts ---------------------------------------------------------------------------------------------------------

SHAPES = [(), (1,), (5,), (17,), (3, 17), (4, 1, 9), (2, 3, 4, 5), (2, 1, 3, 1, 2, 3, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_way_of_broadcasting(shape, numba_backend):
    """Each axis of the second operand is whole or repeated; so is each of the third."""
    r = np.random.default_rng(len(shape))
    x = r.normal(size=shape).astype("float32")
    feed = K.placeholder(shape)
    masks = list(itertools.product((False, True), repeat=len(shape)))[:40]
    for mask in masks:
        other = tuple([1 if repeated else n for repeated, n in zip(mask, shape, strict=True)])
        y = r.normal(size=other).astype("float32")
        z = r.normal(size=shape[len(shape) // 2 :]).astype("float32")
        b, c = K.placeholder(other), K.placeholder(z.shape)
        got = K.function([feed, b, c], [(feed - b) * c + feed], backend=numba_backend)([x, y, z])[0]
        np.testing.assert_array_equal(got, (x - y) * z + x)


def test_transposed_sliced_and_reversed_operands(numba_backend):
    r = np.random.default_rng(1)
    x, y = r.normal(size=(6, 4, 5)).astype("float32"), r.normal(size=(5, 6, 4)).astype("float32")
    a, b = K.variable(x), K.placeholder(y.shape)
    turned = OPS["transpose"](a * 2, axes=(2, 0, 1))
    part = OPS["slice"](a + 1, start=(4, 0, 0), stop=(0, 4, 5), step=(-2, 2, 1))
    outputs = [turned * b, K.exp(part) - part, OPS["transpose"](b, axes=(1, 2, 0)) + a]
    got = K.function([b], outputs, backend=numba_backend)([y])
    p = (x + 1)[4:0:-2, 0:4:2]
    expected = [(x * 2).transpose(2, 0, 1) * y, np.exp(p) - p, y.transpose(1, 2, 0) + x]
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-6)


def test_inputs_that_are_not_contiguous(numba_backend):
    x = np.arange(24, dtype="float32").reshape(4, 6)
    feed = K.placeholder((6, 4))
    function = K.function([feed], [K.square(feed) + feed], backend=numba_backend)
    function([x.reshape(6, 4)])
    executable = next(iter(function.programs.values()))
    np.testing.assert_array_equal(executable([x.T])[0], x.T**2 + x.T)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3)])
def test_empty_arrays(shape, numba_backend):
    x = np.zeros(shape, "float32")
    assert apply(numba_backend, "exp", x).shape == shape
    np.testing.assert_array_equal(apply(numba_backend, "sum", x, axis=0), x.sum(0))
    assert np.isnan(apply(numba_backend, "mean", x, axis=None))


# -- reductions and products -----------------------------------------------------------------------------------------

AXES = [
    ((7,), 0),
    ((3, 50), 1),
    ((50, 3), 0),
    ((4, 33, 5), 1),
    ((4, 5, 70), (1, 2)),
    ((2, 3, 150), (0, 1)),
    ((4, 5, 6), (0, 2)),
]


REDUCED = [*itertools.product(("sum", "max", "min"), ("float32", "float64", "int32", "uint8"))]
REDUCED += [("mean", "float32"), ("mean", "float64")]


@pytest.mark.parametrize(("shape", "axis"), AXES)
@pytest.mark.parametrize(("op", "dtype"), REDUCED)
def test_reductions(op, shape, axis, dtype, numba_backend):
    x = (np.random.default_rng(2).normal(size=shape) * 50 + 60).astype(dtype)
    got = apply(numba_backend, op, x, axis=axis)
    expected = getattr(x.astype("float64"), op)(axis=axis)
    if op == "sum" and dtype == "uint8":
        expected = np.mod(expected, 256)
    assert str(got.dtype) == dtype
    np.testing.assert_allclose(got, expected, rtol=0 if dtype[0] != "f" else 2e-7 if dtype == "float32" else 1e-14)


def test_a_long_float32_sum_is_the_rounded_true_sum(numba_backend):
    x = np.random.default_rng(3).uniform(0, 1, 1_000_003).astype("float32")
    assert apply(numba_backend, "sum", x) == np.float32(x.sum(dtype="float64"))


@pytest.mark.parametrize("place", [0, 5, 39])
@pytest.mark.parametrize("op", ["max", "min", "sum"])
def test_reductions_keep_nan(op, place, numba_backend):
    x = np.arange(40, dtype="float32")
    x[place] = np.nan
    assert np.isnan(apply(numba_backend, op, x))
    assert np.isnan(apply(numba_backend, op, np.stack([x, x]).T.copy(), axis=0)).all()


@pytest.mark.parametrize("op", ["argmax", "argmin"])
def test_positions_are_of_the_first(op, numba_backend):
    r = np.random.default_rng(4)
    x = r.integers(0, 4, (6, 9, 5)).astype("float32")
    x[2, 3] = x[2, 7] = np.nan
    for axis in (0, 1, 2):
        np.testing.assert_array_equal(apply(numba_backend, op, x, axis=axis), getattr(np, op)(x, axis=axis))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (1, 5, 3), (5, 1, 3), (4, 5, 1), (7, 9, 8), (0, 3, 2), (3, 2, 0)])
def test_products_of_all_orders(m, n, k, dtype, numba_backend):
    r = np.random.default_rng(5)
    for a, b in itertools.product((False, True), repeat=2):
        x = r.normal(size=(k, m) if a else (m, k)).astype(dtype)
        y = r.normal(size=(n, k) if b else (k, n)).astype(dtype)
        got = apply(numba_backend, "matmul", x, y, transpose_a=a, transpose_b=b)
        expected = (x.T if a else x).astype("float64") @ (y.T if b else y)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_products_of_transposed_and_sliced_matrices(numba_backend):
    r = np.random.default_rng(6)
    x, y = r.normal(size=(6, 8)).astype("float32"), r.normal(size=(6, 7)).astype("float32")
    a, b = K.variable(x), K.placeholder(y.shape)
    turned = OPS["transpose"](a + 0.5, axes=(1, 0))
    part = OPS["slice"](a * 2, start=(0, 1), stop=(6, 7), step=(1, 1))
    strided = OPS["slice"](a * 3, start=(0, 0), stop=(6, 8), step=(1, 2))
    outputs = [K.dot(turned, b), K.dot(part, b), OPS["matmul"](strided, b, transpose_a=True)]
    got = K.function([b], outputs, backend=numba_backend)([y])
    expected = [(x + 0.5).T @ y, (x * 2)[:, 1:7] @ y, (x * 3)[:, ::2].T @ y]
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-5, atol=1e-5)
