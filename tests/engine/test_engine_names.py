"""Default names: per class, in Keras's spelling."""

import json

from polykeras import backend as K
from polykeras.engine.names import snake_case
from tests.engine.tiny_layers import Double


def test_names_are_those_of_keras(reference):
    layers = json.loads((reference / "api.json").read_text())["layers"]
    assert len(layers) > 8
    for layer in layers:
        if layer["class_name"] == "InputLayer":
            continue  # Its prefix is `input`; see test_engine_input.
        assert f"{snake_case(layer['class_name'])}_1" == layer["default_name"]


def test_difficult_names():
    assert snake_case("ConvLSTM2D") == "conv_lst_m2d"
    assert snake_case("CuDNNGRU") == "cu_dnngru"
    assert snake_case("MyLayer") == "my_layer"
    assert snake_case("_Hidden") == "private__hidden"


def test_names_count_per_class_and_start_anew_after_clear_session():
    assert [Double().name, Double().name] == ["double_1", "double_2"]
    K.clear_session()
    assert Double().name == "double_1"
    assert Double(name="own").name == "own"
