"""Elementwise ops: simple ones first, those that undo broadcasting last."""

from __future__ import annotations

import operator

from polykeras.symbolic import dtypes
from polykeras.symbolic.op import CONSTANT, lift, op, same
from polykeras.symbolic.spec import Spec, broadcast_shapes, format_shape

# -- arithmetic ----------------------------------------------------------------------------------------------------


@op(promotes="all", elementwise=True)
def add(x, y):
    """x + y.   x: (...), y: (...) -> broadcast"""
    return same(x, y)


add.fold(lift(operator.add))


@add.vjp
def add_vjp(g, out, x, y):
    return sum_to(g, x), sum_to(g, y)


@op(promotes="all", elementwise=True)
def subtract(x, y):
    """x - y.   x: (...), y: (...) -> broadcast"""
    return same(x, y)


subtract.fold(lift(operator.sub))


@subtract.vjp
def subtract_vjp(g, out, x, y):
    return sum_to(g, x), sum_to(negative(g), y)


@op(promotes="all", elementwise=True)
def multiply(x, y):
    """x y.   x: (...), y: (...) -> broadcast"""
    return same(x, y)


multiply.fold(lift(operator.mul))


@multiply.vjp
def multiply_vjp(g, out, x, y):
    return sum_to(multiply(g, y), x), sum_to(multiply(g, x), y)


@op(promotes="all", floating=True, elementwise=True)
def divide(x, y):
    """x / y; integers become floatx.   x: (...), y: (...) -> broadcast"""
    return same(x, y)


@divide.vjp
def divide_vjp(g, out, x, y):
    gx = divide(g, y)
    return sum_to(gx, x), sum_to(negative(multiply(gx, out)), y)


@op(promotes="all", elementwise=True, nondifferentiable="piecewise constant")
def floor_divide(x, y):
    """floor(x / y).   x: (...), y: (...) -> broadcast"""
    return same(x, y)


floor_divide.fold(lift(operator.floordiv))


@op(promotes="all", elementwise=True)
def mod(x, y):
    """x - y floor(x / y), with y's sign.   x: (...), y: (...) -> broadcast"""
    return same(x, y)


mod.fold(lift(operator.mod))


@mod.vjp
def mod_vjp(g, out, x, y):
    return sum_to(g, x), sum_to(negative(multiply(g, floor_divide(x, y))), y)


@op(promotes="all", elementwise=True)
def power(x, y):
    """x ** y.   x: (...), y: (...) -> broadcast

    The gradient in y is taken as 0 where x is 0.
    """
    return same(x, y)


@power.vjp
def power_vjp(g, out, x, y):
    gx = multiply(g, multiply(y, power(x, subtract(y, 1))))
    if y.node.op is CONSTANT:
        return sum_to(gx, x), None
    positive = greater(x, 0)
    gy = multiply(g, multiply(out, log(where(positive, x, 1))))
    return sum_to(gx, x), sum_to(gy, y)


@op(promotes="all", elementwise=True)
def maximum(x, y):
    """max(x, y); NaN if either is.   x: (...), y: (...) -> broadcast

    Where they are equal, x has the gradient.
    """
    return same(x, y)


maximum.fold(lift(max))


@maximum.vjp
def maximum_vjp(g, out, x, y):
    first = greater_equal(x, y)
    return sum_to(where(first, g, 0), x), sum_to(where(first, 0, g), y)


@op(promotes="all", elementwise=True)
def minimum(x, y):
    """min(x, y); NaN if either is.   x: (...), y: (...) -> broadcast

    Where they are equal, x has the gradient.
    """
    return same(x, y)


minimum.fold(lift(min))


@minimum.vjp
def minimum_vjp(g, out, x, y):
    first = less_equal(x, y)
    return sum_to(where(first, g, 0), x), sum_to(where(first, 0, g), y)


@op(elementwise=True)
def negative(x):
    """-x.   x: (...) -> (...)"""
    return _numeric(x)


negative.fold(lift(operator.neg))


