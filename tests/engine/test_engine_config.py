"""Configs: of functional models, and of layers that define none."""

import copy
import json
import pickle

import numpy as np
import pytest

from polykeras.engine.topology import Input, Layer
from polykeras.legacy.interfaces import rename
from polykeras.models import Model, Sequential
from polykeras.utils.generic_utils import custom_object_scope
from tests.engine.tiny_layers import Affine, Double, Halves, Plus, constant, values

CUSTOM = {"Affine": Affine, "Double": Double, "Plus": Plus, "Halves": Halves}


def rebuilt(model):
    """The model from its config as it comes out of a JSON file."""
    return type(model).from_config(json.loads(json.dumps(model.get_config())), custom_objects=CUSTOM)


def test_base_config():
    assert list(Layer(name="l").get_config().items()) == [("name", "l"), ("trainable", True)]
    shaped = Layer(name="l", input_shape=(4,)).get_config()
    assert shaped == {"name": "l", "trainable": True, "batch_input_shape": (None, 4), "dtype": "float32"}


def test_constructor_arguments_are_captured():
    layer = Affine(3, start=2.0, name="a", trainable=False)
    config = layer.get_config()
    assert config == {"name": "a", "trainable": False, "units": 3, "start": 2.0, "penalty": None}
    again = Affine.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config and again.trainable is False


def test_a_get_config_of_ones_own_holds():
    class Own(Affine):
        def get_config(self):
            return {**super().get_config(), "extra": 1}

    class Silent(Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)

        def get_config(self):
            return super().get_config()

    assert Own(3).get_config()["extra"] == 1
    assert "size" not in Silent(3).get_config()


def test_arguments_in_old_spellings_are_captured_in_todays():
    class Respelt(Layer):
        @rename(output_dim="units")
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)

    with pytest.warns(DeprecationWarning, match="units=4"):
        layer = Respelt(output_dim=4)
    assert layer.get_config()["units"] == 4


def test_a_subclass_with_arguments_of_its_own():
    class Scaled(Affine):
        def __init__(self, scale, **kwargs):
            super().__init__(**kwargs)
            self.scale = scale

    config = Scaled(0.5, units=3).get_config()
    assert config["scale"] == 0.5 and config["units"] == 3
    assert Scaled.from_config(config).units == 3


def test_a_constructor_without_further_keywords():
    class Bare(Layer):
        def __init__(self, size):
            super().__init__()
            self.size = size

    layer = Bare(3)
    layer.name = "mine"
    again = Bare.from_config(layer.get_config())
    assert again.size == 3 and again.name == "mine"


