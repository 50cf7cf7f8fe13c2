"""Functions, gradients, loops and choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polykeras.backend import session
from polykeras.runtime.function import Function
from polykeras.symbolic import autodiff
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import OPS, PLACEHOLDER, as_tensor
from polykeras.symbolic.ops import control
from polykeras.symbolic.ops.control import scan
from polykeras.symbolic.ops.shape import reverse, size_of

__all__ = [
    "Function",
    "foldl",
    "foldr",
    "function",
    "gradients",
    "in_test_phase",
    "in_train_phase",
    "map_fn",
    "print_tensor",
    "rnn",
    "scan",
    "stop_gradient",
    "switch",
]


def function(
    inputs: Sequence[Any], outputs: Sequence[Tensor], updates: Sequence[Any] | None = None, **kwargs: Any
) -> Function:
    """A callable that computes outputs from inputs and performs updates (see `Function`).

    Keyword arguments: `name`, `backend` (a name or a backend; the current one at each call if not given).
    """
    for name in kwargs:
        if name not in ("name", "backend"):
            raise ValueError(f"K.function has no argument {name!r}; it takes inputs, outputs, updates, name, backend")
    for what, given in (("inputs", inputs), ("outputs", outputs), ("updates", updates)):
        if given is not None and not isinstance(given, (list, tuple)):
            raise TypeError(f"`{what}` of K.function is a list, got {type(given).__name__}")
    return Function(inputs, [as_tensor(t) for t in outputs], updates, **kwargs)


def gradients(loss: Tensor | Sequence[Tensor], variables: Tensor | Sequence[Tensor]) -> list[Tensor | None]:
    """d(sum of loss)/dv for each v; None where nothing differentiable connects them.   loss: any, v: s -> s"""
    return autodiff.gradients(loss, [variables] if isinstance(variables, Tensor) else list(variables))


def stop_gradient(variables: Any) -> Any:
    """The same values, as constants to gradients. A tensor or a list of tensors."""
    if isinstance(variables, (list, tuple)):
        return [OPS["stop_gradient"](v) for v in variables]
    return OPS["stop_gradient"](variables)


def print_tensor(x: Tensor, message: str = "") -> Tensor:
    """x, printed with the message whenever it is computed.   x: s -> s"""
    return OPS["print_tensor"](x, message=message)


# -- choices -----------------------------------------------------------------------------------------------------------


def _made(x: Any) -> Any:
    return x() if callable(x) and not isinstance(x, Tensor) else x


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """x in training, alt otherwise; both may be functions of no arguments.   x: s, alt: s -> s

    `training` is the learning phase if None; True and 1, False and 0 decide now; a tensor decides at each call.
    """
    uses_phase = training is None
    if uses_phase:
        training = session.learning_phase()
    if not isinstance(training, Tensor):
        return _made(x if training in (1, True) else alt)
    if training.node.op is PLACEHOLDER:
        result = control.choose(training, _made(x), _made(alt))
    else:
        result = switch(training, x, alt)
    if uses_phase:
        result._uses_learning_phase = True
    return result


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """x in the test phase, alt in training.   x: s, alt: s -> s"""
    return in_train_phase(alt, x, training=training)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two tensors or results of functions.   condition: () or leading axes of s, the others: s -> s

    A scalar condition computes one of them only. Otherwise the elements are selected; an infinite one that is not
    selected gives NaN gradients.
    """
    condition = as_tensor(condition)
    rank = condition.spec.ndim
    if rank == 0:
        return control.cond(condition, lambda: _made(then_expression), lambda: _made(else_expression))
    then, orelse = as_tensor(_made(then_expression)), as_tensor(_made(else_expression))
    if then.spec.ndim < rank:
        raise ValueError(f"switch: the condition has rank {rank}, more than the expressions' {then.spec.ndim}")
    return OPS["where"](_to_rank(_boolean(condition), then.spec.ndim), then, orelse)


def _boolean(x: Tensor) -> Tensor:
    return x if x.spec.dtype == "bool" else OPS["cast"](x, dtype="bool")


def _to_rank(x: Tensor, rank: int) -> Tensor:
    """x with axes of size 1 behind its own, up to `rank`."""
    missing = rank - x.spec.ndim
    if missing <= 0:
        return x
    sizes = [size_of(x, i) if n is None else n for i, n in enumerate(x.spec.shape or ())]
    return OPS["reshape"](x, (*sizes, *[1] * missing))


# -- loops -------------------------------------------------------------------------------------------------------------


def foldl(fn: Callable[..., Any], elems: Tensor, initializer: Any = None, name: str | None = None) -> Tensor:
    """fn(...fn(fn(initializer, elems[0]), elems[1])...).   elems: (n, ...) -> initializer's shape"""
    return _fold(fn, elems, initializer, reverse=False)


def foldr(fn: Callable[..., Any], elems: Tensor, initializer: Any = None, name: str | None = None) -> Tensor:
    """As `foldl`, from the last element to the first.   elems: (n, ...) -> initializer's shape"""
    return _fold(fn, elems, initializer, reverse=True)


