"""Spelling aliases: the one mechanism by which a call may be written in another Keras's words.

    @rename(output_dim="units", init="kernel_initializer", bias="use_bias")     # Keras 1: a DeprecationWarning
    @later(learning_rate="lr")                                                  # a later Keras: silent
    def __init__(self, units, ...): ...

`respell` is the general form; `unknown_keyword` makes the error for a name that nothing knows. The decorators that
Keras keeps here (`legacy_get_updates_support`, `legacy_dense_support`) are imported when asked for.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from polykeras.suggest import nearest

Call = TypeVar("Call", bound=Callable[..., Any])
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Conversion = Callable[[tuple[Any, ...], dict[str, Any]], Arguments | None]

_SHOWN = 40
_SUPPORT = ("polykeras.legacy.support", "polykeras.legacy.layer_interfaces")  # core's, and those that layers bring


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module in map(importlib.import_module, _SUPPORT):
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def rename(**names: str) -> Callable[[Call], Call]:
    """Accept Keras 1's keywords (`old="new"`) with a DeprecationWarning that shows the call in today's words."""
    return respell(keras1=names)


def later(**names: str) -> Callable[[Call], Call]:
    """Accept a later Keras's keywords (`new="2.2.4's"`) silently."""
    return respell(later=names)


def respell(
    keras1: Mapping[str, str] | None = None,
    later: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    convert: Conversion | None = None,
    adapt: Conversion | None = None,
) -> Callable[[Call], Call]:
    """Let a callable be called in other spellings.

    keras1:  old keyword -> today's; using it warns.
    later:   a later Keras's keyword -> today's; silent.
    values:  keyword, in today's spelling -> {old value: today's}; using one warns.
    convert: `(args, kwargs) -> (args, kwargs)` for what a table cannot say (`nb_row` and `nb_col` make one
             `kernel_size`); None where there is nothing to convert. Runs first; `args` holds `self`. Warns.
    adapt:   the same for a later Keras's forms; silent.

    Both spellings of one argument in one call are a TypeError.
    """
    old_names, later_names, old_values = dict(keras1 or {}), dict(later or {}), dict(values or {})

    def decorate(function: Call) -> Call:
        @functools.wraps(function)
        def respelled(*args: Any, **kwargs: Any) -> Any:
            if adapt is not None:
                args, kwargs = adapt(args, dict(kwargs)) or (args, kwargs)
            converted = None if convert is None else convert(args, dict(kwargs))
            warn = converted is not None
            args, kwargs = converted or (args, kwargs)
            warn = warn or any(name in old_names for name in kwargs)
            kwargs = _respelled(_owner(function, args), kwargs, {**later_names, **old_names})
            for name, table in old_values.items():
                if name in kwargs and isinstance(kwargs[name], str | bool | int | None) and kwargs[name] in table:
                    kwargs[name] = table[kwargs[name]]
                    warn = True
            if warn:
                owner = _owner(function, args)
                shown = _show_call(owner, _without_self(function, args), kwargs)
                warn_caller(f"Update your `{owner}` call to the Keras 2 API: `{shown}`")
            return function(*args, **kwargs)

        respelled._original_function = function  # type: ignore[attr-defined]
        respelled._spellings = {  # type: ignore[attr-defined]
            **getattr(function, "_spellings", {}),
            **later_names,
            **old_names,
        }
        return respelled  # type: ignore[return-value]

    return decorate


def warn_caller(message: str, category: type[Warning] = DeprecationWarning) -> None:
    """Warn at the line, outside polykeras and its plugins, that made the call."""
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_library(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


def unknown_keyword(name: str, owner: str, known: Iterable[str], what: str = "Keyword argument") -> TypeError:
    """The error for a keyword that `owner` does not take, with the nearest one that it does."""
    names = list(dict.fromkeys(known))
    near = nearest(name, names)
    advice = f"did you mean `{near}`?" if near else f"it takes: {', '.join(names)}"
    return TypeError(f"{what} not understood: `{name}` (in `{owner}`); {advice}")


def keywords(function: Callable[..., Any]) -> list[str]:
    """The names by which a callable's arguments may be given, other spellings included."""
    parameters = inspect.signature(function).parameters.values()
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]
    return named + list(getattr(function, "_spellings", {}))


def _respelled(owner: str, kwargs: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`kwargs` with every name in today's spelling, in the order in which they were given."""
    result: dict[str, Any] = {}
    for name, value in kwargs.items():
        new = names.get(name, name)
        if new in result or (new != name and new in kwargs):
            raise TypeError(f"`{owner}` got `{name}` and `{new}`, two spellings of one argument; give `{new}` only")
        result[new] = value
    return result


def _owner(function: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """What the user thinks of as being called: the class for a constructor, else the function."""
    if function.__name__ == "__init__" and args:
        return type(args[0]).__name__
    return function.__name__


def _without_self(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, ...]:
    first = next(iter(inspect.signature(function).parameters), None)
    return args[1:] if first in ("self", "cls") else args


def _show_call(owner: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    given = [_show(value) for value in args] + [f"{name}={_show(value)}" for name, value in kwargs.items()]
    return f"{owner}({', '.join(given)})"


def _show(value: Any) -> str:
    """A short form of an argument."""
    if isinstance(value, str):
        return f'"{value}"'
    shown = getattr(value, "__name__", None) or repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."


def _is_library(module: str) -> bool:
    return module.partition(".")[0].startswith("polykeras")
