"""Kernels of `symbolic.ops.normalization`."""

from __future__ import annotations

from typing import Any

Array = Any


class Normalization:
    xp: Any

    def batch_norm_train(
        self, x: Array, gamma: Array, beta: Array, *, axes: Any, epsilon: float, out: Any = None
    ) -> tuple[Array, Array, Array]:
        xp = self.xp
        y, mean, var = out or (None, None, None)
        mean = xp.mean(x, axis=axes, out=mean)
        y = xp.subtract(x, xp.expand_dims(mean, axes), out=y)
        var = xp.mean(xp.square(y), axis=axes, out=var)
        scale = gamma / xp.sqrt(var + x.dtype.type(epsilon))
        xp.multiply(y, xp.expand_dims(scale, axes), out=y)
        return xp.add(y, _spread(xp, beta, axes), out=y), mean, var

    def batch_norm_grad(
        self,
        g: Array,
        x: Array,
        gamma: Array,
        mean: Array,
        var: Array,
        *,
        axes: Any,
        epsilon: float,
        out: Any = None,
    ) -> tuple[Array, Array, Array]:
        xp = self.xp
        dx, dgamma, dbeta = out or (None, None, None)
        inverse = xp.reciprocal(xp.sqrt(var + x.dtype.type(epsilon)))
        h = x - xp.expand_dims(mean, axes)
        h *= xp.expand_dims(inverse, axes)
        dx = xp.multiply(g, h, out=dx)
        dgamma = xp.sum(dx, axis=axes, out=dgamma)
        dbeta = xp.sum(g, axis=axes, out=dbeta)
        share = x.dtype.type(dgamma.size / max(x.size, 1))
        h *= xp.expand_dims(dgamma * share, axes)
        h += xp.expand_dims(dbeta * share, axes)
        xp.subtract(g, h, out=dx)
        return xp.multiply(dx, xp.expand_dims(inverse * gamma, axes), out=dx), dgamma, dbeta


def _spread(xp: Any, v: Array, axes: Any) -> Array:
    return xp.expand_dims(v, axes) if v.ndim else v
