"""Ops that arrange elements: views first, then copies, and what is made from sizes.

`reshape`, `transpose`, `slice` and `broadcast_to` are views when planned; the functions beside them
(`expand_dims`, `squeeze`, `reverse`, ...) are written in these.
"""

from __future__ import annotations

import builtins
import math

from polykeras import config
from polykeras.symbolic import dtypes
from polykeras.symbolic.op import as_scalars, as_tensor, op
from polykeras.symbolic.ops.elementwise import add
from polykeras.symbolic.spec import (
    Dim,
    Shape,
    Spec,
    format_shape,
    merge_shapes,
    normalize_axes,
    normalize_axis,
    product,
    same_dims,
)  # fmt: skip

# -- sizes ---------------------------------------------------------------------------------------------------------


@op(shape_only=("x",), nondifferentiable="integer")
def shape_of(x, *, axes=None):
    """The sizes of x, or of some axes in the order given; None stands for a size of 1.   x: (...) -> (rank,) int32"""
    if x.shape is None:
        if axes is not None:
            raise ValueError("the rank is unknown here; give the placeholder `ndim=` or a shape")
        return Spec((None,), "int32")
    ndim = len(x.shape)
    chosen = range(ndim) if axes is None else axes
    dims = tuple([1 if a is None else x.shape[normalize_axis(a, ndim)] for a in chosen])
    return Spec((len(dims),), "int32", dims)


def size_of(x, axis: int):
    """One size of x as a scalar tensor."""
    return reshape(shape_of(x, axes=(axis,)), ())


# -- views ---------------------------------------------------------------------------------------------------------


@op(sizes=("shape",))
def reshape(x, shape):
    """x's elements in another shape; one size may be -1: what is left.   x: (...), shape: (n,) -> shape"""
    dims = _sizes(shape)
    return Spec(None if dims is None else _fill_in(dims, x.shape), x.dtype)


@reshape.fold
def reshape_fold(value, shape):
    if value is None or shape is None:
        return None
    flat = value if isinstance(value, tuple) else (value,)
    return flat if len(shape) == 1 else flat[0]


@reshape.vjp
def reshape_vjp(g, out, x, shape):
    return reshape(g, shape_of(x)), None


@reshape.alias
def reshape_alias(x, shape):
    return 0 if x.concrete and _sizes(shape) == x.shape else None


def _fill_in(dims: tuple[Dim, ...], shape: tuple[Dim, ...] | None) -> tuple[Dim, ...]:
    """`dims` with -1, or the only unknown size, computed from the sizes that are known."""
    if dims.count(-1) > 1:
        raise ValueError(f"only one size may be -1, got {dims}")
    for dim in dims:
        if dim is not None and dim < -1:
            raise ValueError(f"sizes must not be negative, got {dims}")
    total = None if shape is None else product(shape)
    wanted = [dim for dim in dims if dim is not None and dim != -1]
    known = math.prod(wanted)
    open_ends = len(dims) - len(wanted)
    left: Dim = None
    if total is not None and open_ends == 0 and total != known:
        raise ValueError(f"{total} elements of shape {format_shape(shape)} do not fit the shape {dims}")
    if total is not None and open_ends == 1 and known:
        if total % known:
            raise ValueError(f"{total} elements of shape {format_shape(shape)} do not fit the shape {dims}")
        left = total // known
    return tuple([left if dim == -1 or (dim is None and open_ends == 1) else dim for dim in dims])


@op
def transpose(x, *, axes):
    """The axes in another order.   x: (...) -> (...)"""
    if x.shape is None:
        return Spec((None,) * len(axes), x.dtype)
    if sorted(axes) != list(range(len(x.shape))):
        raise ValueError(f"axes must be an order of 0 to {len(x.shape) - 1}, got {axes}")
    return Spec(tuple([x.shape[a] for a in axes]), x.dtype)


