"""Names, signatures, configs and weights against what real Keras 2.2.4's API was recorded to be."""

import inspect
import json
import warnings

import pytest

from polykeras import activations, constraints, initializers, layers, regularizers
from polykeras import backend as K
from polykeras.layers import Input
from polykeras.registry import layers as registered
from tests.parity.golden import REFERENCE

API = json.loads((REFERENCE / "api.json").read_text()) if REFERENCE.is_dir() else {"layers": [], "modules": {}}
PARTS = {
    "activations": activations, "constraints": constraints, "initializers": initializers, "regularizers": regularizers,
}  # fmt: skip


def canonical_layers():
    """One built instance per recorded layer that is registered here and takes plain arguments."""
    for i, facts in enumerate(API["layers"]):
        if facts["class_name"] in registered and isinstance(facts["constructor"], dict):
            yield pytest.param(facts, id=f"{i}_{facts['class_name']}")


@pytest.mark.parametrize("facts", list(canonical_layers()))
def test_built_layer(facts):
    K.clear_session()
    arguments = dict(facts["constructor"])
    if facts["class_name"] == "Lambda":
        arguments["function"] = K.abs
    layer = getattr(layers, facts["class_name"])(**arguments)
    assert layer.name == facts["default_name"]

    inputs = [Input(batch_shape=shape) for shape in facts["input_batch_shapes"]]
    output = layer(inputs if len(inputs) > 1 else inputs[0])
    assert [list(K.int_shape(output))] == facts["output_shapes"]
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


def members():
    for module in ["keras.layers", *(f"keras.{part}" for part in PARTS)]:
        for name, facts in API["modules"].get(module, {"members": {}})["members"].items():
            owner = layers if module == "keras.layers" else PARTS[module.split(".")[1]]
            here = name in registered if owner is layers else True
            if here and facts["kind"] in ("class", "function") and "params" in facts:
                yield pytest.param(owner, name, facts, id=f"{module}.{name}")


NOT_OURS = {"Layer", "deserialize_keras_object", "serialize_keras_object"}  # Keras's imports, visible in its modules


@pytest.mark.parametrize(("owner", "name", "facts"), [p for p in members() if p.values[1] not in NOT_OURS])
def test_signature(owner, name, facts):
    found = getattr(owner, name)
    function = found.__init__ if inspect.isclass(found) else found
    parameters = inspect.signature(function).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    expected = [p for p in facts["params"] if not p["name"].startswith("*") and p["name"] != "self"]
    assert [p.name for p in positional] == [p["name"] for p in expected]
    for parameter, recorded in zip(positional, expected, strict=True):
        if "default" in recorded:
            assert same(parameter.default, recorded["default"]), parameter.name
        else:
            assert parameter.default is parameter.empty, parameter.name


def same(default, recorded):
    return default == recorded or repr(default) == recorded


def legacy_arguments():
    for name, facts in API["modules"].get("keras.layers.core", {"members": {}})["members"].items():
        yield from old_names(name, facts)
    for module in ("convolutional", "noise", "normalization", "embeddings", "advanced_activations"):
        for name, facts in API["modules"].get(f"keras.layers.{module}", {"members": {}})["members"].items():
            yield from old_names(name, facts)


def old_names(layer, facts):
    if layer in registered:
        for old, new in facts.get("legacy_arguments", {}).get("conversions", {}).items():
            yield pytest.param(layer, old, new, id=f"{layer}.{old}")


VALUES = {
    "units": 3, "filters": 3, "kernel_size": 2, "rate": 0.5, "stddev": 0.5, "size": 2, "pool_size": 2, "strides": 2,
    "padding": "same", "data_format": "th", "use_bias": False, "input_dim": 5, "output_dim": 3,
}  # fmt: skip
KINDS = {"initializer": "ones", "regularizer": "l2", "constraint": "non_neg"}
NEEDED = {
    "Dense": ["units"], "Conv1D": ["filters", "kernel_size"], "Conv2D": ["filters", "kernel_size"],
    "Conv3D": ["filters", "kernel_size"], "Conv2DTranspose": ["filters", "kernel_size"],
    "SeparableConv2D": ["filters", "kernel_size"], "Dropout": ["rate"], "SpatialDropout1D": ["rate"],
    "SpatialDropout2D": ["rate"], "SpatialDropout3D": ["rate"], "GaussianDropout": ["rate"],
    "GaussianNoise": ["stddev"], "Embedding": ["input_dim", "output_dim"],
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
        today = make(**arguments, **{new: "channels_first" if value == "th" else value})
    assert {**in_old_words.get_config(), "name": ""} == {**today.get_config(), "name": ""}
