"""Random numbers from one counter-based generator: equal bits on every backend, in any order of evaluation.

Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011): Philox4x64-10. A draw is named by its seed and
stream (the key), the number of the call, the place in a loop's sequence, and the element; so the reverse pass of a loop
can draw again what its forward pass drew. All ops here are made from `random_bits`.

counter:  how many calls went before: read from a variable, which the program advances.
position: the index of the loop's iteration, 0 outside loops.
"""

from __future__ import annotations

import math

from polykeras.symbolic import dtypes
from polykeras.symbolic.op import as_dtype, as_scalars, as_size, op, same
from polykeras.symbolic.ops.elementwise import (
    abs as absolute,
)
from polykeras.symbolic.ops.elementwise import (
    add,
    cast,
    cos,
    divide,
    exp,
    floor_divide,
    greater_equal,
    less_equal,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    sign,
    sqrt,
    square,
    subtract,
    where,
)
from polykeras.symbolic.ops.shape import concatenate, slice_axis, squeeze
from polykeras.symbolic.spec import Spec


@op(sizes=("shape",), random=True, nondifferentiable="random")
def random_bits(counter, position, shape, *, seed: int, stream: int = 0):
    """Random 32-bit words, each value equally likely.

    counter: () int64, position: () int64, shape: (n,) -> shape, uint32

    They are the words of `numpy.random.Philox(key=[seed, stream], counter=[0, position, counter, 0])`, the low half of
    each 64 bits first.
    """
    return _drawn(counter, position, shape, "uint32")


@op(sizes=("shape",), random=True, nondifferentiable="random")
def random_unit(counter, position, shape, *, seed: int, stream: int = 0, dtype: str):
    """Uniform on [0, 1): 24 bits a number, 53 for float64, 11 for float16.

    counter: () int64, position: () int64, shape: (n,) -> shape

    float64 takes two words, (high 2**32 + low) / 2**11 in units of 2**-53; the others the high bits of one word.
    """
    return _drawn(counter, position, shape, dtypes.check(dtype))


@random_unit.lower
def random_unit_lower(counter, position, shape, *, seed, stream, dtype):
    if dtype == "float64":
        words = random_bits(counter, position, concatenate(shape, as_size((2,)), axis=0), seed=seed, stream=stream)
        low, high = (squeeze(slice_axis(words, -1, i, i + 1), -1) for i in (0, 1))
        high = multiply(cast(high, dtype=dtype), 2.0**21)
        return multiply(add(high, cast(floor_divide(low, 2**11), dtype=dtype)), 2.0**-53)
    # float16 holds 11 bits; more would be rounded up to 1
    bits = 11 if dtype == "float16" else 24
    words = random_bits(counter, position, shape, seed=seed, stream=stream)
    return multiply(cast(floor_divide(words, 2 ** (32 - bits)), dtype=dtype), 2.0**-bits)


@op(sizes=("shape",), random=True, nondifferentiable="random")
def dropout_mask(counter, position, shape, *, level: float, seed: int, dtype: str):
    """0 with probability `level` (in steps of 2**-24), else 1 / (1 - level).

    counter: () int64, position: () int64, shape: (n,) -> shape
    The same elements are dropped whatever the dtype.
    """
    if not 0 <= level < 1:
        raise ValueError(f"the level must be at least 0 and below 1, got {level}")
    return _drawn(counter, position, shape, dtypes.check(dtype))


@dropout_mask.lower
def dropout_mask_lower(counter, position, shape, *, level, seed, dtype):
    keep = greater_equal(random_bits(counter, position, shape, seed=seed), dropout_threshold(level))
    return multiply(cast(keep, dtype=dtype), 1 / (1 - level))


def dropout_threshold(level: float) -> int:
    """The first 32-bit word that is kept."""
    return math.ceil(level * 2**24) * 2**8


@op(sizes=("shape",), random=True, nondifferentiable="random")
def random_normal(counter, position, shape, *, seed: int, dtype: str):
    """Normal with mean 0 and deviation 1, by Box and Muller's transform of two streams of `random_unit`.

    sqrt(-2 log(1 - u)) cos(2 pi v).   counter: () int64, position: () int64, shape: (n,) -> shape
    """
    return _drawn(counter, position, shape, dtypes.check(dtype))


@random_normal.lower
def random_normal_lower(counter, position, shape, *, seed, dtype):
    wide = _wide(dtype)
    u = random_unit(counter, position, shape, seed=seed, dtype=wide)
    v = random_unit(counter, position, shape, seed=seed, stream=1, dtype=wide)
    radius = sqrt(multiply(log(subtract(1, u)), -2))
    return as_dtype(multiply(radius, cos(multiply(v, 2 * math.pi))), dtype)


