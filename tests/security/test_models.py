"""Model files that try to do more than describe a model."""

from __future__ import annotations

import json
import sys

import h5py
import numpy as np
import pytest

from polykeras.layers import Dense, Lambda
from polykeras.models import Sequential, clone_model, load_model, model_from_config, model_from_json
from polykeras.saving.limits import limits
from polykeras.saving.safety import UnsafeFileError
from polykeras.utils import CustomObjectScope


def dense(**config):
    return {"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [None, 4], **config}}


def sequential(*layers):
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


def write(path, config, training=None):
    """A model file with this configuration and one honest layer `d` (4 -> 2)."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        if training:
            file.attrs["training_config"] = json.dumps(training)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.asarray([b"d"])
        weights.attrs["keras_version"] = "2.2.4"
        layer = weights.create_group("d")
        layer.attrs["weight_names"] = np.asarray([b"d/kernel:0", b"d/bias:0"])
        layer["d/kernel:0"], layer["d/bias:0"] = np.ones((4, 2), "f4"), np.zeros(2, "f4")
    return path


@pytest.fixture(params=["h5", "json", "config"])
def load(request, tmp_path):
    """Each way by which a configuration comes in."""
    ways = {
        "h5": lambda config: load_model(write(tmp_path / "model.h5", config), compile=False),
        "json": lambda config: model_from_json(json.dumps(config)),
        "config": model_from_config,
    }
    return ways[request.param]


def test_the_honest_model_loads(load):
    assert load(sequential(dense())).count_params() == 10


@pytest.mark.parametrize("name", [
    "os.system", "system", "builtins.eval", "eval", "exec", "Popen", "subprocess.Popen", "load_model", "get_file",
    "deserialize", "__class__", "set_backend", "importlib", "polykeras.utils.get_file",
])  # fmt: skip
@pytest.mark.parametrize(
    "place", ["layer", "kernel_initializer", "activation", "kernel_regularizer", "kernel_constraint"]
)
def test_T02_T03_names_outside_the_registries(load, name, place):
    serialized = {"class_name": name, "module": "os", "registered_name": name, "config": {"command": "touch canary"}}
    config = sequential(serialized) if place == "layer" else sequential(dense(**{place: serialized}))
    with pytest.raises(ValueError, match="nknown"):
        load(config)
    if place == "activation":
        with pytest.raises(ValueError, match="nknown"):
            load(sequential(dense(activation=name)))


def test_T04_a_module_beside_a_good_name_is_not_imported(load):
    assert "this" not in sys.modules
    model = load(sequential({**dense(), "module": "this", "registered_name": "this>Dense"}))
    assert type(model.layers[0]).__module__.startswith("polykeras_layers")
    assert "this" not in sys.modules


def test_T01_marshalled_code(load):
    config = {"name": "double", "function": ["4wEA", None, None], "function_type": "lambda", "output_shape": None}
    model = sequential(dense(), {"class_name": "Lambda", "config": config})
    with pytest.raises(UnsafeFileError, match=r"never run.*custom_objects=\{'double': function\}"):
        load(model)
    with CustomObjectScope({"double": twice}):
        np.testing.assert_array_equal(load(model).layers[1].function(3), 6)


def test_T01_a_functions_name_is_no_code(load):
    """Keras calls named functions lambdas too; ours are saved by name."""
    model = Sequential([Dense(2, input_shape=(4,), name="d"), Lambda(twice, name="double")])
    with pytest.raises(ValueError, match="twice"):
        load(json.loads(model.to_json()))
    with CustomObjectScope({"twice": twice}):
        assert load(json.loads(model.to_json())).layers[1].function is twice


def twice(x):
    return 2 * x


def test_T05_code_and_unknown_names_in_the_training_part(tmp_path):
    honest = {"optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}}, "loss": "mse", "metrics": []}

    def training(**changes):
        return {**honest, **changes}

    for number, part in enumerate((
        training(loss="system"),
        training(loss={"class_name": "eval", "config": {}}),
        training(metrics=["popen"]),
        training(metrics={"d": {"class_name": "os.system", "config": {}}}),
        training(optimizer_config={"class_name": "Popen", "config": {"args": "touch canary"}}),
        training(loss={"class_name": "__lambda__", "config": {"value": "4wEA"}}),
    )):  # fmt: skip
        with pytest.raises(ValueError, match=r"nknown|never run"):
            load_model(write(tmp_path / f"{number}.h5", sequential(dense()), part))


def test_T15_a_layer_of_absurd_size_allocates_nothing(tmp_path, monkeypatch):
    path = write(tmp_path / "model.h5", sequential(dense(units=10**9, kernel_initializer="zeros")))
    with pytest.raises(ValueError, match=r"shape \(4, 1000000000\)"):
        load_model(path)


@pytest.mark.parametrize("model", ["Model", "Sequential"])
@pytest.mark.parametrize("layers", [
    [["InputLayer", {}]], "text", 7, {"class_name": "Dense"}, [None], [{"class_name": "Dense"}], [{"config": {}}], 1.0,
])  # fmt: skip
def test_T18_malformed_layers(load, model, layers):
    config = {"name": "m", "layers": layers, "input_layers": [], "output_layers": []}
    with pytest.raises(ValueError, match="should be a"):
        load({"class_name": model, "config": config})


def test_T18_cycles_between_layers_end(load):
    def layer(name, source):
        config = {"name": name, "units": 2}
        return {"name": name, "class_name": "Dense", "config": config, "inbound_nodes": [[[source, 0, 0, {}]]]}

    config = {
        "class_name": "Model",
        "config": {
            "name": "m", "layers": [layer("a", "b"), layer("b", "a")], "input_layers": [["a", 0, 0]],
            "output_layers": [["b", 0, 0]],
        },
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"\ba\b|\bb\b"):
        load(config)


def test_T12_many_arrays_share_the_budget_of_one_load(tmp_path):
    path = write(tmp_path / "model.h5", sequential(dense()))
    with limits(total_bytes=32), pytest.raises(UnsafeFileError, match="that this load may take"):
        load_model(path)
    with limits(total_bytes=40):
        assert load_model(path, compile=False).count_params() == 10


def test_cloning_resolves_no_names_from_the_configuration():
    model = clone_model(Sequential.from_config(sequential(dense())["config"]))
    assert model.count_params() == 10
