"""LSTM over a whole sequence, and its gradient.

Hochreiter and Schmidhuber, Long short-term memory (1997); the forget gate is of Gers et al. (2000).
"""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import add, fill_like, multiply
from polykeras.symbolic.ops.recurrent import (
    activate,
    activate_grad,
    check,
    entering,
    fed_back,
    fed_back_grad,
    filled,
    gates_of,
    kept,
    kernel_grad,
    loop,
    parted,
    summed,
    through_the_loop,
    zeroed,
)
from polykeras.symbolic.ops.shape import concatenate
from polykeras.symbolic.spec import Spec, format_shape, same_dims


@op(promotes=("x", "h", "c", "kernel"), floating=True)
def lstm(
    x, h, c, kernel, *masks, activation: str = "tanh", recurrent_activation: str = "hard_sigmoid",
    backwards: bool = False, masked: bool = False,
):  # fmt: skip
    """Step by step, with what the gates i, f, n, o take from the input side by side in x:

    i, f, o = recurrent_activation(x + h · kernel), n = activation(x + h · kernel)
    c' = f c + i n,   h' = o activation(c')

    x: (time, batch, 4 units), h: (batch, units), c: (batch, units), kernel: (units, 4 units)
    -> hs: (time, batch, units), cs: (time, batch, units), gates: (time, batch, 4 units)

    hs and cs are the states after each step, gates what the gradient needs. `backwards` begins with the last step;
    results keep their step's place. masks: see `ops.recurrent`.
    """
    time, batch, units = check(x, (h, c), kernel, masks, 4, masked, activation, recurrent_activation)
    width = None if units is None else 4 * units
    return tuple([Spec((time, batch, n), x.dtype) for n in (units, units, width)])


@lstm.lower
def lstm_lower(x, h, c, kernel, *masks, activation, recurrent_activation, backwards, masked):
    dropout, steps = parted(masks, masked)

    def step(states, elements):
        h, c = states
        projected, *active = elements
        i, f, n, o = gates_of(add(projected, fed_back(h, kernel, dropout, 4)), 4)
        i, f, o = [activate(recurrent_activation, gate) for gate in (i, f, o)]
        n = activate(activation, n)
        new_c = add(multiply(f, c), multiply(i, n))
        new_h = multiply(o, activate(activation, new_c))
        new = [kept(active, new_h, h), kept(active, new_c, c)]
        return new, [*new, concatenate(i, f, n, o, axis=-1)]

    return tuple(loop(step, [h, c], [x], steps, backwards).outputs)


@lstm.vjp
def lstm_vjp(g, out, x, h, c, kernel, *masks, **attrs):
    """The gates' own cotangent, which only a gradient of a gradient has, goes through the loop."""
    ghs, gcs, ggates = g
    hs, cs, gates = out
    results = [None] * 4
    if ghs is not None or gcs is not None:
        given = [0.0 if one is None else one for one in (ghs, gcs)]
        dx, dh, dc = lstm_grad(*given, c, kernel, cs, gates, *masks, **attrs)
        dropout, _ = parted(masks, attrs["masked"])
        results = [dx, dh, dc, kernel_grad(entering(h, hs, attrs["backwards"]), dx, dropout, 4)]
    if ggates is not None:
        operands = (x, h, c, kernel, *masks)
        results = summed(results, through_the_loop("lstm", (None, None, ggates), operands, attrs)[:4])
    return (*results, *[None] * len(masks))


@op(promotes=("ghs", "gcs", "c", "kernel", "cs", "gates"), floating=True)
def lstm_grad(
    ghs, gcs, c, kernel, cs, gates, *masks, activation: str = "tanh", recurrent_activation: str = "hard_sigmoid",
    backwards: bool = False, masked: bool = False,
):  # fmt: skip
    """The gradients of `lstm` in x and in the states at the start, from what it gave.

    ghs: (time, batch, units) or (), gcs: (time, batch, units) or (), c: (batch, units), kernel: (units, 4 units),
    cs: (time, batch, units), gates: (time, batch, 4 units)
    -> dx: (time, batch, 4 units), dh: (batch, units), dc: (batch, units)

    A scalar ghs or gcs is the same everywhere.
    """
    time, batch, units = check(gates, (c,), kernel, masks, 4, masked, activation, recurrent_activation)
    for one in (cs, *[s for s in (ghs, gcs) if s.shape != ()]):
        if not same_dims(one.shape, (time, batch, units)):
            raise ValueError(f"expected the shape {format_shape((time, batch, units))}, got {format_shape(one.shape)}")
    state = Spec((batch, units), gates.dtype)
    return Spec((time, batch, None if units is None else 4 * units), gates.dtype), state, state


