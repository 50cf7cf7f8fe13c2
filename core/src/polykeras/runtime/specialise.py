"""Graph + signature -> program: the rules run again with concrete specs, equal nodes merge, the rest is pruned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from polykeras.runtime.program import Argument, Program, ShapeOf, SizeOf, Step, Value, Write
from polykeras.runtime.rewrite.simplify import ZERO, Simplifier
from polykeras.symbolic import collector, graph
from polykeras.symbolic.body import Body
from polykeras.symbolic.graph import Key, Node, Tensor
from polykeras.symbolic.op import CONSTANT, OPS, PARAMETER, PLACEHOLDER, VARIABLE
from polykeras.symbolic.ops.control import ASSIGNMENTS, COND, SCAN, after, assign, assign_add, common_shape
from polykeras.symbolic.spec import Spec, format_shape

# Programs kept for each body, by the specs of its parameters; and the largest fill that is computed once and kept.
BODY_PROGRAMS = 16
KEPT_ELEMENTS = 1 << 16


class Unfed(ValueError):
    """A placeholder that the outputs need has no value."""


def specialise(
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Tensor, Tensor]],
    feeds: Mapping[Key, Spec],
    known: Mapping[Node, Any] | None = None,
    name: str = "function",
) -> Program:
    """The program of `outputs` for these feeds.

    updates: (variable, new value) pairs, all computed from the values at entry and written last.
    feeds:   the specs of what is fed, in order; with `value` where it is a static input.
    known:   the values of integer variables that are sizes, by node.
    """
    with collector.paused():
        work = _Specialiser(feeds, known or {}, name)
        targets = [*outputs, *[value for _, value in updates]]
        work.visit(graph.topological(targets, feeds))
        return work.finish(outputs, updates)


class _Specialiser:
    def __init__(self, feeds: Mapping[Key, Spec], known: Mapping[Node, Any], name: str):
        self.program = Program([], [], [], [], name=name)
        self.known = known
        self.made: dict[Node, tuple[Value, ...]] = {}
        self.fed: dict[Key, Value] = {}
        self.maker: dict[Value, Step] = {}
        self.merged: dict[Any, tuple[Value, ...]] = {}
        self.effects: dict[Value, tuple[Value, list[tuple[Value, Write | None]]]] = {}
        self.simplifier = Simplifier(self.maker)
        for position, (key, spec) in enumerate(feeds.items()):
            value = self.program.new_value(spec, "input", position)
            self.program.inputs.append(value)
            self.fed[key] = value

    # -- forward: a value for every output of every node ---------------------------------------------------------

    def visit(self, nodes: Sequence[Node]) -> None:
        made = self.made
        for node in nodes:
            if not node.inputs:
                made[node] = (self._source(node),)
                continue
            ins = [self.value(t) for t in node.inputs]
            try:
                made[node] = self._apply(node, ins)
            except (ValueError, TypeError) as error:
                if getattr(error, "explained", False):
                    raise
                new = type(error)(node.op.explain(error, [v.spec for v in ins], node.where()))
                new.explained = True  # type: ignore[union-attr]
                raise new from None

    def value(self, tensor: Tensor) -> Value:
        """The value of a tensor."""
        if self.fed:
            found = self.fed.get((tensor.node, tensor.index))
            if found is not None:
                return found
        return self.made[tensor.node][tensor.index]

    def _source(self, node: Node) -> Value:
        op, spec = node.op, node.specs[0]
        if op is CONSTANT:
            return self._constant(spec, node.attrs["value"])
        if op is VARIABLE:
            storage = node.attrs["value"]
            known = self.known.get(node)
            if known is not None or storage.spec.shape != spec.shape:
                spec = Spec(storage.spec.shape, spec.dtype, known)
            value = self.program.new_value(spec, "variable", storage)
            value.device = node.device
            return value
        if op is PLACEHOLDER and node.attrs["value"] is not None:
            default = node.attrs["value"]
            return self._constant(Spec(spec.shape, spec.dtype, int(default) if spec.shape == () else None), default)
        if op is PARAMETER:
            raise ValueError(graph.leaked(Tensor(node, 0, spec)))
        return self.program.new_value(spec, "unfed", node)

    def _constant(self, spec: Spec, payload: Any) -> Value:
        # -0.0 equals 0.0 and 1 equals True: what tells them apart is part of the key.
        key: Any = ("const", spec.dtype, type(payload), payload, str(payload) if isinstance(payload, float) else None)
        try:
            found = self.merged.get(key)
        except TypeError:  # an array
            key = ("const", spec.dtype, id(payload))
            found = self.merged.get(key)
        if found is None:
            found = self.merged[key] = (self.program.new_value(spec, "const", payload),)
        return found[0]

    def _apply(self, node: Node, ins: list[Value]) -> tuple[Value, ...]:
        op, attrs = node.op, node.attrs
        if op is SCAN or op is COND:
            return self._control(node, ins)
        given = tuple([v.spec for v in ins])
        specs = node.specs
        for spec, tensor in zip(given, node.inputs, strict=True):
            if spec is not tensor.spec:
                specs = op.infer(given, attrs)
                break
        if op is after or op in ASSIGNMENTS:
            return (self._effect(node, ins, specs[0]),)
        if op.alias_rule is not None:
            index = op.alias_rule(*given, **attrs)
            if index is not None:
                return (ins[index],)
        if len(specs) == 1:
            known = specs[0].value
            if known is not None and not (isinstance(known, tuple) and None in known):
                return (self._constant(Spec(specs[0].shape, specs[0].dtype, known), known),)
        args: list[Argument] = (
            list(ins) if op.plain else [self._argument(op.is_size(i), i in op.shape_only, v) for i, v in enumerate(ins)]
        )
        key: Any = (op, tuple(attrs.values()), tuple(args))
        try:
            found = None if op.effect else self.merged.get(key)
        except TypeError:  # an attribute that cannot be compared: the node stays alone
            key, found = node, None
        if found is not None:
            return found
        if len(specs) == 1:
            same = self.simplifier.equal(op, args, specs[0])
            if same is ZERO:
                same = self._zeros(specs[0], node)
            if same is not None:
                self.merged[key] = (same,)
                return (same,)
        outs = tuple([self.program.new_value(spec) for spec in specs])
        self._add(Step(op, args, list(outs), attrs, node))
        self.merged[key] = outs
        return outs

    def _argument(self, size: bool, shape_only: bool, value: Value) -> Argument:
        spec = value.spec
        if shape_only:
            return spec.sizes if spec.concrete else ShapeOf(value)
        if size:
            known = spec.value
            return known if known is not None and not (isinstance(known, tuple) and None in known) else SizeOf(value)
        return value

    def _zeros(self, spec: Spec, node: Node) -> Value:
        key = ("zeros", spec.shape, spec.dtype)
        found = self.merged.get(key)
        if found is None:
            found = self.merged[key] = (self.program.new_value(Spec(spec.shape, spec.dtype)),)
            attrs = {"value": 0.0, "dtype": spec.dtype}
            self._add(Step(OPS["fill_like"], [spec.shape], list(found), attrs, node))  # type: ignore[list-item]
        return found[0]

    def _add(self, step: Step) -> None:
        self.program.steps.append(step)
        for out in step.outs:
            out.device = step.node.device if step.node is not None else None
            self.maker[out] = step

    # -- effects -------------------------------------------------------------------------------------------------

    def _effect(self, node: Node, ins: list[Value], spec: Spec) -> Value:
        """A stand-in value: reaching it performs the effect, its elements are another value's."""
        if node.op is after:
            stands_for = ins[0]
            effects: list[tuple[Value, Write | None]] = [(v, None) for v in ins[1:]]
        else:
            variable, new = ins
            if variable.kind != "variable":
                raise ValueError("a variable that is fed cannot be assigned to in the same call")
            if variable.spec.concrete and new.spec.concrete and variable.spec.shape != new.spec.shape:
                raise ValueError(f"a variable of shape {variable.spec.shape} cannot take {new.spec.shape}")
            if node.op is assign:
                stands_for, write = new, Write(variable.source, new)
            else:
                assert node.op is assign_add
                stands_for = self.program.new_value(Spec(variable.spec.shape, spec.dtype))
                self._add(Step(OPS["add"], [variable, new], [stands_for], {}, node))
                write = Write(variable.source, new, "add")
            effects = [(new, write)]
        stand_in = Value(-1, stands_for.spec, "stand-in")
        self.effects[stand_in] = stands_for, effects
        return stand_in

    # -- control ops ---------------------------------------------------------------------------------------------

    def _control(self, node: Node, ins: list[Value]) -> tuple[Value, ...]:
        return self._scan(node, ins) if node.op is SCAN else self._cond(node, ins)

    def _scan(self, node: Node, ins: list[Value]) -> tuple[Value, ...]:
        body: Body = node.attrs["body"]
        states, sequences = node.attrs["states"], node.attrs["sequences"]
        n = ins[0].spec.value
        specs = [Spec((), "int64")]
        for i, v in enumerate(ins[1:]):
            shape, known = v.spec.shape, None
            if states <= i < states + sequences:
                assert shape is not None
                if isinstance(n, int) and shape[0] not in (n, None):
                    raise ValueError(f"sequence {i - states} has {shape[0]} elements, but the loop {n} steps")
                shape = shape[1:]
            elif i >= states + sequences:
                known = v.spec.value
            specs.append(Spec(shape, v.spec.dtype, known, v.spec.sparse))
        sub = specialise_body(body, tuple(specs))
        results = [v.spec for v in sub.outputs]
        for i in range(states):
            if results[i].shape != specs[1 + i].shape:
                raise ValueError(
                    f"state {i} of the loop enters with shape {specs[1 + i].shape} and leaves the step with "
                    f"{results[i].shape}; a state keeps its shape"
                )
        finals = [Spec(s.shape, s.dtype) for s in specs[1 : 1 + states]]
        assert n is None or isinstance(n, int)
        rows = [Spec((n, *(s.shape or ())), s.dtype) for s in (*results[states:], *finals)]
        args: list[Argument] = [self._argument(True, False, ins[0]), *ins[1:]]
        return self._control_step(node, args, [*finals, *rows], (sub,))

    def _cond(self, node: Node, ins: list[Value]) -> tuple[Value, ...]:
        bodies = (node.attrs["then"], node.attrs["orelse"])
        count = 1 + len(bodies[0].captures)
        groups = (ins[1:count], ins[count:])
        known = ins[0].spec.value
        if known is not None:
            taken = 0 if known else 1
            return self._inline(bodies[taken], groups[taken])
        subs = [specialise_body(b, tuple([v.spec for v in vs])) for b, vs in zip(bodies, groups, strict=True)]
        specs = [
            Spec(common_shape(a.spec.shape, b.spec.shape), a.spec.dtype)
            for a, b in zip(subs[0].outputs, subs[1].outputs, strict=True)
        ]
        return self._control_step(node, list(ins), specs, tuple(subs))

    def _control_step(
        self, node: Node, args: list[Argument], specs: list[Spec], subs: tuple[Program, ...]
    ) -> tuple[Value, ...]:
        outs = [self.program.new_value(s) for s in specs]
        self._add(Step(node.op, args, outs, node.attrs, node, subs))
        return tuple(outs)

    def _inline(self, body: Body, arguments: Sequence[Value]) -> tuple[Value, ...]:
        """The branch that is known to be taken becomes part of the program."""
        for parameter, value in zip(body.parameters, arguments, strict=True):
            self.made[parameter.node] = (value,)
        self.visit([n for n in graph.topological(body.outputs) if n.op is not PARAMETER])
        return tuple([self.value(t) for t in body.outputs])

    # -- backward: what is reached -------------------------------------------------------------------------------

    def finish(
        self, outputs: Sequence[Tensor], updates: Sequence[tuple[Tensor, Tensor]], body: bool = False
    ) -> Program:
        """Keep what the outputs and the writes need, in order."""
        program = self.program
        wanted = [self.value(t) for t in outputs]
        writes = [Write(v.node.attrs["value"], self.value(new)) for v, new in updates]
        live, reached, done = self._reach([*wanted, *[w.value for w in writes]])
        for stand_in, (_, effects) in self.effects.items():
            if stand_in in done:
                writes += [write for _, write in effects if write is not None]
        for value in live:
            if value.kind == "unfed":
                raise Unfed(_unfed(value.source))
        for write in writes:
            write.value = self._real(write.value)
        program.outputs = [self._real(v) for v in wanted]
        steps, program.steps = program.steps, []
        fixed: set[Value] = {v for v in live if v.kind == "const"}
        for step in steps:
            if step not in reached:
                continue
            if self.effects:
                step.args = [self._real_argument(a) for a in step.args]
            if step.bodies:
                for out in step.outs:
                    if out not in live:
                        out.kind = "unused"
            if self._is_fixed(step, fixed):
                program.constants.append(step)
                fixed.update(step.outs)
            else:
                program.steps.append(step)
                self._advance(step, writes)
        if body:
            self._copy_parameters(program)
        program.writes = writes
        self._number(program)
        return program

    def _reach(self, targets: Iterable[Value]) -> tuple[set[Value], set[Step], set[Value]]:
        """The values and steps that the targets need, and the stand-ins passed on the way."""
        live: set[Value] = set()
        steps: set[Step] = set()
        stand_ins: set[Value] = set()
        pending = list(targets)
        while pending:
            value = pending.pop()
            if value.kind == "stand-in":
                if value not in stand_ins:
                    stand_ins.add(value)
                    stands_for, effects = self.effects[value]
                    pending.append(stands_for)
                    pending += [v for v, _ in effects]
                continue
            if value in live:
                continue
            live.add(value)
            step = self.maker.get(value)
            if step is not None and step not in steps:
                steps.add(step)
                pending += step.ins
        return live, steps, stand_ins

    def _real(self, value: Value) -> Value:
        while value.kind == "stand-in":
            value = self.effects[value][0]
        return value

    def _real_argument(self, argument: Argument) -> Argument:
        if isinstance(argument, Value):
            return self._real(argument)
        if isinstance(argument, (ShapeOf, SizeOf)):
            return type(argument)(self._real(argument.value))
        return argument

    def _is_fixed(self, step: Step, fixed: set[Value]) -> bool:
        """Does it give the same at every call? Large fills are not kept."""
        if step.op.random or step.op.effect or step.bodies or step.allocates or any(v not in fixed for v in step.ins):
            return False
        return sum(v.spec.size for v in step.outs) <= KEPT_ELEMENTS

    def _advance(self, step: Step, writes: list[Write]) -> None:
        """A call that runs a random op advances its counter by one; in a body the program around it does so."""
        if step.op.random:
            counters = [step.args[0]]
        elif step.op is SCAN:
            counters = [step.args[i] for i in step.bodies[0].counters]
        elif step.op is COND:
            first, second = step.bodies
            counters = [step.args[1 + i] for i in first.counters]
            counters += [step.args[1 + len(first.inputs) + i] for i in second.counters]
        else:
            return
        for value in counters:
            assert isinstance(value, Value)
            if value.kind == "input":
                if value.source not in self.program.counters:
                    self.program.counters.append(value.source)
            elif value.kind == "variable" and not any(w.storage is value.source for w in writes):
                one = self._constant(Spec((), value.spec.dtype), 1)
                writes.append(Write(value.source, one, "add"))

    def _copy_parameters(self, program: Program) -> None:
        """What a body returns unchanged is copied: a loop overwrites its states while others still read them."""
        for i, value in enumerate(program.outputs):
            if value.kind != "temp":
                copy = program.new_value(Spec(value.spec.shape, value.spec.dtype))
                program.steps.append(Step(OPS["identity"], [value], [copy], {}, None))
                program.outputs[i] = copy

    def _number(self, program: Program) -> None:
        used: dict[Value, None] = dict.fromkeys(program.inputs)
        for step in (*program.constants, *program.steps):
            used.update(dict.fromkeys(step.ins))
            used.update(dict.fromkeys(step.outs))
        used.update(dict.fromkeys(program.outputs))
        used.update(dict.fromkeys(w.value for w in program.writes))
        program.values = list(used)
        for i, value in enumerate(program.values):
            value.id = i
        program.reads = [v for v in program.values if v.kind == "variable"]


