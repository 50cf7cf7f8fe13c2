"""Ops that pick elements by indices, put them back, order them.

Each that picks has its counterpart that adds into zeros: they are each other's gradients.
"""

from __future__ import annotations

from polykeras.symbolic import dtypes
from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import add, cast, less, where
from polykeras.symbolic.ops.shape import floating, size_of, slice_axis, without_axis
from polykeras.symbolic.spec import Spec, format_shape, normalize_axis, same_dims


@op
def gather(x, indices, *, axis: int = 0):
    """x's slices at the indices.   x: (..., n, ...), indices: i, integer -> (..., *i, ...)

    On the host an index outside [0, n) is an IndexError.
    """
    _integers(indices)
    if x.shape is None or indices.shape is None:
        return Spec(None, x.dtype)
    at = normalize_axis(axis, len(x.shape))
    spec = Spec((*x.shape[:at], *indices.shape, *x.shape[at + 1 :]), x.dtype)
    if isinstance(x.value, tuple) and indices.value is not None:
        spec.value = _picked(x.value, indices.value)
    return spec


def _picked(values: tuple, indices):
    try:
        if isinstance(indices, tuple):
            return tuple([None if i is None else values[i] for i in indices])
        return values[indices]
    except IndexError:
        raise ValueError(f"index {indices} is out of range for {len(values)} elements") from None


@gather.vjp
def gather_vjp(g, out, x, indices, *, axis):
    return scatter_add(g, indices, x, axis=axis), None


@op(shape_only=("like",))
def scatter_add(g, indices, like, *, axis: int = 0):
    """Zeros of the shape of `like`, g's slices added at the indices.   g: (..., *i, ...), indices: i, like: s -> s"""
    _integers(indices)
    return Spec(like.shape, g.dtype)


@scatter_add.vjp
def scatter_add_vjp(gg, out, g, indices, like, *, axis):
    return gather(gg, indices, axis=axis), None, None


def from_front(indices, x, axis: int):
    """Indices along an axis of x of which negative ones count from its end, counted from the front."""
    known = indices.spec.value
    places = known if isinstance(known, tuple) else (known,)
    if all(i is not None and i >= 0 for i in places):
        return indices
    return where(less(indices, 0), add(indices, cast(size_of(x, axis), dtype=indices.spec.dtype)), indices)


@op
def take_along_axis(x, indices, *, axis: int = -1):
    """Elements picked along one axis, for each place of the others.   x: (..., n, ...), indices: i -> i

    On the host an index outside [0, n) is an IndexError.
    """
    _integers(indices)
    if x.shape is not None and indices.shape is not None:
        at = normalize_axis(axis, len(x.shape))
        if not same_dims(without_axis(x.shape, at), without_axis(indices.shape, at)):
            shapes = format_shape(x.shape), format_shape(indices.shape)
            raise ValueError(f"shapes {shapes[0]} and {shapes[1]} differ besides axis {axis}")
    return Spec(indices.shape, x.dtype)


@take_along_axis.vjp
def take_along_axis_vjp(g, out, x, indices, *, axis):
    return scatter_along_axis(g, indices, x, axis=axis), None


@op(shape_only=("like",))
def scatter_along_axis(g, indices, like, *, axis: int = -1):
    """Zeros of the shape of `like`, g added where `take_along_axis` picked.   g: i, indices: i, like: s -> s"""
    _integers(indices)
    return Spec(like.shape, g.dtype)


@scatter_along_axis.vjp
def scatter_along_axis_vjp(gg, out, g, indices, like, *, axis):
    return take_along_axis(gg, indices, axis=axis), None, None


@op(nondifferentiable="integer")
def argsort(x, *, axis: int = -1, descending: bool = False):
    """The order that sorts x along an axis; equal elements keep theirs.   x: (...) -> (...), int32"""
    if x.shape is not None:
        normalize_axis(axis, len(x.shape))
    return Spec(x.shape, "int32")


def sort(x, axis: int = -1, descending: bool = False):
    """x sorted along an axis."""
    return take_along_axis(x, argsort(x, axis=axis, descending=descending), axis=axis)


def top_k(x, k: int):
    """The k largest elements along the last axis, the largest first, and their places; the first of equal ones wins."""
    places = slice_axis(argsort(x, descending=True), -1, 0, k)
    return take_along_axis(x, places), places


@op(nondifferentiable="boolean", sizes=("depth",))
def one_hot(x, depth, *, dtype: str | None = None):
    """1 in the place of each index, else 0.   x: (...) integer, depth: () -> (..., depth)

    An index out of range gives zeros. Without a dtype it is floatx.
    """
    _integers(x)
    return Spec(None if x.shape is None else (*x.shape, depth.value), floating(dtype))