@transpose.vjp
def transpose_vjp(g, out, x, *, axes):
    return transpose(g, axes=tuple([axes.index(i) for i in range(len(axes))]))


@transpose.alias
def transpose_alias(x, *, axes):
    return 0 if axes == tuple(range(len(axes))) else None


@op
def slice(x, *, start, stop, step):  # noqa: A001  the op's name is Keras's
    """x[start:stop:step], one of each for every axis; None leaves an end open.   x: (...) -> (...)"""
    return _sliced(x, start, stop, step)


def _sliced(x: Spec, start, stop, step) -> Spec:
    if x.shape is None:
        raise ValueError("the rank is unknown here; give the placeholder `ndim=` or a shape")
    if not len(start) == len(stop) == len(step) == len(x.shape):
        raise ValueError(f"start, stop and step need {len(x.shape)} entries, got {start}, {stop}, {step}")
    ends = [builtins.slice(*end) for end in zip(start, stop, step, strict=True)]
    spec = Spec(tuple([_sliced_size(dim, end) for dim, end in zip(x.shape, ends, strict=True)]), x.dtype)
    if isinstance(x.value, tuple):
        spec.value = x.value[ends[0]]
    return spec


def _sliced_size(dim: Dim, end: builtins.slice) -> Dim:
    if end.step == 0:
        raise ValueError("the step of a slice must not be 0")
    if dim is not None:
        return len(range(*end.indices(dim)))
    return 0 if end.start is not None and end.start == end.stop else None


@slice.vjp
def slice_vjp(g, out, x, *, start, stop, step):
    if all(a is None and b is None and c in (1, -1) for a, b, c in zip(start, stop, step, strict=True)):
        return slice(g, start=start, stop=stop, step=step)
    return slice_grad(g, x, start=start, stop=stop, step=step)


@slice.alias
def slice_alias(x, *, start, stop, step):
    forward = all(c > 0 for c in step)
    return 0 if forward and x.concrete and _sliced(x, start, stop, step).shape == x.shape else None


@op(shape_only=("like",))
def slice_grad(g, like, *, start, stop, step):
    """Zeros of the shape of `like`, but g in the slice.   g: (...), like: s -> s"""
    return Spec(like.shape, g.dtype)


@slice_grad.vjp
def slice_grad_vjp(gg, out, g, like, *, start, stop, step):
    return slice(gg, start=start, stop=stop, step=step), None


def slice_axis(x, axis: int, start: int | None = None, stop: int | None = None, step: int = 1):
    """A slice along one axis."""
    ndim = x.spec.ndim
    axis = normalize_axis(axis, ndim)
    whole = (None,) * axis, (None,) * (ndim - axis - 1)
    steps = tuple([step if i == axis else 1 for i in range(ndim)])
    return slice(x, start=(*whole[0], start, *whole[1]), stop=(*whole[0], stop, *whole[1]), step=steps)


def reverse(x, axes):
    """x backwards along some axes."""
    ndim = x.spec.ndim
    chosen = normalize_axes(axes, ndim)
    whole = (None,) * ndim
    return slice(x, start=whole, stop=whole, step=tuple([-1 if i in chosen else 1 for i in range(ndim)]))


def expand_dims(x, axis: int):
    """A new axis of size 1 at the place `axis` of the result."""
    ndim = x.spec.ndim
    at = normalize_axis(axis, ndim + 1)
    return reshape(x, shape_of(x, axes=(*range(at), None, *range(at, ndim))))


def squeeze(x, axis: int | tuple[int, ...] | None = None):
    """Without some axes of size 1; None means all of them."""
    shape = x.spec.shape
    ndim = x.spec.ndim
    if axis is None and None in shape:
        raise ValueError(f"which axes of {x!r} have size 1 is not known; name the axes to squeeze")
    axes = tuple([i for i in range(ndim) if shape[i] == 1]) if axis is None else normalize_axes(axis, ndim)
    for i in axes:
        if shape[i] not in (1, None):
            raise ValueError(f"axis {i} of a tensor of shape {format_shape(shape)} has size {shape[i]} and not 1")
    return reshape(x, shape_of(x, axes=tuple([i for i in range(ndim) if i not in axes])))


