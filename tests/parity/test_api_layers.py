"""Configs, weights and Keras 1's spellings against what real Keras 2.2.4's API was recorded to be."""

import json
import warnings

import pytest

from polykeras import backend as K
from polykeras import layers
from polykeras.layers import Input
from polykeras.registry import layers as registered
from tests.parity.golden import REFERENCE

API = json.loads((REFERENCE / "api.json").read_text()) if REFERENCE.is_dir() else {"layers": [], "modules": {}}


def canonical_layers():
    """One built instance per recorded layer."""
    for i, facts in enumerate(API["layers"]):
        yield pytest.param(facts, id=f"{i}_{facts['class_name']}")


CELL_INPUTS = {"ConvLSTM2DCell": (2, 5, 6, 3)}


def made(facts):
    """The layer of a record: from its arguments, or from the expression that was recorded."""
    if isinstance(facts["constructor"], str):
        return eval(facts["constructor"], {name: getattr(layers, name) for name in registered.names()})
    arguments = dict(facts["constructor"])
    if facts["class_name"] == "Lambda":
        arguments["function"] = K.abs
    return getattr(layers, facts["class_name"])(**arguments)


@pytest.mark.parametrize("facts", list(canonical_layers()))
def test_built_layer(facts):
    K.clear_session()
    layer = made(facts)
    assert layer.name == facts["default_name"]
    if "input_batch_shapes" in facts:
        inputs = [Input(batch_shape=shape) for shape in facts["input_batch_shapes"]]
        outputs = layer(inputs if len(inputs) > 1 else inputs[0])
        outputs = outputs if isinstance(outputs, list) else [outputs]
        assert [list(K.int_shape(output)) for output in outputs] == facts["output_shapes"]
    elif facts["weights"]:
        layer.build(CELL_INPUTS.get(facts["class_name"], (2, 3)))
    assert layer.count_params() == facts["count_params"]
    assert layer.supports_masking == facts["supports_masking"]
    trainable = layer.trainable_weights
    found = [{"name": w.name, "shape": list(K.int_shape(w)), "trainable": w in trainable} for w in layer.weights]
    assert found == facts["weights"]

    config = layer.get_config()
    assert list(config) == facts["config_keys"]
    if facts["class_name"] == "Lambda":
        config["function"] = facts["config"]["function"]
    assert json.loads(json.dumps(config)) == facts["config"]


def legacy_arguments():
    for name, facts in API["modules"].get("keras.layers.core", {"members": {}})["members"].items():
        yield from old_names(name, facts)
    modules = "convolutional convolutional_recurrent recurrent noise normalization embeddings advanced_activations"
    for module in modules.split():
        for name, facts in API["modules"].get(f"keras.layers.{module}", {"members": {}})["members"].items():
            yield from old_names(name, facts)


def old_names(layer, facts):
    if layer in registered:
        for old, new in facts.get("legacy_arguments", {}).get("conversions", {}).items():
            if (layer, old) != ("SimpleRNN", "inner_activation"):  # It has no gates: an error in Keras too.
                yield pytest.param(layer, old, new, id=f"{layer}.{old}")


VALUES = {
    "units": 3, "filters": 3, "kernel_size": 2, "rate": 0.5, "stddev": 0.5, "size": 2, "pool_size": 2, "strides": 2,
    "padding": "same", "data_format": "th", "use_bias": False, "input_dim": 5, "output_dim": 3,
    "dropout": 0.5, "recurrent_dropout": 0.5, "recurrent_activation": "relu", "implementation": "gpu",
}  # fmt: skip
TODAY = {"th": "channels_first", "gpu": 2}
KINDS = {"initializer": "ones", "regularizer": "l2", "constraint": "non_neg"}
NEEDED = {
    "Dense": ["units"], "Conv1D": ["filters", "kernel_size"], "Conv2D": ["filters", "kernel_size"],
    "Conv3D": ["filters", "kernel_size"], "Conv2DTranspose": ["filters", "kernel_size"],
    "SeparableConv2D": ["filters", "kernel_size"], "Dropout": ["rate"], "SpatialDropout1D": ["rate"],
    "SpatialDropout2D": ["rate"], "SpatialDropout3D": ["rate"], "GaussianDropout": ["rate"],
    "GaussianNoise": ["stddev"], "Embedding": ["input_dim", "output_dim"],
    "SimpleRNN": ["units"], "GRU": ["units"], "LSTM": ["units"], "ConvLSTM2D": ["filters", "kernel_size"],
}  # fmt: skip


@pytest.mark.parametrize(("layer", "old", "new"), list(legacy_arguments()))
def test_keras1_argument(layer, old, new):
    """An old spelling warns, shows the new one, and gives the same layer as that."""
    K.clear_session()
    make = getattr(layers, layer)
    value = VALUES.get(new, KINDS.get(new.rpartition("_")[2]))
    arguments = {name: VALUES[name] for name in NEEDED.get(make.__name__, []) if name != new}
    with pytest.warns(DeprecationWarning, match=f"{new}="):
        in_old_words = make(**arguments, **{old: value})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        today = make(**arguments, **{new: TODAY.get(value, value)})
    assert {**in_old_words.get_config(), "name": ""} == {**today.get_config(), "name": ""}
