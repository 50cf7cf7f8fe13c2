"""Models saved and loaded: what is kept, what is refused, and that a failure changes nothing."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest

from polykeras import backend as K
from polykeras import plugins
from polykeras.layers import Dense, Dropout, Input, Layer
from polykeras.models import Model, Sequential, load_model, model_from_config, model_from_json
from polykeras.optimizers import SGD

X = np.random.RandomState(0).rand(8, 4).astype("float32")
Y = np.eye(2)[np.random.RandomState(1).randint(2, size=8)].astype("float32")


def mlp(units=3, **compile_args):
    model = Sequential([
        Dense(units, activation="relu", input_shape=(4,), name="d1"), Dropout(0.5, name="drop"),
        Dense(2, activation="softmax", name="d2"),
    ])  # fmt: skip
    model.compile(**{"optimizer": SGD(lr=0.1, momentum=0.9), "loss": "categorical_crossentropy", **compile_args})
    return model


def assert_same(left, right):
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(autouse=True)
def fresh_names():
    """Weights of a second model of the same layer names would be named apart from the first one's."""
    K.clear_session()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.h5"


def test_a_loaded_model_goes_on_to_the_bit(path):
    model = mlp(metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0, shuffle=False)
    model.save(path)
    again = load_model(path)
    assert_same(model.optimizer.get_weights(), again.optimizer.get_weights())
    assert again.metrics_names == model.metrics_names
    assert K.get_value(again.optimizer.lr) == K.get_value(model.optimizer.lr)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    model.layers[1].rate = again.layers[1].rate
    assert model.evaluate(X, Y, verbose=0) == again.evaluate(X, Y, verbose=0)


def test_S107_the_files_layout_and_the_errors(path, tmp_path):
    model = mlp()
    model.fit(X, Y, verbose=0)
    model.save(path)
    with h5py.File(path) as file:
        assert sorted(file) == ["model_weights", "optimizer_weights"]
        assert sorted(file.attrs) == ["backend", "keras_version", "model_config", "training_config"]
        assert sorted(file["model_weights"].attrs) == ["backend", "keras_version", "layer_names"]
        assert list(file["model_weights"]["d1"].attrs["weight_names"]) == [b"d1/kernel:0", b"d1/bias:0"]
        assert file.attrs["keras_version"] == "2.2.4"
    again = mlp()
    again.load_weights(path)
    assert_same(model.get_weights(), again.get_weights())
    with pytest.raises(OSError, match=r"none\.h5"):
        again.load_weights(tmp_path / "none.h5")
    one = Sequential([Dense(3, input_shape=(4,))])
    with pytest.raises(ValueError, match="containing 2 layers into a model with 1 layers"):
        one.load_weights(path)
    before = mlp(5)
    values = before.get_weights()
    with pytest.raises(ValueError, match=r"d1\S*/kernel:0 has shape \(4, 5\), but the saved weight has shape \(4, 3\)"):
        before.load_weights(path)
    assert_same(before.get_weights(), values)
    model.save_weights(path)
    with pytest.raises(ValueError, match="holds weights only"):
        load_model(path)


def test_by_name_and_skip_mismatch(path):
    model = mlp()
    model.save_weights(path)
    other = Sequential([Dense(3, input_shape=(4,), name="d1"), Dense(7, name="d2"), Dense(2, name="new")])
    fresh = other.get_weights()
    with pytest.raises(ValueError, match=r"d2\S*/kernel:0 has shape"):
        other.load_weights(path, by_name=True)
    assert_same(other.get_weights(), fresh)
    with pytest.warns(UserWarning, match="Skipping loading of weights for layer d2 due to mismatch in shape"):
        other.load_weights(path, by_name=True, skip_mismatch=True)
    assert_same(other.get_weights()[:2], model.get_weights()[:2])
    assert_same(other.get_weights()[2:], fresh[2:])


def test_a_model_that_is_not_compiled_and_an_optimizer_left_out(path):
    model = Sequential([Dense(2, input_shape=(4,))])
    model.save(path)
    with h5py.File(path) as file:
        assert sorted(file.attrs) == ["backend", "keras_version", "model_config"]
    with pytest.warns(UserWarning, match="not\\* compiled"):
        again = load_model(path)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    compiled = mlp()
    compiled.save(path, include_optimizer=False)
    assert load_model(path, compile=False).optimizer is None


def test_frozen_layers_inside_a_model_keep_their_weights(path):
    def nested(frozen):
        inner = Sequential([Dense(3, input_shape=(4,), name="a"), Dense(3, name="b")], name="inner")
        inner.layers[0].trainable = not frozen
        return Sequential([inner, Dense(2, name="c")])

    model = nested(frozen=False)
    model.save_weights(path)
    K.clear_session()
    again = nested(frozen=True)
    again.load_weights(path)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


