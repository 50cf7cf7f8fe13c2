"""What depends on variables alone is taken out of the program and becomes derived values (`runtime.derived`).

Only where the program itself does not write these variables: in training the values would be new at every call.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from polykeras.runtime.derived import shared
from polykeras.runtime.program import Argument, Program, ShapeOf, SizeOf, Step, Value
from polykeras.runtime.variables import FlatStorage
from polykeras.runtime.views import VIEW_OPS

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend

# A derived value may be so many times as large as the variables that it is made of (a kernel that is transformed for
# Winograd's products is 4 times as large at most), or as this many elements.
GROWTH, SMALL = 4, 1 << 12


def fixed_values(program: Program) -> set[Value]:
    """The values that depend on constants and on variables that the program does not write."""
    written = {part for w in program.writes for part in getattr(w.storage, "parts", (w.storage,))}
    fixed = {v for v in program.values if v.kind == "const"}
    fixed |= {v for v in program.reads if v.source not in written and not isinstance(v.source, FlatStorage)}
    for step in (*program.constants, *program.steps):
        if all(v in fixed for v in step.ins) and _repeatable(step):
            fixed.update(step.outs)
    return fixed


def _repeatable(step: Step) -> bool:
    return not (step.op.random or step.op.effect or step.bodies or step.host or step.allocates or step.dynamic)


def derive(program: Program, backend: Backend) -> None:
    """Take out, in place, what the fed values do not change."""
    if not program.inputs:
        return
    work = _Derivation(program, backend)
    if work.fixed_steps:
        work.run()


class _Derivation:
    def __init__(self, program: Program, backend: Backend):
        self.program = program
        self.backend = backend
        fixed = fixed_values(program)
        self.fixed_steps = {s for s in program.steps if s.outs and all(v in fixed for v in s.outs)}
        self.maker = {out: s for s in (*program.constants, *self.fixed_steps) for out in s.outs}
        self.keys: dict[Value, Hashable] = {}
        self.replaced: dict[Value, Value] = {}
        self.kept: set[Step] = set()

    def run(self) -> None:
        program = self.program
        for value in (*program.outputs, *[w.value for w in program.writes]):
            self._keep(value)
        for step in program.steps:
            if step not in self.fixed_steps:
                for value in step.ins:
                    self._need(value)
        program.steps = [self._renamed(s) for s in program.steps if s not in self.fixed_steps or s in self.kept]
        program.reads = [*program.reads, *self.replaced.values()]
        used = {v for s in program.steps for v in s.ins} | {w.value for w in program.writes} | set(program.outputs)
        program.reads = [v for v in program.reads if v in used]

    def _need(self, value: Value) -> None:
        """A step that stays reads the value: derive it, unless it is a view of something or grows too large."""
        step = self.maker.get(value)
        if value in self.replaced or step not in self.fixed_steps:
            return
        recipe = self._recipe(value)
        size = sum(v.spec.size for v in {v for s in recipe for v in s.ins} if v.kind == "variable")
        if step.op.name in VIEW_OPS or len(step.outs) > 1 or value.spec.size > max(GROWTH * size, SMALL) or not size:
            self._keep(value)
            return
        derived = shared(self._key(value), recipe, value, self.backend)
        self.replaced[value] = self.program.new_value(value.spec, "variable", derived)

    def _keep(self, value: Value) -> None:
        """The step that makes the value stays."""
        step = self.maker.get(value)
        if step in self.fixed_steps and step not in self.kept:
            self.kept.add(step)
            for read in step.ins:
                self._need(read)

    def _recipe(self, value: Value) -> list[Step]:
        """The steps that lead to the value from variables and constants."""
        found: set[Step] = set()
        pending = [value]
        while pending:
            step = self.maker.get(pending.pop())
            if step is not None and step not in found:
                found.add(step)
                pending += step.ins
        return [s for s in (*self.program.constants, *self.program.steps) if s in found]

    def _key(self, value: Value) -> Hashable:
        """What equal expressions have in common."""
        key = self.keys.get(value)
        if key is None:
            key = self.keys[value] = self._made_key(value)
        return key

    def _made_key(self, value: Value) -> Hashable:
        step = self.maker.get(value)
        if step is None:
            payload = value.source
            if value.kind == "variable":
                return "variable", payload.serial
            number = isinstance(payload, bool | int | float | tuple)
            return "const", value.spec.dtype, type(payload), repr(payload) if number else id(payload)
        arguments = tuple([self._key(a) if isinstance(a, Value) else a for a in step.args])
        attributes = tuple(step.attrs.items())
        try:
            hash(attributes)
        except TypeError:  # such a step is like no other
            return id(step), step.outs.index(value)
        return step.op, attributes, arguments, value.spec.shape, step.outs.index(value)

    def _renamed(self, step: Step) -> Step:
        if not any(v in self.replaced for v in step.ins):
            return step
        args = [self._renamed_argument(a) for a in step.args]
        return Step(step.op, args, step.outs, step.attrs, step.node, step.bodies, step.host)

    def _renamed_argument(self, argument: Argument) -> Argument:
        if isinstance(argument, Value):
            return self.replaced.get(argument, argument)
        if isinstance(argument, ShapeOf | SizeOf):
            return type(argument)(self.replaced.get(argument.value, argument.value))
        return argument
