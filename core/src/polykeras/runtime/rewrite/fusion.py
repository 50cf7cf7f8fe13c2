"""Fusion: elementwise steps of one shape become one step, so that what passes between them needs no memory.

A backend calls `fuse` on its copy of a program, before it is planned. A fused step is elementwise like its parts: it
may write into an operand's memory, so its kernel reads all operands of an element before it stores a result there.

Which steps meet: the program is cut into units, at first of one step each. Every unit has a level, and every unit that
reads another has a higher one; a step joins a unit, or joins several into one, only where that stays so. Hence no two
units wait for each other, and any order by need is right. A level costs a comparison an operand: the pass is linear.

What it costs in memory: a unit runs where its last step stood, or where its first reader stands if that is earlier.
Steps that stand close together may always meet. Others meet where no more has to be kept in between than before:
waiting keeps the unit's operands, running early keeps the step's result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from polykeras.runtime.program import Program, Step, Value
from polykeras.symbolic.op import Op
from polykeras.symbolic.spec import Spec

# Steps at most this far apart in the program count as close; the parts of one fused step at most.
NEAR = 16
PARTS = 40
_FREE = 1 << 60

Test = Callable[[Step], bool]


class Part(NamedTuple):
    """One op of a fused step. Registers number the operands first, then the parts' results.

    args:  registers.
    dtype: of the result.
    """

    op: str
    args: tuple[int, ...]
    attrs: dict[str, Any]
    dtype: str


class Group(NamedTuple):
    """What a fused step computes, without any size.

    operands: their dtypes.
    parts:    in order.
    results:  the registers that are the step's results.
    """

    operands: tuple[str, ...]
    parts: tuple[Part, ...]
    results: tuple[int, ...]

    def __repr__(self) -> str:
        n = len(self.operands)
        lines = [f"r{n + i} = {p.op}({', '.join(f'r{a}' for a in p.args)})" for i, p in enumerate(self.parts)]
        return f"{'; '.join(lines)} -> {', '.join(f'r{r}' for r in self.results)}"


def _fused(*operands: Spec, group: Group, shape: tuple[int, ...]) -> tuple[Spec, ...]:
    """Several elementwise ops in one."""
    dtypes = (*group.operands, *[p.dtype for p in group.parts])
    return tuple([Spec(shape, dtypes[r]) for r in group.results])


FUSED = Op(_fused, name="fused", elementwise=True)


def fuse(program: Program, accepts: Test, alone: Test | None = None) -> None:
    """Replace, in place, groups of steps by fused steps.

    accepts: may this elementwise step become a part?
    alone:   is it worth a fused step of its own, where nothing joins it?
    """
    _Fuser(program, accepts, alone).run()


class _Unit:
    """Steps that will run together.

    level:   above those of all units that it reads.
    ceiling: below the levels of all units that read it.
    last:    the position of its last step.
    dying:   how many operands of its size nothing reads after it.
    after:   a unit that must run before it, besides those it reads.
    """

    __slots__ = ("members", "level", "ceiling", "last", "dying", "after", "shape", "merged", "done")

    def __init__(self, position: int, level: int, shape: tuple[Any, ...] | None, dying: int, after: _Unit | None):
        self.members = [position]
        self.level = level
        self.ceiling = _FREE
        self.last = position
        self.dying = dying
        self.after = after
        self.shape = shape
        self.merged: _Unit | None = None
        self.done = False


def _found(unit: _Unit) -> _Unit:
    """The unit that this one has become part of."""
    while unit.merged is not None:
        if unit.merged.merged is not None:
            unit.merged = unit.merged.merged
        unit = unit.merged
    return unit


def _may_meet(step: Step) -> bool:
    if not step.elementwise or step.host or step.bodies or step.dynamic or step.allocates:
        return False
    return all(v.spec.concrete for v in step.ins)


class _Fuser:
    def __init__(self, program: Program, accepts: Test, alone: Test | None):
        self.program = program
        self.alone = alone
        self.steps = program.steps
        self.accepted = [_may_meet(s) and accepts(s) for s in self.steps]
        self.owner: dict[Value, _Unit] = {}
        self.units: list[_Unit] = []
        self.scalars: dict[tuple[str, Any], Value] = {}
        self.plain: dict[Value, Value] = {}
        self.last_use: dict[Value, int] = {}
        self.read: set[Value] = set()

    def run(self) -> None:
        self._find_plain()
        operands = [
            [self.plain.get(v, v) for v in s.ins] if ok else s.ins
            for s, ok in zip(self.steps, self.accepted, strict=True)
        ]
        for i, values in enumerate(operands):
            for v in values:
                self.last_use[v] = i
        end = len(self.steps)
        self.last_use.update((v, end) for v in (*self.program.outputs, *[w.value for w in self.program.writes]))
        effect: _Unit | None = None
        for i, (step, values) in enumerate(zip(self.steps, operands, strict=True)):
            ordered = step.host or step.op.effect
            unit = self._place(i, step, values, effect if ordered else None)
            if ordered:
                effect = unit
        self._emit(operands)

    # -- broadcasts and fills, which a fused step needs not see ------------------------------------------------------

    def _find_plain(self) -> None:
        """For values that only repeat another one's elements: that one, of fewer elements."""
        for step in (*self.program.constants, *self.steps):
            if step.dynamic or step.allocates:
                continue
            name, out = step.op.name, step.outs[0]
            if name == "broadcast_to" and isinstance(step.args[0], Value):
                self.plain[out] = self.plain.get(step.args[0], step.args[0])
            elif name == "fill_like":
                self.plain[out] = self._scalar(step.attrs["value"], out.spec.dtype)

    def _scalar(self, number: Any, dtype: str) -> Value:
        key = dtype, repr(number)
        if key not in self.scalars:
            self.scalars[key] = self.program.new_value(Spec((), dtype), "const", number)
        return self.scalars[key]

    # -- units -------------------------------------------------------------------------------------------------------

    def _place(self, i: int, step: Step, operands: list[Value], after: _Unit | None) -> _Unit:
        """Find or make the unit of step `i`."""
        read: dict[_Unit, list[Value]] = {}
        for v in operands:
            if v in self.owner:
                read.setdefault(_found(self.owner[v]), []).append(v)
        shape = step.outs[0].spec.shape if self.accepted[i] else None
        unit = self._joined(i, read, shape) if shape is not None else None
        dying = 0
        if shape is not None:
            for v in set(operands):
                if v.kind == "temp" and self.last_use[v] == i and v.spec.shape == shape:
                    dying += not (v in self.owner and _found(self.owner[v]) is unit)
        if unit is None:
            level = max((u.level + 1 for u in read), default=0)
            if after is not None:
                level = max(level, _found(after).level + 1)
            unit = _Unit(i, level, shape, dying, after)
        else:
            unit.members.append(i)
            unit.last = i
            unit.dying += dying
        for u in read:
            u = _found(u)
            if u is not unit:
                u.ceiling = min(u.ceiling, unit.level - 1)
        if after is not None:
            _found(after).ceiling = min(_found(after).ceiling, unit.level - 1)
        self.units.append(unit)
        for out in step.outs:
            self.owner[out] = unit
        return unit

    def _joined(self, i: int, read: dict[_Unit, list[Value]], shape: tuple[Any, ...]) -> _Unit | None:
        """The unit that step `i` joins: several that it reads, merged, or one of them."""
        fitting = [u for u, values in read.items() if u.shape == shape and self._cheap(i, u, values)]
        for chosen in (fitting, *[[u] for u in fitting]) if len(fitting) > 1 else [fitting] if fitting else ():
            if sum(len(u.members) for u in chosen) >= PARTS:
                continue
            level = max(*[u.level for u in chosen], *[u.level + 1 for u in read if u not in chosen], 0)
            if level <= min(u.ceiling for u in chosen):
                return self._merge(chosen, level)
        return None

    def _cheap(self, i: int, unit: _Unit, values: list[Value]) -> bool:
        if i - unit.last <= NEAR:
            return True
        if unit.ceiling == _FREE:
            return unit.dying <= 1
        return any(self.last_use[v] == i for v in values)

    def _merge(self, units: list[_Unit], level: int) -> _Unit:
        unit = max(units, key=_size)
        for other in units:
            if other is not unit:
                unit.members += other.members
                unit.last = max(unit.last, other.last)
                unit.ceiling = min(unit.ceiling, other.ceiling)
                unit.dying += other.dying
                other.merged = unit
        unit.level = level
        return unit

    # -- the new steps -----------------------------------------------------------------------------------------------

    def _emit(self, operands: list[list[Value]]) -> None:
        order = list(self._order(operands))
        fused = {u for u in order if u.shape is not None and (len(u.members) > 1 or self._alone(u))}
        plain = self._unread_plain(order, fused, operands)
        wanted: set[Value] = {*self.program.outputs, *[w.value for w in self.program.writes]}
        steps = []
        for u in reversed(order):
            if u not in fused:
                if u.members[0] not in plain:
                    steps.append(self.steps[u.members[0]])
                    wanted.update(steps[-1].ins)
                continue
            made = {out for i in u.members for out in self.steps[i].outs}
            if not made.isdisjoint(wanted):  # lowering may leave results that nobody reads
                steps.append(self._fused(u, operands, wanted))
                wanted.update(steps[-1].ins)
        self.program.steps = steps[::-1]
        constants = self.program.constants
        self.program.constants = [s for s in constants if s.outs[0] not in self.plain or s.outs[0] in self.read]

    def _alone(self, unit: _Unit) -> bool:
        return self.alone is not None and self.alone(self.steps[unit.members[0]])

    def _order(self, operands: list[list[Value]]) -> Iterator[_Unit]:
        """The units, each where its last step stood, or before its first reader."""
        for i, unit in enumerate(self.units):
            unit = _found(unit)
            if unit.done or i != unit.last:
                continue
            pending = [unit]
            while pending:
                u = pending[-1]
                if u.done:
                    pending.pop()
                    continue
                before = {_found(self.owner[v]): None for m in u.members for v in operands[m] if v in self.owner}
                if u.after is not None:
                    before[_found(u.after)] = None
                waiting = [b for b in before if b is not u and not b.done]
                if waiting:
                    pending += reversed(waiting)
                else:
                    u.done = True
                    pending.pop()
                    yield u

    def _unread_plain(self, order: list[_Unit], fused: set[_Unit], operands: list[list[Value]]) -> set[int]:
        """The broadcasts and fills that only fused steps read, which read past them."""
        read = self.read = {*self.program.outputs, *[w.value for w in self.program.writes]}
        unread: set[int] = set()
        for u in reversed(order):
            for i in u.members:
                step = self.steps[i]
                if u in fused:
                    read.update(operands[i])
                elif step.outs[0] in self.plain and step.outs[0] not in read:
                    unread.add(i)
                else:
                    read.update(step.ins)
        for step in reversed(self.program.constants):
            if step.outs[0] not in self.plain or step.outs[0] in read:
                read.update(step.ins)
        return unread

    def _fused(self, unit: _Unit, operands: list[list[Value]], wanted: set[Value]) -> Step:
        members = [self.steps[i] for i in sorted(unit.members)]
        inside = {out for s in members for out in s.outs}
        outer = list(dict.fromkeys(v for i in sorted(unit.members) for v in operands[i] if v not in inside))
        register = {v: r for r, v in enumerate(outer)}
        parts, outs = [], []
        for i, step in zip(sorted(unit.members), members, strict=True):
            out = step.outs[0]
            parts.append(Part(step.op.name, tuple([register[v] for v in operands[i]]), step.attrs, out.spec.dtype))
            register[out] = len(register)
            if out in wanted:
                outs.append(out)
        group = Group(tuple([v.spec.dtype for v in outer]), tuple(parts), tuple([register[v] for v in outs]))
        return Step(FUSED, [*outer], outs, {"group": group, "shape": unit.shape}, members[-1].node)


def _size(unit: _Unit) -> int:
    return len(unit.members)