@op(sizes=("shape",), random=True, nondifferentiable="random")
def truncated_normal(counter, position, shape, *, seed: int, dtype: str):
    """Normal with mean 0 and deviation 1, given that it lies within [-2, 2]: by the inverse of its distribution.

    counter: () int64, position: () int64, shape: (n,) -> shape
    """
    return _drawn(counter, position, shape, dtypes.check(dtype))


@truncated_normal.lower
def truncated_normal_lower(counter, position, shape, *, seed, dtype):
    u = random_unit(counter, position, shape, seed=seed, dtype=_wide(dtype))
    centred = multiply(subtract(multiply(u, 2), 1), math.erf(math.sqrt(2)))
    values = multiply(erfinv(centred), math.sqrt(2))
    return as_dtype(minimum(maximum(values, -2), 2), dtype)


@op(promotes="all", floating=True, elementwise=True)
def erfinv(x):
    """The y for which erf(y) = x; infinite at -1 and 1.   x: (...) -> (...)"""
    return same(x)


@erfinv.vjp
def erfinv_vjp(g, out, x):
    return multiply(g, multiply(exp(square(out)), math.sqrt(math.pi) / 2))


@erfinv.lower
def erfinv_lower(x):
    """Wichura's algorithm AS 241 (1988) for the normal quantile of (1 + x) / 2, within 1e-16."""
    if x.spec.dtype == "float16":  # the coefficients exceed its range
        return cast(erfinv(cast(x, dtype="float32")), dtype="float16")
    half = multiply(x, 0.5)
    centre = multiply(half, _ratio(CENTRE, subtract(0.180625, square(half))))
    rest = maximum(subtract(0.5, absolute(half)), SMALLEST[x.spec.dtype])
    depth = sqrt(negative(log(rest)))
    tail = where(less_equal(depth, 5), _ratio(MIDDLE, subtract(depth, 1.6)), _ratio(FAR, subtract(depth, 5)))
    tail = where(greater_equal(absolute(x), 1), math.inf, tail)
    values = where(less_equal(absolute(half), 0.425), centre, multiply(sign(half), tail))
    return multiply(values, math.sqrt(0.5))


def _ratio(coefficients, x):
    """The quotient of two polynomials, lowest powers first."""
    return divide(*[_polynomial(row, x) for row in coefficients])


def _polynomial(coefficients, x):
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = add(multiply(x, total), coefficient)
    return total


# for |q| <= 0.425, for sqrt(-log r) <= 5, and beyond
CENTRE = (
    (
        3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
        4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
    ),
    (
        1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
        2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
    ),
)  # fmt: skip
MIDDLE = (
    (
        1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
        1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ),
    (
        1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ),
)  # fmt: skip
FAR = (
    (
        6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1,
        2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ),
    (
        1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ),
)  # fmt: skip
SMALLEST = {"float32": 1.2e-38, "float64": 2.3e-308}


# -- rules -------------------------------------------------------------------------------------------------------------


def _drawn(counter, position, shape, dtype):
    for name, operand in (("counter", counter), ("position", position)):
        if operand.shape not in ((), None) or not dtypes.is_integer(operand.dtype):
            raise TypeError(f"the {name} must be an integer scalar, got {operand}")
    if shape.shape is None or len(shape.shape) != 1:
        raise ValueError(f"the shape must be a tuple or an integer tensor of rank 1, got {shape}")
    return Spec(as_scalars(shape.value, shape.shape[0]), dtype)


def _wide(dtype):
    """The dtype to compute in."""
    return "float32" if dtype == "float16" else dtype


# -- samples -----------------------------------------------------------------------------------------------------------


def _draws(**attrs):
    def samples(r):
        for shape in ((3, 5), (7,), (2, 3, 4), (0, 3), (), (257,)):
            yield (r.count(2), r.count(0), shape), {"seed": 7, **attrs}
        yield (r.count(2**40), r.count(3), (4,)), {"seed": 2**63 + 5, **attrs}

    return samples


random_bits.samples(_draws())
dropout_mask.samples(_draws(dtype="float32", level=0.3))
random_normal.samples(_draws(dtype="float32"))
truncated_normal.samples(_draws(dtype="float32"))


@random_unit.samples
def random_unit_samples(r):
    for dtype in ("float16", "float32", "float64"):
        yield from _draws(dtype=dtype)(r)
    yield (r.count(0), r.count(0), (9,)), {"seed": 1, "stream": 1, "dtype": "float32"}


@erfinv.samples
def erfinv_samples(r):
    x = r(3, 4)
    yield (x / (1 + abs(x)),), {}


@dropout_mask.error_samples
def dropout_mask_error_samples(r):
    yield (r.count(0), r.count(0), (2,)), {"level": 1.0, "seed": 1, "dtype": "float32"}, "below 1"
    yield (r(2), r.count(0), (2,)), {"level": 0.5, "seed": 1, "dtype": "float32"}, "integer scalar"
