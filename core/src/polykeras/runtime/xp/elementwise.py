"""Kernels of `symbolic.ops.elementwise` on any array module that follows NumPy."""

from __future__ import annotations

from typing import Any

Array = Any
Shape = tuple[int, ...]

# erf(x) = x P(x x) on [-1, 1]; Chebyshev fits, within 2e-15 of erf in float64
_ERF_NEAR = (
    -6.338490889333674e-10, 1.2932167775510645e-08, -1.602450371069541e-07, 1.6423130540958374e-06,
    -1.4922741710448169e-05, 0.00012055189268042369, -0.0008548322356416508, 0.005223977528623163,
    -0.026866170632991765, 0.11283791670871952, -0.376126389031812, 1.1283791670955128,
)  # fmt: skip
# 1 - erf(x) = exp(-x x) Q(u) on [1, 6.2], where u goes from 1 to -1 as 1 / (1 + x) falls
_ERF_FAR = (
    5.955840516042935e-10, -1.9735916501074893e-09, -1.1963129821772018e-09, 2.7217716060898947e-08,
    -9.318331232263972e-08, 1.1105486034147717e-08, 1.3201592445968614e-06, -5.387319400784962e-06,
    -2.393577386373185e-06, 0.00011405890916898673, -0.00032997082437636574, -0.0022291643764073966,
    0.016907877785467276, 0.17098319035506113, 0.24214410247887014,
)  # fmt: skip


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

    def tanh_grad(self, g: Array, y: Array, *, out: Array = None) -> Array:
        slope = self.xp.subtract(y.dtype.type(1), y * y)
        return self.xp.multiply(g, slope, out=out)

    def sigmoid(self, x: Array, *, out: Array = None) -> Array:
        # where exp overflows, the result is 0 as it should be
        xp = self.xp
        out = xp.empty_like(x) if out is None else out
        xp.negative(x, out=out)
        xp.exp(out, out=out)
        xp.add(out, x.dtype.type(1), out=out)
        return xp.reciprocal(out, out=out)

    def sigmoid_grad(self, g: Array, y: Array, *, out: Array = None) -> Array:
        slope = self.xp.subtract(y.dtype.type(1), y)
        slope *= y
        return self.xp.multiply(g, slope, out=out)

    def erf(self, x: Array, *, out: Array = None) -> Array:
        xp = self.xp
        wide = x.astype("float64")
        size = xp.minimum(xp.absolute(wide), 6.2)
        near = wide * _horner(xp, _ERF_NEAR, wide * wide)
        tail = _horner(xp, _ERF_FAR, (2 / (1 + size) - 23 / 36) * (36 / 13))
        far = xp.copysign(1 - xp.exp(-size * size) * tail, wide)
        result = xp.where(size > 1, far, near).astype(x.dtype)
        return result if out is None else _copied(xp, result, out)

    def softplus(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.logaddexp(x, x.dtype.type(0), out=out)

    def relu(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.maximum(x, x.dtype.type(0), out=out)

    def relu_grad(self, g: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.multiply(g, y > 0, out=out)

    def floor(self, x: Array, *, out: Array = None) -> Array:
        return _rounded(self.xp, self.xp.floor, x, out)

    def ceil(self, x: Array, *, out: Array = None) -> Array:
        return _rounded(self.xp, self.xp.ceil, x, out)

    def round(self, x: Array, *, out: Array = None) -> Array:
        return _rounded(self.xp, self.xp.rint, x, out)

    # -- comparisons and logic -----------------------------------------------------------------------------------------

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

    def logical_and(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.logical_and(x, y, out=out)

    def logical_or(self, x: Array, y: Array, *, out: Array = None) -> Array:
        return self.xp.logical_or(x, y, out=out)

    def logical_not(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.logical_not(x, out=out)

    def isnan(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.isnan(x, out=out)

    def isfinite(self, x: Array, *, out: Array = None) -> Array:
        return self.xp.isfinite(x, out=out)

    def where(self, condition: Array, x: Array, y: Array, *, out: Array = None) -> Array:
        xp = self.xp
        if out is None:
            return xp.where(condition, x, y)
        if xp.may_share_memory(out, condition):
            xp.copyto(out, xp.where(condition, x, y))
        elif xp.may_share_memory(out, x):
            xp.copyto(out, x)  # nothing where they are the same array
            xp.copyto(out, y, where=xp.logical_not(condition))
        else:
            xp.copyto(out, y)
            xp.copyto(out, x, where=condition)
        return out

    # -- copies, casts, fills ----------------------------------------------------------------------------------------

    def identity(self, x: Array, *, out: Array = None) -> Array:
        return _copied(self.xp, x, out)

    def stop_gradient(self, x: Array, *, out: Array = None) -> Array:
        return _copied(self.xp, x, out)

    def cast(self, x: Array, *, dtype: str, out: Array = None) -> Array:
        if out is None:
            return x.astype(dtype)
        self.xp.copyto(out, x, casting="unsafe")
        return out

    def fill_like(self, x: Shape, *, value: float, dtype: str | None = None, out: Array = None) -> Array:
        if out is None:
            return self.xp.full(x, value, dtype=dtype)
        out.fill(value)
        return out

    # -- broadcasting and its reverse ----------------------------------------------------------------------------------

    def sum_to(self, x: Array, like: Shape, *, out: Array = None) -> Array:
        lead = x.ndim - len(like)
        axes = tuple([i for i in range(x.ndim) if i < lead or like[i - lead] == 1 != x.shape[i]])
        into = None if out is None else out.reshape((1,) * lead + tuple(like))
        total = x.sum(axis=axes, dtype=x.dtype, out=into, keepdims=True)
        return total.reshape(like) if out is None else out

    def broadcast_to(self, x: Array, like: Shape, *, out: Array = None) -> Array:
        xp = self.xp
        if out is None:
            out = xp.empty(like, dtype=x.dtype)
        xp.copyto(out, x)
        return out


def _copied(xp: Any, x: Array, out: Array) -> Array:
    if out is None:
        return x.copy()
    xp.copyto(out, x)
    return out


def _rounded(xp: Any, rounding: Any, x: Array, out: Array) -> Array:
    """Integers are whole already, and some array modules would make floats of them."""
    return rounding(x, out=out) if x.dtype.kind == "f" else _copied(xp, x, out)


def _horner(xp: Any, coefficients: tuple[float, ...], t: Array) -> Array:
    """The polynomial at t; coefficients from the highest power down."""
    result = xp.full(t.shape, coefficients[0], dtype=t.dtype)
    for coefficient in coefficients[1:]:
        xp.multiply(result, t, out=result)
        xp.add(result, t.dtype.type(coefficient), out=result)
    return result
