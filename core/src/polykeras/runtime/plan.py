"""Program -> plan: where every value lies, and in which order the steps run.

Values that are views take no memory. The others share one block, the arena, as their lifetimes allow. Writes come last:
a variable's new value is computed straight into its storage where nothing needs the old one any more, and those steps,
elementwise ones that no data can make fail, form the commit phase.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from polykeras.runtime.program import Program, Step, Value, Write
from polykeras.runtime.rewrite.flat import PACK
from polykeras.runtime.views import VIEW_OPS, Layout, contiguous, is_contiguous, view
from polykeras.symbolic import dtypes
from polykeras.symbolic.op import OPS
from polykeras.symbolic.spec import Spec

ALIGNMENT = 64


class Slot(NamedTuple):
    """Memory of the arena, in bytes."""

    offset: int
    nbytes: int


class Stored(NamedTuple):
    """A variable's storage."""

    storage: Any


class Held(NamedTuple):
    """An array that the executable keeps: a constant, or made once."""


class Fed(NamedTuple):
    """Input `position` of the call."""

    position: int


class Made(NamedTuple):
    """Allocated by the kernel, at the call."""


class View(NamedTuple):
    """A strided view of another value."""

    base: Value
    layout: Layout


Place = Slot | Stored | Held | Fed | Made | View


@dataclass
class Plan:
    """What `plan` found.

    steps:      in the order to run; from `commit` on they write variables.
    places:     of every value that some step or result needs.
    copies:     writes that are done after all steps.
    workspaces: scratch memory of steps, in the arena.
    arena:      bytes of the arena; `total`: what the buffers would take if none were shared.
    """

    steps: list[Step]
    commit: int
    places: dict[Value, Place]
    copies: list[Write]
    workspaces: dict[Step, Slot] = field(default_factory=dict)
    arena: int = 0
    total: int = 0


