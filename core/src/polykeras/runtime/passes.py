"""What every backend does to a program before its own passes: lower what has no kernel, flatten the updates,
run the plugins' passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polykeras.runtime.program import Program
from polykeras.runtime.rewrite.flat import flatten
from polykeras.runtime.rewrite.lowering import lower

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend


def prepare(program: Program, backend: Backend) -> Program:
    """A copy of the program that `backend` can run and its passes may change.

    Steps and values are shared with the original: a pass replaces them and does not change them.
    """
    from polykeras import plugins

    program = program.copy()
    lower(program, backend.supports)
    flatten(program)

    def register(change: object) -> None:
        if not callable(change):
            raise TypeError(f"a pass is a function of a program, got {change!r}")
        change(program)

    plugins.call("polykeras_passes", backend_name=backend.name, register=register)
    return program