@op
def boolean_mask(x, mask, *, axis: int = 0):
    """The slices of x where the mask holds.   x: (..., *m, ...), mask: m bool -> (..., None, ...)"""
    if mask.dtype != "bool":
        raise TypeError(f"the mask must be bool, got {mask.dtype}")
    at = normalize_axis(axis, x.ndim)
    end = at + mask.ndim
    if mask.ndim == 0 or not same_dims(x.shape[at:end], mask.shape):
        shapes = format_shape(mask.shape), format_shape(x.shape)
        raise ValueError(f"a mask of shape {shapes[0]} does not fit axis {axis} of shape {shapes[1]}")
    return Spec((*x.shape[:at], None, *x.shape[end:]), x.dtype)


@boolean_mask.vjp
def boolean_mask_vjp(g, out, x, mask, *, axis):
    return boolean_mask_grad(g, mask, x, axis=axis), None


@op(shape_only=("like",))
def boolean_mask_grad(g, mask, like, *, axis: int = 0):
    """Zeros of the shape of `like`, but g where the mask holds.   g: (..., k, ...), mask: m bool, like: s -> s"""
    return Spec(like.shape, g.dtype)


@boolean_mask_grad.vjp
def boolean_mask_grad_vjp(gg, out, g, mask, like, *, axis):
    return boolean_mask(gg, mask, axis=axis), None, None


@op(nondifferentiable="integer")
def nonzero(x):
    """The places of the elements that are not 0, in order.   x: (...) -> (None, rank) int64"""
    return Spec((None, x.ndim), "int64")


# -- rules ---------------------------------------------------------------------------------------------------------


def _integers(spec: Spec) -> None:
    if not dtypes.is_integer(spec.dtype):
        raise TypeError(f"indices must be integers, got {spec.dtype}; use cast")


# -- samples -------------------------------------------------------------------------------------------------------


@gather.samples
def gather_samples(r):
    yield (r(5, 3), r.integers(2, 4, low=0, high=5)), {}
    yield (r(2, 5, 3), r.integers(4, low=0, high=5)), {"axis": 1}
    yield (r(5, 3), r.integers(low=0, high=5)), {}
    yield (r(5, 3), r.integers(0, low=0, high=5)), {}


@gather.error_samples
def gather_error_samples(r):
    yield (r(5, 3), r(2)), {}, "must be integers"


@scatter_add.samples
def scatter_add_samples(r):
    yield (r(2, 4, 3), r.integers(2, 4, low=0, high=5), r(5, 3)), {}
    yield (r(2, 4), r.integers(4, low=0, high=3), r(2, 3)), {"axis": 1}
    yield (r(3), r.integers(low=0, high=5), r(5, 3)), {}


@take_along_axis.samples
def take_along_axis_samples(r):
    yield (r(2, 5), r.integers(2, 3, low=0, high=5)), {}
    yield (r(4, 3), r.integers(2, 3, low=0, high=4)), {"axis": 0}


@take_along_axis.error_samples
def take_along_axis_error_samples(r):
    yield (r(2, 5), r.integers(3, 3, low=0, high=5)), {}, "differ besides axis -1"


@scatter_along_axis.samples
def scatter_along_axis_samples(r):
    yield (r(2, 4), r.integers(2, 4, low=0, high=3), r(2, 3)), {}
    yield (r(2, 3), r.integers(2, 3, low=0, high=4), r(4, 3)), {"axis": 0}


@argsort.samples
def argsort_samples(r):
    yield (r(3, 5),), {}
    yield (r(3, 5),), {"axis": 0, "descending": True}
    yield (r.integers(3, 9, low=0, high=3),), {"descending": True}


@one_hot.samples
def one_hot_samples(r):
    yield (r.integers(2, 3, low=-1, high=5), 4), {}
    yield (r.integers(3, low=0, high=3), 3), {"dtype": "int32"}


@boolean_mask.samples
def boolean_mask_samples(r):
    yield (r(4, 3), r.bools(4)), {}
    yield (r(2, 4, 3), r.bools(4, 3)), {"axis": 1}
    yield (r(2, 4), r.bools(2, 4)), {}


@boolean_mask.error_samples
def boolean_mask_error_samples(r):
    yield (r(4, 3), r.bools(3)), {}, "does not fit axis 0"


@boolean_mask_grad.samples
def boolean_mask_grad_samples(r):
    mask = r.bools(4, 3)
    yield (r(2, int(mask.sum())), mask, r(2, 4, 3)), {"axis": 1}


@nonzero.samples
def nonzero_samples(r):
    yield (r.integers(3, 4, low=0, high=2),), {}
