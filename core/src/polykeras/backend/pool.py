"""Pooling, as Keras spells it."""

from __future__ import annotations

from typing import Any

from polykeras.backend.conv import Ints, check_padding, on_channels_last, per_axis
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.ops import pool as ops

__all__ = ["pool2d", "pool3d"]


def pool2d(
    x: Any, pool_size: Ints, strides: Ints = (1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:  # fmt: skip
    """The maximum or the mean ("max", "avg") of each window; padding takes no part.

    x: (batch, h, w, c) -> (batch, oh, ow, c)
    """
    return _pool(2, x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any, pool_size: Ints, strides: Ints = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:  # fmt: skip
    """The maximum or the mean ("max", "avg") of each window.   x: (batch, d, h, w, c) -> (batch, od, oh, ow, c)"""
    return _pool(3, x, pool_size, strides, padding, data_format, pool_mode)


def _pool(
    rank: int, x: Any, pool_size: Ints, strides: Ints, padding: str, data_format: str | None, pool_mode: str
) -> Tensor:
    op = {"max": ops.max_pool, "avg": ops.avg_pool}.get(pool_mode)
    if op is None:
        raise ValueError(f"Invalid pooling mode: {pool_mode!r}; expected 'max' or 'avg'")
    window, steps = per_axis(pool_size, rank, "pool_size"), per_axis(strides, rank, "strides")
    return on_channels_last(op, x, data_format, window=window, strides=steps, padding=check_padding(padding))
