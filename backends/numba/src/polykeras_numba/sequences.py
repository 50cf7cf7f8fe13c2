"""Kernels of whole recurrent sequences: for each step, products with the state and one pass over the gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.recurrence import Elements, Recurrence

ACTIVATION, RECURRENT = "activation", "recurrent_activation"
# of each op, the names of its operands but the masks, and of its results
OPERANDS = {
    "simple_rnn": ("x", "h", "kernel"),
    "simple_rnn_grad": ("g", "kernel", "hs"),
    "lstm": ("x", "h", "c", "kernel"),
    "lstm_grad": ("ghs", "gcs", "c", "kernel", "cs", "gates"),
    "gru": ("x", "h", "kernel", "bias"),
    "gru_grad": ("g", "h", "kernel", "hs", "gates"),
}
RESULTS = {
    "simple_rnn": ("hs",),
    "simple_rnn_grad": ("dx", "dh"),
    "lstm": ("hs", "cs", "gates"),
    "lstm_grad": ("dx", "dh", "dc"),
    "gru": ("hs", "gates"),
    "gru_grad": ("dx", "dh"),
}


def kernel(name: str, described: tuple[tuple[str, Any], ...]) -> Any:
    """The kernel of an op as a Numba intrinsic of the table's address."""

    def write(code: Code, table: Table) -> None:
        _WRITERS[name](Recurrence(code, table, dict(described), OPERANDS[name], RESULTS[name]))

    return kernel_of(write)


# -- simple_rnn --------------------------------------------------------------------------------------------------------


def _simple_rnn(r: Recurrence) -> None:
    r.pack(0, 1, 1)
    current = r.state("h")

    def step(t: Word) -> None:
        h, new = r.at(current), r.step("hs", t)
        r.fed_back(h, 0, 1, 1, new, 1)

        def cell(e: Elements) -> None:
            y = e.activate(ACTIVATION, e.k.builder.fadd(e.load(new), e.load(r.step("x", t))))
            e.store(e.kept(t, y, e.load(h)), new)

        r.elements(cell)
        current.set(new.ir)

    r.steps(step)


def _simple_rnn_grad(r: Recurrence) -> None:
    r.pack(0, 1, 1, turned=True)
    r.code.clear(r["dh"], r.state_bytes)

    def step(t: Word, is_first: Any) -> None:
        dx = r.step("dx", t)

        def cell(e: Elements) -> None:
            dh = e.k.builder.fadd(e.load(r["dh"]), e.load(r.step("g", t)))
            e.store(e.zeroed(t, e.slope(ACTIVATION, dh, e.load(r.step("hs", t)))), dx)
            e.store(e.kept(t, e.k.like(dh, 0.0), dh), r["dh"])

        r.elements(cell)
        r.fed_back_grad(dx, 1, 0, 1, 1, r["dh"])

    r.steps_back(step)


# -- lstm --------------------------------------------------------------------------------------------------------------


def _lstm(r: Recurrence) -> None:
    r.pack(0, 4, 4)
    current, memory = r.state("h"), r.state("c")

    def step(t: Word) -> None:
        h, c, x = r.at(current), r.at(memory), r.step("x", t, 4)
        new_h, new_c, gates = r.step("hs", t), r.step("cs", t), r.step("gates", t, 4)
        r.fed_back(h, 0, 4, 4, gates, 4)

        def cell(e: Elements) -> None:
            b = e.k.builder
            sums = [b.fadd(e.load(gates, gate, 4), e.load(x, gate, 4)) for gate in range(4)]
            kinds = (RECURRENT, RECURRENT, ACTIVATION, RECURRENT)
            i, f, n, o = [e.activate(kind, s) for kind, s in zip(kinds, sums, strict=True)]
            for gate, value in enumerate((i, f, n, o)):
                e.store(value, gates, gate, 4)
            old = e.load(c)
            made = b.fadd(b.fmul(f, old), b.fmul(i, n))
            e.store(e.kept(t, made, old), new_c)
            e.store(e.kept(t, b.fmul(o, e.activate(ACTIVATION, made)), e.load(h)), new_h)

        r.elements(cell)
        current.set(new_h.ir)
        memory.set(new_c.ir)

    r.steps(step)


def _lstm_grad(r: Recurrence) -> None:
    r.pack(0, 4, 4, turned=True)
    for name in ("dh", "dc"):
        r.code.clear(r[name], r.state_bytes)

    def step(t: Word, is_first: Any) -> None:
        dx, gates = r.step("dx", t, 4), r.step("gates", t, 4)
        entered = r.before(t, is_first, "c", "cs")

        def cell(e: Elements) -> None:
            b = e.k.builder
            dh = b.fadd(e.load(r["dh"]), e.cotangent("ghs", t))
            dc = b.fadd(e.load(r["dc"]), e.cotangent("gcs", t))
            i, f, n, o = [e.load(gates, gate, 4) for gate in range(4)]
            activated = e.activate(ACTIVATION, e.load(r.step("cs", t)))
            through = b.fadd(dc, e.slope(ACTIVATION, b.fmul(dh, o), activated))
            sums = (
                e.slope(RECURRENT, b.fmul(through, n), i),
                e.slope(RECURRENT, b.fmul(through, e.load(entered)), f),
                e.slope(ACTIVATION, b.fmul(through, i), n),
                e.slope(RECURRENT, b.fmul(dh, activated), o),
            )
            for gate, value in enumerate(sums):
                e.store(e.zeroed(t, value), dx, gate, 4)
            e.store(e.kept(t, e.k.like(dh, 0.0), dh), r["dh"])
            e.store(e.kept(t, b.fmul(through, f), dc), r["dc"])

        r.elements(cell)
        r.fed_back_grad(dx, 4, 0, 4, 4, r["dh"])

    r.steps_back(step)


