"""Activation functions beside those in `elementwise`, written in its ops."""

from __future__ import annotations

from polykeras.symbolic.op import op, same
from polykeras.symbolic.ops.elementwise import (
    abs as absolute,
)
from polykeras.symbolic.ops.elementwise import (
    add,
    divide,
    erf,
    expm1,
    greater,
    maximum,
    minimum,
    multiply,
    tanh,
    where,
)

# Klambauer et al., Self-Normalizing Neural Networks (2017): the fixed point (0, 1) of mean and variance
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@op(promotes="all", floating=True, elementwise=True)
def leaky_relu(x, *, alpha: float):
    """x where x > 0, else alpha x.   x: (...) -> (...)"""
    return same(x)


@leaky_relu.lower
def leaky_relu_lower(x, *, alpha):
    return where(greater(x, 0), x, multiply(x, alpha))


@op(promotes="all", floating=True, elementwise=True)
def elu(x, *, alpha: float = 1.0):
    """x where x > 0, else alpha (e ** x - 1).   x: (...) -> (...)"""
    return same(x)


@elu.lower
def elu_lower(x, *, alpha):
    below = expm1(minimum(x, 0))
    return where(greater(x, 0), x, below if alpha == 1 else multiply(below, alpha))


@op(promotes="all", floating=True, elementwise=True)
def selu(x):
    """1.0507 elu(x, alpha=1.6733): keeps mean 0 and variance 1 from layer to layer.   x: (...) -> (...)"""
    return same(x)


@selu.lower
def selu_lower(x):
    return multiply(elu(x, alpha=SELU_ALPHA), SELU_SCALE)


@op(promotes="all", floating=True, elementwise=True)
def softsign(x):
    """x / (1 + |x|).   x: (...) -> (...)"""
    return same(x)


@softsign.lower
def softsign_lower(x):
    return divide(x, add(absolute(x), 1))


@op(promotes="all", floating=True, elementwise=True)
def hard_sigmoid(x):
    """0.2 x + 0.5, held between 0 and 1.   x: (...) -> (...)"""
    return same(x)


@hard_sigmoid.lower
def hard_sigmoid_lower(x):
    return minimum(maximum(add(multiply(x, 0.2), 0.5), 0), 1)


@op(promotes="all", floating=True, elementwise=True)
def gelu(x, *, approximate: bool = False):
    """x Phi(x), with the normal distribution's Phi, or its approximation by tanh.   x: (...) -> (...)

    Hendrycks and Gimpel, Gaussian Error Linear Units (2016).
    """
    return same(x)


@gelu.lower
def gelu_lower(x, *, approximate):
    half = multiply(x, 0.5)
    if approximate:
        cubic = multiply(x, add(multiply(multiply(x, x), 0.044715), 1))
        return multiply(half, add(tanh(multiply(cubic, 0.7978845608028654)), 1))
    return multiply(half, add(erf(multiply(x, 0.7071067811865476)), 1))


# -- samples -----------------------------------------------------------------------------------------------------------


def _one(r):
    yield (r(2, 3),), {}
    yield (r(0, 3),), {}
    yield (r(),), {}


for _op in (elu, selu, softsign, hard_sigmoid, gelu):
    _op.samples(_one)


@leaky_relu.samples
def leaky_relu_samples(r):
    yield (r(2, 3),), {"alpha": 0.3}


@elu.samples
def elu_samples(r):
    yield (r(2, 3),), {}
    yield (r(2, 3),), {"alpha": 0.5}


@gelu.samples
def gelu_samples(r):
    yield (r(2, 3),), {}
    yield (r(2, 3),), {"approximate": True}