@negative.vjp
def negative_vjp(g, out, x):
    return negative(g)


@op(elementwise=True)
def abs(x):  # noqa: A001  the op's name is Keras's
    """|x|.   x: (...) -> (...)"""
    return _numeric(x)


abs.fold(lift(operator.abs))


@abs.vjp
def abs_vjp(g, out, x):
    return multiply(g, sign(x))


@op(elementwise=True, nondifferentiable="piecewise constant")
def sign(x):
    """-1, 0 or 1.   x: (...) -> (...)"""
    return _numeric(x)


@op(elementwise=True)
def square(x):
    """x x.   x: (...) -> (...)"""
    return _numeric(x)


@square.vjp
def square_vjp(g, out, x):
    return multiply(g, multiply(x, 2))


# -- functions of one float ----------------------------------------------------------------------------------------


@op(promotes="all", floating=True, elementwise=True)
def sqrt(x):
    """The square root.   x: (...) -> (...)"""
    return same(x)


@sqrt.vjp
def sqrt_vjp(g, out, x):
    return divide(multiply(g, 0.5), out)


@op(promotes="all", floating=True, elementwise=True)
def exp(x):
    """e ** x.   x: (...) -> (...)"""
    return same(x)


@exp.vjp
def exp_vjp(g, out, x):
    return multiply(g, out)


@op(promotes="all", floating=True, elementwise=True)
def expm1(x):
    """e ** x - 1, exact near 0.   x: (...) -> (...)"""
    return same(x)


@expm1.vjp
def expm1_vjp(g, out, x):
    return multiply(g, add(out, 1))


@op(promotes="all", floating=True, elementwise=True)
def log(x):
    """The natural logarithm.   x: (...) -> (...)"""
    return same(x)


@log.vjp
def log_vjp(g, out, x):
    return divide(g, x)


@op(promotes="all", floating=True, elementwise=True)
def log1p(x):
    """log(1 + x), exact near 0.   x: (...) -> (...)"""
    return same(x)


@log1p.vjp
def log1p_vjp(g, out, x):
    return divide(g, add(x, 1))


@op(promotes="all", floating=True, elementwise=True)
def sin(x):
    """The sine; radians.   x: (...) -> (...)"""
    return same(x)


@sin.vjp
def sin_vjp(g, out, x):
    return multiply(g, cos(x))


@op(promotes="all", floating=True, elementwise=True)
def cos(x):
    """The cosine; radians.   x: (...) -> (...)"""
    return same(x)


@cos.vjp
def cos_vjp(g, out, x):
    return negative(multiply(g, sin(x)))


@op(promotes="all", floating=True, elementwise=True)
def tanh(x):
    """The hyperbolic tangent.   x: (...) -> (...)"""
    return same(x)


@tanh.vjp
def tanh_vjp(g, out, x):
    return tanh_grad(g, out)


@op(promotes="all", elementwise=True)
def tanh_grad(g, y):
    """g (1 - y y): the gradient of y = tanh(x).   g: (...), y: (...) -> (...)"""
    return same(g, y)


@tanh_grad.lower
def tanh_grad_lower(g, y):
    return multiply(g, subtract(1, square(y)))


@op(promotes="all", floating=True, elementwise=True)
def sigmoid(x):
    """1 / (1 + exp(-x)).   x: (...) -> (...)"""
    return same(x)


@sigmoid.vjp
def sigmoid_vjp(g, out, x):
    return sigmoid_grad(g, out)


@op(promotes="all", elementwise=True)
def sigmoid_grad(g, y):
    """g y (1 - y): the gradient of y = sigmoid(x).   g: (...), y: (...) -> (...)"""
    return same(g, y)


@sigmoid_grad.lower
def sigmoid_grad_lower(g, y):
    return multiply(g, multiply(y, subtract(1, y)))


@op(promotes="all", floating=True, elementwise=True)
def erf(x):
    """The error function, 2/sqrt(pi) times the integral of exp(-t t) from 0 to x.   x: (...) -> (...)"""
    return same(x)


