"""Kernels of `symbolic.ops.gru`: a loop over the steps, within which nothing is allocated."""

from __future__ import annotations

from typing import Any

from polykeras.runtime.xp.recurrent import Feedback, Steps, activate, blocks, multiply_slope

Array = Any


class Gru:
    xp: Any

    def gru(
        self, x: Array, h: Array, kernel: Array, bias: Array, *masks: Array, activation: str = "tanh",
        recurrent_activation: str = "hard_sigmoid", reset_after: bool = False, drops_state: bool = False,
        backwards: bool = False, masked: bool = False, out: Any = None,
    ) -> tuple[Array, Array]:  # fmt: skip
        xp = self.xp
        (time, batch), units = x.shape[:2], h.shape[1]
        hs, gates = out or (xp.empty((time, batch, units), x.dtype), xp.empty((time, batch, 4 * units), x.dtype))
        steps = Steps(time, masks, masked, backwards)
        first, second = self._gru_feedback(kernel, steps.dropout, h)
        for t in steps.forward():
            sums, new = gates[t], hs[t]
            z, r, p, n = blocks(sums, 4)
            both = sums[:, : 2 * units]
            first.forward(h, both)
            xp.add(both, x[t, :, : 2 * units], out=both)
            activate(xp, recurrent_activation, both)
            if reset_after:
                second.forward(h, p)
                xp.add(p, bias, out=p)
                xp.multiply(r, p, out=n)
            else:
                xp.multiply(r, h, out=p)
                second.forward(p, n)
                if steps.dropout:
                    xp.copyto(p, second.seen)
                xp.add(n, bias, out=n)
            xp.add(n, x[t, :, 2 * units :], out=n)
            activate(xp, activation, n)
            xp.copyto(new, h)
            if drops_state:
                xp.multiply(new, steps.dropout[0], out=new)
            xp.subtract(new, n, out=new)
            xp.multiply(new, z, out=new)
            xp.add(new, n, out=new)
            steps.keep(xp, t, h, new)
            h = new
        return hs, gates

    def gru_grad(
        self, g: Array, h: Array, kernel: Array, hs: Array, gates: Array, *masks: Array, activation: str = "tanh",
        recurrent_activation: str = "hard_sigmoid", reset_after: bool = False, drops_state: bool = False,
        backwards: bool = False, masked: bool = False, out: Any = None,
    ) -> tuple[Array, Array]:  # fmt: skip
        xp = self.xp
        time, batch, units = hs.shape
        dx, dh = out or (xp.empty((time, batch, 3 * units), hs.dtype), xp.empty_like(h))
        steps = Steps(time, masks, masked, backwards)
        first, second = self._gru_feedback(kernel, steps.dropout, h)
        entered = steps.entering(xp, h, hs)
        self._gru_slopes(entered, gates, dx, steps, activation, recurrent_activation, reset_after, drops_state)
        z, r, _, _ = blocks(gates, 4)
        dh.fill(0)
        back, share = xp.empty_like(h), xp.empty_like(h)
        for t in steps.reverse():
            xp.add(dh, g[t], out=dh)
            _, dr, dn = blocks(dx[t], 3)
            sums = dx[t].reshape(batch, 3, units)
            xp.multiply(sums[:, ::2], dh[:, None], out=sums[:, ::2])
            if reset_after:
                xp.multiply(dr, dn, out=dr)
                second.reverse(xp.multiply(dn, r[t], out=share), back)
            else:
                second.reverse(dn, back)
                xp.multiply(dr, back, out=dr)
                xp.multiply(back, r[t], out=back)
            steps.keep(xp, t, 0, dx[t])
            xp.multiply(dh, z[t], out=share)
            if drops_state:
                xp.multiply(share, steps.dropout[0], out=share)
            xp.add(back, share, out=back)
            first.reverse(dx[t, :, : 2 * units], share)
            xp.add(back, share, out=back)
            steps.keep(xp, t, dh, back)
            xp.copyto(dh, back)
        return dx, dh

    def _gru_feedback(self, kernel: Array, dropout: tuple[Array, ...], state: Array) -> tuple[Feedback, Feedback]:
        """The products for z and r, and for n."""
        units = state.shape[1]
        first = Feedback(self.xp, kernel[:, : 2 * units], dropout[:2], 2, state)
        return first, Feedback(self.xp, kernel[:, 2 * units :], dropout[-1:], 1, state)

    def _gru_slopes(
        self, entered: Array, gates: Array, dx: Array, steps: Steps, activation: str, recurrent_activation: str,
        reset_after: bool, drops_state: bool,
    ) -> None:  # fmt: skip
        """What each step's gradients are multiplied by, for all steps at once.

        dx becomes the gradient of h' in the sums of z and n, and in the sum of r that of n's sum (`reset_after`) or of
        r h.
        """
        xp = self.xp
        z, r, p, n = blocks(gates, 4)
        dz, dr, dn = blocks(dx, 3)
        if reset_after:
            xp.copyto(dr, p)
        else:
            xp.copyto(dr, entered)
        xp.subtract(entered * steps.dropout[0] if drops_state else entered, n, out=dz)
        xp.subtract(z.dtype.type(1), z, out=dn)
        multiply_slope(xp, recurrent_activation, z, dz)
        multiply_slope(xp, recurrent_activation, r, dr)
        multiply_slope(xp, activation, n, dn)
