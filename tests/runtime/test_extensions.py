"""What K has beside Keras 2.2.4's functions, against NumPy; where floats go in, the gradient against differences."""

import math

import numpy as np
import pytest

from polykeras import backend as K

R = np.random.RandomState(0)
A, B = R.normal(size=(3, 4)), R.normal(size=(4, 5))
T = R.normal(size=(2, 3, 4))
V = R.normal(size=4)
INDEX = np.array([[0, -1], [2, 1], [3, -4]])


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


ERF = np.vectorize(math.erf)
SELU = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

CASES = [
    ("matmul", (A, B), A @ B),
    ("matmul", (T, B), T @ B),
    ("matmul", (V, B), V @ B),
    ("einsum", ("bij,jk->bki", T, B), np.einsum("bij,jk->bki", T, B)),
    ("where", (A > 0, A, 2.0), np.where(A > 0, A, 2)),
    ("where", (np.array([[1], [0], [3]]), A, A * A), np.where([[True], [False], [True]], A, A * A)),
    ("logical_and", (A > 0, A < 1), (A > 0) & (A < 1)),
    ("logical_or", (A > 0, A < -1), (A > 0) | (A < -1)),
    ("logical_not", (A > 0,), A <= 0),
    ("isnan", (np.array([1, np.nan, np.inf]),), [False, True, False]),
    ("isfinite", (np.array([1, np.nan, np.inf]),), [True, False, False]),
    ("floor", (A,), np.floor(A)),
    ("ceil", (A,), np.ceil(A)),
    ("expm1", (A,), np.expm1(A)),
    ("log1p", (abs(A),), np.log1p(abs(A))),
    ("erf", (A,), ERF(A)),
    ("gelu", (A,), A * (1 + ERF(A / math.sqrt(2))) / 2),
    ("gelu", (A, True), A * (1 + np.tanh(math.sqrt(2 / math.pi) * (A + 0.044715 * A**3))) / 2),
    ("selu", (A,), SELU[0] * np.where(A > 0, A, SELU[1] * np.expm1(A))),
    ("leaky_relu", (A, 0.1), np.where(A > 0, A, 0.1 * A)),
    ("log_softmax", (A,), np.log(softmax(A))),
    ("log_softmax", (A, 0), np.log(softmax(A.T)).T),
    ("argsort", (A,), np.argsort(A)),
    ("argsort", (A, 0, True), np.argsort(-A, axis=0)),
    ("sort", (A, 0), np.sort(A, axis=0)),
    ("sort", (A, -1, True), -np.sort(-A)),
    ("top_k", (A, 2), [-np.sort(-A)[:, :2], np.argsort(-A)[:, :2]]),
    ("take_along_axis", (A, INDEX), np.take_along_axis(A, INDEX, -1)),
    ("boolean_mask", (A, np.array([True, False, True])), A[[0, 2]]),
    ("nonzero", (np.array([[0, 3], [1, 0]]),), [[0, 1], [1, 0]]),
    ("pad", (A, [(1, 0), (2, 3)], 7.0), np.pad(A, [(1, 0), (2, 3)], constant_values=7)),
    ("unstack", (A, 1), list(A.T)),
    ("split", (A, 2), np.split(A, 2, axis=-1)),
    ("swapaxes", (T, 0, -1), np.swapaxes(T, 0, -1)),
    ("broadcast_to", (V, (3, 4)), np.broadcast_to(V, (3, 4))),
    ("tril", (T,), np.tril(T)),
    ("tril", (A, -1), np.tril(A, -1)),
    ("triu", (T, 1), np.triu(T, 1)),
    ("diag", (V,), np.diag(V)),
    ("diag", (A[:, :3],), np.diag(A)),
    ("linspace", (0, 1, 5), np.linspace(0, 1, 5)),
]


def tensors(arguments):
    return [K.variable(x, dtype=str(x.dtype)) if isinstance(x, np.ndarray) else x for x in arguments]


@pytest.mark.parametrize("name, arguments, expected", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_values(name, arguments, expected):
    made = getattr(K, name)(*tensors(arguments))
    if not isinstance(made, (list, tuple)):
        made, expected = [made], [expected]
    for got, want in zip(made, expected, strict=True):
        value = K.eval(got)
        assert value.shape == np.shape(want) and K.dtype(got) == str(value.dtype)
        np.testing.assert_allclose(value, want, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name, arguments, expected", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_gradients(name, arguments, expected):
    moved = [x for x in tensors(arguments) if K.is_variable(x) and K.dtype(x) == "float64"]
    given = iter(moved)
    operands = [
        next(given) if isinstance(x, np.ndarray) and x.dtype == "float64" else y
        for x, y in zip(arguments, tensors(arguments), strict=True)
    ]
    made = getattr(K, name)(*operands)
    floats = [t for t in (made if isinstance(made, (list, tuple)) else [made]) if K.dtype(t) == "float64"]
    found = K.gradients([K.sum(K.square(t) * 0.5 + t) for t in floats], moved) if floats and moved else []
    for v, g in zip(moved, found, strict=False):
        if g is None:
            assert name in ("floor", "ceil")
            continue
        f = K.function([v], [sum(K.sum(K.square(t) * 0.5 + t) for t in floats)])
        value, direction = K.get_value(v), R.normal(size=K.int_shape(v))
        slope = (float(f([value + 1e-6 * direction])[0]) - float(f([value - 1e-6 * direction])[0])) / 2e-6
        assert slope == pytest.approx(np.sum(K.eval(g) * direction), rel=1e-5, abs=1e-6)


def test_sizes_unknown_when_built():
    x = K.placeholder((None, None))
    f = K.function([x], [K.tril(x), K.diag(x), K.sort(x), K.broadcast_to(x, (2, 3, 3)), K.top_k(x, 1)[0]])
    a = A[:, :3].astype("float32")
    for got, want in zip(
        f([a]), [np.tril(a), np.diag(a), np.sort(a), np.stack([a, a]), a.max(-1, keepdims=True)], strict=True
    ):
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_cond_runs_one_branch_and_returns_what_it_made():
    x, flag = K.placeholder((2,)), K.placeholder((), dtype="bool")
    one, other = K.cond(flag, lambda: [x + 1, x], lambda: [x * 2, -x])
    f = K.function([x, flag], [one, other])
    assert [r.tolist() for r in f([[1, 2], True])] == [[2, 3], [1, 2]]
    assert [r.tolist() for r in f([[1, 2], False])] == [[2, 4], [-1, -2]]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="k must be between 0 and 4"):
        K.top_k(K.variable(A), 5)
    with pytest.raises(ValueError, match="a vector or a matrix"):
        K.diag(K.variable(T))
    with pytest.raises(ValueError, match="equal parts"):
        K.split(K.variable(A), 3)


def test_every_one_is_documented():
    from polykeras.backend import extensions

    for name in extensions.__all__:
        assert getattr(K, name) is getattr(extensions, name) and getattr(K, name).__doc__
