"""Kernels of `symbolic.ops.simple_rnn`: a loop over the steps, within which nothing is allocated."""

from __future__ import annotations

from typing import Any

from polykeras.runtime.xp.recurrent import Feedback, Steps, activate, multiply_slope

Array = Any


class SimpleRnn:
    xp: Any

    def simple_rnn(
        self, x: Array, h: Array, kernel: Array, *masks: Array, activation: str = "tanh", backwards: bool = False,
        masked: bool = False, out: Array = None,
    ) -> Array:  # fmt: skip
        xp = self.xp
        hs = xp.empty(x.shape, x.dtype) if out is None else out
        steps = Steps(x.shape[0], masks, masked, backwards)
        feedback = Feedback(xp, kernel, steps.dropout, 1, h)
        for t in steps.forward():
            new = hs[t]
            feedback.forward(h, new)
            xp.add(new, x[t], out=new)
            activate(xp, activation, new)
            steps.keep(xp, t, h, new)
            h = new
        return hs

    def simple_rnn_grad(
        self, g: Array, kernel: Array, hs: Array, *masks: Array, activation: str = "tanh", backwards: bool = False,
        masked: bool = False, out: Any = None,
    ) -> tuple[Array, Array]:  # fmt: skip
        xp = self.xp
        dx, dh = out or (xp.empty(hs.shape, hs.dtype), xp.empty(hs.shape[1:], hs.dtype))
        steps = Steps(hs.shape[0], masks, masked, backwards)
        feedback = Feedback(xp, kernel, steps.dropout, 1, dh)
        dx.fill(1)
        multiply_slope(xp, activation, hs, dx)
        dh.fill(0)
        back = xp.empty_like(dh)
        for t in steps.reverse():
            xp.add(dh, g[t], out=dh)
            xp.multiply(dx[t], dh, out=dx[t])
            steps.keep(xp, t, 0, dx[t])
            feedback.reverse(dx[t], back)
            steps.keep(xp, t, dh, back)
            xp.copyto(dh, back)
        return dx, dh
