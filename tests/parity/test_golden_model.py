"""Whole models from their configs, against the numbers of real Keras 2.2.4: names, shapes, outputs, gradients."""

import pytest

from polykeras import backend as K
from polykeras.models import Model, Sequential
from tests.parity.golden import Golden, paths, recorded_environment


@pytest.mark.parametrize("path", paths("model"))
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
