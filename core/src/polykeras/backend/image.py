"""Images and volumes made larger, as Keras spells it."""

from __future__ import annotations

from typing import Any

from polykeras import config
from polykeras.backend.conv import on_channels_last
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.ops.image import upsample, upsample_linear

__all__ = ["resize_images", "resize_volumes"]


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> Tensor:
    """Images enlarged by whole factors, "nearest" or "bilinear".

    x: (batch, h, w, c) -> (batch, h factor, w factor, c)
    """
    op = {"nearest": upsample, "bilinear": upsample_linear}.get(interpolation)
    if op is None:
        raise ValueError(f"interpolation should be one of 'nearest' or 'bilinear', got {interpolation!r}")
    return on_channels_last(op, x, _given(data_format), factors=(int(height_factor), int(width_factor)))


def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str) -> Tensor:
    """Volumes enlarged by repetition.   x: (batch, d, h, w, c) -> (batch, d factor, h factor, w factor, c)"""
    factors = int(depth_factor), int(height_factor), int(width_factor)
    return on_channels_last(upsample, x, _given(data_format), factors=factors)


def _given(data_format: str) -> str:
    if data_format not in config.DATA_FORMATS:
        raise ValueError(f"Invalid data_format: {data_format!r}; expected 'channels_first' or 'channels_last'")
    return data_format