@lstm_grad.lower
def lstm_grad_lower(ghs, gcs, c, kernel, cs, gates, *masks, activation, recurrent_activation, backwards, masked):
    dropout, steps = parted(masks, masked)

    def step(states, elements):
        gh, gc, new_c, old_c, all_gates, *active = elements
        dh, dc = [add(state, one) for state, one in zip(states, (gh, gc), strict=True)]
        i, f, n, o = gates_of(all_gates, 4)
        activated = activate(activation, new_c)
        through = add(dc, activate_grad(activation, multiply(dh, o), activated))
        sums = concatenate(
            activate_grad(recurrent_activation, multiply(through, n), i),
            activate_grad(recurrent_activation, multiply(through, old_c), f),
            activate_grad(activation, multiply(through, i), n),
            activate_grad(recurrent_activation, multiply(dh, activated), o),
            axis=-1,
        )
        sums = zeroed(active, sums)
        old = [kept(active, fed_back_grad(sums, kernel, dropout, 4), dh), kept(active, multiply(through, f), dc)]
        return old, [sums]

    rows = [filled(ghs, cs), filled(gcs, cs), cs, entering(c, cs, backwards), gates]
    zero = fill_like(c, value=0.0)
    result = loop(step, [zero, zero], rows, steps, not backwards)
    return (result.outputs[0], *result.finals)


# -- samples -----------------------------------------------------------------------------------------------------------


def _sequence(r):
    """Operands for 5 steps, 3 samples, 2 units."""
    return r(5, 3, 8), r(3, 2), r(3, 2), r(2, 8)


@lstm.samples
def lstm_samples(r):
    yield _sequence(r), {}
    yield _sequence(r), {"activation": "linear", "recurrent_activation": "sigmoid", "backwards": True}
    yield (*_sequence(r), r.bools(5, 3)), {"recurrent_activation": "sigmoid", "masked": True}
    yield (*_sequence(r), r.bools(5, 3)), {"activation": "relu", "masked": True, "backwards": True}
    yield (*_sequence(r), r.fixed(r(3, 2))), {"recurrent_activation": "tanh"}
    masks = [r.fixed(r(3, 2)) for _ in range(4)]
    yield (*_sequence(r), *masks, r.bools(5, 3)), {"recurrent_activation": "sigmoid", "masked": True}
    yield (r(1, 3, 8), r(3, 2), r(3, 2), r(2, 8)), {}
    yield (r(5, 0, 8), r(0, 2), r(0, 2), r(2, 8)), {}


@lstm.error_samples
def lstm_error_samples(r):
    yield (r(5, 3, 8), r(3, 2), r(3, 2), r(2, 6)), {}, "4 times the kernel's rows, got 8 and (2, 6)"
    yield (r(5, 3, 8), r(4, 2), r(3, 2), r(2, 8)), {}, "a state needs the shape (3, 2), got (4, 2)"
    yield (*_sequence(r), r(3, 2), r(3, 2)), {}, "no mask, one, or 4, got 2"
    yield (*_sequence(r), r(5, 3)), {"masked": True}, "mask of the steps is bool(5, 3)"
    yield _sequence(r), {"activation": "softmax"}, "is one of linear, tanh"


def _results(r):
    """Operands of the gradient for 5 steps, 3 samples, 2 units; gates are small numbers."""
    return r(5, 3, 2), r(5, 3, 2), r(3, 2), r(2, 8), r(5, 3, 2), 0.3 * r(5, 3, 8)


@lstm_grad.samples
def lstm_grad_samples(r):
    yield _results(r), {}
    yield _results(r), {"activation": "linear", "recurrent_activation": "sigmoid", "backwards": True}
    yield (*_results(r), r.bools(5, 3)), {"activation": "relu", "masked": True}
    yield (r(5, 3, 2), r(), *_results(r)[2:], r.fixed(r(3, 2))), {"recurrent_activation": "sigmoid"}
    masks = [r.fixed(r(3, 2)) for _ in range(4)]
    yield (r(), *_results(r)[1:], *masks, r.bools(5, 3)), {"masked": True, "backwards": True}
    yield (r(5, 0, 2), r(5, 0, 2), r(0, 2), r(2, 8), r(5, 0, 2), r(5, 0, 8)), {}


@lstm_grad.error_samples
def lstm_grad_error_samples(r):
    yield (r(5, 3, 2), r(5, 3, 2), r(3, 2), r(2, 8), r(4, 3, 2), r(5, 3, 8)), {}, "expected the shape (5, 3, 2)"