@erf.vjp
def erf_vjp(g, out, x):
    return multiply(g, multiply(exp(negative(square(x))), 1.1283791670955126))


@op(promotes="all", floating=True, elementwise=True)
def softplus(x):
    """log(1 + exp(x)), without overflow.   x: (...) -> (...)"""
    return same(x)


@softplus.lower
def softplus_lower(x):
    return add(maximum(x, 0), log1p(exp(negative(abs(x)))))


@softplus.vjp
def softplus_vjp(g, out, x):
    return multiply(g, sigmoid(x))


@op(elementwise=True)
def relu(x):
    """max(x, 0).   x: (...) -> (...)"""
    return _numeric(x)


@relu.vjp
def relu_vjp(g, out, x):
    return relu_grad(g, out)


@op(promotes="all", elementwise=True)
def relu_grad(g, y):
    """g where y > 0, else 0: the gradient of y = relu(x).   g: (...), y: (...) -> (...)"""
    return same(g, y)


@relu_grad.vjp
def relu_grad_vjp(gg, out, g, y):
    return sum_to(relu_grad(gg, y), g), None


@op(elementwise=True, nondifferentiable="piecewise constant")
def floor(x):
    """The largest integer not above x.   x: (...) -> (...)"""
    return _numeric(x)


@op(elementwise=True, nondifferentiable="piecewise constant")
def ceil(x):
    """The smallest integer not below x.   x: (...) -> (...)"""
    return _numeric(x)


@op(elementwise=True, nondifferentiable="piecewise constant")
def round(x):  # noqa: A001  the op's name is Keras's
    """The nearest integer, halves to the even one.   x: (...) -> (...)"""
    return _numeric(x)


# -- comparisons and logic -----------------------------------------------------------------------------------------


@op(promotes="all", elementwise=True, nondifferentiable="boolean")
def equal(x, y):
    """x == y.   x: (...), y: (...) -> broadcast, bool"""
    return _truth(x, y)


equal.fold(lift(operator.eq))


@op(promotes="all", elementwise=True, nondifferentiable="boolean")
def not_equal(x, y):
    """x != y.   x: (...), y: (...) -> broadcast, bool"""
    return _truth(x, y)


not_equal.fold(lift(operator.ne))


@op(promotes="all", elementwise=True, nondifferentiable="boolean")
def less(x, y):
    """x < y.   x: (...), y: (...) -> broadcast, bool"""
    return _truth(x, y)


less.fold(lift(operator.lt))


@op(promotes="all", elementwise=True, nondifferentiable="boolean")
def less_equal(x, y):
    """x <= y.   x: (...), y: (...) -> broadcast, bool"""
    return _truth(x, y)


less_equal.fold(lift(operator.le))


@op(promotes="all", elementwise=True, nondifferentiable="boolean")
def greater(x, y):
    """x > y.   x: (...), y: (...) -> broadcast, bool"""
    return _truth(x, y)


greater.fold(lift(operator.gt))


@op(promotes="all", elementwise=True, nondifferentiable="boolean")
def greater_equal(x, y):
    """x >= y.   x: (...), y: (...) -> broadcast, bool"""
    return _truth(x, y)


greater_equal.fold(lift(operator.ge))


@op(elementwise=True, nondifferentiable="boolean")
def logical_and(x, y):
    """x and y.   x: (...) bool, y: (...) bool -> broadcast, bool"""
    return _logic(x, y)


logical_and.fold(lift(operator.and_))


@op(elementwise=True, nondifferentiable="boolean")
def logical_or(x, y):
    """x or y.   x: (...) bool, y: (...) bool -> broadcast, bool"""
    return _logic(x, y)


logical_or.fold(lift(operator.or_))


@op(elementwise=True, nondifferentiable="boolean")
def logical_not(x):
    """not x.   x: (...) bool -> (...) bool"""
    return _logic(x)


logical_not.fold(lift(operator.not_))


