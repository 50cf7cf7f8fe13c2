"""What Keras keeps beside graphs: names, counters, the learning phase."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from polykeras.runtime import select
from polykeras.symbolic.graph import Tensor, outside_traces
from polykeras.symbolic.op import placeholder
from polykeras.symbolic.spec import Spec

_uids: defaultdict[str, int] = defaultdict(int)
_names: dict[str, int] = {}
_manual = False


class _Scopes(threading.local):
    path = ""


_scopes = _Scopes()
_phase: Tensor | int | None = None


def backend() -> str:
    """The name of the backend in use."""
    return select.why().name


def get_uid(prefix: str = "") -> int:
    """1, 2, ... at each call with the same prefix."""
    _uids[prefix] += 1
    return _uids[prefix]


def reset_uids() -> None:
    """Let every prefix count from 1 again."""
    _uids.clear()


def clear_session() -> None:
    """Forget names, counters and the learning phase: what is built next is named as in a new process.

    Models that still exist keep working; graphs are not kept anywhere, so those that nobody refers to are gone.
    """
    global _phase
    reset_uids()
    _names.clear()
    _phase = None


def manual_variable_initialization(value: bool) -> None:
    """Kept for old scripts: variables are given their initial values when these are first needed."""
    global _manual
    _manual = bool(value)


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Variables made inside are named `name/...`. A name that was used before gets a number, as in TensorFlow."""
    outer = _scopes.path
    _scopes.path = unique_name(name) + "/"
    try:
        yield _scopes.path
    finally:
        _scopes.path = outer


def unique_name(name: str) -> str:
    """`name` below the open scopes, made unique by a number."""
    full = _scopes.path + name
    count = _names.get(full, 0)
    _names[full] = count + 1
    if not count:
        return full
    candidate = f"{full}_{count}"
    while candidate in _names:
        count += 1
        candidate = f"{full}_{count}"
    _names[full] = count + 1
    _names[candidate] = 1
    return candidate


def learning_phase() -> Tensor | int:
    """The flag of training (1) or test (0): the number that was set, else a placeholder, 0 if not fed.   -> ()"""
    global _phase
    if _phase is None:
        with outside_traces():  # a loop's step may be the first to ask
            _phase = placeholder(Spec((), "bool"), name="keras_learning_phase", default=False)
    return _phase


def set_learning_phase(value: int) -> None:
    """Fix the learning phase of what is built from now on: 0 (test) or 1 (training)."""
    global _phase
    if value not in (0, 1):
        raise ValueError(f"the learning phase is 0 (test) or 1 (training), got {value!r}")
    _phase = int(value)


def get_session() -> NoReturn:
    """There are no sessions: an error that says what takes their place."""
    raise RuntimeError(
        "there is no TensorFlow and no session here; evaluate with K.function, K.eval or K.get_value, "
        "and set variables with K.set_value"
    )


def set_session(session: Any) -> NoReturn:
    """There are no sessions: an error that says what takes their place."""
    get_session()