def swapaxes(x, first: int, second: int):
    """Two axes exchanged."""
    order = list(range(x.spec.ndim))
    a, b = normalize_axis(first, len(order)), normalize_axis(second, len(order))
    order[a], order[b] = b, a
    return transpose(x, axes=tuple(order))


# -- copies --------------------------------------------------------------------------------------------------------


@op(sizes=("start", "size"))
def slice_at(x, start, size):
    """A block from a place that is computed; a size of -1 is the rest.   x: (...), start: (n,), size: (n,) -> size"""
    if x.shape is None:
        raise ValueError("the rank is unknown here; give the placeholder `ndim=` or a shape")
    starts, sizes = _of_length(start, len(x.shape), "start"), _of_length(size, len(x.shape), "size")
    dims = []
    for dim, at, extent in zip(x.shape, starts, sizes, strict=True):
        if at is not None and at < 0:
            raise ValueError(f"a start must not be negative, got {starts}")
        rest = None if dim is None or at is None else dim - at
        if extent is not None and extent >= 0 and rest is not None and extent > rest:
            raise ValueError(f"a block from {starts} of size {sizes} does not fit in shape {format_shape(x.shape)}")
        dims.append(rest if extent == -1 else extent)
    return Spec(tuple(dims), x.dtype)


@slice_at.vjp
def slice_at_vjp(g, out, x, start, size):
    return slice_at_grad(g, start, x), None, None


@op(sizes=("start",), shape_only=("like",))
def slice_at_grad(g, start, like):
    """Zeros of the shape of `like`, but g in the block that begins at `start`.   g: (...), start: (n,), like: s -> s"""
    return Spec(like.shape, g.dtype)


@slice_at_grad.vjp
def slice_at_grad_vjp(gg, out, g, start, like):
    return slice_at(gg, start, shape_of(g)), None, None


@op(promotes="all")
def concatenate(*xs, axis: int):
    """The tensors one after another along an axis.   xs: (..., n, ...) each -> (..., sum of n, ...)"""
    if not xs:
        raise ValueError("there is nothing to concatenate")
    known = [x.shape for x in xs if x.shape is not None]
    if len(known) < len(xs):
        return Spec(None, xs[0].dtype)
    at = normalize_axis(axis, len(known[0]))
    rest = without_axis(known[0], at)
    for shape in known:
        if not same_dims(rest, without_axis(shape, at)):
            raise ValueError(f"shapes {', '.join(map(format_shape, known))} differ besides axis {axis}")
        rest = merge_shapes(rest, without_axis(shape, at)) or rest
    sizes = [shape[at] for shape in known]
    spec = Spec((*rest[:at], None if None in sizes else sum(sizes), *rest[at:]), xs[0].dtype)
    if spec.concrete and spec.ndim == 1 and any(x.value is not None for x in xs):
        spec.value = tuple([v for x in xs for v in as_scalars(x.value, x.shape[0]) or ()])
    return spec


@concatenate.vjp
def concatenate_vjp(g, out, *xs, axis):
    at = normalize_axis(axis, g.spec.ndim)
    sizes = [x.spec.shape[at] for x in xs]
    if None not in sizes[:-1]:
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
        return [slice_axis(g, at, first, last) for first, last in zip([0, *ends], [*ends, None], strict=True)]
    results, start = [], as_tensor(0)
    for x in xs:
        zeros = [0] * g.spec.ndim
        zeros[at] = start
        results.append(slice_at(g, zeros, shape_of(x)))
        start = add(start, size_of(x, at))
    return results


@concatenate.alias
def concatenate_alias(*xs, axis):
    return 0 if len(xs) == 1 else None


