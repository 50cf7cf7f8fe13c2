"""Kernels of `symbolic.ops.lstm`: a loop over the steps, within which nothing is allocated."""

from __future__ import annotations

from typing import Any

from polykeras.runtime.xp.recurrent import Feedback, Steps, activate, blocks, multiply_slope

Array = Any


class Lstm:
    xp: Any

    def lstm(
        self, x: Array, h: Array, c: Array, kernel: Array, *masks: Array, activation: str = "tanh",
        recurrent_activation: str = "hard_sigmoid", backwards: bool = False, masked: bool = False, out: Any = None,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        xp = self.xp
        (time, batch), units = x.shape[:2], h.shape[1]
        hs, cs, gates = out or [xp.empty((time, batch, n), x.dtype) for n in (units, units, 4 * units)]
        steps = Steps(time, masks, masked, backwards)
        feedback = Feedback(xp, kernel, steps.dropout, 4, h)
        added = xp.empty_like(h)
        for t in steps.forward():
            sums, new_h, new_c = gates[t], hs[t], cs[t]
            feedback.forward(h, sums)
            xp.add(sums, x[t], out=sums)
            i, f, n, o = blocks(sums, 4)
            activate(xp, recurrent_activation, sums[:, : 2 * units])
            activate(xp, activation, n)
            activate(xp, recurrent_activation, o)
            xp.multiply(f, c, out=new_c)
            xp.add(new_c, xp.multiply(i, n, out=added), out=new_c)
            steps.keep(xp, t, c, new_c)
            xp.copyto(new_h, new_c)
            activate(xp, activation, new_h)
            xp.multiply(new_h, o, out=new_h)
            steps.keep(xp, t, h, new_h)
            h, c = new_h, new_c
        return hs, cs, gates

    def lstm_grad(
        self, ghs: Array, gcs: Array, c: Array, kernel: Array, cs: Array, gates: Array, *masks: Array,
        activation: str = "tanh", recurrent_activation: str = "hard_sigmoid", backwards: bool = False,
        masked: bool = False, out: Any = None,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        xp = self.xp
        dx, dh, dc = out or (xp.empty_like(gates), xp.empty_like(c), xp.empty_like(c))
        time, batch, units = cs.shape
        steps = Steps(time, masks, masked, backwards)
        feedback = Feedback(xp, kernel, steps.dropout, 4, c)
        through = self._lstm_slopes(c, cs, gates, dx, steps, activation, recurrent_activation)
        forget = blocks(gates, 4)[1]
        ghs, gcs = xp.broadcast_to(ghs, cs.shape), xp.broadcast_to(gcs, cs.shape)
        dh.fill(0)
        dc.fill(0)
        total, back = xp.empty_like(c), xp.empty_like(c)
        for t in steps.reverse():
            xp.add(dh, ghs[t], out=dh)
            xp.add(dc, gcs[t], out=dc)
            xp.add(dc, xp.multiply(dh, through[t], out=total), out=total)
            sums = dx[t].reshape(batch, 4, units)
            xp.multiply(sums[:, :3], total[:, None], out=sums[:, :3])
            xp.multiply(sums[:, 3], dh, out=sums[:, 3])
            steps.keep(xp, t, 0, dx[t])
            feedback.reverse(dx[t], back)
            steps.keep(xp, t, dh, back)
            xp.copyto(dh, back)
            xp.multiply(total, forget[t], out=back)
            steps.keep(xp, t, dc, back)
            xp.copyto(dc, back)
        return dx, dh, dc

    def _lstm_slopes(
        self, c: Array, cs: Array, gates: Array, dx: Array, steps: Steps, activation: str, recurrent_activation: str
    ) -> Array:
        """What each step's gradients are multiplied by, for all steps at once.

        dx becomes the gradient of c' in the sums of i, f and n, and that of h' in the sum of o; the result is the
        gradient of h' in c'.
        """
        xp = self.xp
        i, f, n, o = blocks(gates, 4)
        di, df, dn, do = blocks(dx, 4)
        through = cs.copy()
        activate(xp, activation, through)
        xp.copyto(do, through)
        xp.copyto(di, n)
        xp.copyto(df, steps.entering(xp, c, cs))
        xp.copyto(dn, i)
        for gate, target in ((i, di), (f, df), (o, do)):
            multiply_slope(xp, recurrent_activation, gate, target)
        multiply_slope(xp, activation, n, dn)
        activated = through.copy()
        xp.copyto(through, o)
        multiply_slope(xp, activation, activated, through)
        return through
