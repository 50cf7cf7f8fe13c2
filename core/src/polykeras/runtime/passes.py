"""What every backend does to a program before its own passes: fold batch normalisation, lower what has no kernel,
flatten the updates, take out what depends on variables alone, run the plugins' passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from polykeras import config
from polykeras.runtime.program import Program
from polykeras.runtime.rewrite.derive import derive
from polykeras.runtime.rewrite.flat import flatten
from polykeras.runtime.rewrite.fold import fold
from polykeras.runtime.rewrite.lowering import lower

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend


def prepare(program: Program, backend: Backend) -> Program:
    """A copy of the program that `backend` can run and its passes may change.

    Steps and values are shared with the original: a pass replaces them and does not change them.
    """
    from polykeras import plugins

    program = program.copy()
    rewrites = config.inference_rewrites()
    if rewrites:
        fold(program)
    lower(program, backend.supports)
    flatten(program)
    if rewrites:
        backend.arrange(program)
        derive(program, backend)

    changes: list[Callable[[Program], Program | None]] = []

    def register(change: Callable[[Program], Program | None]) -> None:
        if not callable(change):
            raise TypeError(f"a pass is a function of a program, got {change!r}")
        changes.append(change)

    plugins.call("polykeras_passes", backend_name=backend.name, register=register)
    for change in changes:
        changed = change(program)
        if changed is not None:
            if not isinstance(changed, Program):
                raise TypeError(
                    f"a pass returns a program, or None if it changed the given one; {change!r} gave {changed!r}"
                )
            program = changed
    return program