def test_functional_models_with_several_inputs_and_outputs(path):
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    left, right = Dense(1, name="left")(shared(a)), Dense(1, name="right")(shared(b))
    model = Model([a, b], [left, right])
    model.compile("sgd", {"left": "mse", "right": "mae"}, loss_weights={"left": 1.0, "right": 0.5})
    model.train_on_batch([X, X], [Y[:, :1], Y[:, 1:]])
    model.save(path)
    again = load_model(path)
    assert_same(model.predict([X, X]), again.predict([X, X]))
    np.testing.assert_array_equal(
        model.test_on_batch([X, X], [Y[:, :1], Y[:, 1:]]), again.test_on_batch([X, X], [Y[:, :1], Y[:, 1:]])
    )


def test_S139_an_unknown_loss_is_an_error_that_names_it(path):
    def my_loss(y_true, y_pred):
        return K.mean(K.abs(y_true - y_pred), axis=-1)

    model = mlp(loss=my_loss)
    model.save(path)
    with pytest.raises(ValueError, match="Unknown loss function: my_loss.*custom_objects.*compile=False"):
        load_model(path)
    again = load_model(path, custom_objects={"my_loss": my_loss})
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    assert load_model(path, compile=False).optimizer is None


def _edit(path, **changes):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["training_config"])
        config.update(changes)
        file.attrs["training_config"] = json.dumps(config)


def test_a_failing_compile_part_costs_a_warning_and_no_weights(path):
    model = mlp()
    model.fit(X, Y, verbose=0)
    model.save(path)
    _edit(path, optimizer_config={"class_name": "SGD", "config": {"lr": 0.1, "of_a_later_version": 1}})
    with pytest.warns(UserWarning, match="of_a_later_version.*Compile it manually"):
        again = load_model(path)
    assert_same(model.get_weights(), again.get_weights())


def test_optimizer_weights_that_do_not_fit_cost_a_warning(path):
    model = mlp()
    model.fit(X, Y, verbose=0)
    model.save(path)
    with h5py.File(path, "r+") as file:
        del file["optimizer_weights"].attrs["weight_names"]
        file["optimizer_weights"].attrs["weight_names"] = np.empty(0)
    with pytest.warns(UserWarning, match="freshly initialized"):
        again = load_model(path)
    assert_same(model.get_weights(), again.get_weights())


def test_open_files_groups_and_pickles(path):
    model = mlp()
    model.fit(X, Y, verbose=0)
    buffer = io.BytesIO()
    model.save(buffer)
    np.testing.assert_array_equal(load_model(buffer).predict(X), model.predict(X))
    with h5py.File(path, "w") as file:
        model.save(file.create_group("one"))
        model.save(file.create_group("two/three"))
        assert_same(load_model(file["two/three"]).get_weights(), model.get_weights())
    again = pickle.loads(pickle.dumps(model))
    assert_same(again.optimizer.get_weights(), model.optimizer.get_weights())


def test_overwrite_asks(path, monkeypatch, capsys):
    model = mlp()
    path.write_text("old")
    for answer, kept in (("n", True), ("y", False)):
        monkeypatch.setattr("builtins.input", lambda question, answer=answer: answer)
        model.save(path, overwrite=False)
        assert (path.read_bytes()[:3] == b"old") is kept

    def closed(question):
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save_weights(path, overwrite=False)


def test_unwritable_paths_are_named(tmp_path):
    model = mlp()
    for save in (model.save, model.save_weights):
        with pytest.raises(OSError, match=r"no such.*there is no directory"):
            save(tmp_path / "no such" / "model.h5")
        with pytest.raises(OSError, match="it is a directory"):
            save(tmp_path)


def test_a_saving_that_fails_leaves_the_old_file(path, monkeypatch):
    model = mlp()
    model.save(path)
    whole = path.read_bytes()
    monkeypatch.setattr(K, "batch_get_value", lambda variables: 1 / 0)
    for save in (model.save, model.save_weights):
        with pytest.raises(ZeroDivisionError):
            save(path)
        assert path.read_bytes() == whole
    assert os.listdir(path.parent) == [path.name]


def test_a_process_killed_while_it_saves_leaves_the_old_file(path):
    model = mlp()
    model.save(path)
    done = subprocess.run([sys.executable, "-c", KILLED, os.fspath(path)], timeout=120, check=False)
    assert done.returncode == 7
    np.testing.assert_array_equal(load_model(path).predict(X), model.predict(X))


KILLED = """
import os, sys
import h5py
from polykeras.models import load_model
model = load_model(sys.argv[1])
close = h5py.File.close
def die_half_written(file):
    if file.mode == "r+":
        file.flush()
        os._exit(7)
    close(file)
h5py.File.close = die_half_written
h5py.File.__exit__ = lambda self, *args: self.close()
model.save(sys.argv[1])
"""


