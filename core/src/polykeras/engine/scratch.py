"""Calls of layers that leave no trace: how output shapes are found by running the rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _State(threading.local):
    on = False


_state = _State()


def in_scratch() -> bool:
    """Whether calls of layers are only rehearsed here: no nodes, no losses, no updates are kept."""
    return _state.on


@contextmanager
def scratch(on: bool = True) -> Iterator[None]:
    """Rehearse the calls inside. `scratch(False)` lets what is made for good (weights) be kept even there."""
    outer = _state.on
    _state.on = on
    try:
        yield
    finally:
        _state.on = outer
