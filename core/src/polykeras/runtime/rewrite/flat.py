"""Flat updates: equal elementwise updates of many small variables become one, on variables that lie behind each other.

An optimizer writes the same chain of steps for every weight. For small weights a step costs its call and not its work,
so the variables of each role (weights, first moments, ...) are moved into one block, the gradients are made into one
buffer, and the chain runs once on all of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from polykeras.runtime.program import Argument, Program, Step, Value, Write
from polykeras.runtime.variables import FlatStorage
from polykeras.symbolic.op import Op
from polykeras.symbolic.spec import Spec

# Larger variables gain nothing: their steps cost their work.
MOST_ELEMENTS = 1 << 15


def _pack_rule(*xs: Spec) -> Spec:
    """The elements of all operands behind each other.   xs: any -> (total,)"""
    return Spec((sum(x.size for x in xs),), xs[0].dtype)


PACK = Op(_pack_rule, name="pack")


@dataclass(eq=False)
class _Bundle:
    """The updates that belong to one weight: steps that share values, and the writes of their results.

    leaves: what they read and do not make, of the weight's shape: variables, and temporaries such as the gradient.
    """

    steps: list[Step] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    variables: list[Value] = field(default_factory=list)
    temps: list[Value] = field(default_factory=list)


def flatten(program: Program) -> None:
    """Merge equal updates of small variables, in place."""
    if len(program.writes) < 2:
        return
    groups: dict[Hashable, list[_Bundle]] = {}
    for bundle in _Finder(program).bundles():
        groups.setdefault(_signature(bundle), []).append(bundle)
    merged = [g for g in groups.values() if len(g) > 1]
    if not merged:
        return
    gone = {s for g in merged for b in g for s in b.steps}
    program.steps = [s for s in program.steps if s not in gone]
    for group in merged:
        _merge(program, group)
    program.reads = [v for v in program.values if v.kind == "variable"]


class _Finder:
    """Finds the bundles of a program."""

    def __init__(self, program: Program):
        self.program = program
        self.maker = {out: s for s in program.steps for out in s.outs}
        self.order = {s: i for i, s in enumerate(program.steps)}
        self.outputs = set(program.outputs)
        self.readers: dict[Value, list[Step]] = {}
        for s in program.steps:
            for v in s.ins:
                self.readers.setdefault(v, []).append(s)
        self.written: dict[Value, list[Write]] = {}
        for w in program.writes:
            self.written.setdefault(w.value, []).append(w)

    def bundles(self) -> list[_Bundle]:
        owner: dict[Step, _Bundle] = {}
        found: dict[_Bundle, None] = {}
        for write in self.program.writes:
            if not self._small(write):
                continue
            steps = self._cone(write.value, write.storage.spec)
            bundle = _Bundle(steps, [write])
            for other in dict.fromkeys(owner[s] for s in steps if s in owner):
                bundle.steps = list(dict.fromkeys([*other.steps, *bundle.steps]))
                bundle.writes = [*other.writes, *bundle.writes]
                del found[other]
            found[bundle] = None
            owner.update(dict.fromkeys(bundle.steps, bundle))
        return [b for b in found if self._closed(b)]

    def _small(self, write: Write) -> bool:
        spec: Spec = write.storage.spec
        maker = self.maker.get(write.value)
        if write.mode != "set" or maker is None or isinstance(write.storage, FlatStorage):
            return False
        same = spec.shape == write.value.spec.shape and spec.dtype == write.value.spec.dtype
        return same and 0 < spec.size <= MOST_ELEMENTS and self._part(maker, spec)

    def _part(self, step: Step, spec: Spec) -> bool:
        """Is it an elementwise step on arrays of one shape, and scalars?"""
        if not step.op.elementwise or step.bodies or step.dynamic or step.host or len(step.outs) != 1:
            return False
        if step.outs[0].spec.shape != spec.shape or step.outs[0].spec.dtype != spec.dtype:
            return False
        return all(isinstance(a, Value) and a.spec.shape in ((), spec.shape) for a in step.args)

    def _cone(self, value: Value, spec: Spec) -> list[Step]:
        """The steps that make `value`, back to what only other kinds of steps make."""
        found: dict[Step, None] = {}
        pending = [value]
        while pending:
            step = self.maker.get(pending.pop())
            if step is None or step in found or not self._part(step, spec):
                continue
            found[step] = None
            pending += step.arrays
        return list(found)

    def _closed(self, bundle: _Bundle) -> bool:
        """Drop steps whose results others read, and all before them; say whether updates remain."""
        kept = set(bundle.steps)
        for s in sorted(bundle.steps, key=self.order.__getitem__, reverse=True):
            out = s.outs[0]
            elsewhere = any(w not in bundle.writes for w in self.written.get(out, ()))
            if out in self.outputs or elsewhere or any(r not in kept for r in self.readers.get(out, ())):
                kept.discard(s)
        bundle.steps = sorted(kept, key=self.order.__getitem__)
        made = {s.outs[0] for s in bundle.steps}
        if not all(w.value in made for w in bundle.writes):
            return False
        spec: Spec = bundle.writes[0].storage.spec
        for s in bundle.steps:
            for v in s.arrays:
                if v.spec.shape != spec.shape or v in made or v in bundle.variables or v in bundle.temps:
                    continue
                if (
                    v.spec.dtype != spec.dtype
                    or v.kind not in ("variable", "temp")
                    or isinstance(v.source, FlatStorage)
                ):
                    return False
                (bundle.variables if v.kind == "variable" else bundle.temps).append(v)
        return spec.shape != ()


def _signature(bundle: _Bundle) -> Hashable:
    """What two bundles have in common if one chain of steps can do both."""
    names: dict[Value, Hashable] = {}
    names.update({v: ("variable", i) for i, v in enumerate(bundle.variables)})
    names.update({v: ("temp", i) for i, v in enumerate(bundle.temps)})
    parts: list[Hashable] = [bundle.writes[0].storage.spec.dtype]
    for i, s in enumerate(bundle.steps):
        # A scalar stands for itself: all weights must use the same one.
        parts.append((s.op, tuple(s.attrs.items()), tuple([names.get(a, a) for a in s.args])))  # type: ignore[arg-type]
        names[s.outs[0]] = ("step", i)
    slots = {v.source: i for i, v in enumerate(bundle.variables)}
    parts += [(names[w.value], slots.get(w.storage, -1)) for w in bundle.writes]
    return tuple(parts)


def _merge(program: Program, group: list[_Bundle]) -> None:
    """One chain of steps for all bundles of a group."""
    first = group[0]
    dtype = first.writes[0].storage.spec.dtype
    total = sum(b.writes[0].storage.spec.size for b in group)
    flat: dict[Value, Value] = {}
    storages: dict[object, FlatStorage] = {}
    for i, v in enumerate(first.variables):
        storage = storages[v.source] = FlatStorage([b.variables[i].source for b in group])
        flat[v] = program.new_value(Spec((total,), dtype), "variable", storage)
    for i, v in enumerate(first.temps):
        flat[v] = program.new_value(Spec((total,), dtype))
        parts: list[Argument] = [b.temps[i] for b in group]
        program.steps.append(Step(PACK, parts, [flat[v]], {}, None))
    for s in first.steps:
        out = flat[s.outs[0]] = program.new_value(Spec((total,), dtype))
        args: list[Argument] = [flat.get(a, a) if isinstance(a, Value) else a for a in s.args]
        program.steps.append(Step(s.op, args, [out], s.attrs, s.node))
    for i, w in enumerate(first.writes):
        storage = storages.get(w.storage) or FlatStorage([b.writes[i].storage for b in group])
        program.writes.append(Write(storage, flat[w.value]))
    merged = {w for b in group for w in b.writes}
    program.writes = [w for w in program.writes if w not in merged]