def _unfed(node: Node) -> str:
    what = f"'{node.attrs['name']}'" if node.attrs["name"] else f"of shape {format_shape(node.specs[0].shape)}"
    return f"the placeholder {what} was not fed [{node.where()}]"


def specialise_body(body: Body, specs: tuple[Spec, ...]) -> Program:
    """The program of a body for parameters of these specs. Bodies keep their last ones, whatever the loop's length."""
    found = body.programs.get(specs)
    if found is None:
        feeds = {p.key: spec for p, spec in zip(body.parameters, specs, strict=True)}
        work = _Specialiser(feeds, {}, "body")
        work.visit(graph.topological(body.outputs, feeds))
        found = work.finish(body.outputs, (), body=True)
        while len(body.programs) >= BODY_PROGRAMS:
            body.programs.pop(next(iter(body.programs)), None)
        body.programs[specs] = found
    return found


# -- which values the shapes depend on ---------------------------------------------------------------------------------


def static_sources(outputs: Sequence[Tensor], stop: Iterable[Key] = ()) -> list[Node]:
    """The integer placeholders and variables whose values reach a size: they join the signature."""
    wanted: set[Key] = set()
    nodes = graph.topological(outputs)
    for node in reversed(nodes):
        _demand(node, wanted)
    stops = set(stop)
    return [
        n
        for n in nodes
        if not n.inputs
        and n.op is not CONSTANT
        and (n, 0) in wanted
        and _can_be_static(n.specs[0])
        and (n, 0) not in stops
    ] + [k[0] for k in stops if k in wanted and _can_be_static(k[0].specs[k[1]])]


