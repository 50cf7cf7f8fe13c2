"""Configs for layers that define none: the arguments of the constructor, kept and given back.

A class whose `__init__` is newer than its `get_config` (its own or a base's) would otherwise be saved without the
arguments that it needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

Made = TypeVar("Made")

BASE_KEYWORDS = (
    "input_shape",
    "batch_input_shape",
    "batch_size",
    "dtype",
    "name",
    "trainable",
    "weights",
    "input_dtype",
)


def defines_constructor_last(cls: type) -> bool:
    """Whether the class's `__init__` is newer than its `get_config`, which then cannot know its arguments."""
    order = {name: next(i for i, c in enumerate(cls.__mro__) if name in vars(c)) for name in ("__init__", "get_config")}
    return order["__init__"] < order["get_config"]


def captured_arguments(cls: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's arguments by name, defaults filled in, without the keywords that every layer takes.

    Layers, initializers and whatever else has a `get_config` become `{"class_name", "config"}`.
    """
    spellings = getattr(cls.__init__, "_spellings", {})  # type: ignore[misc]
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    bound = signature.bind(None, *args, **{spellings.get(name, name): value for name, value in kwargs.items()})
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            found[name] = value
    return {name: _described(value) for name, value in found.items() if name not in BASE_KEYWORDS}


def construct(cls: type[Made], config: Mapping[str, Any]) -> Made:
    """The object that a config with captured arguments describes.

    What every layer has (name, trainable, ...) is set afterwards where the constructor does not take it.
    """
    parameters = inspect.signature(cls.__init__).parameters.values()
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    taken = {p.name for p in parameters}
    given = {k: _revived(v) for k, v in config.items() if takes_all or k in taken or k not in BASE_KEYWORDS}
    made = cls(**given)
    for name in config:
        if name not in given:
            setattr(made, name, config[name])
    return made


def _described(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_described, value)) if type(value) in (list, tuple) else value
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    return value


def _revived(value: Any) -> Any:
    """A layer from its description; anything else as it is: constructors take names and dicts for the rest."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(map(_revived, value))
    if isinstance(value, Mapping) and set(value) == {"class_name", "config"} and _is_layer_name(value["class_name"]):
        from polykeras import layers

        return layers.deserialize(dict(value))
    return value


def _is_layer_name(name: Any) -> bool:
    from polykeras import registry
    from polykeras.utils.generic_utils import get_custom_objects

    custom = get_custom_objects().get(name)
    return name in registry.layers if custom is None else hasattr(custom, "compute_output_shape")
