"""Functions of float64 for vectors, within 4 units in the last place. Infinities, NaN and signed zeros as in NumPy."""

from __future__ import annotations

import math

from polykeras_numba.lanes import F64, I64, Lanes, Number

LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first with so few bits that its product with an exponent is exact
LN2_HIGH = 0.6931471803691238
LN2_LOW = 1.9082149292705877e-10
# (e^r - 1) / r up to r^13: on [-0.35, 0.35] what follows is below half a unit in the last place
EXPM1 = tuple([1 / math.factorial(n + 1) for n in range(14)])


def tanh(k: Lanes, x: Number) -> Number:
    """The hyperbolic tangent: t / (t + 2), where t = e ** 2|x| - 1"""
    b = k.builder
    size = _held(k, k.absolute(x), 22.0)
    n, r = _reduced(k, b.fadd(size, size))
    scale = _power_of_two(k, n)
    t = k.multiply_add(b.fmul(r, k.polynomial(r, EXPM1)), scale, b.fsub(scale, k.like(x, 1.0)))
    result = b.fdiv(t, b.fadd(t, k.like(x, 2.0)))
    signed = k.select(b.fcmp_ordered("<", x, k.like(x, 0.0)), b.fneg(result), result)
    tiny = b.fcmp_unordered("<", k.absolute(x), k.like(x, 1e-10))  # and NaN; keeps the zero's sign
    return k.select(tiny, x, signed)


def sigmoid(k: Lanes, x: Number) -> Number:
    """1 / (1 + e ** -x), with t = e ** -|x| as 1 / (1 + t), or t / (1 + t) where x is negative"""
    b = k.builder
    one = k.like(x, 1.0)
    n, r = _reduced(k, b.fneg(_held(k, k.absolute(x), 800.0)))
    # in two steps: numbers below 2 ** -1022 have no exponent of their own
    half = b.ashr(n, k.constant(I64, 1))
    t = b.fmul(b.fadd(b.fmul(r, k.polynomial(r, EXPM1)), one), _power_of_two(k, half))
    t = b.fmul(t, _power_of_two(k, b.sub(n, half)))
    result = b.fdiv(k.select(b.fcmp_ordered("<", x, k.like(x, 0.0)), t, one), b.fadd(one, t))
    return k.select(k.is_nan(x), x, result)


def _held(k: Lanes, x: Number, high: float) -> Number:
    """x, at most `high`; NaN becomes that."""
    b = k.builder
    bound = k.like(x, high)
    return k.select(b.fcmp_ordered("<", x, bound), x, bound)


def _reduced(k: Lanes, x: Number) -> tuple[Number, Number]:
    """The integer n and the remainder r, at most ln(2) / 2, of x = n ln(2) + r."""
    b = k.builder
    n = k.intrinsic("llvm.rint", b.fmul(x, k.like(x, LOG2_E)))
    r = k.multiply_add(n, k.like(x, -LN2_HIGH), x)
    return b.fptosi(n, k.type(I64)), k.multiply_add(n, k.like(x, -LN2_LOW), r)


def _power_of_two(k: Lanes, n: Number) -> Number:
    """2 ** n for an n from -1022 to 1023."""
    b = k.builder
    biased = b.shl(b.add(n, k.constant(I64, 1023)), k.constant(I64, 52))
    return b.bitcast(biased, k.type(F64))