@op(promotes="all")
def stack(*xs, axis: int = 0):
    """The tensors side by side along a new axis.   xs: (...) each -> (..., count, ...)"""
    if not xs:
        raise ValueError("there is nothing to stack")
    shape = xs[0].shape
    for x in xs:
        if not same_dims(shape, x.shape):
            raise ValueError(f"shapes {', '.join([format_shape(x.shape) for x in xs])} differ")
        shape = merge_shapes(shape, x.shape)
    if shape is None:
        return Spec(None, xs[0].dtype)
    at = normalize_axis(axis, len(shape) + 1)
    spec = Spec((*shape[:at], len(xs), *shape[at:]), xs[0].dtype)
    if shape == () and not dtypes.is_float(spec.dtype) and any(x.value is not None for x in xs):
        spec.value = tuple([x.value for x in xs])
    return spec


@stack.vjp
def stack_vjp(g, out, *xs, axis):
    return unstack(g, axis, len(xs))


def unstack(x, axis: int = 0, count: int | None = None) -> list:
    """The parts of x along an axis, which is left out."""
    at = normalize_axis(axis, x.spec.ndim)
    count = x.spec.shape[at] if count is None else count
    if count is None:
        raise ValueError(f"cannot unstack along axis {axis} of {x!r}: its size is unknown")
    return [squeeze(slice_axis(x, at, i, i + 1), at) for i in range(count)]


def split(x, parts: int, axis: int = -1) -> list:
    """Equal parts of x along an axis."""
    at = normalize_axis(axis, x.spec.ndim)
    dim = x.spec.shape[at]
    if dim is None or dim % parts:
        raise ValueError(f"cannot split axis {axis} of {x!r} into {parts} equal parts")
    width = dim // parts
    return [slice_axis(x, at, i * width, (i + 1) * width) for i in range(parts)]


@op
def pad(x, *, widths, value: float = 0.0):
    """x with `value` around it.   x: (..., n, ...) -> (..., before + n + after, ...)

    `widths` holds a pair (before, after) for every axis.
    """
    if x.shape is None:
        return Spec((None,) * len(widths), x.dtype)
    if len(widths) != len(x.shape) or any(len(pair) != 2 or min(pair) < 0 for pair in widths):
        raise ValueError(f"widths needs {len(x.shape)} pairs of sizes, got {widths}")
    return Spec(tuple([None if d is None else a + d + b for d, (a, b) in zip(x.shape, widths, strict=True)]), x.dtype)


@pad.vjp
def pad_vjp(g, out, x, *, widths, value):
    stop = tuple([-after if after else None for _, after in widths])
    return slice(g, start=tuple([before for before, _ in widths]), stop=stop, step=(1,) * len(widths))


@pad.alias
def pad_alias(x, *, widths, value):
    return 0 if all(tuple(pair) == (0, 0) for pair in widths) else None


@op(sizes=("repeats",))
def tile(x, repeats):
    """x repeated as a whole along every axis.   x: (..., n, ...), repeats: (rank,) -> (..., n times repeats, ...)"""
    if x.shape is None:
        return Spec(None, x.dtype)
    counts = _of_length(repeats, len(x.shape), "repeats")
    return Spec(tuple([product((d, c)) for d, c in zip(x.shape, counts, strict=True)]), x.dtype)


@tile.vjp
def tile_vjp(g, out, x, repeats):
    return tile_grad(g, repeats, x), None


@op(sizes=("repeats",), shape_only=("like",))
def tile_grad(g, repeats, like):
    """The sum of the blocks that `tile` repeated.   g: (...), repeats: (rank,), like: s -> s"""
    return Spec(like.shape, g.dtype)


@tile_grad.vjp
def tile_grad_vjp(gg, out, g, repeats, like):
    return tile(gg, repeats), None, None


