"""Every module and name that Keras 2.2.4's layers and models are made of, with its parameters in order and defaults."""

import importlib
import inspect
import json
import marshal

import pytest

from polykeras.utils import generic_utils
from tests.parity.golden import REFERENCE

PARTS = (
    "keras", "keras.activations", "keras.constraints", "keras.engine", "keras.initializers", "keras.layers",
    "keras.models", "keras.objectives", "keras.preprocessing.sequence", "keras.preprocessing.text",
    "keras.regularizers", "keras.utils", "keras.wrappers",
)  # fmt: skip
"""Modules, with those below them: training's and the backend's have tests of their own."""
PRIVATE = {
    "engine.base_layer": "Layer Node InputSpec",
    "engine.input_layer": "Input InputLayer",
    "engine.network": "Network",
    "engine.sequential": "Sequential",
    "engine.topology": "Container preprocess_weights_for_loading load_weights_from_hdf5_group "
    "Input InputLayer InputSpec Layer Network Node get_source_inputs",
    "engine.training_utils": "batch_shuffle check_num_samples iter_sequence_infinite make_batches to_list",
    "initializers": "_compute_fans",
    "layers": "Recurrent ConvRecurrent2D MaxoutDense Highway AtrousConvolution1D AtrousConvolution2D",
    "layers.convolutional": "_Conv _SeparableConv K activations conv_utils constraints initializers interfaces",
    "layers.convolutional_recurrent": "ConvRecurrent2D ConvRNN2D _generate_dropout_mask _generate_dropout_ones",
    "layers.core": "K activations constraints initializers regularizers interfaces",
    "layers.cudnn_recurrent": "_CuDNNRNN",
    "layers.merge": "_Merge",
    "layers.pooling": "_GlobalPooling1D _GlobalPooling2D _GlobalPooling3D _Pooling1D _Pooling2D _Pooling3D",
    "layers.recurrent": "Recurrent _generate_dropout_mask _generate_dropout_ones _standardize_args K activations",
    "layers.wrappers": "Wrapper _standardize_args",
    "utils.conv_utils": "normalize_data_format",
    "legacy.interfaces": "generate_legacy_interface raise_duplicate_arg_error legacy_dense_support "
    "legacy_recurrent_support "
    "legacy_get_updates_support legacy_add_weight_support legacy_conv2d_support legacy_batchnorm_support",
    "legacy.layers": "MaxoutDense Highway AtrousConvolution1D AtrousConvolution2D Recurrent ConvRecurrent2D",
    "backend.tensorflow_backend": "get_session set_session",
}
"""What packages import beside the public names."""


def recorded():
    path = REFERENCE / "api.json"
    return json.loads(path.read_text())["modules"] if path.is_file() else {}


def is_part(module):
    return any(module == part or (module.startswith(f"{part}.") and part != "keras") for part in PARTS)


def members():
    return [
        pytest.param(module.replace("keras", "polykeras", 1), name, member, id=f"{module}.{name}")
        for module, facts in recorded().items()
        if is_part(module)
        for name, member in facts["members"].items()
    ]


def test_the_record_is_whole():
    """A part that is renamed or left out would take its tests away silently."""
    if not REFERENCE.is_dir():
        pytest.skip("no reference data")
    modules = {param.values[0] for param in members()}
    assert len(modules) == 42 and len(members()) > 500


def shown(function):
    """A signature as the record writes it: without `self`, annotations, and what is keyword-only."""
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in ("self", "cls") and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    return str(inspect.Signature(kept))


@pytest.mark.parametrize("module, name, member", members())
def test_member(module, name, member):
    ours = getattr(importlib.import_module(module), name)
    if member.get("kind") == "function":
        assert shown(ours) == member["signature"]
    elif member.get("kind") == "class":
        assert shown(ours.__init__) == member["signature"]
        for method, record in member.get("own_methods", {}).items():
            if not method.startswith("__"):
                assert shown(getattr(ours, method)) == record["signature"], method
        for described in member.get("own_properties", ()):
            attribute, _, settable = described.partition(" ")
            found = inspect.getattr_static(ours, attribute)
            assert isinstance(found, property) and (found.fset is not None or not settable), attribute


@pytest.mark.parametrize("module", PRIVATE)
def test_names_beside_the_public_ones(module):
    found = importlib.import_module(f"polykeras.{module}")
    assert [name for name in PRIVATE[module].split() if not hasattr(found, name)] == []


def test_marshalled_code_is_neither_written_nor_run(tmp_path):
    """Keras's names are there; what they did is not."""
    canary = tmp_path / "canary"
    code = marshal.dumps(compile(f"open({str(canary)!r}, 'w')", "<file>", "exec"))
    for load in (generic_utils.func_load, importlib.import_module("polykeras.layers.core").func_load):
        with pytest.raises(NotImplementedError, match="custom_objects"):
            load(code, None, None, {})
    with pytest.raises(NotImplementedError, match="'test_marshalled_code.*custom_objects"):
        generic_utils.func_dump(test_marshalled_code_is_neither_written_nor_run)
    assert not canary.exists()
