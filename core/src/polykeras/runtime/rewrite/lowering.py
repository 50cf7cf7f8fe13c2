"""Lowering: a step whose op the backend has no kernel for becomes the steps of the op's expansion."""

from __future__ import annotations

from collections.abc import Callable

from polykeras.runtime.program import Argument, Program, ShapeOf, SizeOf, Step, Value
from polykeras.runtime.specialise import specialise
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import OPS, constant, placeholder
from polykeras.symbolic.spec import Spec


def lower(program: Program, supports: Callable[[str], bool]) -> None:
    """Expand, in place, until only supported ops are left. (Control ops' bodies are lowered when they are compiled.)"""
    for name in ("constants", "steps"):
        steps: list[Step] = getattr(program, name)
        if not any(_expands(s, supports) for s in steps):
            continue
        pending, done = list(reversed(steps)), []
        while pending:
            step = pending.pop()
            if _expands(step, supports):
                pending += reversed(_expansion(program, step))
            else:
                done.append(step)
        setattr(program, name, done)


def _expands(step: Step, supports: Callable[[str], bool]) -> bool:
    return not step.bodies and step.op.lower_rule is not None and not supports(step.op.name)


def _expansion(program: Program, step: Step) -> list[Step]:
    """The steps of the op's lowering, on the values of `step`."""
    outer: list[Value | None] = []
    operands: list[Tensor] = []
    feeds: dict[tuple[object, int], Spec] = {}
    for i, argument in enumerate(step.args):
        value: Value | None
        if isinstance(argument, Value):
            spec, value = argument.spec, argument
        elif isinstance(argument, (ShapeOf, SizeOf)):
            spec, value = argument.value.spec, argument.value
        elif i in step.op.shape_only:
            assert isinstance(argument, tuple)
            spec, value = Spec(argument, step.outs[0].spec.dtype), None  # only its shape is read
        else:
            operands.append(constant(argument))
            continue
        operands.append(placeholder(Spec(spec.shape, spec.dtype, sparse=spec.sparse)))
        feeds[operands[-1].key] = spec
        outer.append(value)
    assert step.op.lower_rule is not None
    made = step.op.lower_rule(*operands, **step.attrs)
    sub = specialise([made] if isinstance(made, Tensor) else list(made), (), feeds, name=step.op.name)  # type: ignore[arg-type]
    renamed = {inner: value for inner, value in zip(sub.inputs, outer, strict=True) if value is not None}
    copies = []
    for result, out in zip(sub.outputs, step.outs, strict=True):
        if result in renamed or result.kind != "temp":
            copies.append(Step(OPS["identity"], [result], [out], {}, step.node))
        else:
            renamed[result] = out
    for new in sub.values:
        if new not in renamed:
            new.id = len(program.values)
            program.values.append(new)
    steps = [*sub.constants, *sub.steps, *copies]
    for inner in steps:
        inner.args = [_rename(a, renamed) for a in inner.args]
        inner.outs = [renamed.get(v, v) for v in inner.outs]
        inner.node = step.node
    return steps


def _rename(argument: Argument, renamed: dict[Value, Value]) -> Argument:
    if isinstance(argument, Value):
        return renamed.get(argument, argument)
    if isinstance(argument, (ShapeOf, SizeOf)):
        return type(argument)(renamed.get(argument.value, argument.value))
    return argument
