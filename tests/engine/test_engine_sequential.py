"""Sequential models."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input, InputLayer
from polykeras.models import Model, Sequential, clone_model
from tests.engine.tiny_layers import Affine, Double, Halves, Plus, values


def test_the_first_layer_says_what_comes_in():
    m = Sequential([Affine(3, input_shape=(4,)), Affine(2)])
    assert m.input_shape == (None, 4) and m.output_shape == (None, 2) and m.count_params() == 23
    assert [layer.name for layer in m.layers] == ["affine_1", "affine_2"]
    assert m.input_names == ["affine_1_input"] and m.output_names == ["affine_2"]
    assert m.name == "sequential_1" and m.built


def test_unbuilt():
    m = Sequential([Affine(2)])
    assert m.weights == [] and not m.built
    with pytest.raises(AttributeError, match="not connected"):
        _ = m.input
    with pytest.raises(ValueError, match="not yet been built"):
        m.summary()
    with pytest.raises(RuntimeError, match="built"):
        m.count_params()


def test_build_and_call_make_the_weights():
    m = Sequential([Affine(2), Affine(3)])
    m.build((None, 4))
    assert m.built and m.output_shape == (None, 3) and len(m.weights) == 4
    other = Sequential([Affine(2)])
    x = Input((5,))
    assert K.int_shape(other(x)) == (None, 2) and other.count_params() == 12


def test_begin_with_an_input_layer_or_a_model():
    m = Sequential([InputLayer(input_shape=(4,), name="in"), Affine(2)])
    assert [layer.name for layer in m.layers] == ["affine_1"] and m.input_names == ["in"]
    x = Input((4,))
    base = Model(x, Affine(3)(x), name="base")
    top = Sequential([base, Affine(2)])
    assert top.layers[0] is base and top.input_names == ["base_input"] and len(top.weights) == 4
    nested = Sequential([Sequential([Affine(3, input_shape=(4,))]), Affine(2)])
    assert nested.input_shape == (None, 4) and nested.output_shape == (None, 2)


def test_calls_compute():
    m = Sequential([Double(input_shape=(2,)), Affine(1)])
    a = Input((2,))
    assert np.array_equal(values([a], [m(a)], [[[1, 2]]])[0], [[6.0]])


def test_add_and_pop():
    m = Sequential()
    with pytest.raises(TypeError, match="no layers"):
        m.pop()
    m.add(Affine(3, input_shape=(4,)))
    m.add(Affine(2))
    m.pop()
    assert m.output_shape == (None, 3) and len(m.layers) == 1
    assert m.layers[0].outbound_nodes == []
    m.add(Affine(5))
    assert m.output_shape == (None, 5)
    m.pop()
    m.pop()
    assert m.layers == [] and m.outputs is None and not m.built
    m.add(Affine(1, input_shape=(2,)))
    assert m.output_shape == (None, 1)


def test_refused():
    with pytest.raises(TypeError, match="instance of class Layer.*not the class"):
        Sequential([Affine])
    with pytest.raises(TypeError, match="single output tensor; halves_1"):
        Sequential([Halves(input_shape=(4,))])
    with pytest.raises(ValueError, match="empty model"):
        Sequential([Sequential()])
    a, b = Input((2,)), Input((2,))
    with pytest.raises(ValueError, match="several inputs"):
        Sequential([Model([a, b], Plus()([a, b]))])


def test_config_round_trip():
    m = Sequential([Affine(3, input_shape=(4,), start=2.0), Affine(2)], name="stack")
    config = m.get_config()
    assert list(config) == ["name", "layers"] and config["name"] == "stack"
    assert [entry["class_name"] for entry in config["layers"]] == ["Affine", "Affine"]
    assert config["layers"][0]["config"]["batch_input_shape"] == (None, 4)
    again = Sequential.from_config(config, custom_objects={"Affine": Affine})
    assert again.get_config() == config and again.output_shape == (None, 2)
    old = Sequential.from_config(config["layers"], custom_objects={"Affine": Affine})
    assert old.output_shape == (None, 2)


def test_config_of_a_deferred_model_keeps_its_shape():
    m = Sequential([Affine(2)])
    assert "build_input_shape" not in m.get_config()
    m.build((None, 4))
    assert m.get_config()["build_input_shape"] == (None, 4)
    again = Sequential.from_config(m.get_config(), custom_objects={"Affine": Affine})
    assert again.input_shape == (None, 4)


def test_config_keeps_an_explicit_input_layer():
    m = Sequential([InputLayer(input_shape=(4,), name="in", dtype="int32"), Double()])
    again = Sequential.from_config(m.get_config(), custom_objects={"Double": Double})
    assert again.input_names == ["in"] and K.dtype(again.input) == "int32"


def test_clone():
    m = Sequential([Affine(3, input_shape=(4,), start=2.0), Affine(2)])
    m.set_weights([0 * w for w in m.get_weights()])
    clone = clone_model(m)
    assert isinstance(clone, Sequential) and clone.output_shape == (None, 2)
    assert np.array_equal(clone.get_weights()[0], np.full((4, 3), 2.0))
    given = Input((4,), name="given")
    assert clone_model(m, given).inputs == [given]
