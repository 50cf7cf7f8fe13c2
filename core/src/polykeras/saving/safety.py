"""What a file may say, checked before anything is built from it.

Loading never runs code that a file brings or names. Class and function names in a file are looked up in the registries
and in ``custom_objects`` and nowhere else; so there is no list of forbidden names to keep up with. What is left to
check here is the form of a configuration, and the one place where Keras itself put code into files: Lambda layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class UnsafeFileError(ValueError):
    """A file was refused: loading it would run its code, read other files, or take absurd amounts of memory."""


def check_config(config: object, source: str, depth: int, entries: int) -> None:
    """Refuse a configuration that is too deep, too large, malformed, or that carries code.

    ``depth`` and ``entries`` bound nesting and the number of values (aliases in YAML count each time they are met).
    Raises UnsafeFileError for size and code, ValueError for an object whose ``class_name`` is no string or whose
    ``config`` is neither a dictionary nor a list.
    """
    seen = 0
    for path, value in _walk(config, source, depth):
        seen += 1
        if seen > entries:
            raise UnsafeFileError(f"{source}: the configuration has more than {entries:,} values.")
        if isinstance(value, dict) and "class_name" in value:
            _check_object(value, f"{source}: {path or 'the top level'}")


def _walk(config: object, source: str, depth: int) -> Iterator[tuple[str, object]]:
    """Every value with its path, without recursion: the nesting is the file's to choose, the stack is ours."""
    pending: list[tuple[str, int, object]] = [("", 0, config)]
    while pending:
        path, level, value = pending.pop()
        if level > depth:
            raise UnsafeFileError(f"{source}: the configuration is nested deeper than {depth} levels, at {path[:200]}.")
        yield path, value
        if isinstance(value, dict):
            pending.extend((f"{path}.{key}" if path else str(key), level + 1, item) for key, item in value.items())
        elif isinstance(value, (list, tuple)):
            pending.extend((f"{path}[{index}]", level + 1, item) for index, item in enumerate(value))


def _check_object(value: dict[Any, Any], where: str) -> None:
    name = value["class_name"]
    if not isinstance(name, str):
        raise ValueError(f"{where}: class_name should be a string, not {name!r:.80}.")
    config = value.get("config", {})
    if not isinstance(config, (dict, list, tuple)):
        raise ValueError(f"{where}: the config of {name!r} should be a dictionary, not {config!r:.80}.")
    if name == "__lambda__" or (isinstance(config, dict) and _carries_code(config)):
        raise UnsafeFileError(
            f"{where}: {name!r} holds the compiled code of a Python lambda, which is never run. Such code also fits "
            "one Python version only. Build the model in Python, with a named function in place of the lambda, and "
            "take the weights from the file with `load_weights`."
        )


def _carries_code(config: dict[Any, Any]) -> bool:
    """Whether a Lambda layer's configuration holds marshalled code, as Keras writes for anonymous functions."""
    return any(config.get(key) == "lambda" for key in ("function_type", "output_shape_type", "mask_type"))
