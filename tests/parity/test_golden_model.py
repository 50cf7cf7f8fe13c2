"""Whole models from their configs, against the numbers of real Keras 2.2.4: names, shapes, outputs, gradients."""

import pytest

from polykeras import backend as K
from polykeras.models import Model, Sequential
from polykeras.registry import layers as registered
from tests.parity.golden import Golden, paths, recorded_environment

OURS = {"InputLayer", "Model", "Sequential"}


def layer_classes(config):
    """The classes of layers that a model's config names, at any depth."""
    if isinstance(config, dict):
        nested = set().union(*map(layer_classes, config.values())) if config else set()
        is_layer = "class_name" in config and "name" in config.get("config", {})
        return nested | ({config["class_name"]} if is_layer else set())
    return set().union(*map(layer_classes, config)) if isinstance(config, list) and config else set()


def missing_layers(path):
    return layer_classes(Golden(path.values[0]).config["config"]) - OURS - set(registered.names())


WHOLE = [path for path in paths("model") if not missing_layers(path)]
"""The models all of whose layers are there; the others join when their layers do."""


def test_what_is_left_out_is_left_out_for_want_of_layers(record_property):
    if not paths("model"):
        pytest.skip("no reference data")
    left_out = {path.id: sorted(missing_layers(path)) for path in paths("model") if path not in WHOLE}
    record_property("left_out", left_out)
    print("models left out, with the layers that they wait for:", left_out)
    assert {"model__merge_add", "model__residual", "model__cnn_cf"} <= {path.id for path in WHOLE}


@pytest.mark.parametrize("path", WHOLE)
def test_model(path):
    golden = Golden(path)
    config = golden.config
    with recorded_environment(config):
        model = {"Sequential": Sequential, "Model": Model}[config["class_name"]].from_config(config["config"])
        assert [layer.name for layer in model.layers] == config["layer_names"]
        assert [type(layer).__name__ for layer in model.layers] == config["layer_classes"]
        assert (model.input_names, model.output_names) == (config["input_names"], config["output_names"])
        assert [list(K.int_shape(tensor)) for tensor in model.outputs] == config["output_shapes"]
        assert model.count_params() == config["count_params"]
        weights = [weight for layer in model.layers for weight in layer.weights]
        assert [weight.name for weight in weights] == config["weight_names"]
        trainable = model.trainable_weights
        assert [weight in trainable for weight in weights] == config["trainable"]

        model.set_weights(golden.numbered("w"))
        inputs, arrays = model.inputs, golden.numbered("c0_x")
        for i, value in enumerate(K.function(inputs, model.outputs)(arrays)):
            golden.check(value, f"c0_y{i}")
        cotangents = golden.numbered("c0_r")
        total = sum(K.sum(output * r) for output, r in zip(model.outputs, cotangents, strict=True))
        wanted = [(f"c0_dx{i}", x) for i, x in enumerate(inputs)] + [(f"c0_dw{i}", w) for i, w in enumerate(weights)]
        wanted = [(name, variable) for name, variable in wanted if name in golden]
        gradients = K.gradients(total, [variable for _, variable in wanted])
        for (name, _), value in zip(wanted, K.function(inputs, gradients)(arrays), strict=True):
            golden.check(value, name)
