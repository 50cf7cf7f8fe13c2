"""GRU over a whole sequence, and its gradient.

Cho et al., Learning phrase representations using RNN encoder-decoder (2014); cuDNN's form is that of its version 1.
"""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import add, fill_like, multiply, subtract, sum_to
from polykeras.symbolic.ops.linalg import matmul
from polykeras.symbolic.ops.recurrent import (
    activate,
    activate_grad,
    check,
    columns,
    entering,
    fed_back,
    fed_back_grad,
    gates_of,
    kept,
    kernel_grad,
    loop,
    over_steps,
    parted,
    summed,
    through_the_loop,
    zeroed,
)
from polykeras.symbolic.ops.shape import concatenate
from polykeras.symbolic.spec import Spec, format_shape, same_dims


@op(promotes=("x", "h", "kernel", "bias"), floating=True)
def gru(
    x, h, kernel, bias, *masks, activation: str = "tanh", recurrent_activation: str = "hard_sigmoid",
    reset_after: bool = False, drops_state: bool = False, backwards: bool = False, masked: bool = False,
):  # fmt: skip
    """Step by step, with what the gates z, r, n take from the input side by side in x, and kernel = U_z, U_r, U_n:

    z, r = recurrent_activation(x + h · U)
    n = activation(x_n + p · U_n + bias), p = r h;   with `reset_after`: n = activation(x_n + r p), p = h · U_n + bias
    h' = z h + (1 − z) n

    x: (time, batch, 3 units), h: (batch, units), kernel: (units, 3 units), bias: (units,) or ()
    -> hs: (time, batch, units), gates: (time, batch, 4 units)

    hs are the states after each step; gates, z, r, p and n, are what the gradient needs. `backwards` begins with the
    last step; results keep their step's place. masks: see `ops.recurrent`; with `drops_state` the one mask of dropout
    is on the h that stays, too.
    """
    time, batch, units = check(x, (h,), kernel, masks, 3, masked, activation, recurrent_activation)
    _check_rest(bias, units, masks, masked, drops_state)
    return Spec((time, batch, units), x.dtype), Spec((time, batch, None if units is None else 4 * units), x.dtype)


def _check_rest(bias: Spec, units, masks, masked: bool, drops_state: bool) -> None:
    if bias.shape != () and not same_dims(bias.shape, (units,)):
        raise ValueError(f"the bias needs the shape {format_shape((units,))} or (), got {format_shape(bias.shape)}")
    if drops_state and len(parted(masks, masked)[0]) != 1:
        raise ValueError("`drops_state` needs one mask of dropout")


@gru.lower
def gru_lower(
    x, h, kernel, bias, *masks, activation, recurrent_activation, reset_after, drops_state, backwards, masked
):
    dropout, steps = parted(masks, masked)
    first, second = columns(kernel, 0, 2, 3), columns(kernel, 2, 3, 3)

    def step(states, elements):
        (h,), (projected, *active) = states, elements
        sums = add(columns(projected, 0, 2, 3), fed_back(h, first, dropout[:2], 2))
        z, r = [activate(recurrent_activation, gate) for gate in gates_of(sums, 2)]
        dropped = multiply(h, dropout[-1]) if dropout else h
        if reset_after:
            p = add(matmul(dropped, second), bias)
            seen = multiply(r, p)
        else:
            p = multiply(r, dropped)
            seen = add(matmul(p, second), bias)
        n = activate(activation, add(columns(projected, 2, 3, 3), seen))
        stays = dropped if drops_state else h
        new = kept(active, add(multiply(z, stays), multiply(subtract(1, z), n)), h)
        return [new], [new, concatenate(z, r, p, n, axis=-1)]

    return tuple(loop(step, [h], [x], steps, backwards).outputs)


@gru.vjp
def gru_vjp(g, out, x, h, kernel, bias, *masks, **attrs):
    """The gates' own cotangent, which only a gradient of a gradient has, goes through the loop."""
    (ghs, ggates), (hs, gates) = g, out
    results = [None] * 4
    if ghs is not None:
        dx, dh = gru_grad(ghs, h, kernel, hs, gates, *masks, **attrs)
        dropout, _ = parted(masks, attrs["masked"])
        entered = entering(h, hs, attrs["backwards"])
        dn = columns(dx, 2, 3, 3)
        if attrs["reset_after"]:
            dn = multiply(dn, columns(gates, 1, 2, 4))
            dkernel = kernel_grad(entered, concatenate(columns(dx, 0, 2, 3), dn, axis=-1), dropout, 3)
        else:
            first = kernel_grad(entered, columns(dx, 0, 2, 3), dropout[:2], 2)
            dkernel = concatenate(first, over_steps(columns(gates, 2, 3, 4), dn), axis=-1)
        results = [dx, dh, dkernel, sum_to(dn, bias)]
    if ggates is not None:
        operands = (x, h, kernel, bias, *masks)
        results = summed(results, through_the_loop("gru", (None, ggates), operands, attrs)[:4])
    return (*results, *[None] * len(masks))


@op(promotes=("g", "h", "kernel", "hs", "gates"), floating=True)
def gru_grad(
    g, h, kernel, hs, gates, *masks, activation: str = "tanh", recurrent_activation: str = "hard_sigmoid",
    reset_after: bool = False, drops_state: bool = False, backwards: bool = False, masked: bool = False,
):  # fmt: skip
    """The gradients of `gru` in x and in the state at the start, from what it gave.

    g: (time, batch, units), h: (batch, units), kernel: (units, 3 units), hs: (time, batch, units),
    gates: (time, batch, 4 units) -> dx: (time, batch, 3 units), dh: (batch, units)
    """
    time, batch, units = _sizes(hs, kernel)
    width = None if units is None else 3 * units
    sequence = Spec((time, batch, width), hs.dtype)
    check(sequence, (h,), kernel, masks, 3, masked, activation, recurrent_activation)
    for one, wanted in ((g, units), (gates, None if units is None else 4 * units)):
        if not same_dims(one.shape, (time, batch, wanted)):
            raise ValueError(f"expected the shape {format_shape((time, batch, wanted))}, got {format_shape(one.shape)}")
    return sequence, Spec((batch, units), hs.dtype)


