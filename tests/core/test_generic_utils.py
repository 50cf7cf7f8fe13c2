"""Objects to and from configurations, custom objects, list helpers."""

import pytest

from polykeras.registry import Registry
from polykeras.utils.generic_utils import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    has_arg,
    is_all_none,
    object_list_uid,
    serialize_keras_object,
    slice_arrays,
    to_list,
    transpose_shape,
    unpack_singleton,
)


class Gate:
    def __init__(self, units=1):
        self.units = units

    def get_config(self):
        return {"units": self.units}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Box(Gate):
    @classmethod
    def from_config(cls, config, custom_objects=None):
        box = cls(config["units"])
        box.seen = custom_objects
        return box


def plain(units):
    return ("plain", units)


# -- configurations ----------------------------------------------------------------------------------------------------


def test_serialize():
    assert serialize_keras_object(Gate(3)) == {"class_name": "Gate", "config": {"units": 3}}
    assert serialize_keras_object(plain) == "plain" and serialize_keras_object(None) is None
    with pytest.raises(ValueError, match="Cannot serialize 3"):
        serialize_keras_object(3)


@pytest.mark.parametrize(
    "objects",
    [
        {"module_objects": {"Gate": Gate}},
        {"custom_objects": {"Gate": Gate}},
        {"module_objects": {"Gate": Box}, "custom_objects": {"Gate": Gate}},
    ],
)
def test_deserialize_from_what_is_handed_over(objects):
    gate = deserialize_keras_object({"class_name": "Gate", "config": {"units": 3}}, **objects)
    assert type(gate) is Gate and gate.units == 3


def test_deserialize_from_a_registry():
    shelf = Registry("gadget", "polykeras.acme")
    shelf.register("Gate", Gate)
    assert deserialize_keras_object({"class_name": "Gate", "config": {}}, shelf).units == 1
    with pytest.raises(ValueError, match="Unknown gadget: Gade. Did you mean 'Gate'"):
        deserialize_keras_object("Gade", shelf)


def test_deserialize_a_name():
    assert deserialize_keras_object("plain", {"plain": plain}) is plain


def test_deserialize_by_a_function_that_makes():
    assert deserialize_keras_object({"class_name": "plain", "config": {"units": 2}}, {"plain": plain}) == ("plain", 2)


def test_from_config_gets_the_custom_objects_it_asks_for():
    with custom_object_scope({"a": 1}):
        box = deserialize_keras_object({"class_name": "Box", "config": {"units": 2}}, {"Box": Box}, {"b": 2})
    assert box.seen == {"a": 1, "b": 2}


def test_custom_objects_are_in_scope_within_from_config():
    class Nested(Gate):
        @classmethod
        def from_config(cls, config):
            return deserialize_keras_object(config["inner"])

    config = {"class_name": "Nested", "config": {"inner": {"class_name": "Gate", "config": {"units": 5}}}}
    assert deserialize_keras_object(config, {"Nested": Nested}, {"Gate": Gate}).units == 5
    assert "Gate" not in get_custom_objects()


@pytest.mark.parametrize(
    "identifier, words",
    [
        ({"class_name": "Gate"}, "Improper config format"),
        ({"config": {}}, "Improper config format"),
        ({"class_name": 3, "config": {}}, "'class_name' should be a string; got: 3"),
        (3, "Could not interpret serialized thing: 3"),
        ("Gade", "Unknown thing: Gade. Did you mean 'Gate'?"),
    ],
)
def test_what_cannot_be_deserialized(identifier, words):
    with pytest.raises(ValueError) as caught:
        deserialize_keras_object(identifier, {"Gate": Gate}, printable_module_name="thing")
    assert words in str(caught.value)


def test_a_module_offers_only_what_is_its_own():
    source = "from os import system\nfrom subprocess import Popen\nimport os\nclass Own: pass\ndef own(): return 1"
    scope = {"__name__": "acme_module"}
    exec(source, scope)  # noqa: S102  a user's own lines
    for name in ("system", "Popen", "os", "__builtins__", "__name__"):
        with pytest.raises(ValueError, match="Unknown"):
            deserialize_keras_object({"class_name": name, "config": {}}, scope)
    assert type(deserialize_keras_object({"class_name": "Own", "config": {}}, scope)).__name__ == "Own"
    assert deserialize_keras_object({"class_name": "Gate", "config": {}}, {**scope, "Gate": Gate}).units == 1


# -- custom objects ----------------------------------------------------------------------------------------------------


def test_a_scope_ends_as_it_began():
    get_custom_objects()["kept"] = 1
    try:
        with CustomObjectScope({"a": 1, "kept": 2}, {"a": 3}):
            assert get_custom_objects()["a"] == 3 and get_custom_objects()["kept"] == 2
            get_custom_objects()["made_inside"] = 1
        assert get_custom_objects() == {"kept": 1}
    finally:
        get_custom_objects().clear()


def test_a_scope_can_be_entered_again():
    scope = CustomObjectScope({"a": 1})
    with scope, scope:
        assert get_custom_objects() == {"a": 1}
    assert get_custom_objects() == {}


# -- arguments and lists -----------------------------------------------------------------------------------------------


def test_has_arg():
    def function(a, *args, b=1, **kwargs):
        pass

    assert has_arg(function, "a") and has_arg(function, "b")
    assert not has_arg(function, "args") and not has_arg(function, "c")
    assert has_arg(function, "c", accept_all=True) and not has_arg(plain, "c", accept_all=True)
    assert has_arg(Gate, "units") and has_arg(Box.from_config, "custom_objects")


def test_lists():
    same = [1, 2]
    assert to_list(same) is same and to_list((1, 2)) == [(1, 2)] and to_list((1, 2), allow_tuple=True) == [1, 2]
    assert to_list(None) == [None]
    assert unpack_singleton([7]) == 7 and unpack_singleton([7, 8]) == [7, 8]
    assert is_all_none(None) and is_all_none((None, None)) and not is_all_none([None, 1])
    assert object_list_uid([Gate]) == object_list_uid(Gate) == str(id(Gate))


def test_slice_arrays():
    import numpy as np

    x = np.arange(6)
    first, second, third = slice_arrays([x, None, -x], 1, 3)
    assert first.tolist() == [1, 2] and second is None and third.tolist() == [-1, -2]
    assert slice_arrays(x, [0, 5]).tolist() == slice_arrays(x, np.array([0, 5])).tolist() == [0, 5]
    assert slice_arrays([x], 4)[0].tolist() == [4, 5] and slice_arrays(None) == [None]
    with pytest.raises(ValueError, match="`stop`"):
        slice_arrays([x], [0], 3)


def test_transpose_shape():
    assert transpose_shape((2, 8, 9, 3), "channels_first", (1, 2)) == (2, 3, 8, 9)
    assert transpose_shape([2, 5, 8, 9, 3], "channels_first", (2, 3)) == [2, 5, 3, 8, 9]
    assert transpose_shape((2, 8, 9, 3), "channels_last", (1, 2)) == (2, 8, 9, 3)
    with pytest.raises(ValueError, match="channels_first"):
        transpose_shape((1, 2), "NCHW", (1,))
