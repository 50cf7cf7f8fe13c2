"""What the ops of whole recurrent sequences share: activations and their slopes, masks, products with the state.

Sequences are (time, batch, features). The masks are the last operands: first those of the state's dropout, of shape
(batch, units), none, one for all gates or one for each; then, with `masked`, which steps count, (time, batch) of bool.
A step that does not count leaves the states as they are. No gradient reaches a mask.
"""

from __future__ import annotations

from typing import Any

from polykeras.symbolic.autodiff import gradients
from polykeras.symbolic.op import OPS
from polykeras.symbolic.ops.activation import hard_sigmoid
from polykeras.symbolic.ops.control import scan
from polykeras.symbolic.ops.elementwise import (
    add,
    broadcast_to,
    floor_divide,
    greater,
    identity,
    less,
    logical_and,
    multiply,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    tanh,
    tanh_grad,
    where,
)
from polykeras.symbolic.ops.linalg import matmul
from polykeras.symbolic.ops.shape import concatenate, expand_dims, reshape, size_of, slice_at, slice_axis
from polykeras.symbolic.spec import Dim, Spec, format_shape, same_dims

_FUNCTIONS = {"tanh": tanh, "sigmoid": sigmoid, "hard_sigmoid": hard_sigmoid, "relu": relu}
_SLOPES = {"tanh": tanh_grad, "sigmoid": sigmoid_grad, "relu": relu_grad}
ACTIVATIONS = ("linear", *_FUNCTIONS)


# -- rules -------------------------------------------------------------------------------------------------------------


def check(
    x: Spec, states: tuple[Spec, ...], kernel: Spec, masks: tuple[Spec, ...], gates: int, masked: bool, *names: str
) -> tuple[Dim, Dim, Dim]:
    """The sizes (time, batch, units), or an error where the operands do not fit.   names: of activations"""
    for name in names:
        if name not in ACTIVATIONS:
            raise ValueError(f"the activation is one of {', '.join(ACTIVATIONS)}, got {name!r}")
    if x.ndim != 3 or kernel.ndim != 2:
        raise ValueError(f"the sequence needs 3 axes (time, batch, {gates} units), and the kernel 2")
    time, batch, width = x.shape or ()
    units = _units(width, kernel, gates)
    for state in states:
        if not same_dims(state.shape, (batch, units)):
            raise ValueError(f"a state needs the shape {format_shape((batch, units))}, got {format_shape(state.shape)}")
    _check_masks(masks, (time, batch, units), x.dtype, gates, masked)
    return time, batch, units


