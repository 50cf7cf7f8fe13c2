"""Images made larger by whole factors, channels last."""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.spec import Spec, format_shape


@op
def upsample(x, *, factors: tuple):
    """Each element repeated to a block.   x: (batch, *spatial, c) -> (batch, *(spatial factors), c)"""
    return _larger(x, factors)


@upsample.vjp
def upsample_vjp(g, out, x, *, factors):
    return sum_blocks(g, factors=factors)


@op
def sum_blocks(x, *, factors: tuple):
    """The sum of each block: the reverse of `upsample`.   x: (batch, *(spatial factors), c) -> (batch, *spatial, c)"""
    return _smaller(x, factors)


@sum_blocks.vjp
def sum_blocks_vjp(g, out, x, *, factors):
    return upsample(g, factors=factors)


@op(promotes="all", floating=True)
def upsample_linear(x, *, factors: tuple):
    """Interpolated linearly along each axis: output o lies at input o / factor, the last input continues to the end.

    x: (batch, *spatial, c) -> (batch, *(spatial factors), c)
    """
    return _larger(x, factors)


@upsample_linear.vjp
def upsample_linear_vjp(g, out, x, *, factors):
    return upsample_linear_grad(g, factors=factors)


@op(promotes="all", floating=True)
def upsample_linear_grad(g, *, factors: tuple):
    """The gradient of upsample_linear(x).   g: (batch, *(spatial factors), c) -> (batch, *spatial, c)"""
    return _smaller(g, factors)


@upsample_linear_grad.vjp
def upsample_linear_grad_vjp(c, out, g, *, factors):
    return upsample_linear(c, factors=factors)


# -- rules -------------------------------------------------------------------------------------------------------------


def _check(x, factors):
    if x.ndim != len(factors) + 2:
        raise ValueError(f"factors {factors} need an input of rank {len(factors) + 2}, got {format_shape(x.shape)}")
    if any(f < 1 for f in factors):
        raise ValueError(f"factors must be positive, got {factors}")


def _larger(x, factors):
    _check(x, factors)
    spatial = [None if n is None else n * f for n, f in zip(x.shape[1:-1], factors, strict=True)]
    return Spec((x.shape[0], *spatial, x.shape[-1]), x.dtype)


def _smaller(x, factors):
    _check(x, factors)
    if any(n is not None and n % f for n, f in zip(x.shape[1:-1], factors, strict=True)):
        raise ValueError(f"shape {format_shape(x.shape)} does not divide by the factors {factors}")
    spatial = [None if n is None else n // f for n, f in zip(x.shape[1:-1], factors, strict=True)]
    return Spec((x.shape[0], *spatial, x.shape[-1]), x.dtype)


# -- samples -----------------------------------------------------------------------------------------------------------


def _small(r):
    yield (r(2, 3, 4, 5),), {"factors": (2, 3)}
    yield (r(2, 3, 5),), {"factors": (1,)}
    yield (r(2, 3, 4, 1, 5),), {"factors": (2, 1, 3)}
    yield (r(0, 3, 4, 5),), {"factors": (2, 3)}


def _large(r):
    yield (r(2, 6, 12, 5),), {"factors": (2, 3)}
    yield (r(2, 3, 5),), {"factors": (1,)}
    yield (r(2, 6, 4, 3, 5),), {"factors": (2, 1, 3)}


for _op in (upsample, upsample_linear):
    _op.samples(_small)
for _op in (sum_blocks, upsample_linear_grad):
    _op.samples(_large)


@upsample.error_samples
def upsample_error_samples(r):
    yield (r(2, 3, 4, 5),), {"factors": (2,)}, "need an input of rank 3"