@op(elementwise=True, nondifferentiable="boolean")
def isnan(x):
    """Is it not a number?   x: (...) -> (...), bool"""
    return _truth(x)


@op(elementwise=True, nondifferentiable="boolean")
def isfinite(x):
    """Is it neither infinite nor NaN?   x: (...) -> (...), bool"""
    return _truth(x)


@op(promotes=("x", "y"), elementwise=True)
def where(condition, x, y):
    """x where the condition holds, else y.   condition: (...) bool, x: (...), y: (...) -> broadcast"""
    if condition.dtype != "bool":
        raise TypeError(f"the condition must be bool, got {condition.dtype}")
    return Spec(broadcast_shapes(condition.shape, x.shape, y.shape), x.dtype)


def _select(condition, x, y):
    return x if condition else y


where.fold(lift(_select))


@where.vjp
def where_vjp(g, out, condition, x, y):
    return None, sum_to(where(condition, g, 0), x), sum_to(where(condition, 0, g), y)


# -- copies, casts, fills ------------------------------------------------------------------------------------------


@op(elementwise=True, sparse=("x",))
def identity(x):
    """x itself.   x: (...) -> (...)"""
    return Spec(x.shape, x.dtype, x.value, x.sparse)


@identity.vjp
def identity_vjp(g, out, x):
    return g


@identity.alias
def identity_alias(x):
    return 0


@op(elementwise=True, sparse=("x",), nondifferentiable="stopped")
def stop_gradient(x):
    """x, as a constant to gradients.   x: (...) -> (...)"""
    return Spec(x.shape, x.dtype, x.value, x.sparse)


@stop_gradient.alias
def stop_gradient_alias(x):
    return 0


@op(elementwise=True)
def cast(x, *, dtype: str):
    """x in another dtype; floats become integers by truncation.   x: (...) -> (...)"""
    return Spec(x.shape, dtypes.check(dtype))


@cast.fold
def cast_fold(value, *, dtype):
    if dtypes.is_float(dtype):
        return None
    return lift(bool if dtype == "bool" else int)(value)


@cast.vjp
def cast_vjp(g, out, x, *, dtype):
    return cast(g, dtype=x.spec.dtype) if dtypes.is_float(x.spec.dtype) and dtypes.is_float(dtype) else None


@cast.alias
def cast_alias(x, *, dtype):
    return 0 if x.dtype == dtype else None


@op(shape_only=("x",), nondifferentiable="constant")
def fill_like(x, *, value: float, dtype: str | None = None):
    """The value everywhere.   x: (...) -> (...)"""
    return Spec(x.shape, dtype or x.dtype)


# -- broadcasting and its reverse ----------------------------------------------------------------------------------


@op(shape_only=("like",))
def sum_to(x, like):
    """The sum of x over the axes along which `like` would be broadcast to x's shape.   x: (...), like: s -> s"""
    if broadcast_shapes(x.shape, like.shape) != x.shape and None not in (x.shape or (None,)):
        raise ValueError(f"a tensor of shape {format_shape(like.shape)} does not broadcast to {format_shape(x.shape)}")
    return Spec(like.shape, x.dtype)


@sum_to.vjp
def sum_to_vjp(g, out, x, like):
    return broadcast_to(g, x), None


@sum_to.alias
def sum_to_alias(x, like):
    return 0 if x.shape == like.shape and like.concrete else None


@op(shape_only=("like",))
def broadcast_to(x, like):
    """x repeated to the shape of `like`.   x: (...), like: s -> s"""
    if broadcast_shapes(x.shape, like.shape) != like.shape and None not in (like.shape or (None,)):
        raise ValueError(f"shape {format_shape(x.shape)} does not broadcast to {format_shape(like.shape)}")
    return Spec(like.shape, x.dtype)


@broadcast_to.vjp
def broadcast_to_vjp(g, out, x, like):
    return sum_to(g, x), None


@broadcast_to.alias
def broadcast_to_alias(x, like):
    return 0 if x.shape == like.shape and like.concrete else None


