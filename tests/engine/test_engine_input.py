"""Input: shapes, dtypes, wrapped tensors, and what is refused."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input, InputLayer
from tests.engine.tiny_layers import Double, values


def test_shapes():
    assert K.int_shape(Input((3,))) == (None, 3)
    assert K.int_shape(Input(())) == (None,)
    assert K.int_shape(Input((None, None, 3))) == (None, None, None, 3)
    assert K.int_shape(Input(batch_shape=(4, 3))) == (4, 3)
    assert K.int_shape(Input((3,), batch_size=4)) == (4, 3)


def test_dtype_and_name():
    x = Input((3,), dtype="int32", name="ids")
    assert K.dtype(x) == "int32" and x._keras_history[0].name == "ids"
    assert Input((3,))._keras_history[0].name == "input_1"
    K.set_floatx("float64")
    try:
        assert K.dtype(Input((3,))) == "float64"
    finally:
        K.set_floatx("float32")


def test_a_wrapped_tensor_needs_no_feed():
    v = K.variable(np.ones((2, 4)))
    x = Input(tensor=v)
    assert K.int_shape(x) == (2, 4) and K.is_keras_tensor(x)
    assert x._keras_history[0].is_placeholder is False
    assert np.array_equal(values([], [Double()(x)], [])[0], np.full((2, 4), 2.0))


def test_refused():
    with pytest.raises(TypeError, match=r"write \(3,\)"):
        Input(3)
    with pytest.raises(TypeError, match="sizes"):
        Input(("a",))
    with pytest.raises(AssertionError, match="shape"):
        Input()
    with pytest.raises(ValueError, match="not both"):
        InputLayer(input_shape=(3,), batch_input_shape=(None, 3))
    with pytest.raises(ValueError, match="input_tensor"):
        InputLayer()


def test_config():
    layer = InputLayer(input_shape=(3,), name="x")
    assert layer.get_config() == {"batch_input_shape": (None, 3), "dtype": "float32", "sparse": False, "name": "x"}
    assert InputLayer.from_config(layer.get_config()).batch_input_shape == (None, 3)
