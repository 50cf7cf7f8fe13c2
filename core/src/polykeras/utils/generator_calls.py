"""A generator as the call that made it: a process can be sent a call, and make the generator itself."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any, NamedTuple

__all__ = ["GeneratorCall", "call_of"]


class GeneratorCall(NamedTuple):
    """A generator function, and the arguments that it was called with."""

    function: Callable[..., Iterator[Any]]
    positional: tuple[Any, ...]
    named: dict[str, Any]

    def generator(self) -> Iterator[Any]:
        """The generator, made anew."""
        return self.function(*self.positional, **self.named)


def call_of(source: Any) -> GeneratorCall | None:
    """The call that made a generator which has not begun yet, of a function that is found by its name; else None."""
    if not isinstance(source, GeneratorType) or inspect.getgeneratorstate(source) != inspect.GEN_CREATED:
        return None
    code, frame = source.gi_code, source.gi_frame
    assert frame is not None  # it has not ended
    values = dict(frame.f_locals)
    function = _found(frame.f_globals.get("__name__"), source.__qualname__)
    if function is None or getattr(function, "__code__", None) is not code:
        return None
    count, named_count = code.co_argcount, code.co_kwonlyargcount
    names = list(code.co_varnames)
    positional = [values[name] for name in names[:count]]
    named = {name: values[name] for name in names[count : count + named_count]}
    rest = names[count + named_count :]
    if code.co_flags & inspect.CO_VARARGS:
        positional += values[rest.pop(0)]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        named |= values[rest.pop(0)]
    return GeneratorCall(function, tuple(positional), named)


def _found(module: Any, path: str) -> Any:
    """What a module has at a dotted path, or None."""
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found
