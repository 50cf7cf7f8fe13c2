"""Operators, [] and NumPy's functions on tensors mean what they mean on arrays."""

import numpy as np
import pytest

from polykeras import backend as K

X = np.random.default_rng(0).standard_normal((4, 5, 6))
ROWS = np.array([2, 0, 1])
TABLE = np.array([[1, 0], [3, 2]])
MASK = X[:, :, 0] > 0
COLUMN_MASK = np.array([True, False, True, True, False])
NAMES = {"np": np, "rows": ROWS, "table": TABLE, "mask": MASK, "column_mask": COLUMN_MASK}

EXPRESSIONS = """
x[0]            x[-1]               x[1:3]              x[:, ::2, ::-1]     x[..., 0]           x[:, None, 1]
x[0, 1, 2]      x[-3:-1, ..., 1:]   x[None]             x[0:0]              x[...]              x[[1, 2]]
x[rows]         x[:, rows]          x[table, 0]         x[:, 0, rows]       x[:, rows, None, 1:3]
x[..., None, rows]
x[-rows]        x[mask]             x[:, column_mask]   x[np.int64(1)]      x[np.array(2)]      x[n]
x[:, n]         x[n:]               x[:n, 1]            x[:, 1:n + 1]       x[:-n]              x[..., -n:]
x[n - 5:]       x[:n + 9]           x.T                 x + 1               1 - x               x * x
2 / x           x // 2              x % 3               -x                  +x                  abs(x)
x ** 2          abs(x) ** 0.5       2 ** x              x < 0               x >= x.T.T          (x > 0) & (x < 1)
(x > 0) | mask[..., None]           (x > 0) ^ (x < 1)   ~(x > 0)            x @ x[0].T          x[0, 0] @ x[0].T
x @ x[0, 0]     x[0, 0] @ x[0, 1]   np.ones(6) * x      np.float32(2) * x   X @ x[0].T          np.exp(x)
np.add(x, 1)    np.sum(x, axis=1)   np.mean(x, (0, 2), keepdims=True)       np.maximum(x, 0)    np.clip(x, -1, 1)
np.reshape(x, (20, 6))              np.transpose(x, (2, 0, 1))              np.concatenate([x, x], 1)
np.argmax(x, 1)                     np.squeeze(x[:1], 0)                    np.dot(x, x[0].T)   np.where(x > 0, x, 0)
x[rows, rows]   x[:, rows, 1 - rows]    x[rows[:, None], rows]    x[..., rows, -rows]     x[rows, rows, rows]
x.astype('int32')                   np.stack([x, x], 1)
np.cumsum(x, 2)     np.var(x, 0)        np.prod(x, 1)
"""


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("expression", [e.strip() for e in EXPRESSIONS.replace("\n", "    ").split("   ") if e.strip()])
def test_expression_means_what_it_means_on_arrays(expression, known):
    x = K.placeholder(X.shape if known else (None, None, None), dtype="float64")
    n = K.placeholder((), dtype="int32")
    tensor = eval(expression, {**NAMES, "x": x, "n": n, "X": X})
    array = np.asarray(eval(expression, {**NAMES, "x": X, "n": 2, "X": X}))
    (got,) = K.function([x, n], [tensor])([X, 2])
    np.testing.assert_allclose(got, array, rtol=1e-12)
    shape = K.int_shape(tensor)
    assert len(shape) == array.ndim
    assert all(dim in (None, size) for dim, size in zip(shape, array.shape, strict=True))


REFUSED = {
    "x[rows, :, 0]": (ValueError, "several steps"),
    "x[rows, :, rows]": (ValueError, "several steps"),
    "x[mask, rows]": (ValueError, "one mask"),
    "x[7]": (IndexError, "index 7 is out of range for axis 0"),
    "x[0, 0, 0, 0]": (ValueError, "too many indices"),
    "x[..., ...]": (ValueError, "only one Ellipsis"),
    "x['a']": (TypeError, "an index must be an integer"),
    "x[1.0]": (TypeError, "an index must be an integer"),
    "x[True]": (TypeError, "an index must be an integer"),
    "np.arctan(x)": (TypeError, "numpy.arctan does not take a symbolic tensor"),
    "np.add.reduce(x)": (TypeError, "numpy.add.reduce does not take"),
    "np.linalg.norm(x)": (TypeError, "numpy.norm does not take"),
    "np.asarray(x)": (TypeError, "K.eval"),
    "x + 'a'": (TypeError, "unsupported operand"),
    "x ** None": (TypeError, "unsupported operand"),
    "bool(x)": (TypeError, "K.switch"),
    "1 if x > 0 else 0": (TypeError, "K.switch"),
}


@pytest.mark.parametrize("expression", REFUSED)
def test_what_has_no_meaning_is_refused(expression):
    kind, words = REFUSED[expression]
    with pytest.raises(kind, match=words.replace(".", r"\.")):
        eval(expression, {**NAMES, "x": K.placeholder(X.shape)})


def test_several_arrays_of_indices_out_of_range_and_their_gradient():
    x, i = K.variable(X), K.placeholder((2,), dtype="int32")
    picked = x[i, i]
    f = K.function([i], [K.gradients(K.sum(picked), x)[0]])
    assert f([[1, 1]])[0][1, 1].tolist() == [2] * X.shape[2]
    for wrong in ([0, X.shape[1]], [0, -X.shape[0] - 1]):
        with pytest.raises(ValueError, match="out of range"):
            f([wrong])
            K.function([i], [picked])([wrong])


def test_get_shape_is_a_shape_with_tensorflows_methods():
    x = K.placeholder((None, 3))
    shape = x.get_shape()
    assert shape == (None, 3) and shape.as_list() == [None, 3] and shape.ndims == 2 and int(shape[-1]) == 3
    assert not shape.is_fully_defined()
    with pytest.raises(ValueError, match="ndim="):
        K.placeholder().get_shape()


def test_equality_and_hash_are_by_identity():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    assert x == x
    assert x != y
    assert len({x, y, x}) == 2


def test_numbers_and_arrays_take_the_dtype_of_a_tensor_of_their_kind():
    x = K.placeholder((3,), dtype="float32")
    i = K.placeholder((3,), dtype="int32")
    same = [x * 2, 2.5 * x, np.float64(2) * x, x + np.ones(3), x + np.arange(3), K.maximum(x, np.zeros(3)), x > 1]
    assert [K.dtype(t) for t in same] == ["float32"] * 6 + ["bool"]
    assert K.dtype(i + 1) == K.dtype(i * np.arange(3)) == "int32"
    assert K.dtype(i + 0.5) == K.dtype(i + np.ones(3)) == K.dtype(i / 2) == "float32"
    assert K.dtype(x + K.placeholder((3,), dtype="float64")) == "float64"


def test_gradient_of_an_index_reaches_what_was_picked():
    x = K.variable(X, dtype="float64")
    picked = K.sum(x[1:3, ::2][:, [0, 0, 2]] * 2)
    expected = np.zeros_like(X)
    expected[1:3, 0] = 4
    expected[1:3, 4] = 2
    np.testing.assert_array_equal(K.eval(K.gradients(picked, x)[0]), expected)


def test_results_carry_the_learning_phase():
    x = K.placeholder((2,))
    noisy = K.in_train_phase(x + 1, x)
    assert (noisy * 2)[0]._uses_learning_phase
    assert K.concatenate([x, noisy])._uses_learning_phase
    assert not getattr(x * 2, "_uses_learning_phase", False)