@op
def repeat(x, *, repeats: int, axis: int):
    """Each element repeated along an axis.   x: (..., n, ...) -> (..., n times repeats, ...)"""
    if repeats < 0:
        raise ValueError(f"repeats must not be negative, got {repeats}")
    if x.shape is None:
        return Spec(None, x.dtype)
    at = normalize_axis(axis, len(x.shape))
    return Spec((*x.shape[:at], product((x.shape[at], repeats)), *x.shape[at + 1 :]), x.dtype)


@repeat.vjp
def repeat_vjp(g, out, x, *, repeats, axis):
    return repeat_grad(g, x, repeats=repeats, axis=axis)


@op(shape_only=("like",))
def repeat_grad(g, like, *, repeats: int, axis: int):
    """The sum of the elements that `repeat` made of one.   g: (..., n times repeats, ...), like: s -> s"""
    return Spec(like.shape, g.dtype)


@repeat_grad.vjp
def repeat_grad_vjp(gg, out, g, like, *, repeats, axis):
    return repeat(gg, repeats=repeats, axis=axis), None


# -- made from sizes -----------------------------------------------------------------------------------------------


@op(sizes=("start", "stop", "step"), nondifferentiable="integer")
def arange(start, stop, step, *, dtype: str = "int32"):
    """start, start + step, ... up to but without stop.   start: (), stop: (), step: () -> (n,)"""
    ends = start.value, stop.value, step.value
    if ends[2] == 0:
        raise ValueError("the step must not be 0")
    if None in ends:
        return Spec((None,), dtypes.check(dtype))
    values = range(*ends)
    small = not dtypes.is_float(dtype) and len(values) <= 64
    return Spec((len(values),), dtypes.check(dtype), tuple(values) if small else None)


@op(sizes=("shape",), nondifferentiable="constant")
def fill(shape, *, value: float, dtype: str | None = None):
    """The value everywhere; floatx if no dtype is given.   shape: (n,) -> shape"""
    return Spec(_sizes(shape), floating(dtype))


@op(sizes=("rows", "columns"), nondifferentiable="constant")
def eye(rows, columns, *, dtype: str | None = None):
    """1 on the diagonal, else 0; floatx if no dtype is given.   rows: (), columns: () -> (rows, columns)"""
    return Spec((rows.value, columns.value), floating(dtype))


# -- rules ---------------------------------------------------------------------------------------------------------


def _sizes(spec: Spec) -> Shape:
    """What is known of the shape that a vector of sizes describes."""
    if spec.shape is not None and len(spec.shape) != 1:
        raise ValueError(f"a shape must be a vector of sizes, got {spec}")
    return as_scalars(spec.value, None if spec.shape is None else spec.shape[0])


def _of_length(spec: Spec, count: int, name: str) -> tuple[Dim, ...]:
    """The sizes, of which there must be `count`."""
    found = _sizes(spec) or (None,) * count
    if len(found) != count:
        raise ValueError(f"{name} needs {count} entries, got {len(found)}")
    return found


