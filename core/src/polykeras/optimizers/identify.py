"""Optimizers from names, configs and objects."""

from __future__ import annotations

from typing import Any

from polykeras import registry
from polykeras.optimizers.adapter import TFOptimizer, is_adaptable
from polykeras.optimizers.base import Optimizer
from polykeras.utils.generic_utils import deserialize_keras_object, serialize_keras_object


def serialize(optimizer: Optimizer) -> Any:
    """`{"class_name", "config"}` of an optimizer."""
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """An optimizer from what `serialize` gave, or from a name, in any case (`sgd`, `SGD`)."""
    if isinstance(config, dict) and "class_name" in config:
        config = {**config, "class_name": _spelled(config["class_name"], custom_objects)}
    return deserialize_keras_object(
        config, module_objects=registry.optimizers, custom_objects=custom_objects, printable_module_name="optimizer"
    )


def get(identifier: Any) -> Any:
    """An optimizer from a name, a config or an object.

    An object is an `Optimizer` or anything with its `get_updates(loss, params)`. One that has `apply_gradients` or
    `apply` instead is wrapped in a `TFOptimizer`.
    Raises ValueError for an unknown name or another kind of object.
    """
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    if isinstance(identifier, type):
        raise ValueError(
            f"Could not interpret optimizer identifier: {identifier.__name__} is a class; pass an object of it."
        )
    if hasattr(identifier, "get_updates"):
        return identifier
    if is_adaptable(identifier):
        return TFOptimizer(identifier)
    raise ValueError(
        f"Could not interpret optimizer identifier: {identifier!r}. "
        "Expected a name such as 'adam', a config, or an Optimizer."
    )


def _spelled(name: str, custom_objects: dict[str, Any] | None) -> str:
    """`name` as it is registered: as given, or else the one that differs in case only."""
    from polykeras.utils.generic_utils import get_custom_objects

    if name in registry.optimizers or name in get_custom_objects() or name in (custom_objects or {}):
        return name
    matches = [known for known in registry.optimizers.names() if known.lower() == name.lower()]
    return matches[0] if matches else name
