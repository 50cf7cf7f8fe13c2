"""Running scan and cond: their bodies are executables whose temporaries lie in the step's scratch memory."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from polykeras.runtime.program import Program, Step, Value
from polykeras.symbolic.ops.control import SCAN

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend, Kernel
    from polykeras.runtime.executable import Executable


def kernel(step: Step, backend: Backend) -> Kernel | None:
    """What the planner needs to know of a control op; None for other ops."""
    if not step.bodies:
        return None
    from polykeras.runtime.backend import Kernel

    needs = [body_executable(p, backend).plan.arena for p in step.bodies]
    return Kernel(_unbound, into=True, workspace=max(needs))


def _unbound(*arrays: Any) -> Any:
    raise AssertionError("a control op runs bound to memory")


def body_executable(program: Program, backend: Backend) -> Executable:
    """The executable of a body, made once for a backend: it does not depend on a loop's length."""
    cache: weakref.WeakKeyDictionary[Program, Executable] = backend.bodies
    found = cache.get(program)
    if found is None:
        found = cache[program] = backend.compile(program)
    return found


def bind(step: Step, backend: Backend, block: Any, offset: int) -> Callable[..., Any]:
    """The step as a function of its arrays, then of the arrays for its results (None: not needed, or to be made)."""
    bodies = [body_executable(p, backend) for p in step.bodies]
    runs = [body.bind(block, offset, raw=True) for body in bodies]
    call = _Scan(step, backend, runs[0]).run if step.op is SCAN else _Cond(step, backend, runs).run
    return functools.partial(_explained, call, bodies)


def _explained(call: Callable[..., Any], bodies: list[Executable], *arrays: Any) -> Any:
    try:
        return call(*arrays)
    except Exception as error:
        for body in bodies:
            error = body.explain(error)
        raise error from None


class _Scan:
    """A loop over steps. States that somebody wants from every step are kept in the stack itself."""

    def __init__(self, step: Step, backend: Backend, body: Callable[..., Any]):
        self.body = body
        self.backend = backend
        self.states = step.attrs["states"]
        self.sequences = step.attrs["sequences"]
        self.reverse = step.attrs["reverse"]
        self.fixed_length = step.args[0] if isinstance(step.args[0], int) else None
        self.outs = step.outs
        self.positions = backend.asarray([], "int64")

    def run(self, *arrays: Any) -> Any:
        arrays, results = arrays[: -len(self.outs)], list(arrays[-len(self.outs) :])
        if self.fixed_length is None:
            n, arrays = arrays[0], arrays[1:]
        else:
            n = self.fixed_length
        s, q = self.states, self.sequences
        starts, sequences, captures = arrays[:s], arrays[s : s + q], arrays[s + q :]
        for i, (value, array) in enumerate(zip(self.outs, results, strict=True)):
            if array is None and value.kind != "unused":
                results[i] = self._make(value, n)
        backend = self.backend
        copy, row, count = backend.copy, backend.row, len(self.outs) - 2 * s
        finals, stacks, entering = results[:s], results[s : s + count], results[s + count :]
        finals = [backend.empty(a.shape, str(a.dtype)) if f is None else f for f, a in zip(finals, starts, strict=True)]
        current = list(starts)
        order = range(n - 1, -1, -1) if self.reverse else range(n)
        body, positions = self.body, self._positions(n)
        kept = [(i, e) for i, e in enumerate(entering) if e is not None]
        wanted = [(s + i, y) for i, y in enumerate(stacks) if y is not None]
        for t in order:
            for i, rows in kept:
                place = row(rows, t)
                copy(current[i], place)
                current[i] = place
            made = body(row(positions, t), *current, *[row(x, t) for x in sequences], *captures)
            for i, rows in wanted:
                copy(made[i], row(rows, t))
            for i in range(s):
                copy(made[i], finals[i])
                current[i] = finals[i]
        if not n:
            for start, final in zip(starts, finals, strict=True):
                copy(start, final)
        return tuple(results) if len(results) != 1 else results[0]

    def _positions(self, n: int) -> Any:
        """0, 1, ... as an array of the backend, of n elements at least."""
        if n > self.positions.shape[0]:
            self.positions = self.backend.asarray(list(range(n)), "int64")
        return self.positions

    def _make(self, value: Value, n: int) -> Any:
        dims = value.spec.shape or ()
        sizes = [n if i == 0 and dim is None else dim for i, dim in enumerate(dims)]
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            raise ValueError("a loop whose results' sizes depend on computed data cannot be stacked")
        return self.backend.empty(tuple(known), value.spec.dtype)


class _Cond:
    """One of two bodies."""

    def __init__(self, step: Step, backend: Backend, bodies: list[Callable[..., Any]]):
        self.then, self.orelse = bodies
        self.count = 1 + len(step.bodies[0].inputs)
        self.outs = step.outs
        self.backend = backend

    def run(self, *arrays: Any) -> Any:
        arrays, results = arrays[: -len(self.outs)], list(arrays[-len(self.outs) :])
        taken = self.backend.truth(arrays[0])
        made = self.then(*arrays[1 : self.count]) if taken else self.orelse(*arrays[self.count :])
        for i, (value, array) in enumerate(zip(self.outs, made, strict=True)):
            if value.kind == "unused":
                continue
            if results[i] is None:
                results[i] = self.backend.fresh(array)
            else:
                self.backend.copy(array, results[i])
        return tuple(results) if len(results) != 1 else results[0]
