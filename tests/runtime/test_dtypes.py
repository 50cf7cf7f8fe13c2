"""How data types meet: one table, in every float type of K."""

import numpy as np
import pytest

from polykeras import backend as K

# operands: a dtype for a tensor, "a:" an array of it, or a Python number; F stands for floatx
TABLE = [
    ("F", 1, "F"), ("F", 1.5, "F"), ("F", True, "F"),
    ("float16", 1.5, "float16"), ("float64", 1.5, "float64"), ("float32", "float64", "float64"),
    ("float16", "float32", "float32"),
    ("int32", 1, "int32"), ("int64", 1, "int64"), ("uint8", 1, "uint8"), ("int32", 1.5, "F"), ("int64", 0.5, "F"),
    ("int32", "int64", "int64"), ("int8", "uint8", "int16"), ("int32", "uint8", "int32"), ("int64", "uint64", "int64"),
    ("int32", "F", "F"), ("int64", "float16", "float16"), ("bool", "F", "F"), ("bool", "int32", "int32"),
    ("bool", 1, "int32"), ("bool", 1.5, "F"),
    ("F", "a:float64", "F"), ("int32", "a:int64", "int32"), ("int32", "a:float64", "F"), ("F", "a:int64", "F"),
]  # fmt: skip


@pytest.fixture
def floatx(request):
    K.set_floatx(request.param)
    yield request.param
    K.set_floatx("float32")


def operand(kind, floatx):
    if not isinstance(kind, str):
        return kind
    dtype = kind.removeprefix("a:").replace("F", floatx)
    array = np.ones((2,), dtype)
    return array if kind.startswith("a:") else K.variable(array, dtype=dtype)


@pytest.mark.parametrize("floatx", ["float16", "float32", "float64"], indirect=True)
@pytest.mark.parametrize("a, b, expected", TABLE)
def test_a_sum(a, b, expected, floatx):
    expected = expected.replace("F", floatx)
    x, y = operand(a, floatx), operand(b, floatx)
    for made in (x + y, y + x, K.maximum(x, y)):
        assert K.dtype(made) == expected
        assert str(K.eval(made).dtype) == expected


@pytest.mark.parametrize("floatx", ["float16", "float32", "float64"], indirect=True)
def test_quotients_and_functions_of_integers_are_floatx(floatx):
    n = K.variable(np.array([1, 4]), dtype="int32")
    for made in (n / 2, n / n, K.exp(n), K.sigmoid(n), K.softmax(n)):
        assert K.dtype(made) == floatx and str(K.eval(made).dtype) == floatx
    assert K.dtype(n // 2) == K.dtype(n % 3) == K.dtype(n**2) == "int32"


@pytest.mark.parametrize("floatx", ["float16", "float32", "float64"], indirect=True)
def test_what_is_made_without_a_dtype_is_floatx(floatx):
    makers = [
        K.variable(1), K.constant([1, 2]), K.zeros((2,)), K.ones((2,)), K.eye(2), K.random_normal((2,)),
        K.random_uniform((2,)), K.truncated_normal((2,)), K.random_binomial((2,)), K.placeholder((2,)),
        K.one_hot(K.constant([0], "int32"), 2), K.linspace(0, 1, 3), K.random_normal_variable((2,), 0, 1),
    ]  # fmt: skip
    assert {K.dtype(t) for t in makers} == {floatx}
    assert K.cast_to_floatx([1, 2]).dtype == floatx
    assert K.dtype(K.arange(3)) == "int32"


@pytest.mark.parametrize("floatx", ["float16", "float64"], indirect=True)
def test_a_model_trains_in_floatx(floatx):
    from polykeras.layers import BatchNormalization, Dense, Dropout
    from polykeras.models import Sequential

    model = Sequential(
        [
            Dense(4, activation="tanh", input_shape=(3,)),
            BatchNormalization(),
            Dropout(0.1),
            Dense(2, activation="softmax"),
        ]
    )
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(np.ones((8, 3)), np.eye(2)[[0, 1] * 4], epochs=2, verbose=0)
    assert all(w.dtype == floatx for w in model.get_weights())
    assert model.predict(np.ones((2, 3))).dtype == floatx and np.isfinite(history.history["loss"]).all()


def test_what_cannot_meet():
    flag = K.variable(np.array([True]), dtype="bool")
    with pytest.raises(TypeError, match="bool"):
        -flag
    with pytest.raises(TypeError, match="bool"):
        K.variable(1.0) & flag
    with pytest.raises(TypeError, match="integers"):
        K.take_along_axis(K.ones((2,)), K.ones((2,)))
    with pytest.raises(ValueError, match="int8"):
        K.set_floatx("int8")
