"""Lambda: shapes, masks, arguments; and that no code of a file is run."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Input, Lambda, Masking
from tests.layers.arrays import run


def double(x):
    return x * 2


def scaled_mask(x, mask=None, factor=1):
    return x if mask is None else K.cast(mask, "float32") * factor


def test_the_function_is_given_the_mask_and_its_arguments():
    x = Input((3, 2))
    y = Lambda(scaled_mask, arguments={"factor": 3}, mask=lambda inputs, mask: mask)(Masking()(x))
    value = np.array([[[0, 0], [1, 1], [1, 1.0]]])
    assert K.function([x], [y])([value])[0].tolist() == [[0, 3, 3]]
    assert y._keras_mask is not None


def test_shapes_by_tuple_by_function_and_by_running():
    assert Lambda(double, output_shape=(5,)).compute_output_shape((None, 3)) == (None, 5)
    assert Lambda(double, output_shape=lambda shape: (shape[0], 7)).compute_output_shape((None, 3)) == (None, 7)
    assert Lambda(lambda x: x[:, :1]).compute_output_shape((None, 3)) == (None, 1)
    assert Lambda(lambda xs: xs[0] + xs[1]).compute_output_shape([(None, 3), (None, 1)]) == (None, 3)


def test_a_function_is_found_by_its_name_or_the_layers():
    named = {"name": "twice", "function": "double", "function_type": "function", "output_shape": None}
    assert Lambda.from_config(named, custom_objects={"double": double}).function is double
    marshalled = {**named, "function": ["4wEAAAA=", None, None], "function_type": "lambda"}
    layer = Lambda.from_config(marshalled, custom_objects={"twice": double})
    assert run(layer, np.ones((1, 2), "float32")).tolist() == [[2, 2]]


def test_code_from_a_file_is_never_run():
    marshalled = {"name": "evil", "function": ["4wEAAAA=", None, None], "function_type": "lambda", "output_shape": None}
    with pytest.raises(ValueError, match=r"evil.*never run.*custom_objects"):
        Lambda.from_config(marshalled)
    for name in ("eval", "os.system", "print"):
        with pytest.raises(ValueError, match=name):
            Lambda.from_config({**marshalled, "function": name, "function_type": "function"})


def test_wrong_functions():
    with pytest.raises(TypeError, match="expected a function, got 3"):
        Lambda(3)
    with pytest.raises(TypeError, match="output_shape"):
        Lambda(double, output_shape="x")
    with pytest.raises(ValueError, match="must return a tuple"):
        Lambda(double, output_shape=lambda shape: 3).compute_output_shape((None, 3))
