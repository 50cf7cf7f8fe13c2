"""Backend operations between layers."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input
from polykeras.models import Model, clone_model
from tests.engine.tiny_layers import Affine, Double, values


def test_an_operation_as_output():
    x, a = Input((4,)), Input((4,))
    m = Model(x, K.square(x))
    assert [type(layer).__name__ for layer in m.layers] == ["InputLayer", "BackendOperations"]
    assert np.array_equal(values([a], [m(a)], [[[1, 2, 3, 4]]])[0], [[1, 4, 9, 16]])


def test_operations_between_layers():
    x, y, a, b = (Input((2,)) for _ in range(4))
    between = Double()(x) * 3.0 + K.square(Double()(y))
    m = Model([x, y], Affine(1)(between))
    assert len(m.layers) == 6 and len(m.trainable_weights) == 2
    data = [[[1, 2]], [[1, 0]]]
    assert np.array_equal(values([x, y], m.outputs, data)[0], values([a, b], [m([a, b])], data)[0])
    assert values([a, b], [m([a, b])], data)[0] == 6 + 4 + 12


def test_one_operation_used_twice_is_one_layer():
    x = Input((2,))
    squared = K.square(x)
    m = Model(x, [Double()(squared), Double()(squared)])
    assert [type(layer).__name__ for layer in m.layers].count("BackendOperations") == 1


def test_variables_in_operations_are_used_as_they_are():
    x, a = Input((2,)), Input((2,))
    v = K.variable(np.array([1.0, 10.0]))
    m = Model(x, x * v)
    assert m.weights == []
    assert np.array_equal(values([a], [m(a)], [[[2, 3]]])[0], [[2, 30]])


def test_layers_called_on_constants():
    x, a = Input((2,)), Input((2,))
    m = Model(x, Double()(x) + Double()(K.variable(np.ones((1, 2)))))
    assert np.array_equal(values([a], [m(a)], [[[2, 3]]])[0], [[6, 8]])


def test_foreign_placeholders_are_named():
    x, p = Input((2,)), K.placeholder((None, 2), name="stray")
    with pytest.raises(ValueError, match="Graph disconnected.*stray"):
        Model(x, x + p)


def test_learning_phase_in_operations():
    x = Input((2,))
    assert Model(x, K.in_train_phase(x * 2.0, x)).uses_learning_phase
    assert not Model(x, x * 2.0).uses_learning_phase


def test_no_config_but_a_clone():
    x, a = Input((2,)), Input((2,))
    m = Model(x, K.square(x))
    with pytest.raises(NotImplementedError, match="square_1.*Lambda"):
        m.get_config()
    assert np.array_equal(values([a], [clone_model(m)(a)], [[[2, 3]]])[0], [[4, 9]])
