"""Kernels of `symbolic.ops.elementwise` on any array module that follows NumPy."""

from __future__ import annotations

from typing import Any

Array = Any


class Elementwise:
    xp: Any

    def add(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.add(x, y, out=out)

    def subtract(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.subtract(x, y, out=out)

    def multiply(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.multiply(x, y, out=out)

    def divide(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.true_divide(x, y, out=out)

    def floor_divide(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.floor_divide(x, y, out=out)

    def mod(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.remainder(x, y, out=out)

    def power(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.power(x, y, out=out)

    def maximum(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.maximum(x, y, out=out)

    def minimum(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.minimum(x, y, out=out)

    def negative(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.negative(x, out=out)

    def abs(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.absolute(x, out=out)

    def sign(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.sign(x, out=out)

    def square(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.square(x, out=out)

    def sqrt(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.sqrt(x, out=out)

    def exp(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.exp(x, out=out)

    def expm1(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.expm1(x, out=out)

    def log(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.log(x, out=out)

    def log1p(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.log1p(x, out=out)

    def sin(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.sin(x, out=out)

    def cos(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.cos(x, out=out)

    def tanh(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.tanh(x, out=out)

    def sigmoid(self, x: Array, *, out: Array = None) -> Array:
        # tanh cannot overflow, and is one pass more than exp at most
        xp = self.xp
        half = x.dtype.type(0.5)
        out = xp.multiply(x, half, out=out)
        out = xp.tanh(out, out=out) if out.ndim else xp.tanh(out)
        return xp.add(xp.multiply(out, half, out=out if out.ndim else None), half, out=out if out.ndim else None)

    def relu(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.maximum(x, x.dtype.type(0), out=out)

    def relu_grad(self, g: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.multiply(g, y > 0, out=out)

    def floor(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.floor(x, out=out)

    def ceil(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.ceil(x, out=out)

    def round(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.rint(x, out=out)

    def equal(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.equal(x, y, out=out)

    def not_equal(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.not_equal(x, y, out=out)

    def less(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.less(x, y, out=out)

    def less_equal(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.less_equal(x, y, out=out)

    def greater(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.greater(x, y, out=out)

    def greater_equal(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.greater_equal(x, y, out=out)
