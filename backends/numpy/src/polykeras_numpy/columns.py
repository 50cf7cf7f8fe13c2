"""The windows of a batch of images as the rows of a matrix, a block at a time, so that a block stays in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from polykeras.symbolic.windows import output_sizes, pads

Array = Any
BLOCK_BYTES = 2**19  # a common second-level cache
ALIGNMENT = 64


class Block(NamedTuple):
    """Some outputs: of which images, in which rows of the outputs, and which rows of the matrix of all outputs."""

    images: slice
    rows: slice
    places: slice


class Columns:
    """How the windows of images of one shape are copied into a matrix, and where.

    shape: of the images, (batch, *spatial, channels).
    The scratch memory holds the images of a block with their padding (if any), then `columns_bytes`.
    """

    def __init__(self, shape: Any, window: Any, strides: Any, padding: Any, dilation: Any, dtype: Any):
        self.batch, *self.spatial, self.channels = shape
        self.window, self.strides, self.dilation = window, strides, dilation
        self.dtype = np.dtype(dtype)
        self.outputs = output_sizes(self.spatial, window, strides, dilation, padding)
        self.pads = pads(self.spatial, window, strides, dilation, padding)
        self.width = math.prod(window) * self.channels
        self.places = math.prod(self.outputs)
        row = self.width * self.dtype.itemsize
        self.images = max(1, min(self.batch, BLOCK_BYTES // max(1, self.places * row)))
        per_row = max(1, self.places // max(1, self.outputs[0]) * row)
        self.rows = max(1, min(self.outputs[0], BLOCK_BYTES // per_row)) if self.images == 1 else self.outputs[0]
        self.padded = any(before or after for before, after in self.pads)
        padded = [n + before + after for n, (before, after) in zip(self.spatial, self.pads, strict=True)]
        self.padded_shape = (self.images, *padded, self.channels)
        self.inside = (slice(None), *[slice(a, a + n) for n, (a, _) in zip(self.spatial, self.pads, strict=True)])
        self.padded_bytes = _aligned(math.prod(self.padded_shape) * self.dtype.itemsize) if self.padded else 0
        most = self.images * self.rows * (self.places // max(1, self.outputs[0]))
        self.columns_bytes = _aligned(most * row)
        self.whole = (
            not self.padded and all(n == 1 for n in window) and all(s == 1 for s in strides)
        )  # the images are the matrix

    def blocks(self) -> Iterator[tuple[slice, list[Block]]]:
        """The images of each block with the pieces that they are cut into."""
        per_row = self.places // max(1, self.outputs[0])
        for first in range(0, self.batch, self.images):
            images = slice(first, min(first + self.images, self.batch))
            pieces = []
            for row in range(0, self.outputs[0], self.rows):
                rows = slice(row, min(row + self.rows, self.outputs[0]))
                start = first * self.places + row * per_row
                count = (images.stop - first) * (rows.stop - row) * per_row
                pieces.append(Block(images, rows, slice(start, start + count)))
            yield images, pieces

    def buffer(self, scratch: Array) -> Array:
        """The padded images of one block in the scratch memory, all zero."""
        count = math.prod(self.padded_shape)
        buffer = scratch[: count * self.dtype.itemsize].view(self.dtype).reshape(self.padded_shape)
        buffer.fill(0)
        return buffer

    def matrix(self, scratch: Array) -> Array:
        """The flat scratch memory for the matrix of one block."""
        end = self.padded_bytes + self.columns_bytes
        return scratch[self.padded_bytes : end].view(self.dtype)

    def windows(self, images: Array) -> Array:
        """A view (n, *outputs, *window, channels) of images that have their padding."""
        n, *spatial, channel = images.strides
        steps = [s * step for s, step in zip(spatial, self.strides, strict=True)]
        inner = [s * step for s, step in zip(spatial, self.dilation, strict=True)]
        shape = (images.shape[0], *self.outputs, *self.window, self.channels)
        return as_strided(images, shape, (n, *steps, *inner, channel))

    def fill(self, windows: Array, matrix: Array) -> Array:
        """The windows copied: (n, rows, ..., window, channels) -> (places, width)."""
        count = math.prod(windows.shape)
        target = matrix[:count]
        np.copyto(target.reshape(windows.shape), windows)
        return target.reshape(-1, self.width)


def _aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
