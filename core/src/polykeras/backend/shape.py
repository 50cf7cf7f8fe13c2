"""Shapes and indices, as Keras spells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from polykeras.backend.operands import axes, operand, tensor
from polykeras.config import normalize_data_format
from polykeras.symbolic import dtypes
from polykeras.symbolic import op as nodes
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.ops import elementwise, indexing, reduce, sparse
from polykeras.symbolic.ops import shape as ops
from polykeras.symbolic.spec import normalize_axis, product

__all__ = [
    "arange", "batch_flatten", "concatenate", "expand_dims", "flatten", "gather", "get_variable_shape", "one_hot",
    "permute_dimensions", "repeat", "repeat_elements", "reshape", "reverse", "slice", "spatial_2d_padding",
    "spatial_3d_padding", "squeeze", "stack", "temporal_padding", "tile", "to_dense", "transpose", "transpose_shape",
]  # fmt: skip

Pair = tuple[int, int]


def reshape(x: Any, shape: Any) -> Tensor:
    """x's elements in another shape; one size may be -1, sizes may be tensors.   x: (...) -> shape"""
    return ops.reshape(tensor(x), (shape,) if isinstance(shape, (int, np.integer)) else shape)


def transpose(x: Any) -> Tensor:
    """The axes in reverse order.   x: (a, b, ...) -> (..., b, a)"""
    x = tensor(x)
    return ops.transpose(x, axes=tuple(reversed(range(x.ndim))))


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """The axes in the order of `pattern`.   x: (...) -> (...)"""
    return ops.transpose(tensor(x), axes=tuple([int(axis) for axis in pattern]))


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """A new axis of size 1.   x: (...) -> (..., 1, ...)"""
    return ops.expand_dims(tensor(x), axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """Without an axis of size 1.   x: (..., 1, ...) -> (...)"""
    return ops.squeeze(tensor(x), axis)


def flatten(x: Any) -> Tensor:
    """All elements in one axis.   x: (...) -> (n,)"""
    return ops.reshape(tensor(x), (-1,))


def batch_flatten(x: Any) -> Tensor:
    """All axes but the first in one.   x: (b, ...) -> (b, n)"""
    x = tensor(x)
    rest = tuple(range(1, x.ndim))
    width = product(x.shape[1:])
    if width:
        return ops.reshape(x, (-1, width))
    return ops.reshape(x, (ops.size_of(x, 0), reduce.prod(ops.shape_of(x, axes=rest))))


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each element repeated along an axis, as np.repeat does.   x: (..., n, ...) -> (..., n rep, ...)"""
    return ops.repeat(tensor(x), repeats=int(rep), axis=int(axis))


def repeat(x: Any, n: Any) -> Tensor:
    """A matrix repeated along a new axis 1.   x: (b, m) -> (b, n, m)"""
    x = tensor(x)
    if x.ndim != 2:
        raise ValueError(f"K.repeat takes a matrix, got {x!r}")
    return ops.tile(ops.expand_dims(x, 1), (1, n, 1))


def tile(x: Any, n: Any) -> Tensor:
    """x repeated as a whole; a count for every axis.   x: (..., n, ...) -> (..., n count, ...)"""
    return ops.tile(tensor(x), n if isinstance(n, Tensor) or np.ndim(n) else (n,))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str = "int32") -> Tensor:
    """start, start + step, ... up to but without stop; with one argument from 0 to that.   -> (n,)"""
    if stop is None:
        start, stop = 0, start
    if any(isinstance(end, float) for end in (start, stop, step)):
        return nodes.constant(np.arange(start, stop, step).astype(dtype))
    return ops.arange(start, stop, step, dtype=dtypes.check(dtype))


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """Tensors one after another along an axis; sparse if all are.   each (..., n, ...) -> (..., sum of n, ...)"""
    lacking = [isinstance(t, Tensor) and t.spec.sparse for t in tensors]
    if any(lacking):
        if all(lacking):
            return sparse.sparse_concatenate(*tensors, axis=normalize_axis(int(axis), 2))
        tensors = [to_dense(t) for t in tensors]
    return ops.concatenate(*[operand(t) for t in tensors], axis=axes(axis))


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors side by side along a new axis.   each (...) -> (..., count, ...)"""
    return ops.stack(*[operand(t) for t in x], axis=axes(axis))


def one_hot(indices: Any, num_classes: Any) -> Tensor:
    """1 in the place of each index, 0 elsewhere, in a new last axis.   indices: (...) integer -> (..., num_classes)"""
    return indexing.one_hot(tensor(indices), num_classes)


def reverse(x: Any, axes: int | Sequence[int]) -> Tensor:
    """x backwards along some axes.   x: (...) -> (...)"""
    return ops.reverse(tensor(x), axes if isinstance(axes, int) else tuple(axes))


def slice(x: Any, start: Any, size: Any) -> Tensor:  # noqa: A001  Keras's name
    """A block of x; a size of -1 means the rest.   x: (...), start: (rank,), size: (rank,) -> size"""
    x = tensor(x)
    if _plain(start) and _plain(size) and len(start) == len(size) == x.ndim:
        dims = x.shape or ()
        ends = list(zip(start, size, dims, strict=True))
        if all(i >= 0 and (n == -1 or (dim is not None and 0 <= n <= dim - i)) for i, n, dim in ends):
            stop = tuple([None if n == -1 else int(i + n) for i, n, _ in ends])
            return ops.slice(x, start=tuple([int(i) for i in start]), stop=stop, step=(1,) * x.ndim)
    return ops.slice_at(x, start, size)


def _plain(sizes: Any) -> bool:
    return not isinstance(sizes, Tensor) and all(isinstance(n, (int, np.integer)) for n in sizes)


def gather(reference: Any, indices: Any) -> Tensor:
    """The slices of `reference` along axis 0 at the indices.   reference: (n, ...), indices: i -> (*i, ...)"""
    indices = tensor(indices)
    if dtypes.is_float(indices.dtype):
        indices = elementwise.cast(indices, dtype="int32")
    return indexing.gather(tensor(reference), indices)


def get_variable_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape as a tuple."""
    return tensor(x).shape


def to_dense(tensor: Any) -> Tensor:  # the argument is Keras's
    """A sparse tensor as a dense one; a dense one as it is.   tensor: s -> s"""
    return sparse.densify(tensor) if isinstance(tensor, Tensor) and tensor.spec.sparse else tensor


# -- padding -----------------------------------------------------------------------------------------------------------


def temporal_padding(x: Any, padding: Pair = (1, 1)) -> Tensor:
    """Zeros before and after along the time axis.   x: (b, time, c) -> (b, time + padding, c)"""
    return _padded(x, 3, (padding,), "channels_last")


def spatial_2d_padding(x: Any, padding: tuple[Pair, Pair] = ((1, 1), (1, 1)), data_format: str | None = None) -> Tensor:
    """Zeros around images: (above, below), (left, right).   x: (b, rows, columns, c) or channels first -> larger"""
    return _padded(x, 4, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: tuple[Pair, Pair, Pair] = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around volumes, a pair for each axis.   x: (b, i, j, k, c) or channels first -> larger"""
    return _padded(x, 5, padding, data_format)


def _padded(x: Any, rank: int, padding: Any, data_format: str | None) -> Tensor:
    x = tensor(x)
    pairs = tuple([tuple([int(n) for n in pair]) for pair in padding])
    if len(pairs) != rank - 2 or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"`padding` needs {rank - 2} pairs (before, after), got {padding!r}")
    if x.ndim != rank:
        raise ValueError(f"padding a tensor of rank {rank}, got {x!r}")
    none = ((0, 0),)
    first = normalize_data_format(data_format) == "channels_first"
    return ops.pad(x, widths=(none + none + pairs if first else none + pairs + none))


def transpose_shape(shape: Any, target_format: str, spatial_axes: Sequence[int]) -> Any:
    """A channels-last shape in the target format: (b, rows, columns, c) may become (b, c, rows, columns).

    A list stays a list, a tuple a tuple.
    """
    if target_format == "channels_last":
        return shape
    if target_format != "channels_first":
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {target_format!r}'
        )
    moved = (*shape[: spatial_axes[0]], shape[-1], *[shape[axis] for axis in spatial_axes])
    return list(moved) if isinstance(shape, list) else moved