def nbytes(spec: Spec) -> int:
    """Bytes of a concrete tensor, rounded up to the alignment."""
    return -(-spec.size * dtypes.itemsize(spec.dtype) // ALIGNMENT) * ALIGNMENT


def plan(program: Program, into: Callable[[Step], bool], workspace: Callable[[Step], int]) -> Plan:
    """Place a program's values.

    into:      does the step's kernel write into given arrays? Otherwise what it returns is taken.
    workspace: bytes of scratch memory that the step's kernel needs.
    """
    return _Planner(program, into, workspace).run()


class _Planner:
    def __init__(self, program: Program, into: Callable[[Step], bool], workspace: Callable[[Step], int]):
        self.program = program
        self.into = into
        self.workspace = workspace
        self.places: dict[Value, Place] = {}
        self.maker: dict[Value, Step] = {}

    def run(self) -> Plan:
        steps = self._place_views()
        steps, commit, copies = self._order(steps)
        result = Plan(steps, commit, self.places, copies)
        self._allocate(result)
        return result

    # -- values that need no memory ------------------------------------------------------------------------------

    def _place_views(self) -> list[Step]:
        places = self.places
        for position, value in enumerate(self.program.inputs):
            places[value] = Fed(position)
        for value in self.program.values:
            if value.kind == "const":
                places[value] = Held()
            elif value.kind == "variable":
                places[value] = Stored(value.source)
        for step in self.program.constants:
            for out in step.outs:
                places[out] = Held()
        steps = []
        for step in self.program.steps:
            if step.op.name in VIEW_OPS and self._place_view(step):
                continue
            steps.append(step)
            for out in step.outs:
                self.maker[out] = step
                if step.op is not PACK and (step.allocates or not self.into(step)):
                    places[out] = Made()
        return [made for step in steps for made in self._place_parts(step)]

    def _place_view(self, step: Step) -> bool:
        source, out = step.args[0], step.outs[0]
        if step.dynamic or not isinstance(source, Value) or not source.spec.concrete or not out.spec.concrete:
            return False
        place = self.places.get(source)
        if isinstance(place, (Fed, Made)):
            return False
        base, layout = (place.base, place.layout) if isinstance(place, View) else (source, None)
        layout = layout or Layout(0, contiguous(source.spec.shape))  # type: ignore[arg-type]
        new = view(step.op.name, step.attrs, layout, source.spec.shape, out.spec.shape)  # type: ignore[arg-type]
        if new is None:
            return False
        self.places[out] = View(base, new)
        return True

    def _place_parts(self, step: Step) -> list[Step]:
        """A pack takes no step: its operands are made in its memory, or copied into it."""
        if step.op is not PACK:
            return [step]
        whole, copies, offset = step.outs[0], [], 0
        for part in step.arrays:
            shape = part.spec.sizes
            inside = View(whole, Layout(offset, contiguous(shape)))
            offset += part.spec.size
            if part in self.maker and part not in self.places:
                self.places[part] = inside
                continue
            copy = self.program.new_value(Spec(shape, part.spec.dtype))
            copies.append(Step(OPS["identity"], [part], [copy], {}, step.node))
            self.maker[copy] = copies[-1]
            self.places[copy] = inside
        del self.maker[whole]
        return copies

    def root(self, value: Value) -> Value:
        """The value whose memory holds the elements."""
        place = self.places.get(value)
        return place.base if isinstance(place, View) else value

    # -- the order: what can fail first, then the commit ---------------------------------------------------------

    def _order(self, steps: list[Step]) -> tuple[list[Step], int, list[Write]]:
        targets = self._in_place_writes(steps)
        for value, write in targets.items():
            self.places[value] = Stored(write.storage)
        late = self._depending(steps, targets)
        main = [s for s in steps if s not in late]
        copies = [w for w in self.program.writes if targets.get(w.value) is not w]
        for write in copies:
            root = self.root(write.value)
            if root.kind == "variable":
                copy = self.program.new_value(Spec(write.value.spec.shape, write.value.spec.dtype))
                main.append(Step(OPS["identity"], [write.value], [copy], {}, None))
                if not self.into(main[-1]):
                    self.places[copy] = Made()
                write.value = copy
        return main + [s for s in steps if s in late], len(main), copies

    def _in_place_writes(self, steps: list[Step]) -> dict[Value, Write]:
        """The new values that can be computed straight into their variables, by value."""
        position = {s: i for i, s in enumerate(steps)}
        readers: dict[Value, list[Step]] = {}
        for s in steps:
            for v in s.ins:
                readers.setdefault(self.root(v), []).append(s)
        fetched = {self.root(v) for v in self.program.outputs}
        old = {v.source: v for v in self.program.values if v.kind == "variable"}
        safe: dict[Step, bool] = {}
        for s in reversed(steps):
            safe[s] = self._never_fails(s) and all(safe[r] for out in s.outs for r in readers.get(out, ()))
        counts: dict[Any, int] = {}
        for w in self.program.writes:
            if w.mode == "set":
                counts[w.storage] = counts.get(w.storage, 0) + 1
        found: dict[Value, Write] = {}
        for w in self.program.writes:
            maker = self.maker.get(w.value)
            if (
                w.mode == "set"
                and counts[w.storage] == 1
                and maker is not None
                and safe[maker]
                and w.value not in found
                and w.value not in fetched
                and w.value.spec.shape == w.storage.spec.shape
                and w.value.spec.dtype == w.storage.spec.dtype
            ):
                found[w.value] = w
        late = self._depending(steps, found)
        for value, w in list(found.items()):
            before = old.get(w.storage)
            maker = self.maker[value]
            for reader in readers.get(before, ()) if before is not None else ():
                if reader is maker:
                    fine = all(a is before or self.root(a) is not before for a in maker.arrays)
                else:
                    fine = reader not in late or position[reader] < position[maker]
                if not fine:
                    del found[value]
                    break
        return found

    def _never_fails(self, step: Step) -> bool:
        return step.elementwise and self.into(step) and not step.dynamic and not step.host

    def _depending(self, steps: list[Step], targets: dict[Value, Write]) -> set[Step]:
        """The steps that make the targets, and all that read what those make."""
        if not targets:
            return set()
        found: set[Step] = set()
        tainted: set[Value] = set(targets)
        for s in steps:
            if any(out in tainted for out in s.outs) or any(self.root(v) in tainted for v in s.ins):
                found.add(s)
                tainted.update(s.outs)
        return found

    # -- memory --------------------------------------------------------------------------------------------------

    def _allocate(self, result: Plan) -> None:
        steps = result.steps
        last: dict[Value, int] = {}
        for i, s in enumerate(steps):
            for v in s.ins:
                last[self.root(v)] = i
        end = len(steps)
        for v in self.program.outputs:
            last[self.root(v)] = end
        for w in result.copies:
            last[self.root(w.value)] = end
        dying: list[list[Value]] = [[] for _ in range(end + 1)]
        for v, i in last.items():
            dying[i].append(v)
        memory = _Memory()
        slots: dict[Value, Slot] = {}
        for i, s in enumerate(steps):
            taken: set[Value] = set()
            for out in s.outs:
                base = self.root(out)
                if base is not out and base not in self.places:  # the first part of a pack
                    slots[base] = self._slot(base, memory.take(nbytes(base.spec)))
                    result.total += slots[base].nbytes
                if out in self.places or out.kind == "unused":
                    continue
                source = self._overwritable(s, out, i, last, slots, taken)
                if source is not None:
                    taken.add(source)
                    slots[out] = self._slot(out, slots[source])
                else:
                    slots[out] = self._slot(out, memory.take(nbytes(out.spec)))
                result.total += slots[out].nbytes
                if out not in last:
                    dying[i].append(out)
            scratch = self.workspace(s)
            if scratch:
                result.workspaces[s] = memory.take(-(-scratch // ALIGNMENT) * ALIGNMENT)
                result.total += scratch
                memory.give(result.workspaces[s])
            for v in dying[i]:
                if v in slots and v not in taken:
                    memory.give(slots[v])
        result.arena = memory.peak

    def _slot(self, value: Value, slot: Slot) -> Slot:
        self.places[value] = slot
        return slot

    def _overwritable(
        self, step: Step, out: Value, i: int, last: dict[Value, int], slots: dict[Value, Slot], taken: set[Value]
    ) -> Value | None:
        """An operand whose memory an elementwise step may write its result into."""
        if not step.elementwise:
            return None
        roots = [self.root(v) for v in step.arrays]
        for v, r in zip(step.arrays, roots, strict=True):
            if r not in slots or last.get(r) != i or r in taken or slots[r].nbytes != nbytes(out.spec):
                continue
            place = self.places[v]
            layout = place.layout.strides if isinstance(place, View) else contiguous(v.spec.sizes)
            whole = v.spec.shape == out.spec.shape and is_contiguous(out.spec.sizes, layout)
            same = dtypes.itemsize(v.spec.dtype) == dtypes.itemsize(out.spec.dtype) and r.spec.size == v.spec.size
            if whole and same and all(o is not r or a is v for a, o in zip(step.arrays, roots, strict=True)):
                return r
        return None


class _Memory:
    """Offsets in a growing block, best fit."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []  # (offset, size), in order of offset, never adjacent
        self.peak = 0

    def take(self, size: int) -> Slot:
        best = None
        for i, (_, have) in enumerate(self.free):
            if have >= size and (best is None or have < self.free[best][1]):
                best = i
                if have == size:
                    break
        if best is not None:
            offset, have = self.free[best]
            if have == size:
                del self.free[best]
            else:
                self.free[best] = offset + size, have - size
            return Slot(offset, size)
        if self.free and sum(self.free[-1]) == self.peak:
            offset, _ = self.free.pop()
        else:
            offset = self.peak
        self.peak = offset + size
        return Slot(offset, size)

    def give(self, slot: Slot) -> None:
        if not slot.nbytes:
            return
        offset, size = slot
        free = self.free
        insort(free, (offset, size))
        i = free.index((offset, size))
        if i + 1 < len(free) and offset + size == free[i + 1][0]:
            free[i : i + 2] = [(offset, size + free[i + 1][1])]
        if i and sum(free[i - 1]) == offset:
            free[i - 1 : i + 1] = [(free[i - 1][0], free[i - 1][1] + free[i][1])]
