"""What a file may say, checked before anything is built from it.

Loading never runs code that a file brings or names. Class and function names in a file are looked up in the registries
and in ``custom_objects`` and nowhere else; so there is no list of forbidden names to keep up with. What is left to
check here is the form of a configuration, and the one place where Keras itself put code into files: Lambda layers.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

_MODELS = ("Model", "Network", "Sequential")


class UnsafeFileError(ValueError):
    """A file was refused: loading it would run its code, read other files, or take absurd amounts of memory."""


def check_config(
    config: object, source: str, depth: int, entries: int, replaced: Container[object] = frozenset()
) -> None:
    """Refuse a configuration that is too deep, too large, malformed, or that carries code.

    ``depth`` and ``entries`` bound nesting and the number of values (aliases in YAML count each time they are met);
    ``replaced`` holds the names of Lambda layers for which the caller has functions, so that theirs are not needed.
    Raises UnsafeFileError for size and code, ValueError for an object whose ``class_name`` is no string or whose
    ``config`` is neither a dictionary nor a list.
    """
    for count, place in enumerate(_walk(config), start=1):
        if count > entries:
            raise UnsafeFileError(f"{source}: the configuration has more than {entries:,} values.")
        if place.depth > depth:
            raise UnsafeFileError(f"{source}: the configuration is nested deeper than {depth} levels, at {place}.")
        if isinstance(place.value, dict) and "class_name" in place.value:
            _check_object(place.value, f"{source}, {place}", replaced)


class _Place(NamedTuple):
    """A value in a configuration. Paths are spelt out only for errors: their length is the file's to choose."""

    value: object
    depth: int = 0
    key: object = None
    parent: _Place | None = None

    def __str__(self) -> str:
        keys: list[str] = []
        place = self
        while place.parent is not None:
            keys.append(f"[{place.key}]" if isinstance(place.key, int) else f".{place.key:.40}")
            place = place.parent
        return "".join(reversed(keys)).lstrip(".")[:200] or "the top level"


def _walk(config: object) -> Iterator[_Place]:
    """Every value, parents first, without recursion: the nesting is the file's to choose, the stack is ours."""
    pending = [_Place(config)]
    while pending:
        place = pending.pop()
        yield place
        value, inner = place.value, place.depth + 1
        if isinstance(value, dict):
            pending.extend(_Place(item, inner, str(key), place) for key, item in value.items())
        elif isinstance(value, (list, tuple)):
            pending.extend(_Place(item, inner, index, place) for index, item in enumerate(value))


def _check_object(value: dict[Any, Any], where: str, replaced: Container[object]) -> None:
    name = value["class_name"]
    if not isinstance(name, str):
        raise ValueError(f"{where}: class_name should be a string, not {name!r:.80}.")
    config = value.get("config", {})
    if not isinstance(config, (dict, list, tuple)):
        raise ValueError(f"{where}: the config of {name!r} should be a dictionary, not {config!r:.80}.")
    if name in _MODELS:
        _check_layers(name, config, where)
    if name == "__lambda__" or (isinstance(config, dict) and _carries_code(config)):
        layer = config.get("name") if isinstance(config, dict) else None
        if not isinstance(layer, str):
            raise UnsafeFileError(f"{where}: {name!r} holds the compiled code of a function, which is never run.")
        if layer not in replaced:
            raise UnsafeFileError(
                f"{where}: the layer {layer!r} holds the compiled code of a function, which is never run (it also fits "
                f"one Python version only). Write the function anew: custom_objects={{{layer!r}: function}}."
            )


def _check_layers(name: str, config: Any, where: str) -> None:
    """Refuse a model whose layers are no list of descriptions of layers."""
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(layers, (list, tuple)):
        raise ValueError(f"{where}: the layers of {name!r} should be a list, not {layers!r:.80}.")
    for index, layer in enumerate(layers):
        if not isinstance(layer, dict) or not {"class_name", "config"} <= layer.keys():
            raise ValueError(
                f"{where}: layer {index} of {name!r} should be a dictionary with the keys 'class_name' and 'config', "
                f"not {layer!r:.80}."
            )


def _carries_code(config: dict[Any, Any]) -> bool:
    """Whether a Lambda layer's configuration holds marshalled code, as Keras writes it, and no function's name."""
    return any(
        config.get(f"{part}_type") == "lambda" and not isinstance(config.get(part), str)
        for part in ("function", "output_shape", "mask")
    )
