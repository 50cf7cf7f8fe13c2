"""Configurations as JSON text, both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from polykeras.saving.limits import current_limits
from polykeras.saving.safety import UnsafeFileError, check_config
from polykeras.utils.generic_utils import get_custom_objects


def dumps(config: object, **options: Any) -> str:
    """JSON of a configuration; ``options`` go to ``json.dumps``. Raises TypeError, with the place, for odd objects."""
    return json.dumps(plain(config), **options)


def loads(text: str | bytes, source: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The configuration in a JSON text from outside: bounded in size and depth, checked, arrays restored.

    Raises ValueError (UnsafeFileError where limits are exceeded or code is carried), naming ``source``.
    """
    check_length(text, source)
    try:
        config = json.loads(text)
    except RecursionError:
        raise UnsafeFileError(f"{source}: the JSON is nested too deep.") from None
    except ValueError as error:
        raise ValueError(f"{source} is no JSON: {error}") from None
    return checked(config, source, custom_objects)


def check_length(text: str | bytes, source: str) -> None:
    """Refuse a text that is longer than the limits allow, before it is parsed."""
    allowed = current_limits().text_bytes
    if len(text) > allowed:
        raise UnsafeFileError(
            f"{source} is {len(text):,} characters long; {allowed:,} are allowed "
            "(`polykeras.saving.limits(text_bytes=...)` changes that)."
        )


def checked(config: object, source: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A parsed configuration, checked against the limits and for code, with its arrays restored."""
    bounds = current_limits()
    check_config(config, source, bounds.depth, bounds.entries, {*get_custom_objects(), *(custom_objects or {})})
    return _with_arrays(config)


def plain(value: Any, path: str = "") -> Any:
    """The same value made of what JSON has, and of tuples.

    NumPy scalars become numbers; arrays ``{"type": "ndarray", "value": [...]}``; objects with ``get_config``
    ``{"class_name", "config"}``; functions and classes their names.
    """
    if isinstance(value, np.generic):  # Before the numbers: float64 is a float to Python, and prints as one of NumPy's.
        return value.item()
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: plain(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, np.ndarray):
        return {"type": "ndarray", "value": value.tolist()}
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": type(value).__name__, "config": plain(value.get_config(), path)}
    name = getattr(value, "__name__", None)
    if callable(value) and isinstance(name, str):
        return name
    raise TypeError(
        f"Not JSON Serializable: {path or 'the value'} is {value!r:.200}, a {type(value).__name__}. A configuration is "
        "made of numbers, strings, lists, dictionaries, arrays, named functions, and objects with get_config."
    )


def _with_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"type", "value"} and value["type"] == "ndarray":
            array = np.asarray(value["value"])
            return array if array.ndim else array.item()
        return {key: _with_arrays(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_arrays(item) for item in value]
    if isinstance(value, tuple):
        return tuple(_with_arrays(item) for item in value)
    return value