def test_loading_weights_computes_no_initial_values(path):
    calls = []

    def watched(shape, dtype=None):
        calls.append(shape)
        return K.zeros(shape)

    model = Sequential([Dense(3, input_shape=(4,), name="d")])
    model.save_weights(path)
    other = Sequential([Dense(3, input_shape=(4,), name="d", kernel_initializer=watched)])
    other.load_weights(path)
    assert_same(model.get_weights(), other.get_weights())


def test_a_layer_that_has_no_configuration_is_named(path):
    class Odd(Layer):
        def __init__(self, lock, **kwargs):
            self.lock = lock
            super().__init__(**kwargs)

        def get_config(self):
            return {**super().get_config(), "lock": self.lock}

        def call(self, x):
            return x

        def compute_output_shape(self, input_shape):
            return input_shape

    model = Sequential([Odd(object(), input_shape=(4,), name="odd")])
    with pytest.raises(TypeError, match=r"layers\[0\]\.config\.lock"):
        model.save(path)
    assert not path.exists()


def test_unknown_layers_are_errors_that_name_them():
    class MyLayer(Dense):
        pass

    text = Sequential([MyLayer(2, input_shape=(4,))]).to_json()
    with pytest.raises(ValueError, match="Unknown layer: MyLayer"):
        model_from_json(text)
    assert type(model_from_json(text, custom_objects={"MyLayer": MyLayer}).layers[0]) is MyLayer
    with pytest.raises(TypeError, match=r"Sequential\.from_config"):
        model_from_config([])
    with pytest.raises(ValueError, match="'class_name' and 'config'"):
        model_from_json("[1]")
    with pytest.raises(ValueError, match="Dense, a layer; a model was expected"):
        model_from_config({"class_name": "Dense", "config": {"units": 2}})


def test_many_long_names_come_in_pieces(path):
    model = Sequential([Dense(1, input_shape=(1,), name=f"{'n' * 2000}_{index}") for index in range(40)])
    model.save_weights(path)
    with h5py.File(path) as file:
        assert "layer_names1" in file.attrs
    values = model.get_weights()
    model.set_weights([value + 1 for value in values])
    model.load_weights(path)
    assert_same(model.get_weights(), values)


@pytest.mark.parametrize("name", ["../x", "a/b", "C:\\x", "x.h5", "größe"])
def test_T16_layer_names_are_data_and_no_paths(path, name):
    model = Sequential([Dense(2, input_shape=(4,), name=name), Dense(2)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    model.save(path)
    np.testing.assert_array_equal(load_model(path).predict(X), model.predict(X))
    assert os.listdir(path.parent) == [path.name]


GATE = """
from polykeras.layers import Layer
import polykeras.backend as K


class Sluice(Layer):
    def __init__(self, gain, **kwargs):
        self.gain = gain
        super().__init__(**kwargs)

    def call(self, x):
        return x * K.sigmoid(self.gain * x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}
"""

SAVE = """
import sys
from polykeras.layers import Dense, Sluice
from polykeras.models import Sequential
model = Sequential([Dense(2, input_shape=(4,)), Sluice(3.0)])
model.compile("sgd", "mse")
model.save(sys.argv[1])
"""

LOAD = """
import sys
from polykeras.models import load_model
try:
    print("loaded", load_model(sys.argv[1]).layers[1].gain)
except Exception as error:
    print("refused", error)
print("imported" if "acme_gates" in sys.modules else "untouched")
"""


def test_T21_a_plugins_layer_loads_in_a_new_process_only_while_the_plugin_is_enabled(tmp_path, path):
    site = tmp_path / "site"
    info = site / "acme_gates-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-gates\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[polykeras.layers]\nSluice = acme_gates:Sluice\n")
    (site / "acme_gates.py").write_text(GATE)

    def run(code, **variables):
        environment = {**os.environ, "PYTHONPATH": os.fspath(site), **variables}
        command = [sys.executable, "-c", code, os.fspath(path)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True).stdout

    run(SAVE)
    assert run(LOAD).split() == ["loaded", "3.0", "imported"]
    disabled = run(LOAD, POLYKERAS_PLUGINS="")
    assert disabled.startswith("refused")
    assert "acme-gates" in disabled
    assert disabled.split()[-1] == "untouched"
    (info / "entry_points.txt").unlink()
    absent = run(LOAD)
    assert absent.startswith("refused Unknown layer: Sluice")
    assert absent.split()[-1] == "untouched"


def test_plugins_are_told_before_and_after(path):
    acts = []

    class Watcher:
        def polykeras_saving(self, model, path):
            acts.append(("saving", model.name, path.exists()))

        def polykeras_saved(self, model, path):
            acts.append(("saved", model.name, path.exists()))

    model, watcher = mlp(), Watcher()
    plugins.manager().register(watcher)
    try:
        model.save(path)
        assert acts == [("saving", model.name, False), ("saved", model.name, True)]
        with pytest.raises(OSError, match="directory"):
            model.save_weights(path.parent)
        assert acts[2:] == [("saving", model.name, True)]
    finally:
        plugins.manager().unregister(watcher)
