"""What the kernels of whole recurrent sequences share. Everything is written into arrays that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from polykeras.symbolic.ops.recurrent import parted

Array = Any


def activate(xp: Any, name: str, x: Array) -> None:
    """x becomes its activation."""
    one = x.dtype.type(1)
    if name == "tanh":
        xp.tanh(x, out=x)
    elif name == "sigmoid":
        # where exp overflows, the result is 0 as it should be
        xp.negative(x, out=x)
        xp.exp(x, out=x)
        xp.add(x, one, out=x)
        xp.reciprocal(x, out=x)
    elif name == "hard_sigmoid":
        xp.multiply(x, x.dtype.type(0.2), out=x)
        xp.add(x, x.dtype.type(0.5), out=x)
        xp.maximum(x, x.dtype.type(0), out=x)
        xp.minimum(x, one, out=x)
    elif name == "relu":
        xp.maximum(x, x.dtype.type(0), out=x)


def multiply_slope(xp: Any, name: str, y: Array, target: Array) -> None:
    """`target` is multiplied by the slope of the activation where it gives y."""
    one = y.dtype.type(1)
    if name == "tanh":
        slope = xp.multiply(y, y)
        xp.subtract(one, slope, out=slope)
    elif name == "sigmoid":
        slope = xp.subtract(one, y)
        xp.multiply(slope, y, out=slope)
    elif name == "hard_sigmoid":
        slope = xp.multiply((y > 0) & (y < 1), y.dtype.type(0.2))
    elif name == "relu":
        slope = y > 0
    else:
        return
    xp.multiply(target, slope, out=target)


def blocks(x: Array, count: int) -> list[Array]:
    """The columns of each gate."""
    units = x.shape[-1] // count
    return [x[..., i * units : (i + 1) * units] for i in range(count)]


class Steps:
    """The order of the steps, and which samples a step leaves as they are."""

    def __init__(self, time: int, masks: Sequence[Array], masked: bool, backwards: bool):
        self.dropout, steps = parted(tuple(masks), masked)
        self.skipped = None if steps is None else ~steps[:, :, None]
        self.time = time
        self.backwards = backwards

    def forward(self) -> Iterator[int]:
        """The steps in order."""
        return iter(range(self.time - 1, -1, -1) if self.backwards else range(self.time))

    def reverse(self) -> Iterator[int]:
        """The steps in the order of the gradient, the last one first."""
        return iter(range(self.time) if self.backwards else range(self.time - 1, -1, -1))

    def keep(self, xp: Any, t: int, old: Any, target: Array) -> None:
        """Write `old` where step t does not count."""
        if self.skipped is not None:
            xp.copyto(target, old, where=self.skipped[t])

    def entering(self, xp: Any, first: Array, rows: Array) -> Array:
        """A copy of the states that entered each step."""
        entered = xp.empty_like(rows)
        if not self.time:
            return entered
        if self.backwards:
            entered[:-1], entered[-1] = rows[1:], first
        else:
            entered[1:], entered[0] = rows[:-1], first
        return entered


class Feedback:
    """The product of the state and the kernel, with dropout, and its gradient.

    kernel: (units, gates units), dropout: (batch, units) each
    """

    def __init__(self, xp: Any, kernel: Array, dropout: Sequence[Array], gates: int, state: Array):
        self.xp = xp
        self.kernel = kernel
        self.parts = blocks(kernel, gates)
        self.dropout = dropout
        self.gates = gates
        self.seen = xp.empty_like(state) if dropout else None
        self.buffer: Array = None

    def forward(self, h: Array, out: Array) -> None:
        """out = h · kernel"""
        xp, seen = self.xp, self.seen
        if len(self.dropout) < 2:
            self._product(xp.multiply(h, self.dropout[0], out=seen) if self.dropout else h, self.kernel, out)
            return
        for mask, part, target in zip(self.dropout, self.parts, blocks(out, self.gates), strict=True):
            self._product(xp.multiply(h, mask, out=seen), part, target)

    def _product(self, x: Array, y: Array, out: Array) -> None:
        """Not every library multiplies into an array with gaps."""
        xp = self.xp
        if out.flags.c_contiguous:
            xp.matmul(x, y, out=out)
            return
        if self.buffer is None:
            self.buffer = xp.empty(out.shape, out.dtype)
        xp.copyto(out, xp.matmul(x, y, out=self.buffer))

    def reverse(self, g: Array, out: Array) -> None:
        """The gradient in h: out = g · kernel'"""
        xp, seen = self.xp, self.seen
        if len(self.dropout) < 2:
            xp.matmul(g, self.kernel.T, out=out)
            if self.dropout:
                xp.multiply(out, self.dropout[0], out=out)
            return
        out.fill(0)
        for mask, part, one in zip(self.dropout, self.parts, blocks(g, self.gates), strict=True):
            xp.matmul(one, part.T, out=seen)
            xp.multiply(seen, mask, out=seen)
            xp.add(out, seen, out=out)
