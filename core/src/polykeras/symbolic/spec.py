"""What is known of a tensor before it has a value."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, cast

Dim = int | None
Shape = tuple[Dim, ...] | None
Known = int | tuple[Any, ...] | None


class Spec:
    """Shape, dtype and, for small integer tensors, the known value of a tensor.

    shape:  a tuple of sizes, `None` for an unknown one; or `None` where even the rank is unknown.
    value:  the known value of an integer or bool tensor of rank 0 or 1: an int, or a tuple in which `None` may stand.
    sparse: the tensor is a sparse matrix. Few ops take such.
    Specs are not changed once made.
    """

    __slots__ = ("shape", "dtype", "value", "sparse")

    def __init__(self, shape: Shape, dtype: str, value: Known = None, sparse: bool = False):
        self.shape = shape
        self.dtype = dtype
        self.value = value
        self.sparse = sparse

    @property
    def ndim(self) -> int:
        """The rank; an error where it is unknown."""
        if self.shape is None:
            raise ValueError("the rank is unknown here; give the placeholder `ndim=` or a shape")
        return len(self.shape)

    @property
    def concrete(self) -> bool:
        """Is every size known?"""
        return self.shape is not None and None not in self.shape

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape; every size must be known, as it is in what backends are given to place and to run."""
        assert self.concrete, f"{self} has sizes that are not known yet"
        return cast("tuple[int, ...]", self.shape)

    @property
    def size(self) -> int:
        """How many elements; every size must be known."""
        return math.prod(self.sizes)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Spec)
            and self.shape == other.shape
            and self.dtype == other.dtype
            and self.value == other.value
            and self.sparse == other.sparse
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.value, self.sparse))

    def __repr__(self) -> str:
        known = "" if self.value is None else f" = {self.value}"
        return f"{'sparse ' if self.sparse else ''}{self.dtype}{format_shape(self.shape)}{known}"


def format_shape(shape: Shape) -> str:
    return "(?)" if shape is None else str(shape)


@lru_cache(maxsize=1024)  # a graph asks for few, again and again
def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that operands of these shapes broadcast to. An unknown size beside a size above 1 takes that size."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None
    result: list[Dim] = []
    for axis in range(-max(map(len, known)), 0):
        dims = {shape[axis] for shape in known if len(shape) >= -axis}
        sizes = dims - {1, None}
        if len(sizes) > 1:
            raise ValueError(f"shapes {' and '.join(map(format_shape, shapes))} do not broadcast")
        result.append(sizes.pop() if sizes else None if None in dims else 1)
    return tuple(result)


def same_dims(a: Shape, b: Shape) -> bool:
    """Can these be the shape of one tensor?"""
    if a is None or b is None:
        return True
    return len(a) == len(b) and all(x == y or x is None or y is None for x, y in zip(a, b, strict=True))


def merge_shapes(a: Shape, b: Shape) -> Shape:
    """What two descriptions of one shape say together; they must fit (`same_dims`)."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(y if x is None else x for x, y in zip(a, b, strict=True))


def normalize_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the front."""
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of range for a tensor of rank {ndim}")
    return axis % ndim


def normalize_axes(axis: int | tuple[int, ...] | list[int] | None, ndim: int) -> tuple[int, ...]:
    """The axes meant by `axis`, sorted and counted from the front; `None` means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    found = sorted({normalize_axis(a, ndim) for a in axes})
    if len(found) < len(axes):
        raise ValueError(f"an axis occurs twice in {axes} (rank {ndim})")
    return tuple(found)


def reduced_shape(shape: Shape, axis: int | tuple[int, ...] | None, keepdims: bool) -> Shape:
    """The shape after a reduction over `axis`."""
    if shape is None:
        if axis is None and not keepdims:
            return ()
        return None
    axes = normalize_axes(axis, len(shape))
    if keepdims:
        return tuple(1 if i in axes else dim for i, dim in enumerate(shape))
    return tuple(dim for i, dim in enumerate(shape) if i not in axes)


def product(dims: tuple[Dim, ...]) -> Dim:
    """The product of sizes: 0 where one is 0, unknown where one is unknown."""
    if 0 in dims:
        return 0
    total = 1
    for dim in dims:
        if dim is None:
            return None
        total *= dim
    return total
