"""How Keras lets a user say which object is meant: by name, config, class, factory or the object itself."""

from __future__ import annotations

import inspect
from typing import Any

from polykeras.registry import Registry
from polykeras.utils.generic_utils import deserialize_keras_object


def resolve(identifier: Any, registered: Registry, kind: str) -> Any:
    """The object that `identifier` means.

    identifier: a name among the custom objects or in `registered`; a config, ``{"class_name": ..., "config": {...}}``;
                a class or a factory (a function that needs no arguments, like ``glorot_uniform``), which is called;
                or anything else that can be called, which is taken as it is.
    kind:       what is looked for, for errors.
    Raises ValueError where the name is unknown or the identifier is of none of these kinds.
    """
    if isinstance(identifier, dict):
        return revive(identifier, registered, kind)
    if isinstance(identifier, str):
        found = deserialize_keras_object(identifier, module_objects=registered, printable_module_name=kind)
        return _made(found)
    if callable(identifier):
        return _made(identifier)
    raise ValueError(
        f"Could not interpret {kind} identifier: {identifier!r} (a {type(identifier).__name__}). "
        f"Expected a name, a config dict, an instance, a class or a function."
    )


def revive(config: Any, registered: Registry, kind: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The object that a config describes. A function may be written as its bare name."""
    found = deserialize_keras_object(
        config, module_objects=registered, custom_objects=custom_objects, printable_module_name=kind
    )
    return _made(found) if isinstance(config, str) else found


def _made(found: Any) -> Any:
    """An instance from a class or a factory; all else as it is."""
    if inspect.isclass(found) or (inspect.isfunction(found) and _needs_nothing(found)):
        return found()
    return found


def _needs_nothing(function: Any) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return all(p.default is not p.empty or p.kind in variadic for p in parameters)