def _sizes(hs: Spec, kernel: Spec):
    if hs.shape is None or len(hs.shape) != 3 or kernel.shape is None or len(kernel.shape) != 2:
        raise ValueError("the states need 3 axes (time, batch, units), and the kernel 2")
    assert hs.shape is not None and kernel.shape is not None
    time, batch, units = hs.shape
    return time, batch, kernel.shape[0] if units is None else units


@gru_grad.lower
def gru_grad_lower(
    g, h, kernel, hs, gates, *masks, activation, recurrent_activation, reset_after, drops_state, backwards, masked
):
    dropout, steps = parted(masks, masked)
    first, second = columns(kernel, 0, 2, 3), columns(kernel, 2, 3, 3)

    def step(states, elements):
        gh, entered, all_gates, *active = elements
        dh = add(states[0], gh)
        z, r, p, n = gates_of(all_gates, 4)
        dropped = multiply(entered, dropout[-1]) if dropout else entered
        stays = dropped if drops_state else entered
        dn = activate_grad(activation, multiply(dh, subtract(1, z)), n)
        dz = activate_grad(recurrent_activation, multiply(dh, subtract(stays, n)), z)
        if reset_after:
            dr = activate_grad(recurrent_activation, multiply(dn, p), r)
            back = matmul(multiply(dn, r), second, transpose_b=True)
        else:
            dp = matmul(dn, second, transpose_b=True)
            dr = activate_grad(recurrent_activation, multiply(dp, dropped), r)
            back = multiply(dp, r)
        back = multiply(back, dropout[-1]) if dropout else back
        stayed = multiply(dh, z)
        back = add(back, multiply(stayed, dropout[-1]) if drops_state else stayed)
        back = add(back, fed_back_grad(concatenate(dz, dr, axis=-1), first, dropout[:2], 2))
        return [kept(active, back, dh)], [zeroed(active, concatenate(dz, dr, dn, axis=-1))]

    rows = [g, entering(h, hs, backwards), gates]
    result = loop(step, [fill_like(h, value=0.0)], rows, steps, not backwards)
    return result.outputs[0], result.finals[0]


# -- samples -----------------------------------------------------------------------------------------------------------


def _sequence(r):
    """Operands for 5 steps, 3 samples, 2 units."""
    return r(5, 3, 6), r(3, 2), r(2, 6), r(2)


@gru.samples
def gru_samples(r):
    masks = [r.fixed(r(3, 2)) for _ in range(3)]
    smooth = {"recurrent_activation": "sigmoid"}
    yield _sequence(r), {}
    yield _sequence(r), {"reset_after": True, "backwards": True}
    yield (*_sequence(r)[:3], r()), {"activation": "linear", "recurrent_activation": "tanh", "backwards": True}
    yield (*_sequence(r), r.bools(5, 3)), {"activation": "relu", "masked": True}
    yield (*_sequence(r), r.bools(5, 3)), {**smooth, "masked": True, "backwards": True, "reset_after": True}
    yield (*_sequence(r), masks[0]), smooth
    yield (*_sequence(r), masks[0]), {**smooth, "reset_after": True, "drops_state": True}
    yield (*_sequence(r), masks[0], r.bools(5, 3)), {**smooth, "masked": True, "drops_state": True}
    yield (*_sequence(r), *masks), smooth
    yield (*_sequence(r), *masks, r.bools(5, 3)), {**smooth, "masked": True, "reset_after": True}
    yield (r(1, 3, 6), r(3, 2), r(2, 6), r(2)), {}
    yield (r(5, 0, 6), r(0, 2), r(2, 6), r(2)), {}


@gru.error_samples
def gru_error_samples(r):
    yield (*_sequence(r)[:3], r(3)), {}, "the bias needs the shape (2,) or (), got (3,)"
    yield _sequence(r), {"drops_state": True}, "needs one mask of dropout"
    yield (r(5, 3, 8), r(3, 2), r(2, 6), r(2)), {}, "3 times the kernel's rows, got 8 and (2, 6)"


def _results(r):
    """Operands of the gradient for 5 steps, 3 samples, 2 units; gates are small numbers."""
    return r(5, 3, 2), r(3, 2), r(2, 6), r(5, 3, 2), 0.3 * r(5, 3, 8)


@gru_grad.samples
def gru_grad_samples(r):
    masks = [r.fixed(r(3, 2)) for _ in range(3)]
    smooth = {"recurrent_activation": "sigmoid"}
    yield _results(r), {}
    yield _results(r), {"reset_after": True, "backwards": True}
    yield (*_results(r), r.bools(5, 3)), {"activation": "relu", "masked": True, "backwards": True}
    yield (*_results(r), masks[0]), {**smooth, "drops_state": True}
    yield (*_results(r), masks[0]), {**smooth, "reset_after": True}
    yield (*_results(r), *masks, r.bools(5, 3)), {**smooth, "masked": True}
    yield (*_results(r), *masks, r.bools(5, 3)), {"activation": "linear", "masked": True, "reset_after": True}
    yield (r(5, 0, 2), r(0, 2), r(2, 6), r(5, 0, 2), r(5, 0, 8)), {}


@gru_grad.error_samples
def gru_grad_error_samples(r):
    yield (*_results(r)[:4], r(5, 3, 6)), {}, "expected the shape (5, 3, 8), got (5, 3, 6)"