def test_layers_and_initializers_among_the_arguments():
    class Wrapped(Layer):
        def __init__(self, inner, start=None, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner
            self.start = start

    config = Wrapped(Affine(3, name="in"), start=constant(2.0)).get_config()
    assert config["inner"] == {"class_name": "Affine", "config": Affine(3, name="in").get_config()}
    assert config["start"] == {"class_name": "constant", "config": {"value": 2.0}}
    with custom_object_scope(CUSTOM):
        again = Wrapped.from_config(config)
    assert isinstance(again.inner, Affine) and again.inner.name == "in"


def test_functional_config_has_the_form_of_keras():
    x = Input((4,), name="x")
    first, second = Halves(name="h")(x)
    m = Model(x, Plus(name="p")([first, second]), name="m")
    config = m.get_config()
    assert list(config) == ["name", "layers", "input_layers", "output_layers"]
    assert config["input_layers"] == [["x", 0, 0]] and config["output_layers"] == [["p", 0, 0]]
    assert [list(entry) for entry in config["layers"]] == [["name", "class_name", "config", "inbound_nodes"]] * 3
    assert [entry["inbound_nodes"] for entry in config["layers"]] == [
        [],
        [[["x", 0, 0, {}]]],
        [[["h", 0, 0, {}], ["h", 0, 1, {}]]],
    ]


def test_functional_round_trip():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Affine(2, start=3.0)
    m = Model([a, b], [Plus()([shared(a), shared(b)]), Double()(a)])
    again = rebuilt(m)
    assert again.get_config() == m.get_config()
    assert [layer.name for layer in again.layers] == [layer.name for layer in m.layers]
    data = [np.ones((1, 4)), np.ones((1, 4))]
    for one, other in zip(values(m.inputs, m.outputs, data), values(again.inputs, again.outputs, data), strict=True):
        assert np.array_equal(one, other)


def test_only_the_models_own_calls_are_written():
    layer = Affine(2)
    layer(Input((4,)))
    x = Input((4,), name="x")
    m = Model(x, Double()(layer(x)))
    assert m.get_config()["layers"][1]["inbound_nodes"] == [[["x", 0, 0, {}]]]
    assert m.get_config()["layers"][2]["inbound_nodes"] == [[["affine_1", 0, 0, {}]]]
    assert rebuilt(m).output_shape == (None, 2)


def test_nested_models():
    x = Input((4,))
    inner = Model(x, Affine(4)(x), name="inner")
    stack = Sequential([Affine(4, input_shape=(4,))], name="stack")
    a = Input((4,))
    m = Model(a, Plus()([inner(a), inner(stack(a))]))
    entry = next(e for e in m.get_config()["layers"] if e["name"] == "inner")
    assert entry["inbound_nodes"][0][0][1] == 0 and len(entry["inbound_nodes"]) == 2
    again = rebuilt(m)
    assert again.get_config() == m.get_config()
    data = [np.ones((1, 4))]
    assert np.array_equal(values(m.inputs, m.outputs, data)[0], values(again.inputs, again.outputs, data)[0])


def test_keyword_arguments_are_written_if_they_can_be():
    class Times(Double):
        def call(self, inputs, factor=1.0):
            return inputs * factor

    x = Input((2,))
    m = Model(x, Times()(x, factor=5.0))
    assert m.get_config()["layers"][1]["inbound_nodes"] == [[["input_1", 0, 0, {"factor": 5.0}]]]
    again = Model.from_config(m.get_config(), custom_objects={"Times": Times})
    assert np.array_equal(values(again.inputs, again.outputs, [[[1, 2]]])[0], [[5.0, 10.0]])


def test_keyword_arguments_that_cannot_be_written_are_told():
    class Shifted(Double):
        def call(self, inputs, by=None):
            return inputs + by

    x = Input((2,))
    m = Model(x, Shifted(name="s")(x, by=Double()(x)))
    with pytest.warns(UserWarning, match="s was passed non-serializable keyword arguments"):
        m.get_config()


def test_models_are_copied_and_pickled_with_their_weights():
    m = Sequential([Affine(2, input_shape=(3,))])
    m.set_weights([np.full((3, 2), 5.0), np.ones(2)])
    with custom_object_scope(CUSTOM):
        for again in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
            assert again is not m and np.array_equal(again.get_weights()[0], np.full((3, 2), 5.0))


def test_broken_configs():
    x = Input((4,), name="x")
    config = Model(x, Double(name="d")(x), name="m").get_config()
    circle = json.loads(json.dumps(config))
    circle["layers"][1]["inbound_nodes"] = [[["d", 0, 0, {}]]]
    with pytest.raises(ValueError, match=r"cannot be rebuilt.*'d'"):
        Model.from_config(circle, custom_objects=CUSTOM)
    dangling = json.loads(json.dumps(config))
    dangling["output_layers"] = [["nope", 0, 0]]
    with pytest.raises(ValueError, match="nope"):
        Model.from_config(dangling, custom_objects=CUSTOM)
    doubled = json.loads(json.dumps(config))
    doubled["layers"].append(doubled["layers"][1])
    with pytest.raises(ValueError, match='two layers named "d"'):
        Model.from_config(doubled, custom_objects=CUSTOM)
    with pytest.raises(ValueError, match="Unknown layer.*Double"):
        Model.from_config(config)