def _units(width: Dim, kernel: Spec, gates: int) -> Dim:
    rows, columns = kernel.shape or ()
    found = {n for n in (rows, *[n // gates for n in (width, columns) if n is not None]) if n is not None}
    if len(found) > 1 or any(n is not None and n % gates for n in (width, columns)):
        raise ValueError(
            f"the last axis of the sequence and the kernel's columns hold {gates} times the kernel's rows, "
            f"got {width} and {format_shape(kernel.shape)}"
        )
    return found.pop() if found else None


def _check_masks(masks: tuple[Spec, ...], sizes: tuple[Dim, Dim, Dim], dtype: str, gates: int, masked: bool) -> None:
    time, batch, units = sizes
    dropout, steps = parted(masks, masked)
    if len(dropout) not in (0, 1, gates):
        several = f"no mask, one, or {gates}" if gates > 1 else "no mask or one"
        raise ValueError(f"dropout takes {several}, got {len(dropout)}")
    for mask in dropout:
        if mask.dtype != dtype or not same_dims(mask.shape, (batch, units)):
            raise ValueError(f"a mask of dropout is {dtype}{format_shape((batch, units))}, got {mask!r}")
    if steps is not None and (steps.dtype != "bool" or not same_dims(steps.shape, (time, batch))):
        raise ValueError(f"the mask of the steps is bool{format_shape((time, batch))}, got {steps!r}")


def parted(masks: tuple[Any, ...], masked: bool) -> tuple[tuple[Any, ...], Any]:
    """The masks of dropout, and the mask of the steps or None."""
    if masked and not masks:
        raise ValueError("`masked` says that the last operand is the mask of the steps, and there is none")
    return (masks[:-1], masks[-1]) if masked else (masks, None)


# -- activations -------------------------------------------------------------------------------------------------------


def activate(name: str, x):
    """The activation of x."""
    return x if name == "linear" else _FUNCTIONS[name](x)


def activate_grad(name: str, g, y):
    """g times the slope of the activation where it gives y."""
    if name == "linear":
        return g
    if name == "hard_sigmoid":
        return where(logical_and(greater(y, 0), less(y, 1)), multiply(g, 0.2), 0)
    return _SLOPES[name](g, y)


# -- steps -------------------------------------------------------------------------------------------------------------


def columns(x, first: int, last: int, gates: int):
    """The columns of the gates from `first` up to but without `last`.   x: (..., gates units)"""
    width = x.spec.shape[-1]
    if width is not None:
        units = width // gates
        return slice_axis(x, -1, first * units, last * units)
    rank = x.spec.ndim
    units = floor_divide(size_of(x, rank - 1), gates)
    start = [*[0] * (rank - 1), multiply(units, first)]
    return slice_at(x, start, [*[-1] * (rank - 1), multiply(units, last - first)])


def gates_of(x, count: int) -> list:
    """The columns of each gate."""
    return [columns(x, i, i + 1, count) for i in range(count)]


def kept(active: list, new, old):
    """`new`, but `old` in the samples for which the step does not count.   active: [] or [(batch,)]"""
    return where(expand_dims(active[0], 1), new, old) if active else new


def zeroed(active: list, x):
    """x, but 0 in the samples for which the step does not count."""
    return where(expand_dims(active[0], 1), x, 0) if active else x


def fed_back(h, kernel, dropout, gates: int):
    """h · kernel, h going through the masks of dropout.   h: (..., batch, units) -> (..., batch, gates units)"""
    if len(dropout) < 2:
        return matmul(multiply(h, dropout[0]) if dropout else h, kernel)
    parts = zip(dropout, gates_of(kernel, gates), strict=True)
    return concatenate(*[matmul(multiply(h, mask), part) for mask, part in parts], axis=-1)


def fed_back_grad(g, kernel, dropout, gates: int):
    """The gradient of `fed_back` in h.   g: (batch, gates units) -> (batch, units)"""
    if len(dropout) < 2:
        product = matmul(g, kernel, transpose_b=True)
        return multiply(product, dropout[0]) if dropout else product
    total = None
    for mask, one, part in zip(dropout, gates_of(g, gates), gates_of(kernel, gates), strict=True):
        share = multiply(matmul(one, part, transpose_b=True), mask)
        total = share if total is None else add(total, share)
    return total


# -- whole sequences ---------------------------------------------------------------------------------------------------


def entering(first, rows, backwards: bool):
    """The state that entered each step.   first: (batch, units), rows: (time, batch, units), what left each"""
    first = expand_dims(first, 0)
    if backwards:
        return concatenate(slice_axis(rows, 0, 1, None), first, axis=0)
    return concatenate(first, slice_axis(rows, 0, None, -1), axis=0)


def kernel_grad(entered, g, dropout, gates: int):
    """The gradient of the kernel: one product over all steps.

    entered: (time, batch, units), g: (time, batch, gates units) -> (units, gates units)
    """
    if len(dropout) < 2:
        return over_steps(multiply(entered, dropout[0]) if dropout else entered, g)
    parts = zip(dropout, gates_of(g, gates), strict=True)
    return concatenate(*[over_steps(multiply(entered, mask), part) for mask, part in parts], axis=-1)


def over_steps(x, y):
    """The sum over time and batch of x' y.   x: (time, batch, m), y: (time, batch, n) -> (m, n)"""
    return matmul(_rows(x), _rows(y), transpose_a=True)


def _rows(x):
    width = x.spec.shape[-1]
    return reshape(x, (-1, size_of(x, 2) if width is None else width))


def filled(g, rows):
    """A cotangent of the shape of `rows`; a scalar is the same everywhere."""
    return broadcast_to(g, rows) if g.spec.shape == () else g


def loop(step, states: list, sequences: list, steps, backwards: bool):
    """`scan`, with the mask of the steps as the last sequence where there is one."""
    return scan(step, states, [*sequences, *([] if steps is None else [steps])], reverse=backwards)


def through_the_loop(name: str, gs: tuple, operands: tuple, attrs: dict[str, Any]) -> list:
    """The gradients of an op's expansion, which is a loop; None in `gs` for results that nothing depends on."""
    copies = [identity(x) for x in operands]
    results = OPS[name].lower_rule(*copies, **attrs)  # type: ignore[misc]
    pairs = [(y, g) for y, g in zip(results, gs, strict=True) if g is not None]
    return gradients([y for y, _ in pairs], copies, [g for _, g in pairs])


def summed(xs: list, ys: list) -> list:
    """The sums of two lists of cotangents, in which None stands for zero."""
    return [y if x is None else x if y is None else add(x, y) for x, y in zip(xs, ys, strict=True)]
