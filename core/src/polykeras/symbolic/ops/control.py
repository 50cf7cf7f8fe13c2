"""Control: choosing, looping, branching and assigning.

`scan` and `cond` hold bodies (`symbolic.body`): closed graphs that a backend compiles like any program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polykeras.symbolic import dtypes, graph
from polykeras.symbolic.autodiff import gradients
from polykeras.symbolic.body import Body, Trace, inline, loop_position
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import VARIABLE, Op, as_size, as_tensor, constant, op, register
from polykeras.symbolic.ops.elementwise import add, broadcast_to, cast, fill_like, multiply
from polykeras.symbolic.ops.shape import size_of
from polykeras.symbolic.spec import Shape, Spec, format_shape, merge_shapes, same_dims

# A loop inside a loop counts its positions from the outer one's times this.
POSITIONS = 1 << 20


# -- choosing between graphs -----------------------------------------------------------------------------------------


@op(sizes=("condition",), promotes=("x", "y"))
def choose(condition, x, y):
    """x if the condition holds, else y; the other is not computed.   condition: () known at the call, x: s, y: s -> s

    The condition is a size: where it depends on what is fed, its value joins the signature of the program.
    """
    return Spec(common_shape(x.shape, y.shape), x.dtype)


@choose.vjp
def choose_vjp(g, out, condition, x, y):
    return None, choose(condition, g, fill_like(x, value=0.0)), choose(condition, fill_like(y, value=0.0), g)


@choose.alias
def choose_alias(condition, x, y):
    return None if condition.value is None else 1 if condition.value else 2


@choose.samples
def choose_samples(r):
    yield (1, r(2, 3), r(2, 3)), {}
    yield (0, r(2, 3), r(2, 3)), {}


def common_shape(a: Shape, b: Shape) -> Shape:
    """What holds of both shapes."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


# -- printing --------------------------------------------------------------------------------------------------------


@op(effect=True)
def print_tensor(x, *, message: str):
    """x, printed whenever it is computed.   x: s -> s"""
    return Spec(x.shape, x.dtype, x.value)


@print_tensor.vjp
def print_tensor_vjp(g, out, x, *, message):
    return g


@print_tensor.samples
def print_tensor_samples(r):
    yield (r(2, 3),), {"message": "x is"}


# -- demanding -------------------------------------------------------------------------------------------------------


@op(effect=True)
def require(x, holds, *, message: str):
    """x, or a ValueError with the message where not all elements of `holds` are true.   x: s, holds: any bool -> s"""
    if holds.dtype != "bool":
        raise TypeError(f"what must hold is bool, got {holds.dtype}")
    return Spec(x.shape, x.dtype, x.value)


@require.vjp
def require_vjp(g, out, x, holds, *, message):
    return g, None


@require.samples
def require_samples(r):
    yield (r(2, 3), r.bools(0)), {"message": "it does not hold"}


@require.error_samples
def require_error_samples(r):
    yield (r(2, 3), r(3)), {"message": "it does not hold"}, "bool"


# -- assigning to variables ------------------------------------------------------------------------------------------


@op(effect=True, nondifferentiable="an assignment")
def assign(variable, value):
    """Set the variable; the result is the new value.   variable: s, value: s -> s"""
    return _assigned(variable, value)


@op(effect=True, nondifferentiable="an assignment")
def assign_add(variable, value):
    """Add to the variable; the result is the sum.   variable: s, value: s -> s"""
    return _assigned(variable, value)


ASSIGNMENTS = (assign, assign_add)


def _assigned(variable: Spec, value: Spec) -> Spec:
    if not same_dims(variable.shape, value.shape):
        raise ValueError(f"a variable of shape {format_shape(variable.shape)} cannot take {format_shape(value.shape)}")
    if variable.dtype != value.dtype:
        raise TypeError(f"a {variable.dtype} variable cannot take {value.dtype}; use cast")
    return Spec(variable.shape, variable.dtype)


@op(effect=True, sparse=("x",))
def after(x, *effects):
    """x, with the effects done in the same call.   x: s, effects: any -> s"""
    return Spec(x.shape, x.dtype, x.value, x.sparse)