def _fold(fn: Callable[..., Any], elems: Any, initializer: Any, reverse: bool) -> Tensor:
    elems = as_tensor(elems)
    if initializer is None:
        initializer = elems[-1] if reverse else elems[0]
        elems = elems[:-1] if reverse else elems[1:]
    else:
        initializer = as_tensor(initializer)

    def step(states: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        return [fn(states[0], elements[0])], []

    return scan(step, [initializer], [elems], reverse=reverse).finals[0]


def map_fn(fn: Callable[..., Any], elems: Any, name: str | None = None, dtype: str | None = None) -> Any:
    """fn of every element along axis 0, stacked.   elems: (n, ...), or a list of such -> (n, ...)"""
    many = isinstance(elems, (list, tuple))
    sequences = [as_tensor(e) for e in (elems if many else [elems])]
    found: list[bool] = []

    def step(states: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Any]]:
        made = fn(list(elements) if many else elements[0])
        found.append(isinstance(made, (list, tuple)))
        results = list(made) if found[0] else [made]
        return [], [OPS["cast"](as_tensor(r), dtype=dtype) if dtype else r for r in results]

    outputs = scan(step, [], sequences).outputs
    return outputs if found[0] else outputs[0]


def rnn(
    step_function: Callable[..., Any],
    inputs: Tensor,
    initial_states: Sequence[Any],
    go_backwards: bool = False,
    mask: Tensor | None = None,
    constants: Sequence[Any] | None = None,
    unroll: bool = False,
    input_length: int | None = None,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Iterate over the time axis.   inputs: (samples, time, ...), mask: (samples, time)

    `step_function(input, states)` gets the states followed by the constants and returns (output, new states).
    Returns the last output (samples, ...), all outputs (samples, time, ...), and the last states.
    Where the mask is false a step keeps the states; its output is the first state's (unrolled: the output before it,
    zeros at first).
    """
    rank = inputs.spec.ndim
    if rank < 3:
        raise ValueError(f"rnn: the inputs need at least 3 axes (samples, time, ...), got shape {inputs.spec.shape}")
    states = [as_tensor(s) for s in initial_states]
    extra = list(constants or [])
    if mask is not None and not states:
        raise ValueError("rnn: masking needs initial states; a masked step repeats them")
    swap = (1, 0, *range(2, rank))
    sequence = OPS["transpose"](inputs, axes=swap)
    sequences = [sequence]
    if mask is not None:
        mask = _boolean(mask)
        if mask.spec.ndim == 3:
            mask = mask[:, :, 0]
        sequences.append(OPS["transpose"](mask, axes=(1, 0)))
    uses_phase: list[bool] = []

    def step(inner: list[Tensor], elements: list[Tensor], before: Tensor | None) -> tuple[list[Tensor], Tensor]:
        output, new = step_function(elements[0], [*inner, *extra])
        uses_phase.append(getattr(output, "_uses_learning_phase", False))
        if len(new) != len(inner):
            raise ValueError(f"rnn: the step function got {len(inner)} states and returned {len(new)}")
        if len(elements) > 1:
            keep = elements[1]
            output = OPS["where"](_to_rank(keep, output.spec.ndim), output, before)
            new = [OPS["where"](_to_rank(keep, n.spec.ndim), n, o) for n, o in zip(new, inner, strict=True)]
        return list(new), output

    if unroll:
        last, outputs, finals = _unrolled(step, sequences, states, go_backwards)
    else:

        def body(inner: list[Tensor], elements: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            new, output = step(inner, elements, inner[0] if len(elements) > 1 else None)
            return new, [output]

        result = scan(body, states, sequences, reverse=go_backwards)
        finals, stacked = result.finals, result.outputs[0]
        if go_backwards:  # outputs stand in the order in which they were made
            stacked = reverse(stacked, 0)
        last = stacked[-1]
        outputs = OPS["transpose"](stacked, axes=(1, 0, *range(2, stacked.spec.ndim)))
    last._uses_learning_phase = any(uses_phase)
    outputs._uses_learning_phase = last._uses_learning_phase
    return last, outputs, finals


def _unrolled(
    step: Callable[..., Any], sequences: list[Tensor], states: list[Tensor], backwards: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    n = (sequences[0].spec.shape or (None,))[0]
    if n is None:
        raise ValueError("rnn: unrolling needs a known number of time steps")
    if n == 0:
        raise ValueError("rnn: there are no time steps")
    made: list[Tensor] = []
    for t in reversed(range(n)) if backwards else range(n):
        elements = [s[t] for s in sequences]
        before = made[-1] if made else None
        if before is None and len(sequences) > 1:
            output, _ = step(states, elements[:1], None)[::-1]
            before = OPS["fill_like"](output, value=0.0)
        states, output = step(states, elements, before)
        made.append(output)
    return made[-1], OPS["stack"](*made, axis=1), states
