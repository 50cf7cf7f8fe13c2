"""The applications against real Keras 2.2.4: every layer, parameter counts, outputs, preprocessing."""

import importlib
import json

import numpy as np
import pytest

from polykeras import applications
from polykeras import backend as K
from tests.parity.golden import Golden, agree, paths, recorded_environment
from tests.parity.test_api_engine import shown

MADE = (
    "DenseNet121", "DenseNet169", "DenseNet201", "InceptionV3", "MobileNet", "MobileNetV2", "ResNet50", "VGG16",
    "VGG19", "Xception",
)  # fmt: skip
MADE_MODULES = (
    "densenet", "imagenet_utils", "inception_v3", "mobilenet", "mobilenet_v2", "resnet50", "vgg16", "vgg19", "xception"
)  # fmt: skip


def of_those_made(kind, made):
    """The golden files about the applications that exist so far."""
    return [param for param in paths(kind) if set(Golden(param.values[0]).config["fn"].split(".")) & set(made)]


@pytest.mark.parametrize("module", MADE_MODULES)
def test_names_and_signatures(module, reference):
    ours = importlib.import_module(f"polykeras.applications.{module}")
    members = json.loads((reference / "api.json").read_text())["modules"][f"keras.applications.{module}"]["members"]
    assert set(members) == set(ours.__all__)
    assert {name: shown(getattr(ours, name)) for name in members} == {
        name: member["signature"] for name, member in members.items()
    }


def inbound_layers(layer):
    return [origin.layer.name for node in layer._inbound_nodes for origin in node.inbound()]


@pytest.mark.parametrize("name", MADE)
def test_every_layer(name, reference):
    recorded = json.loads((reference / "applications.json").read_text())[name]
    with_top = getattr(applications, name)(weights=None)
    rows = [
        [layer.name, type(layer).__name__, list(layer.output_shape), layer.count_params(), inbound_layers(layer)]
        for layer in with_top.layers
    ]
    assert rows == recorded["top"]["layers"]
    for model, facts in (
        (with_top, recorded["top"]),
        (getattr(applications, name)(weights=None, include_top=False), recorded["notop"]),
    ):
        assert model.name == facts["model_name"]
        assert (list(model.input_shape), list(model.output_shape)) == (facts["input_shape"], facts["output_shape"])
        assert (len(model.layers), len(model.weights)) == (facts["n_layers_incl_input"], facts["n_weight_tensors"])
        assert model.count_params() == facts["count_params"]
        assert sum(map(K.count_params, model.trainable_weights)) == facts["trainable_params"]


def filled(name, shape, number, gain):
    """The value that the recording gave to weight `number`: the config's `fill_rule`."""
    u = np.random.RandomState(number).uniform(-1, 1, shape)
    if len(shape) >= 2:
        fan = np.prod(shape[:2]) if name.endswith("depthwise_kernel") else np.prod(shape[:-1])
        return u * np.sqrt(gain / fan)
    return {"gamma": 1 + 0.1 * u, "moving_variance": 1 + 0.2 * u}.get(name, 0.1 * u)


def pictures(golden):
    """The recorded input, or where none was kept the one that its seed gives."""
    x = golden["x"]
    if len(x):
        return x
    return np.random.RandomState(int(golden["x_seed"])).uniform(-1, 1, (2, *x.shape[1:])).astype("float32")


@pytest.mark.parametrize("path", of_those_made("application", MADE))
def test_outputs(path):
    golden = Golden(path)
    config = golden.config
    with recorded_environment(config):
        model = getattr(applications, config["fn"])(weights=None, **config["kwargs"])
        assert (model.count_params(), len(model.layers)) == (config["count_params"], config["n_layers_incl_input"])
        weights = [weight for layer in model.layers for weight in layer.weights]
        names = [weight.name.rpartition("/")[2].partition(":")[0] for weight in weights]
        model.set_weights(
            [
                filled(name, K.int_shape(weight), number, config["gain"])
                for number, (name, weight) in enumerate(zip(names, weights, strict=True))
            ]
        )
        probes = [model.layers[index].output for index in config["probe_indices"]]
        output, *found = K.function([model.input], [model.output, *probes])([pictures(golden)])
        golden.check(output, "out")
        for statistic, recorded in ((np.mean, golden["probe_mean"]), (np.std, golden["probe_std"])):
            agree([statistic(array, dtype="float64") for array in found], recorded, config["tol"], statistic.__name__)


@pytest.mark.parametrize("path", of_those_made("preprocess_input", MADE_MODULES))
def test_preprocess_input(path):
    golden = Golden(path)
    module, _, function = golden.config["fn"].replace("keras", "polykeras", 1).rpartition(".")
    preprocess = getattr(importlib.import_module(module), function)
    with recorded_environment(golden.config):
        compared = 0
        for name in golden.arrays:
            if not name.startswith("out"):
                continue
            _, *options = name.replace("out3", "out_3").split("_")
            keywords = dict(zip(["mode"], {"caffe", "tf", "torch"} & set(options), strict=False))
            if "cf" in options:
                keywords["data_format"] = "channels_first"
            x = golden["x_cf" if "cf" in options else "x3" if "3" in options else "x"]
            golden.check(preprocess(x.copy(), **keywords), name)
            golden.check(K.eval(preprocess(K.variable(x), **keywords)), name)
            compared += 1
        assert compared >= 2