@after.vjp
def after_vjp(g, out, x, *effects):
    return (g, *[None] * len(effects))


@after.samples
def after_samples(r):
    yield (r(2, 3), r(3)), {}


def assignment(kind: Op, variable: Tensor, value: Any) -> Tensor:
    """Build an assignment, where one may stand: outside of loops; in a branch it is recorded for `cond`."""
    if variable.node.op is not VARIABLE:
        raise TypeError(f"only a variable can be assigned to, got {variable!r}")
    value = as_tensor(value)
    if value.spec.dtype != variable.spec.dtype:
        value = cast(value, dtype=variable.spec.dtype)
    if value.spec.shape != variable.spec.shape and not same_dims(value.spec.shape, variable.spec.shape):
        value = broadcast_to(value, variable)
    trace = graph.current_trace()
    if trace is None:
        return kind(variable, value)  # type: ignore[no-any-return]
    if trace.writes is None:
        raise ValueError(f"{variable!r} is assigned to inside a loop's step; carry it as a state of the loop instead")
    new = value if kind is assign else add(variable, value)
    trace.writes[variable.node] = (variable, graph.localise([as_tensor(new)])[0])
    return new  # type: ignore[no-any-return]


# -- cond --------------------------------------------------------------------------------------------------------------


class _ControlOp(Op):
    """An op with bodies: it returns a tuple, however many outputs it has."""

    def returns_tuple(self, attrs: dict[str, Any]) -> bool:
        return True


def _cond_rule(condition: Spec, *captures: Spec, then: Body, orelse: Body) -> tuple[Spec, ...]:
    """One branch's results, at run time.   condition: () bool -> the branches' outputs"""
    return tuple(
        Spec(common_shape(a.spec.shape, b.spec.shape), a.spec.dtype)
        for a, b in zip(then.outputs, orelse.outputs, strict=True)
    )


COND = register(_ControlOp(_cond_rule, name="cond", sparse=("captures",)))


