"""Architectures without weights: a model's configuration as a dictionary, as JSON, as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polykeras.saving import encoding

if TYPE_CHECKING:
    from polykeras.engine.network import Network

KERAS_VERSION = "2.2.4"
"""The version of Keras whose formats are written."""

KERNEL_CONVENTION = "tensorflow"
"""What files say under ``backend``: how convolution kernels lie. All our backends correlate, as TensorFlow does; a
reader on Theano, which convolves, flips kernels for this name and for no other."""


def architecture(model: Network) -> dict[str, Any]:
    """``{"class_name", "config"}`` of a model; NotImplementedError for one that is written as Python code."""
    return {"class_name": type(model).__name__, "config": model.get_config()}


def labelled_architecture(model: Network) -> dict[str, Any]:
    """``architecture(model)`` with the version and the backend, as JSON and YAML files carry them."""
    return {**architecture(model), "keras_version": KERAS_VERSION, "backend": KERNEL_CONVENTION}


def to_json(model: Network, **kwargs: Any) -> str:
    """The architecture as JSON; ``kwargs`` go to ``json.dumps``."""
    return encoding.dumps(labelled_architecture(model), **kwargs)


def to_yaml(model: Network, **kwargs: Any) -> str:
    """The architecture as YAML; ``kwargs`` go to ``yaml.dump``. Needs PyYAML: ``pip install polykeras-core[yaml]``."""
    from polykeras.saving import yaml_text

    return yaml_text.dumps(labelled_architecture(model), **kwargs)


def model_from_config(config: object, custom_objects: Mapping[str, Any] | None = None) -> Network:
    """The model that ``{"class_name", "config"}`` describes, with fresh weights.

    Names are looked for in ``custom_objects`` and in the registries only. Raises TypeError for a list, ValueError for
    unknown names and malformed configurations.
    """
    if isinstance(config, list):
        raise TypeError(
            "`model_from_config` expects a dictionary, not a list. "
            "Maybe you meant to use `Sequential.from_config(config)`?"
        )
    return _build(encoding.checked(config, "the configuration", custom_objects), custom_objects)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Network:
    """The model that ``to_json`` described, with fresh weights."""
    return _build(encoding.loads(json_string, "the JSON string", custom_objects), custom_objects)


def model_from_yaml(yaml_string: str, custom_objects: Mapping[str, Any] | None = None) -> Network:
    """The model that ``to_yaml`` described, with fresh weights. Nothing in the text is run.

    Needs PyYAML: ``pip install polykeras-core[yaml]``.
    """
    from polykeras.saving import yaml_text

    return _build(yaml_text.loads(yaml_string, "the YAML string", custom_objects), custom_objects)


def _build(config: Any, custom_objects: Mapping[str, Any] | None) -> Network:
    from polykeras.engine.network import Network
    from polykeras.layers import deserialize

    if not isinstance(config, Mapping) or "class_name" not in config:
        raise ValueError(f"A model's configuration has the keys 'class_name' and 'config'; got: {config!r:.200}")
    model = deserialize(dict(config), custom_objects=custom_objects)
    if not isinstance(model, Network):
        raise ValueError(f"The configuration describes {type(model).__name__}, a layer; a model was expected.")
    return model
