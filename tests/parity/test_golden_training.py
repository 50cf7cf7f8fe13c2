"""Optimizers step by step, and whole trainings, against the numbers of real Keras 2.2.4."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import callbacks, layers, optimizers
from polykeras.models import Model, Sequential
from tests.parity.golden import Golden, agree, paths, recorded_environment

# These were recorded with TensorFlow's moving average; their twins `..._plain_ema` have the documented one.
TENSORFLOW_AVERAGE = {"train__batchnorm_val", "train__cnn_bn"}
# A bias before a batch normalisation has gradient zero. What is computed is rounding noise, which Adam scales up to
# visible steps; the moving mean moves along with it.
ROUNDING = {"train__batchnorm_val_plain_ema": ("w1_after", "w4_after")}


def model_of(config):
    kinds = {"Sequential": Sequential, "Model": Model}
    return kinds[config["class_name"]].from_config(config["config"])


def trainings():
    return [p for p in paths("train") if p.id not in TENSORFLOW_AVERAGE]


@pytest.mark.parametrize("path", paths("optimizer"))
def test_optimizer(path):
    golden = Golden(path)
    config, tol = golden.config, golden.config["tol"]
    with recorded_environment(config):
        model = model_of(config["model"])
        optimizer = optimizers.deserialize({"class_name": config["class_name"], "config": config["constructor"]})
        for name, value in config["config"].items():
            agree(optimizer.get_config()[name], np.asarray(value), {"rtol": 1e-6, "atol": 0}, name)
        model.compile(optimizer, config["loss"])
        model.set_weights(golden.numbered("w"))
        gradients = K.function(
            [*model.inputs, *model.targets, *model.sample_weights],
            K.gradients(model.total_loss, model.trainable_weights),
        )
        x, y = golden["x"], golden["y"]
        for s in range(1, config["steps"] + 1):
            for i, gradient in enumerate(gradients([x, y, np.ones(len(x))])):
                golden.check(gradient, f"s{s}_g{i}")
            golden_loss = golden["loss"][s - 1]
            np.testing.assert_allclose(model.train_on_batch(x, y), golden_loss, rtol=tol["rtol"], atol=tol["atol"])
            if s == 1:
                assert len(optimizer.get_weights()) == config["n_optimizer_weights"]
            for i, weight in enumerate(model.get_weights()):
                golden.check(weight, f"s{s}_w{i}")
            for i, weight in enumerate(optimizer.get_weights()):
                golden.check(weight, f"s{s}_o{i}")


@pytest.mark.parametrize("path", paths("optimizer"))
def test_optimizer_goes_on_from_restored_state(path):
    """Two steps, then state and weights into a new model: its third step is the recorded one."""
    golden = Golden(path)
    config = golden.config
    with recorded_environment(config):
        model = model_of(config["model"])
        optimizer = optimizers.deserialize({"class_name": config["class_name"], "config": config["constructor"]})
        model.compile(optimizer, config["loss"])
        model._make_train_function()
        model.set_weights(golden.numbered("s2_w"))
        optimizer.set_weights(golden.numbered("s2_o"))
        if "iterations" not in config["optimizer_weight_names"][0]:
            K.set_value(optimizer.iterations, 2)  # Keras does not save the steps of these, which decay counts
        if hasattr(optimizer, "m_schedule"):  # nor Nadam's product of momenta
            momenta = [
                optimizer.get_config()["beta_1"] * (1 - 0.5 * 0.96 ** (t * optimizer.schedule_decay)) for t in (1, 2)
            ]
            K.set_value(optimizer.m_schedule, np.prod(momenta))
        model.train_on_batch(golden["x"], golden["y"])
        for i, weight in enumerate(model.get_weights()):
            golden.check(weight, f"s3_w{i}")


def compiled(golden):
    config = golden.config
    model = model_of(config)
    model.set_weights(golden.numbered("w"))
    for layer, trainable in zip(model.layers, config["layer_trainable"], strict=True):
        if not isinstance(layer, layers.InputLayer):
            layer.trainable = trainable
    settings = dict(config["compile"])
    settings["optimizer"] = optimizers.get(settings["optimizer"])
    model.compile(**settings)
    return model


@pytest.mark.parametrize("path", [p for p in paths("train") if p.id in TENSORFLOW_AVERAGE])
def test_training_is_the_same_whatever_the_moving_average(path):
    """In training the moving statistics are written and not read."""
    golden = Golden(path)
    with recorded_environment(golden.config):
        model = compiled(golden)
        history = model.fit(
            golden.numbered("x"), golden.numbered("y"), verbose=0, shuffle=False, **fit_arguments(golden)
        )
        for key in golden.config["history_keys"]:
            if not key.startswith("val_"):
                golden.check(history.history[key], f"h_{key}")
        for i, (name, weight) in enumerate(zip(golden.config["weight_names"], model.get_weights(), strict=True)):
            if "moving_" not in name:
                golden.check(weight, f"w{i}_after")


@pytest.mark.parametrize("path", trainings())
def test_training(path):
    golden = Golden(path)
    config = golden.config
    with recorded_environment(config):
        model = compiled(golden)
        assert model.metrics_names == config["metrics_names"]
        x, y = golden.numbered("x"), golden.numbered("y")
        check_evaluation(golden, model, x, y, "evaluate_before")
        history = model.fit(x, y, verbose=0, shuffle=False, **fit_arguments(golden))
        assert sorted(history.history) == config["history_keys"]
        assert history.epoch == config["history_epochs"]
        for key in config["history_keys"]:
            golden.check(history.history[key], f"h_{key}")
        noisy = ROUNDING.get(path.stem, ())
        for i, weight in enumerate(model.get_weights()):
            name = f"w{i}_after"
            agree(weight, golden[name], {"rtol": 0, "atol": 2e-3} if name in noisy else config["tol"], name)
        if noisy:
            model.set_weights([golden[f"w{i}_after"] for i in range(len(model.weights))])
        for i, weight in enumerate(model.optimizer.get_weights()):
            golden.check(weight, f"o{i}_after")
        check_evaluation(golden, model, x, y, "evaluate_after")
        predictions = model.predict(x)
        for i, prediction in enumerate(predictions if isinstance(predictions, list) else [predictions]):
            golden.check(prediction, f"predict{i}")


def check_evaluation(golden, model, x, y, name):
    weight = golden.arrays.get("sample_weight")
    values = model.evaluate(x, y, batch_size=golden.config["fit"]["batch_size"], sample_weight=weight, verbose=0)
    golden.check(np.atleast_1d(values), name)


def fit_arguments(golden):
    arguments = dict(golden.config["fit"])
    if "class_weight" in arguments:
        arguments["class_weight"] = {int(number): weight for number, weight in arguments["class_weight"].items()}
    if "callbacks" in arguments:
        arguments["callbacks"] = [callback_of(**one) for one in arguments["callbacks"]]
    if "sample_weight" in golden:
        arguments["sample_weight"] = golden["sample_weight"]
    if "vx0" in golden:
        arguments["validation_data"] = (golden.numbered("vx"), golden.numbered("vy"))
    return arguments


def callback_of(class_name, kwargs):
    if class_name == "LearningRateScheduler":
        return callbacks.LearningRateScheduler(kwargs["table"].__getitem__)
    return getattr(callbacks, class_name)(**kwargs)