def _can_be_static(spec: Spec) -> bool:
    small = spec.shape == () or (spec.shape is not None and len(spec.shape) == 1 and spec.shape[0] is not None)
    return small and not spec.dtype.startswith("float")


def _demand(node: Node, wanted: set[Key]) -> None:
    """What `node` needs the values of, given which of its outputs' values are wanted."""
    op = node.op
    if op is SCAN:
        body = node.attrs["body"]
        first = 1 + node.attrs["states"] + node.attrs["sequences"]
        wanted.add(node.inputs[0].key)
        wanted.update(node.inputs[i].key for i in _body_demand(body) if i >= first)
        return
    if op is COND:
        then, orelse = node.attrs["then"], node.attrs["orelse"]
        wanted.update(node.inputs[1 + i].key for i in _body_demand(then))
        wanted.update(node.inputs[1 + len(then.captures) + i].key for i in _body_demand(orelse))
        return
    passes = (op.fold_rule is not None or op.alias_rule is not None or op is after) and any(
        (node, i) in wanted for i in range(len(node.specs))
    )
    if op.plain and not passes:
        return
    for i, t in enumerate(node.inputs):
        if op.is_size(i) or (passes and i not in op.shape_only):
            wanted.add(t.key)


def _body_demand(body: Body) -> list[int]:
    """Positions of the parameters whose values reach a size inside."""
    if body.demand is None:
        wanted: set[Key] = set()
        for node in reversed(graph.topological(body.outputs)):
            _demand(node, wanted)
        body.demand = [i for i, p in enumerate(body.parameters) if p.key in wanted]
    return body.demand