def without_axis(shape: tuple[Dim, ...], axis: int) -> tuple[Dim, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def floating(dtype: str | None) -> str:
    return config.floatx() if dtype is None else dtypes.check(dtype)


# -- samples -------------------------------------------------------------------------------------------------------


@shape_of.samples
def shape_of_samples(r):
    yield (r(2, 0, 4),), {}
    yield (r(2, 3),), {"axes": (1, None, 0)}


@reshape.samples
def reshape_samples(r):
    yield (r(2, 3, 4), (6, 4)), {}
    yield (r(2, 3, 4), (-1, 2, 2)), {}
    yield (r(0, 3), (3, 0, 2)), {}
    yield (r(), (1, 1)), {}
    yield (r(1), ()), {}


@reshape.error_samples
def reshape_error_samples(r):
    yield (r(2, 3), (4, 2)), {}, "do not fit"
    yield (r(2, 3), (-1, -1)), {}, "only one size"


@transpose.samples
def transpose_samples(r):
    yield (r(2, 3, 4),), {"axes": (2, 0, 1)}
    yield (r(2, 3),), {"axes": (0, 1)}


@transpose.error_samples
def transpose_error_samples(r):
    yield (r(2, 3),), {"axes": (0, 0)}, "an order of 0 to 1"


@slice.samples
def slice_samples(r):
    yield (r(4, 5),), {"start": (1, None), "stop": (3, None), "step": (1, 1)}
    yield (r(4, 5),), {"start": (-3, None), "stop": (None, None), "step": (2, -1)}
    yield (r(4, 5),), {"start": (None, None), "stop": (None, None), "step": (-1, 1)}
    yield (
        (
            r(
                4,
            ),
        ),
        {"start": (2,), "stop": (2,), "step": (1,)},
    )


@slice_grad.samples
def slice_grad_samples(r):
    yield (r(2, 5), r(4, 5)), {"start": (1, None), "stop": (3, None), "step": (1, -1)}
    yield (r(2, 5), r(4, 5)), {"start": (None, None), "stop": (None, None), "step": (2, 1)}


@slice_at.samples
def slice_at_samples(r):
    yield (r(4, 5), (1, 2), (2, -1)), {}
    yield (r(4, 5), (0, 0), (4, 5)), {}


@slice_at.error_samples
def slice_at_error_samples(r):
    yield (r(4, 5), (1, 2), (4, 1)), {}, "does not fit"


@slice_at_grad.samples
def slice_at_grad_samples(r):
    yield (r(2, 3), (1, 2), r(4, 5)), {}


@concatenate.samples
def concatenate_samples(r):
    yield (r(2, 3), r(2, 1), r(2, 0)), {"axis": 1}
    yield (r(2, 3), r(1, 3)), {"axis": -2}
    yield (r(2, 3),), {"axis": 0}


@concatenate.error_samples
def concatenate_error_samples(r):
    yield (r(2, 3), r(3, 3)), {"axis": 1}, "differ besides axis 1"


@stack.samples
def stack_samples(r):
    yield (r(2, 3), r(2, 3)), {"axis": 1}
    yield (r(2, 3), r(2, 3), r(2, 3)), {"axis": -1}
    yield (r(), r()), {}


@stack.error_samples
def stack_error_samples(r):
    yield (r(2, 3), r(3, 3)), {}, "differ"


@pad.samples
def pad_samples(r):
    yield (r(2, 3),), {"widths": ((1, 2), (0, 1))}
    yield (r(2, 3),), {"widths": ((0, 0), (1, 0)), "value": -1.5}
    yield (r(2, 3),), {"widths": ((0, 0), (0, 0))}


@pad.error_samples
def pad_error_samples(r):
    yield (r(2, 3),), {"widths": ((1, 2),)}, "needs 2 pairs"


@tile.samples
def tile_samples(r):
    yield (r(2, 3), (2, 3)), {}
    yield (r(2, 3), (1, 0)), {}


@tile.error_samples
def tile_error_samples(r):
    yield (r(2, 3), (2,)), {}, "needs 2 entries"


@tile_grad.samples
def tile_grad_samples(r):
    yield (r(4, 9), (2, 3), r(2, 3)), {}


@repeat.samples
def repeat_samples(r):
    yield (r(2, 3, 4),), {"repeats": 3, "axis": 1}
    yield (r(2, 3),), {"repeats": 2, "axis": -1}


@repeat_grad.samples
def repeat_grad_samples(r):
    yield (r(2, 9, 4), r(2, 3, 4)), {"repeats": 3, "axis": 1}


@arange.samples
def arange_samples(r):
    yield (0, 5, 1), {}
    yield (7, -2, -3), {"dtype": "float32"}
    yield (3, 3, 1), {}


@fill.samples
def fill_samples(r):
    yield ((2, 3),), {"value": 1.5}
    yield ((),), {"value": 2, "dtype": "int32"}


@eye.samples
def eye_samples(r):
    yield (3, 3), {}
    yield (2, 4), {"dtype": "int32"}
