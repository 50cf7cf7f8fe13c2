"""Which variables that backend operations use are one and the same, from the time of a config to the time it is read.

A config holds no variables. It numbers those that belong to operations, and names those that belong to a layer; while
`together()` is open equal numbers stand for one variable, in writing and in reading, nested models included.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from polykeras.runtime.variables import Variable
from polykeras.symbolic.graph import Key

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer

Owners = Mapping[Key, "tuple[Layer, int]"]


class _State(threading.local):
    numbers: dict[Key, int] | None = None
    made: dict[int, Variable] | None = None
    owners: Owners | None = None


_state = _State()


@contextmanager
def together() -> Iterator[None]:
    """Configs that are written or read inside number their variables alike; the outermost call says what is inside."""
    if _state.numbers is not None:
        yield
        return
    _state.numbers, _state.made = {}, {}
    try:
        yield
    finally:
        _state.numbers = _state.made = None


@contextmanager
def described_with(owners: Owners) -> Iterator[None]:
    """Configs that are written inside name the variables that `owners` says belong to a layer."""
    outer = _state.owners
    _state.owners = owners
    try:
        yield
    finally:
        _state.owners = outer


def number_of(variable: Variable) -> int:
    """The number that stands for the variable."""
    assert _state.numbers is not None, "numbers mean something within `together()`"
    return _state.numbers.setdefault(variable.key, len(_state.numbers))


def variable_of(number: int, made: Any) -> Variable:
    """The variable of that number: `made()` if there is none yet."""
    assert _state.made is not None, "numbers mean something within `together()`"
    if number not in _state.made:
        _state.made[number] = made()
    return _state.made[number]


def owner_of(variable: Variable) -> tuple[Layer, int] | None:
    """The layer of which it is a weight, and its place among them; None where none is known."""
    return (_state.owners or {}).get(variable.key)
