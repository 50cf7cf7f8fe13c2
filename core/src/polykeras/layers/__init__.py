"""The layers: what installed distributions register, and core's own `Layer`, `Input`, `InputLayer`, `InputSpec`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykeras import registry
from polykeras._faces import face

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer

_CORE = {
    "Input": "polykeras.engine.input_layer:Input",
    "InputLayer": "polykeras.engine.input_layer:InputLayer",
    "InputSpec": "polykeras.engine.base_layer:InputSpec",
    "Layer": "polykeras.engine.base_layer:Layer",
}
_HELPERS = {  # what Keras's modules of layers import, and so show
    name: f"polykeras.utils.generic_utils:{name}"
    for name in (
        "deserialize_keras_object",
        "func_dump",
        "func_load",
        "has_arg",
        "object_list_uid",
        "to_list",
        "transpose_shape",
    )
}
_MODELS = {  # what a configuration may name besides layers
    "BackendOperations": "polykeras.engine.raw_operations:BackendOperations",
    "InputLayer": _CORE["InputLayer"],
    "Model": "polykeras.engine.training:Model",
    "Network": "polykeras.engine.network:Network",
    "Sequential": "polykeras.engine.sequential:Sequential",
}

__getattr__, __dir__ = face(__name__, registry.layers, {**_CORE, **_HELPERS})


def serialize(layer: Layer) -> dict[str, Any]:
    """The configuration of a layer, `{"class_name": ..., "config": ...}`: `deserialize` makes an equal layer of it."""
    from polykeras.utils.generic_utils import serialize_keras_object

    config: dict[str, Any] = serialize_keras_object(layer)
    return config


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """The layer (or model) that `config`, as `serialize` returns it, describes; without its weights.

    The class is looked for in `custom_objects`, in the custom object scope, in core, and in the registry. Raises
    ValueError for a config of another form and for an unknown class.
    """
    from polykeras._faces import LazyNames
    from polykeras.utils.generic_utils import deserialize_keras_object

    names = LazyNames(_MODELS, registry.layers)
    layer: Layer = deserialize_keras_object(config, names, custom_objects, printable_module_name="layer")
    return layer
