"""Functions of float32 for vectors: polynomials after the argument has been brought near 0.

Errors, bounds on what was seen over 16 million arguments of all sizes, in units in the last place (ulp) of the true
value: exp 1.1, expm1 1.5, log 0.9, log1p 2.5, tanh 2.5, sigmoid 2.5, softplus 2.7; results below the normal numbers are
measured in the smallest normal's unit. Infinities, NaN and signed zeros come out as in NumPy.
"""

from __future__ import annotations

from llvmlite import ir

from polykeras_numba.lanes import F32, I32, Lanes, Number

LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first with so few bits that its product with an exponent is exact
LN2_HIGH = 0.693359375
LN2_LOW = -2.12194440054690583e-4
SQRT_HALF_BITS = 0x3F3504F3
SMALLEST_NORMAL = 2.0**-126

# (e^r - 1 - r) / r^2 on [-0.35, 0.35], within 2.6e-10; (log(1 + f) - f + f^2 / 2) / f^3 on [-0.29, 0.41], within 5.9e-9
EXPM1 = (
    0.5000000049333828, 0.1666666682148848, 0.04166634188422097, 0.008333271718182919, 0.0013942059815730528,
    0.0001991503301570879,
)  # fmt: skip
LOG1P = (
    0.33333316727463996, -0.2500081042804971, 0.20002286084075857, -0.1662455314436285, 0.1418119611345746,
    -0.1312876763266995, 0.128816223963822, -0.07859545868286748,
)  # fmt: skip


def exp(k: Lanes, x: Number) -> Number:
    """e ** x"""
    b = k.builder
    n, r = _reduced(k, _held(k, x, -105.0, 89.0))
    grown = b.fadd(_expm1_near(k, r), k.like(x, 1.0))
    # in two steps: 2 ** 128 and numbers below 2 ** -126 have no exponent of their own
    half = b.ashr(n, k.constant(I32, 1))
    result = b.fmul(b.fmul(grown, _power_of_two(k, half)), _power_of_two(k, b.sub(n, half)))
    return k.select(k.is_nan(x), x, result)


def expm1(k: Lanes, x: Number) -> Number:
    """e ** x - 1"""
    b = k.builder
    one = k.like(x, 1.0)
    n, r = _reduced(k, _held(k, x, -20.0, 80.0))
    scale = _power_of_two(k, n)
    near = k.multiply_add(_expm1_near(k, r), scale, b.fsub(scale, one))
    result = k.select(b.fcmp_ordered(">", x, k.like(x, 80.0)), exp(k, x), near)
    tiny = b.fcmp_unordered("<", k.absolute(x), k.like(x, 1e-10))  # and NaN; keeps the zero's sign
    return k.select(tiny, x, result)


def log(k: Lanes, x: Number) -> Number:
    """The natural logarithm"""
    b = k.builder
    small = b.fcmp_ordered("<", x, k.like(x, SMALLEST_NORMAL))
    scaled = k.select(small, b.fmul(x, k.like(x, 2.0**23)), x)
    bits = b.bitcast(scaled, k.type(I32))
    exponent = b.ashr(b.sub(bits, k.constant(I32, SQRT_HALF_BITS)), k.constant(I32, 23))
    f = b.fsub(b.bitcast(b.sub(bits, b.shl(exponent, k.constant(I32, 23))), k.type(F32)), k.like(x, 1.0))
    exponent = b.sub(exponent, k.select(small, k.constant(I32, 23), k.constant(I32, 0)))
    e = b.sitofp(exponent, k.type(F32))
    square = b.fmul(f, f)
    tail = b.fmul(b.fmul(f, square), k.polynomial(f, LOG1P))
    tail = k.multiply_add(e, k.like(x, LN2_LOW), tail)
    tail = k.multiply_add(square, k.like(x, -0.5), tail)
    result = k.multiply_add(e, k.like(x, LN2_HIGH), b.fadd(f, tail))
    result = k.select(b.fcmp_ordered("==", x, k.like(x, float("inf"))), x, result)
    result = k.select(b.fcmp_ordered("==", x, k.like(x, 0.0)), k.like(x, float("-inf")), result)
    invalid = b.fcmp_unordered("<", x, k.like(x, 0.0))
    return k.select(invalid, k.like(x, float("nan")), result)


def log1p(k: Lanes, x: Number) -> Number:
    """log(1 + x): the logarithm of the rounded sum, corrected for the rounding"""
    b = k.builder
    one = k.like(x, 1.0)
    u = b.fadd(one, x)
    lost = b.fsub(u, one)
    result = b.fmul(log(k, u), b.fdiv(x, lost))
    result = k.select(b.fcmp_ordered("==", lost, k.like(x, 0.0)), x, result)
    return k.select(b.fcmp_ordered("==", x, k.like(x, float("inf"))), x, result)


def tanh(k: Lanes, x: Number) -> Number:
    """The hyperbolic tangent: t / (t + 2), where t = e ** 2|x| - 1"""
    b = k.builder
    size = _held(k, k.absolute(x), 0.0, 10.0)
    n, r = _reduced(k, b.fadd(size, size))
    scale = _power_of_two(k, n)
    t = k.multiply_add(_expm1_near(k, r), scale, b.fsub(scale, k.like(x, 1.0)))
    result = b.fdiv(t, b.fadd(t, k.like(x, 2.0)))
    signed = k.select(b.fcmp_ordered("<", x, k.like(x, 0.0)), b.fneg(result), result)
    tiny = b.fcmp_unordered("<", k.absolute(x), k.like(x, 1e-10))
    return k.select(tiny, x, signed)


def sigmoid(k: Lanes, x: Number) -> Number:
    """1 / (1 + e ** -x), with t = e ** -|x| as 1 / (1 + t), or t / (1 + t) where x is negative"""
    b = k.builder
    one = k.like(x, 1.0)
    t = exp(k, b.fneg(k.absolute(x)))
    return b.fdiv(k.select(b.fcmp_ordered("<", x, k.like(x, 0.0)), t, one), b.fadd(one, t))


def softplus(k: Lanes, x: Number) -> Number:
    """log(1 + e ** x) = max(x, 0) + log1p(e ** -|x|)"""
    b = k.builder
    return b.fadd(k.maximum(x, k.like(x, 0.0)), log1p(k, exp(k, b.fneg(k.absolute(x)))))


def _held(k: Lanes, x: Number, low: float, high: float) -> Number:
    """x between two bounds; NaN becomes the upper one."""
    b = k.builder
    below, least = k.like(x, high), k.like(x, low)
    x = k.select(b.fcmp_ordered("<", x, below), x, below)
    return k.select(b.fcmp_ordered(">", x, least), x, least)


def _reduced(k: Lanes, x: Number) -> tuple[Number, Number]:
    """The integer n and the remainder r, at most ln(2) / 2, of x = n ln(2) + r."""
    b = k.builder
    n = k.intrinsic("llvm.rint", b.fmul(x, k.like(x, LOG2_E)))
    r = k.multiply_add(n, k.like(x, -LN2_HIGH), x)
    return b.fptosi(n, k.type(I32)), k.multiply_add(n, k.like(x, -LN2_LOW), r)


def _expm1_near(k: Lanes, r: Number) -> Number:
    return k.multiply_add(k.builder.fmul(r, r), k.polynomial(r, EXPM1), r)


def _power_of_two(k: Lanes, n: Number) -> Number:
    """2 ** n for an n from -126 to 127."""
    b = k.builder
    biased = b.shl(b.add(n, k.constant(I32, 127)), k.constant(I32, 23))
    return b.bitcast(biased, k.type(ir.FloatType()))
