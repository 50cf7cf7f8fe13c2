"""A recurrent layer whose output is fed back, over a whole sequence, and its gradient.

Elman, Finding structure in time (1990).
"""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import add
from polykeras.symbolic.ops.recurrent import (
    activate,
    activate_grad,
    check,
    entering,
    fed_back,
    fed_back_grad,
    kept,
    kernel_grad,
    loop,
    parted,
    zeroed,
)
from polykeras.symbolic.ops.shape import fill, size_of
from polykeras.symbolic.spec import Spec, format_shape, same_dims


@op(promotes=("x", "h", "kernel"), floating=True)
def simple_rnn(x, h, kernel, *masks, activation: str = "tanh", backwards: bool = False, masked: bool = False):
    """h' = activation(x + h · kernel), step by step.

    x: (time, batch, units), h: (batch, units), kernel: (units, units) -> hs: (time, batch, units)

    hs are the states after each step. `backwards` begins with the last step; results keep their step's place.
    masks: see `ops.recurrent`.
    """
    return Spec(check(x, (h,), kernel, masks, 1, masked, activation), x.dtype)


@simple_rnn.lower
def simple_rnn_lower(x, h, kernel, *masks, activation, backwards, masked):
    dropout, steps = parted(masks, masked)

    def step(states, elements):
        (h,), (projected, *active) = states, elements
        new = kept(active, activate(activation, add(projected, fed_back(h, kernel, dropout, 1))), h)
        return [new], [new]

    return loop(step, [h], [x], steps, backwards).outputs[0]


@simple_rnn.vjp
def simple_rnn_vjp(g, hs, x, h, kernel, *masks, **attrs):
    dx, dh = simple_rnn_grad(g, kernel, hs, *masks, **attrs)
    dropout, _ = parted(masks, attrs["masked"])
    dkernel = kernel_grad(entering(h, hs, attrs["backwards"]), dx, dropout, 1)
    return (dx, dh, dkernel, *[None] * len(masks))


@op(promotes=("g", "kernel", "hs"), floating=True)
def simple_rnn_grad(g, kernel, hs, *masks, activation: str = "tanh", backwards: bool = False, masked: bool = False):
    """The gradients of `simple_rnn` in x and in the state at the start, from what it gave.

    g: (time, batch, units), kernel: (units, units), hs: (time, batch, units)
    -> dx: (time, batch, units), dh: (batch, units)
    """
    time, batch, units = check(hs, (), kernel, masks, 1, masked, activation)
    if not same_dims(g.shape, (time, batch, units)):
        raise ValueError(f"expected a gradient of shape {format_shape((time, batch, units))}, got {g!r}")
    return Spec((time, batch, units), hs.dtype), Spec((batch, units), hs.dtype)


@simple_rnn_grad.lower
def simple_rnn_grad_lower(g, kernel, hs, *masks, activation, backwards, masked):
    dropout, steps = parted(masks, masked)

    def step(states, elements):
        gh, y, *active = elements
        dh = add(states[0], gh)
        sums = zeroed(active, activate_grad(activation, dh, y))
        return [kept(active, fed_back_grad(sums, kernel, dropout, 1), dh)], [sums]

    zero = fill((size_of(hs, 1), size_of(hs, 2)), value=0.0, dtype=hs.spec.dtype)
    result = loop(step, [zero], [g, hs], steps, not backwards)
    return result.outputs[0], result.finals[0]


# -- samples -----------------------------------------------------------------------------------------------------------


@simple_rnn.samples
def simple_rnn_samples(r):
    yield (r(5, 3, 2), r(3, 2), _kernel(r)), {}
    yield (r(5, 3, 2), r(3, 2), _kernel(r)), {"activation": "sigmoid", "backwards": True}
    yield (r(5, 3, 2), r(3, 2), _kernel(r), r.bools(5, 3)), {"activation": "hard_sigmoid", "masked": True}
    yield (r(5, 3, 2), r(3, 2), _kernel(r), r.fixed(r(3, 2))), {"activation": "relu", "backwards": True}
    masks = r.fixed(r(3, 2)), r.bools(5, 3)
    yield (r(5, 3, 2), r(3, 2), _kernel(r), *masks), {"activation": "linear", "masked": True, "backwards": True}
    yield (r(1, 3, 2), r(3, 2), _kernel(r)), {}
    yield (r(5, 0, 2), r(0, 2), _kernel(r)), {}


@simple_rnn.error_samples
def simple_rnn_error_samples(r):
    yield (r(5, 3, 2), r(3, 2), r(2, 3)), {}, "1 times the kernel's rows, got 2 and (2, 3)"
    yield (r(5, 3, 2), r(3, 2), _kernel(r), r(3, 2), r(3, 2)), {}, "no mask or one, got 2"
    yield (r(5, 3, 2), r(3, 2), _kernel(r)), {"masked": True}, "the mask of the steps, and there is none"


@simple_rnn_grad.samples
def simple_rnn_grad_samples(r):
    yield (r(5, 3, 2), _kernel(r), r(5, 3, 2)), {}
    yield (r(5, 3, 2), _kernel(r), r(5, 3, 2)), {"activation": "sigmoid", "backwards": True}
    yield (r(5, 3, 2), _kernel(r), r(5, 3, 2), r.bools(5, 3)), {"activation": "hard_sigmoid", "masked": True}
    masks = r.fixed(r(3, 2)), r.bools(5, 3)
    yield (r(5, 3, 2), _kernel(r), r(5, 3, 2), *masks), {"activation": "relu", "masked": True, "backwards": True}
    yield (r(5, 0, 2), _kernel(r), r(5, 0, 2)), {"activation": "linear"}


@simple_rnn_grad.error_samples
def simple_rnn_grad_error_samples(r):
    yield (r(4, 3, 2), _kernel(r), r(5, 3, 2)), {}, "expected a gradient of shape (5, 3, 2)"


def _kernel(r):
    return r(2, 2, repeats=True)