def cond(condition: Tensor, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """`then()` if the scalar condition holds, else `orelse()`; only the taken one is computed, in gradients too.

    Both return a tensor or a list of tensors, of equal dtypes and ranks. Assignments inside happen if their branch is
    taken.
    """
    if condition.spec.shape not in ((), None):
        raise ValueError(f"cond needs a scalar condition, got shape {format_shape(condition.spec.shape)}")
    if condition.spec.dtype != "bool":
        condition = cast(condition, dtype="bool")
    traces, results = [], []
    for branch in (then, orelse):
        with Trace("a branch") as trace:
            trace.writes = {}
            found = branch()
            many = isinstance(found, (list, tuple))
            results.append([as_tensor(t) for t in (found if many else [found])])
        traces.append(trace)
    if len(results[0]) != len(results[1]):
        raise ValueError(f"the branches of cond return {len(results[0])} and {len(results[1])} tensors")
    written = {n: v for trace in traces for n, (v, _) in (trace.writes or {}).items()}
    bodies = []
    for trace, outputs in zip(traces, results, strict=True):
        with trace:
            made = trace.writes or {}
            new = [made[n][1] if n in made else trace.localise(v) for n, v in written.items()]
            bodies.append(trace.close((), (*graph.localise(outputs), *new)))
    _check_branches(*bodies)
    captured = (*bodies[0].captures, *bodies[1].captures)
    outs = COND.build(graph.localise([condition, *captured]), {"then": bodies[0], "orelse": bodies[1]})
    count = len(results[0])
    if written:
        effects = [assignment(assign, v, t) for v, t in zip(written.values(), outs[count:], strict=True)]
        outs = [after(t, *effects) for t in outs[:count]]
    return list(outs[:count]) if many else outs[0]


def _check_branches(then: Body, orelse: Body) -> None:
    for i, (a, b) in enumerate(zip(then.outputs, orelse.outputs, strict=True)):
        if a.spec.sparse or b.spec.sparse:
            raise TypeError(f"result {i} of cond is sparse; use K.to_dense in the branch")
        if a.spec.dtype != b.spec.dtype:
            raise TypeError(f"result {i} of cond is {a.spec.dtype} in one branch and {b.spec.dtype} in the other")


@COND.vjp
def cond_vjp(g, out, condition, *captures, then, orelse):
    counts = len(then.captures), len(orelse.captures)
    floats = [i for i, c in enumerate(captures) if dtypes.is_float(c.spec.dtype)]

    def branch(body: Body, start: int, stop: int) -> Callable[[], list[Tensor]]:
        def make() -> list[Tensor]:
            mine = list(graph.localise(captures[start:stop]))
            pairs = [(y, c) for y, c in zip(inline(body, mine), g, strict=True) if c is not None]
            found = dict(
                zip(range(start, stop), gradients([y for y, _ in pairs], mine, [c for _, c in pairs]), strict=True)
            )
            return [t if (t := found.get(i)) is not None else fill_like(captures[i], value=0.0) for i in floats]

        return make

    results: list[Tensor | None] = [None] * len(captures)
    if floats:
        grads = cond(condition, branch(then, 0, counts[0]), branch(orelse, counts[0], sum(counts)))
        for i, grad in zip(floats, grads, strict=True):
            results[i] = grad
    return (None, *results)


# -- scan --------------------------------------------------------------------------------------------------------------


def _scan_rule(
    length: Spec, *operands: Spec, body: Body, states: int, sequences: int, reverse: bool
) -> tuple[Spec, ...]:
    """A loop of `length` steps.

    states: s.., sequences: (length, e..) -> final states, stacked outputs, entering states
    """
    n = length.value
    merged = [
        Spec(merge_shapes(old.shape, new.spec.shape), old.dtype)
        for old, new in zip(operands[:states], body.outputs[:states], strict=True)
    ]
    outputs = [_stacked(n, t.spec) for t in body.outputs[states:]]
    return (*merged, *outputs, *[_stacked(n, s) for s in merged])


def _stacked(n: Any, spec: Spec) -> Spec:
    return Spec(None if spec.shape is None else (n, *spec.shape), spec.dtype)


SCAN = register(_ControlOp(_scan_rule, name="scan", sizes=("length",), sparse=("operands",)))

Step = Callable[[list[Tensor], list[Tensor]], tuple[Sequence[Any], Sequence[Any]]]


class ScanResult:
    """The states after the last step, the outputs of all steps, and the states that entered each."""

    def __init__(self, finals: Sequence[Tensor], outputs: Sequence[Tensor], entering: Sequence[Tensor]):
        self.finals = list(finals)
        self.outputs = list(outputs)
        self.entering = list(entering)


def scan(
    step: Step, states: Sequence[Any] = (), sequences: Sequence[Any] = (), length: Any = None, reverse: bool = False
) -> ScanResult:
    """Run `step(states, elements) -> (new states, outputs)` along axis 0 of the sequences, or `length` times.

    With `reverse` the last element comes first; outputs keep their element's place. States keep shape and dtype.
    The step is traced once, so the graph's size does not depend on the number of steps.
    """
    states = [as_tensor(s) for s in states]
    sequences = [as_tensor(s) for s in sequences]
    if any(t.spec.sparse for t in (*states, *sequences)):
        raise TypeError("the states and sequences of a loop are dense tensors; use K.to_dense")
    if length is None:
        if not sequences:
            raise ValueError("scan needs sequences or a length")
        length = size_of(sequences[0], 0)
    with Trace("a loop's step") as trace:
        index = trace.parameter(Spec((), "int64"))
        outer = loop_position()
        trace.index = index
        trace.position = index if outer is None else add(multiply(outer, POSITIONS), index)
        inner = [trace.parameter(Spec(s.spec.shape, s.spec.dtype)) for s in states]
        elements = [trace.parameter(Spec(_element_shape(s.spec), s.spec.dtype)) for s in sequences]
        new, outputs = step(inner, elements)
        new = [_as_state(i, as_tensor(t), s) for i, (t, s) in enumerate(zip(new, states, strict=True))]
        results = graph.localise([*new, *[as_tensor(t) for t in outputs]])
    body = trace.close((index, *inner, *elements), results)
    attrs = {"body": body, "states": len(states), "sequences": len(sequences), "reverse": reverse}
    inputs = graph.localise([as_size(length), *states, *sequences, *body.captures])
    outs = SCAN.build(inputs, attrs)
    a, b = len(states), len(results)
    return ScanResult(outs[:a], outs[a:b], outs[b:])


def _element_shape(spec: Spec) -> Shape:
    if spec.shape == ():
        raise ValueError("a scalar is no sequence: scan loops over axis 0")
    return None if spec.shape is None else spec.shape[1:]


def _as_state(i: int, new: Tensor, old: Tensor) -> Tensor:
    if new.spec.dtype != old.spec.dtype:
        raise TypeError(
            f"state {i} of the loop enters as {old.spec.dtype} and leaves the step as {new.spec.dtype}; use cast"
        )
    if not same_dims(new.spec.shape, old.spec.shape):
        raise ValueError(
            f"state {i} of the loop enters with shape {format_shape(old.spec.shape)} and leaves the step with "
            f"{format_shape(new.spec.shape)}; a state keeps its shape"
        )
    return new


@SCAN.vjp
def scan_vjp(g, out, length, *operands, body, states, sequences, reverse):
    """The same loop the other way: each step is computed again from the states that entered it, then differentiated."""
    outputs = len(body.outputs) - states
    starts, seqs = operands[:states], operands[states : states + sequences]
    captures = operands[states + sequences :]
    g_final, g_out, g_enter = g[:states], g[states : states + outputs], g[states + outputs :]
    entering = out[states + outputs :]

    live_states = [i for i in range(states) if dtypes.is_float(starts[i].spec.dtype)]
    live_seqs = [i for i in range(sequences) if dtypes.is_float(seqs[i].spec.dtype)]
    live_caps = [i for i in range(len(captures)) if dtypes.is_float(captures[i].spec.dtype)]
    given_out = [i for i in range(outputs) if g_out[i] is not None]
    given_enter = [i for i in live_states if g_enter[i] is not None]

    carried = [g_final[i] if g_final[i] is not None else fill_like(starts[i], value=0.0) for i in live_states]
    sums = [fill_like(captures[i], value=0.0) for i in live_caps]
    rows = [*entering, *seqs, *[g_out[i] for i in given_out], *[g_enter[i] for i in given_enter]]

    def step(inner: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        gs, totals = inner[: len(live_states)], inner[len(live_states) :]
        entered, xs, rest = elements[:states], elements[states : states + sequences], elements[states + sequences :]
        trace = graph.current_trace()
        assert trace is not None and trace.index is not None
        inside = list(graph.localise(captures))
        made = inline(body, [trace.index, *entered, *xs, *inside])
        ys = [made[i] for i in live_states] + [made[states + i] for i in given_out]
        cotangents = [*gs, *rest[: len(given_out)]]
        wrt = [entered[i] for i in live_states] + [xs[i] for i in live_seqs] + [inside[i] for i in live_caps]
        found = gradients(ys, wrt, cotangents)
        ds = [d if d is not None else fill_like(w, value=0.0) for d, w in zip(found, wrt, strict=True)]
        new_gs = ds[: len(live_states)]
        for row, i in zip(rest[len(given_out) :], given_enter, strict=True):
            k = live_states.index(i)
            new_gs[k] = add(new_gs[k], row)
        first = len(live_states) + len(live_seqs)
        new_totals = [total if d is None else add(total, d) for total, d in zip(totals, found[first:], strict=True)]
        return [*new_gs, *new_totals], ds[len(live_states) : first]

    result = scan(step, [*carried, *sums], rows, length=length, reverse=not reverse)
    grads: list[Tensor | None] = [None] * len(operands)
    for i, d in zip(live_states, result.finals, strict=False):
        grads[i] = d
    for i, d in zip(live_seqs, result.outputs, strict=True):
        grads[states + i] = d
    for i, d in zip(live_caps, result.finals[len(live_states) :], strict=True):
        grads[states + sequences + i] = d
    return (None, *grads)


def position() -> Tensor:
    """Where a random op stands in a loop's sequence: the open loop's position, or 0.   -> () int64"""
    found = loop_position()
    return constant(0, "int64") if found is None else found
