"""Losses from names, configs, functions and objects."""

from __future__ import annotations

from typing import Any

from polykeras import registry
from polykeras.losses.objects import Objective
from polykeras.utils.generic_utils import deserialize_keras_object, serialize_keras_object


def serialize(loss: Any) -> Any:
    """The name of a loss function, or `{"class_name", "config"}` of a loss object."""
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Objective:
    """The loss that `name`, or the config of a loss object, means, from `custom_objects` or the registry.

    The name of a class gives an object of it.
    """
    found: Any = deserialize_keras_object(
        name,
        module_objects=registry.losses,
        custom_objects=custom_objects,
        printable_module_name="loss function",
    )
    made: Objective = found() if isinstance(found, type) else found
    return made


def get(identifier: Any) -> Objective | None:
    """A loss from its name, its config, a function of `(y_true, y_pred)`, a loss object, or `None`."""
    if identifier is None:
        return None
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if isinstance(identifier, type):
        raise ValueError(
            f"Could not interpret loss function identifier: {identifier.__name__} is a class; pass an object of it."
        )
    if callable(identifier):
        return identifier  # type: ignore[no-any-return]
    raise ValueError(
        f"Could not interpret loss function identifier: {identifier!r}. "
        "Expected a name such as 'mse', or a function of (y_true, y_pred)."
    )