# -- rules ---------------------------------------------------------------------------------------------------------


def _numeric(x: Spec) -> Spec:
    if x.dtype == "bool":
        raise TypeError("a number is needed, got bool; use cast")
    return Spec(x.shape, x.dtype)


def _truth(*specs: Spec) -> Spec:
    return Spec(broadcast_shapes(*[s.shape for s in specs]), "bool")


def _logic(*specs: Spec) -> Spec:
    for spec in specs:
        if spec.dtype != "bool":
            raise TypeError(f"bool is needed, got {spec.dtype}; compare with 0 or cast")
    return _truth(*specs)


# -- samples -------------------------------------------------------------------------------------------------------


def _pair(r):
    yield (r(2, 3), r(3)), {}
    yield (r(4, 1, 3), r(2, 1)), {}
    yield (r(0, 3), r(1, 3)), {}
    yield (r(), r()), {}


def _positive_pair(r):
    yield (r.positive(2, 3), r.positive(3)), {}
    yield (r.positive(4, 1, 3), r.positive(2, 1)), {}


def _integer_pair(r):
    yield from _pair(r)
    yield (r.integers(2, 3), r.integers(3, low=1)), {}


def _one(r):
    yield (r(2, 3),), {}
    yield (r(0, 3),), {}
    yield (r(),), {}


def _positive(r):
    yield (r.positive(2, 3),), {}
    yield (r.positive(),), {}


def _bad_broadcast(r):
    yield (r(2, 3), r(4)), {}, "do not broadcast"


for _op in (add, subtract, multiply, maximum, minimum, equal, not_equal, less, less_equal, greater, greater_equal):
    _op.samples(_integer_pair)
    _op.error_samples(_bad_broadcast)
for _op in (tanh_grad, sigmoid_grad, relu_grad):
    _op.samples(_pair)
for _op in (negative, abs, sign, square, exp, expm1, sin, cos, tanh, sigmoid, erf, softplus, relu, floor, ceil, round):
    _op.samples(_one)
for _op in (isnan, isfinite, identity, stop_gradient):
    _op.samples(_one)
for _op in (sqrt, log, log1p):
    _op.samples(_positive)


@divide.samples
def divide_samples(r):
    yield (r(2, 3), r.positive(3)), {}
    yield (r.integers(2, 3), r.integers(3, low=1)), {}
    yield (r(4, 1, 3), r.positive(2, 1)), {}


for _op in (floor_divide, mod):
    _op.samples(divide_samples)
power.samples(_positive_pair)


@logical_and.samples
def logical_samples(r):
    yield (r.bools(2, 3), r.bools(3)), {}
    yield (r.bools(2, 1), r.bools(1, 3)), {}


logical_or.samples(logical_samples)


@logical_not.samples
def logical_not_samples(r):
    yield (r.bools(2, 3),), {}


@where.samples
def where_samples(r):
    yield (r.bools(2, 3), r(2, 3), r(3)), {}
    yield (r.bools(2, 1), r(1, 3), r()), {}


@cast.samples
def cast_samples(r):
    yield (r(2, 3),), {"dtype": "float64"}
    yield (r(2, 3),), {"dtype": "float32"}
    yield (r(2, 3),), {"dtype": "int32"}
    yield (r.integers(2, 3),), {"dtype": "bool"}
    yield (r.bools(2, 3),), {"dtype": "float32"}


@fill_like.samples
def fill_like_samples(r):
    yield (r(2, 3),), {"value": 2.5}
    yield (r(2, 0),), {"value": 1, "dtype": "int32"}


@sum_to.samples
def sum_to_samples(r):
    yield (r(2, 3, 4), r(3, 1)), {}
    yield (r(2, 3), r(2, 3)), {}
    yield (r(2, 3), r()), {}


@broadcast_to.samples
def broadcast_to_samples(r):
    yield (r(3, 1), r(2, 3, 4)), {}
    yield (r(), r(2, 3)), {}
