"""Products of matrices: the op `matmul`, and the functions that are written in it."""

from __future__ import annotations

from polykeras.symbolic.op import as_tensor, op
from polykeras.symbolic.ops.elementwise import sum_to
from polykeras.symbolic.ops.reduce import prod
from polykeras.symbolic.ops.shape import concatenate, expand_dims, reshape, shape_of, squeeze, stack, transpose
from polykeras.symbolic.spec import Spec, broadcast_shapes, format_shape, product


@op(promotes="all")
def matmul(x, y, *, transpose_a: bool = False, transpose_b: bool = False):
    """The matrix product over the last two axes; the others broadcast.   x: (..., m, k), y: (..., k, n) -> (..., m, n)

    `transpose_a` takes x as (..., k, m), `transpose_b` y as (..., n, k): nothing is copied for them.
    """
    if x.dtype == "bool":
        raise TypeError("numbers are needed, got bool; use cast")
    if x.shape is None or y.shape is None:
        raise ValueError("the rank is unknown here; give the placeholder `ndim=` or a shape")
    if len(x.shape) < 2 or len(y.shape) < 2:
        raise ValueError("both operands need two axes at least; `dot` takes vectors")
    rows, inner = reversed(x.shape[-2:]) if transpose_a else x.shape[-2:]
    outer, columns = reversed(y.shape[-2:]) if transpose_b else y.shape[-2:]
    if inner != outer and None not in (inner, outer):
        raise ValueError(
            f"the inner sizes differ: {inner} of {format_shape(x.shape)}{' transposed' if transpose_a else ''} and "
            f"{outer} of {format_shape(y.shape)}{' transposed' if transpose_b else ''}"
        )
    return Spec((*broadcast_shapes(x.shape[:-2], y.shape[:-2]), rows, columns), x.dtype)


@matmul.vjp
def matmul_vjp(g, out, x, y, *, transpose_a, transpose_b):
    if transpose_a:
        gx = matmul(y, g, transpose_a=transpose_b, transpose_b=True)
    else:
        gx = matmul(g, y, transpose_b=not transpose_b)
    if transpose_b:
        gy = matmul(g, x, transpose_a=True, transpose_b=transpose_a)
    else:
        gy = matmul(x, g, transpose_a=not transpose_a)
    return sum_to(gx, x), sum_to(gy, y)


@matmul.samples
def matmul_samples(r):
    yield (r(2, 3), r(3, 4)), {}
    yield (r(3, 2), r(3, 4)), {"transpose_a": True}
    yield (r(2, 3), r(4, 3)), {"transpose_b": True}
    yield (r(3, 2), r(4, 3)), {"transpose_a": True, "transpose_b": True}
    yield (r(5, 1, 2, 3), r(2, 3, 4)), {}
    yield (r(5, 2, 3), r(3, 4)), {}
    yield (r(0, 3), r(3, 4)), {}
    yield (r(2, 0), r(0, 4)), {}


@matmul.error_samples
def matmul_error_samples(r):
    yield (r(2, 3), r(2, 4)), {}, "inner sizes differ: 3 of (2, 3) and 2 of (2, 4)"
    yield (r(3), r(3, 4)), {}, "two axes at least"


# -- products written in matmul ------------------------------------------------------------------------------------


def dot(x, y):
    """The last axis of x against the second to last of y (its only one, if y is a vector).

    x: (..., k), y: (..., k, n) -> (...x, ...y, n). One matrix product, whatever the ranks.
    """
    x, y = as_tensor(x), as_tensor(y)
    a, b = x.spec.ndim, y.spec.ndim
    if a == b == 2:
        return matmul(x, y)
    if a == 0 or b == 0:
        shapes = format_shape(x.spec.shape), format_shape(y.spec.shape)
        raise ValueError(f"dot needs vectors at least, got shapes {shapes[0]} and {shapes[1]}")
    inner = max(b - 2, 0)
    if b > 2:
        rest = tuple([i for i in range(b) if i != inner])
        columns = matrix(transpose(y, axes=(inner, *rest)), 1)
    else:
        rest = (1,) if b == 2 else ()
        columns = y if b == 2 else expand_dims(y, 1)
    flat = matmul(matrix(x, a - 1), columns)
    return reshape(flat, concatenate(shape_of(x, axes=tuple(range(a - 1))), shape_of(y, axes=rest), axis=0))


def times(x, y):
    """x @ y as NumPy means it: vectors are rows on the left and columns on the right.

    x: (..., m, k) or (k,), y: (..., k, n) or (k,) -> (..., m, n), the axis of a vector left out
    """
    x, y = as_tensor(x), as_tensor(y)
    a, b = x.spec.ndim, y.spec.ndim
    if a == 1 and b == 1:
        return dot(x, y)
    if a == 1:
        return squeeze(matmul(expand_dims(x, 0), y), -2)
    if b == 1 or (b == 2 and a > 2):  # one large product in place of many small ones
        return dot(x, y)
    return matmul(x, y)


def matrix(x, rows: int):
    """x as a matrix: the first `rows` axes become one, and so do the others."""
    shape = x.spec.shape
    if len(shape) == 2 and rows == 1:
        return x
    height, width = product(shape[:rows]), product(shape[rows:])
    if height and width is None:
        return reshape(x, (height, -1))
    if width and height is None:
        return reshape(x, (-1, width))
    ends = tuple(range(rows)), tuple(range(rows, len(shape)))
    return reshape(x, stack(*[prod(shape_of(x, axes=axes)) for axes in ends]))
