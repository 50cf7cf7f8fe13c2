"""Configurations as text: bounded, checked for form, and never a way to run code."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from polykeras.saving import encoding, yaml_text
from polykeras.saving.limits import limits
from polykeras.saving.safety import UnsafeFileError, check_config


def test_numpy_values_objects_and_functions_become_json():
    class Penalty:
        def get_config(self):
            return {"l2": np.float32(0.5)}

    config = {
        "a": np.float32(0.25), "b": np.float64(0.1), "c": np.int64(3), "d": np.bool_(True), "e": np.arange(3),
        "f": (1, 2), "g": Penalty(), "h": len, "i": float, "j": None, "k": "text",
    }  # fmt: skip
    assert json.loads(encoding.dumps(config)) == {
        "a": 0.25, "b": 0.1, "c": 3, "d": True, "e": {"type": "ndarray", "value": [0, 1, 2]}, "f": [1, 2],
        "g": {"class_name": "Penalty", "config": {"l2": 0.5}}, "h": "len", "i": "float", "j": None, "k": "text",
    }  # fmt: skip


def test_arrays_come_back_as_arrays_and_their_scalars_as_numbers():
    config = encoding.loads(encoding.dumps({"w": np.arange(6.0).reshape(2, 3), "s": np.array(6.0)}), "here")
    np.testing.assert_array_equal(config["w"], np.arange(6.0).reshape(2, 3))
    assert config["s"] == 6.0
    assert type(config["s"]) is float


def test_what_json_cannot_say_is_an_error_that_names_the_place():
    with pytest.raises(TypeError, match=r"Not JSON Serializable: layers\[1\]\.config\.lock is"):
        encoding.dumps({"layers": [{}, {"config": {"lock": object()}}]})


def test_T18_depth_size_and_text_length():
    deep = "[" * 1_000_000 + "]" * 1_000_000
    with pytest.raises(UnsafeFileError, match="nested too deep"):
        encoding.loads(deep, "model.json")
    with pytest.raises(UnsafeFileError, match=r"model\.json: .*deeper than 100 levels, at a\.a\.a"):
        encoding.loads('{"a":' * 150 + "1" + "}" * 150, "model.json")
    with limits(entries=99), pytest.raises(UnsafeFileError, match="more than 99 values"):
        encoding.loads(json.dumps(list(range(100))), "model.json")
    with limits(text_bytes=10), pytest.raises(UnsafeFileError, match="11 characters"):
        encoding.loads(" " * 11, "model.json")
    with pytest.raises(ValueError, match=r"model\.json is no JSON"):
        encoding.loads("{", "model.json")


@pytest.mark.parametrize("config", [
    {"class_name": 3, "config": {}}, {"class_name": ["Dense"], "config": {}}, {"class_name": "Dense", "config": "text"},
    {"class_name": "Dense", "config": 7}, {"layers": [{"class_name": None, "config": {}}]},
])  # fmt: skip
def test_T18_type_confusion(config):
    with pytest.raises(ValueError, match="should be a"):
        encoding.checked(config, "model.json")


@pytest.mark.parametrize("config", [
    {"name": "l", "function": ["4wEAAAA=", None, None], "function_type": "lambda"},
    {"name": "l", "function": "relu", "output_shape": ["4wEA", None, None], "output_shape_type": "lambda"},
    {"name": "l", "function": "relu", "mask": ["4wEA"], "mask_type": "lambda"},
])  # fmt: skip
@pytest.mark.parametrize("nest", [0, 1, 2])
def test_T01_T05_marshalled_code_is_refused_wherever_it_is(config, nest):
    layer = {"class_name": "Lambda", "config": config}
    for _ in range(nest):
        layer = {"class_name": "TimeDistributed", "config": {"name": "t", "layer": layer}}
    with pytest.raises(UnsafeFileError, match="never run"):
        encoding.loads(json.dumps({"class_name": "Sequential", "config": [layer]}), "model.json")


def test_T01_lambdas_of_keras_3_are_refused():
    with pytest.raises(UnsafeFileError, match="never run"):
        encoding.checked({"class_name": "__lambda__", "config": {"value": "4wEA"}}, "model.json")


def test_long_keys_cost_no_memory_in_paths():
    config = {"k" * 1_000_000: [0] * 100_000}
    check_config(config, "model.json", depth=100, entries=1_000_000)


def test_T20_yaml_reads_tuples_and_nothing_else():
    assert yaml_text.loads("shape: !!python/tuple [null, 3]", "model.yaml") == {"shape": (None, 3)}
    assert yaml_text.loads("a: &x !!python/tuple [1, 1]\nb: *x", "model.yaml") == {"a": (1, 1), "b": (1, 1)}
    for text in (
        "!!python/object/apply:os.system ['echo run > canary']",
        "!!python/object/new:subprocess.Popen [['touch', 'canary']]",
        "!!python/name:os.system",
        "!!python/module:os",
        "a: !!python/tuple [!!python/object/apply:builtins.eval ['1']]",
    ):
        with pytest.raises(UnsafeFileError, match="tag that is not read"):
            yaml_text.loads(text, "model.yaml")


def test_T20_yaml_bombs():
    laughs = "a: &a [1, 1]\n"
    for before, after in zip("abcdefghi", "bcdefghij", strict=True):
        laughs += f"{after}: &{after} [{', '.join(['*' + before] * 9)}]\n"
    with limits(entries=10_000), pytest.raises(UnsafeFileError, match="more than 10,000 values"):
        yaml_text.loads(laughs, "model.yaml")
    with pytest.raises(UnsafeFileError, match="deeper than"):
        yaml_text.loads("&a [*a]", "model.yaml")
    with pytest.raises(UnsafeFileError, match="nested too deep"):
        yaml_text.loads("[" * 5000, "model.yaml")
    with pytest.raises(ValueError, match="is no YAML"):
        yaml_text.loads("a: [", "model.yaml")


def test_yaml_round_trip_keeps_tuples():
    config = {"class_name": "Sequential", "config": {"shape": (None, 3), "rate": np.float32(0.5), "layers": []}}
    text = yaml_text.dumps(config)
    assert "!!python/tuple" in text
    assert yaml_text.loads(text, "model.yaml") == config


def test_without_pyyaml_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match=r"pip install polykeras-core\[yaml\]"):
        yaml_text.loads("a: 1", "model.yaml")


def test_limits_are_of_the_block():
    with limits(text_bytes=1), pytest.raises(UnsafeFileError):
        encoding.loads("{}", "model.json")
    assert encoding.loads("{}", "model.json") == {}
