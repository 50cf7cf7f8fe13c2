"""Files that the real Keras 2.2.4 wrote, read by us; and ours, which must be made of the same attributes and arrays."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from polykeras import backend as K
from polykeras import registry
from polykeras.layers import Layer
from polykeras.models import load_model, model_from_json, model_from_yaml
from polykeras.saving import yaml_text

STEMS = (
    "k2_bi_gru_embed", "k2_cnn_sep_residual", "k2_custom_lossmetric", "k2_masktd_conv", "k2_misc_volume", "k2_mlp_adam",
    "k2_nested_model", "k2_state_stateful",
)  # fmt: skip


class MyLayer(Layer):
    """The custom layer of the reference files."""

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[1], self.output_dim), initializer="uniform")
        super().build(input_shape)

    def call(self, x):
        return K.dot(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.output_dim


def scaled_mse(y_true, y_pred):
    return 3 * K.mean(K.square(y_pred - y_true), axis=-1)


def mean_pred(y_true, y_pred):
    return K.mean(y_pred)


CUSTOM = {"MyLayer": MyLayer, "scaled_mse": scaled_mse, "mean_pred": mean_pred}


class Case:
    """One stem: its files, its arrays, and what was recorded of it."""

    def __init__(self, folder, stem):
        self.path = folder / f"{stem}.h5"
        self.weights_path = folder / f"{stem}_weights.h5"
        self.json = (folder / f"{stem}.json").read_text()
        self.yaml = (folder / f"{stem}.yaml").read_text()
        with np.load(folder / f"{stem}_io.npz") as arrays:
            self.arrays = dict(arrays)
        self.config = json.loads(str(self.arrays["config"]))
        self.custom_objects = {name: CUSTOM[name] for name in self.config["custom_objects"]}

    def named(self, prefix):
        """The arrays prefix0, prefix1, ... in order."""
        count = 0
        while f"{prefix}{count}" in self.arrays:
            count += 1
        return [self.arrays[f"{prefix}{index}"] for index in range(count)]

    def one_or_list(self, prefix, rows=None):
        values = [value[:rows] for value in self.named(prefix)]
        return values[0] if len(values) == 1 else values

    def load(self):
        return load_model(self.path, custom_objects=self.custom_objects)

    def assert_close(self, found, wanted):
        np.testing.assert_allclose(np.asarray(found), wanted, **self.config["tol"])


@pytest.fixture(params=STEMS)
def case(request, reference):
    case = Case(reference / "interop", request.param)
    missing = sorted(_class_names(json.loads(case.json)) - set(case.custom_objects))
    if missing:
        pytest.skip(f"not registered here: {', '.join(missing)}")
    K.clear_session()
    return case


REGISTRIES = (registry.layers, registry.initializers, registry.regularizers, registry.constraints)


def _class_names(config):
    """The classes that a configuration needs and no distribution brings."""
    parts = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    missing = set().union(*map(_class_names, parts))
    name = config.get("class_name") if isinstance(config, dict) else None
    if name is None or name in ("Model", "Sequential", "InputLayer") or any(name in known for known in REGISTRIES):
        return missing
    return missing | {name}


def test_a_whole_model_is_read(case):
    model = case.load()
    assert [weight.name for layer in model.layers for weight in layer.weights] == case.config["weight_names"]
    for found, wanted in zip(model.get_weights(), case.named("w"), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(model.optimizer.get_weights(), case.named("o"), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert model.count_params() == case.config["count_params"]
    batch = case.config["batch_size"]
    predictions = model.predict(case.one_or_list("x"), batch_size=batch)
    predictions = predictions if isinstance(predictions, list) else [predictions]
    for found, wanted in zip(predictions, case.named("pred"), strict=True):
        case.assert_close(found, wanted)
    model.reset_states()
    assert model.metrics_names == case.config["metrics_names"]
    case.assert_close(
        np.ravel(model.evaluate(case.one_or_list("x"), case.one_or_list("y"), batch_size=batch, verbose=0)),
        case.arrays["evaluate"],
    )


WITHOUT_GRADIENT = {"k2_cnn_sep_residual": {2}}
"""A bias before a batch normalisation: its gradient is rounding error, which Nadam divides by its own size."""


def test_training_goes_on_where_it_stood(case):
    if not case.config["has_resume"]:
        assert "resume_loss" not in case.arrays
        return
    model = case.load()
    rows = case.config["resume_batch"]
    losses = model.train_on_batch(case.one_or_list("x", rows), case.one_or_list("y", rows))
    case.assert_close(np.ravel(losses), case.arrays["resume_loss"])
    for index, found in enumerate(model.get_weights()):
        if index in WITHOUT_GRADIENT.get(case.config["stem"], ()):
            continue
        plain = f"resume_plain_w{index}"  # Moving statistics by the documented average, not by TensorFlow's.
        case.assert_close(found, case.arrays[plain if plain in case.arrays else f"resume_w{index}"])
    for found, wanted in zip(model.optimizer.get_weights(), case.named("resume_o"), strict=True):
        case.assert_close(found, wanted)


def test_weights_alone_are_read_into_the_architecture(case):
    model = model_from_json(case.json, custom_objects=case.custom_objects)
    for by_name in (False, True):
        model.set_weights([np.zeros_like(value) for value in model.get_weights()])
        model.load_weights(case.weights_path, by_name=by_name)
        for found, wanted in zip(model.get_weights(), case.named("w"), strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_architectures_are_written_as_they_were_read(case):
    assert model_from_json(case.json, custom_objects=case.custom_objects).to_json() == case.json
    K.clear_session()
    from_yaml = model_from_yaml(case.yaml, custom_objects=case.custom_objects)
    assert json.loads(from_yaml.to_json()) == json.loads(case.json)
    assert yaml_text.loads(from_yaml.to_yaml(), "ours") == yaml_text.loads(case.yaml, "theirs")


def tree(group: h5py.Group) -> dict[str, object]:
    """Every attribute and array by its path: form, type and, of attributes, value."""
    found: dict[str, object] = _attributes("", group)
    group.visititems(lambda path, member: found.update(_entry(path, member)))
    return found


def _entry(path: str, member: h5py.HLObject) -> dict[str, object]:
    if isinstance(member, h5py.Dataset):
        layout = member.id.get_create_plist().get_layout()
        return {path: ("array", member.shape, member.dtype.str, layout), **_attributes(path, member)}
    return {path: "group", **_attributes(path, member)}


def _attributes(path: str, member: h5py.HLObject) -> dict[str, object]:
    return {f"{path}@{name}": (_form(member.attrs.get_id(name)), _value(member.attrs[name])) for name in member.attrs}


def _form(attribute: h5py.h5a.AttrID) -> tuple[object, ...]:
    kind = attribute.get_type()
    form = (attribute.shape, kind.get_class(), kind.get_size())
    is_text = kind.get_class() == h5py.h5t.STRING
    return (*form, kind.is_variable_str(), kind.get_cset(), kind.get_strpad()) if is_text else form


def _value(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value


def test_a_written_file_is_made_of_the_same_attributes_and_arrays(case, tmp_path):
    model = case.load()
    model.save(tmp_path / "model.h5")
    model.save_weights(tmp_path / "weights.h5")
    for ours, theirs in ((tmp_path / "model.h5", case.path), (tmp_path / "weights.h5", case.weights_path)):
        with h5py.File(ours) as file, h5py.File(theirs) as wanted:
            assert tree(file) == tree(wanted)


def test_a_written_file_is_read_back_to_the_bit(case, tmp_path):
    model = case.load()
    model.save(tmp_path / "model.h5")
    again = load_model(tmp_path / "model.h5", custom_objects=case.custom_objects)
    for found, wanted in zip(again.get_weights(), case.named("w"), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(again.optimizer.get_weights(), case.named("o"), strict=True):
        np.testing.assert_array_equal(found, wanted)
