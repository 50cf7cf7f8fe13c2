"""Metrics from names, configs and objects."""

from __future__ import annotations

from typing import Any

from polykeras import registry
from polykeras.utils.generic_utils import deserialize_keras_object, serialize_keras_object


def serialize(metric: Any) -> Any:
    """The name of a metric function, or `{"class_name", "config"}` of a metric object."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """A metric from what `serialize` gave; the name of a metric class gives an object of it."""
    metric = deserialize_keras_object(
        config, module_objects=registry.metrics, custom_objects=custom_objects, printable_module_name="metric function"
    )
    return metric() if isinstance(metric, type) else metric


def get(identifier: Any) -> Any:
    """A metric from a name, a config, a function of `(y_true, y_pred)` or a metric object.

    Raises ValueError for an unknown name or another kind of object.
    """
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if isinstance(identifier, type):
        raise ValueError(
            f"Could not interpret metric function identifier: {identifier.__name__} is a class; pass an object of it."
        )
    if callable(identifier):
        return identifier
    raise ValueError(
        f"Could not interpret metric function identifier: {identifier!r}. "
        "Expected a name such as 'accuracy', or a function of (y_true, y_pred)."
    )