# -- gru ---------------------------------------------------------------------------------------------------------------


def _gru(r: Recurrence) -> None:
    """The gates lie as z, r, p, n; a product for z, r and p gives three of them at once."""
    current, after = r.state("h"), r.described["reset_after"]
    for first, gates in [(0, 3)] if after else [(0, 2), (2, 1)]:
        r.pack(first, gates, 3)

    def step(t: Word) -> None:
        h, x = r.at(current), r.step("x", t, 3)
        new, gates = r.step("hs", t), r.step("gates", t, 4)

        def reset(e: Elements) -> None:
            """z and r, and of the state what r lets through."""
            b = e.k.builder
            for gate in range(2):
                value = e.activate(RECURRENT, b.fadd(e.load(gates, gate, 4), e.load(x, gate, 3)))
                e.store(value, gates, gate, 4)
            e.store(e.dropped(b.fmul(value, e.load(h)), 2), gates, 2, 4)

        def cell(e: Elements) -> None:
            b = e.k.builder
            bias = e.scalar("bias") if r.described["bias_scalar"] else e.shared("bias")
            z, reset, p, product = [e.load(gates, gate, 4) for gate in range(4)]
            if after:
                z, reset = [e.activate(RECURRENT, b.fadd(gate, e.load(x, i, 3))) for i, gate in enumerate((z, reset))]
                p = b.fadd(p, bias)
                for gate, value in enumerate((z, reset, p)):
                    e.store(value, gates, gate, 4)
                seen = b.fmul(reset, p)
            else:
                seen = b.fadd(product, bias)
            n = e.activate(ACTIVATION, b.fadd(seen, e.load(x, 2, 3)))
            e.store(n, gates, 3, 4)
            old = e.load(h)
            stays = e.dropped(old, 0) if r.described["drops_state"] else old
            e.store(e.kept(t, b.fadd(b.fmul(z, b.fsub(stays, n)), n), old), new)

        if after:
            r.fed_back(h, 0, 3, 3, gates, 4)
        else:
            r.fed_back(h, 0, 2, 3, gates, 4)
            r.elements(reset)
            r.product(gates + r.row_bytes * 2, 4, 2, 1, 3, gates + r.row_bytes * 3, 4)
        r.elements(cell)
        current.set(new.ir)

    r.steps(step)


def _gru_grad(r: Recurrence) -> None:
    after, drops = r.described["reset_after"], r.described["drops_state"]
    r.pack(0, 2, 3, turned=True)
    r.pack(2, 1, 3, turned=True)
    r.code.clear(r["dh"], r.state_bytes)
    reset_sums = r["scratch"] + r.state_bytes

    def step(t: Word, is_first: Any) -> None:
        dx, gates = r.step("dx", t, 3), r.step("gates", t, 4)
        entered = r.before(t, is_first, "h", "hs")

        def cell(e: Elements) -> None:
            b = e.k.builder
            dh = b.fadd(e.load(r["dh"]), e.load(r.step("g", t)))
            z, reset, p, n = [e.load(gates, gate, 4) for gate in range(4)]
            old = e.load(entered)
            stays = e.dropped(old, 0) if drops else old
            one = e.k.like(dh, 1.0)
            dn = e.zeroed(t, e.slope(ACTIVATION, b.fmul(dh, b.fsub(one, z)), n))
            e.store(e.zeroed(t, e.slope(RECURRENT, b.fmul(dh, b.fsub(stays, n)), z)), dx, 0, 3)
            e.store(dn, dx, 2, 3)
            if after:
                e.store(e.zeroed(t, e.slope(RECURRENT, b.fmul(dn, p), reset)), dx, 1, 3)
                e.store(b.fmul(dn, reset), reset_sums)
            stayed = b.fmul(dh, z)
            e.store(e.kept(t, e.dropped(stayed, 0) if drops else stayed, dh), r["dh"])

        def reset(e: Elements) -> None:
            """From the gradient of r h, which lies where that of r's sum belongs, to the latter and to h's."""
            b = e.k.builder
            through = e.dropped(e.load(dx, 1, 3), 2)
            gate = e.load(gates, 1, 4)
            dr = e.slope(RECURRENT, b.fmul(through, e.load(entered)), gate)
            e.store(e.zeroed(t, dr), dx, 1, 3)
            back = e.zeroed(t, b.fmul(through, gate))
            e.store(b.fadd(e.load(r["dh"]), back), r["dh"])

        r.elements(cell)
        if after:
            r.fed_back_grad(reset_sums, 1, 2, 1, 3, r["dh"])
        else:
            r.product(dx + r.row_bytes * 2, 3, 2, 1, 3, dx + r.row_bytes, 3, turned=True)
            r.elements(reset)
        r.fed_back_grad(dx, 3, 0, 2, 3, r["dh"])

    r.steps_back(step)


_WRITERS: dict[str, Callable[[Recurrence], None]] = {
    "simple_rnn": _simple_rnn, "simple_rnn_grad": _simple_rnn_grad, "lstm": _lstm, "lstm_grad": _lstm_grad,
    "gru": _gru, "gru_grad": _gru_grad,
}  # fmt: skip
