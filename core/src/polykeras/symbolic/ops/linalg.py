"""Products of matrices: the op `matmul`, and the functions that are written in it."""

from __future__ import annotations

from polykeras.symbolic.op import as_dtype, as_tensor, op
from polykeras.symbolic.ops.elementwise import sum_to
from polykeras.symbolic.ops.reduce import prod
from polykeras.symbolic.ops.reduce import sum as sum_axes
from polykeras.symbolic.ops.shape import concatenate, expand_dims, reshape, shape_of, squeeze, stack, transpose
from polykeras.symbolic.ops.sparse import densify, sparse_matmul
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
    return Spec((*(broadcast_shapes(x.shape[:-2], y.shape[:-2]) or ()), rows, columns), x.dtype)


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

    x: (..., k), y: (..., k, n) -> (...x, ...y, n). One matrix product, whatever the ranks. One of two matrices may be
    sparse.
    """
    x, y = as_tensor(x), as_tensor(y)
    if x.spec.sparse:
        return sparse_matmul(x, densify(as_dtype(y, x.spec.dtype)))
    if y.spec.sparse:  # x y = (y' x')'
        flipped = transpose(as_dtype(x, y.spec.dtype), axes=(1, 0))
        return transpose(sparse_matmul(y, flipped, transpose=True), axes=(1, 0))
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


def einsum(equation: str, *operands):
    """Sums of products by labels of axes, as "bik,bkj->bij"; labels that the result lacks are summed over.

    Pairs are contracted from left to right, each by one `matmul`. A label may not occur twice in one operand, and "..."
    is not taken.
    """
    tensors = [as_tensor(x) for x in operands]
    labels, result = _labels(equation, tensors)
    x, have = tensors[0], labels[0]
    for i in range(1, len(tensors)):
        later = "".join(labels[i + 1 :]) + result
        x, have = _contract(x, have, tensors[i], labels[i], later)
    x, have = _summed(x, have, result)
    return transpose(x, axes=tuple([have.index(label) for label in result]))


def _labels(equation: str, tensors) -> tuple[list[str], str]:
    """The labels of each operand and of the result; without "->" those that occur once, in alphabetical order."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    labels = left.split(",")
    if not arrow:
        result = "".join(sorted(label for label in set(left) - {","} if left.count(label) == 1))
    if len(labels) != len(tensors):
        raise ValueError(f"einsum: {equation!r} describes {len(labels)} operands, got {len(tensors)}")
    for part, x in zip([*labels, result], [*tensors, None], strict=True):
        if not (part.isalpha() or part == "") or len(set(part)) < len(part):
            raise ValueError(f"einsum: an operand's labels must be different letters, got {part!r} in {equation!r}")
        if x is not None and len(part) != x.spec.ndim:
            raise ValueError(f"einsum: {part!r} labels {len(part)} axes, got shape {format_shape(x.spec.shape)}")
    unknown = set(result) - set(left)
    if unknown:
        raise ValueError(f"einsum: {', '.join(sorted(unknown))} in the result of {equation!r} labels no operand's axis")
    return labels, result


def _contract(x, a: str, y, b: str, later: str):
    """The product of two operands, summed over what neither the rest nor the result has; and its labels."""
    x, a = _summed(x, a, b + later)
    y, b = _summed(y, b, a + later)
    batch = [label for label in a if label in b and label in later]
    inner = [label for label in a if label in b and label not in later]
    rows = [label for label in a if label not in b]
    columns = [label for label in b if label not in a]
    left = _grouped(x, a, batch, rows, inner)
    right = _grouped(y, b, batch, inner, columns)
    sizes = concatenate(
        shape_of(x, axes=tuple([a.index(label) for label in (*batch, *rows)])),
        shape_of(y, axes=tuple([b.index(label) for label in columns])),
        axis=0,
    )
    return reshape(matmul(left, right), sizes), "".join((*batch, *rows, *columns))


def _summed(x, labels: str, needed: str):
    """The sum over the axes whose labels are not needed."""
    gone = tuple([i for i, label in enumerate(labels) if label not in needed])
    kept = "".join(label for label in labels if label in needed)
    return (sum_axes(x, axis=gone) if gone else x), kept


def _grouped(x, labels: str, batch: list[str], rows: list[str], columns: list[str]):
    """x as matrices: the axes of each group become one, behind those of the batch."""
    turned = transpose(x, axes=tuple([labels.index(label) for label in (*batch, *rows, *columns)]))
    first, second = len(batch), len(batch) + len(rows)
    groups = range(first, second), range(second, len(labels))
    merged = [prod(shape_of(turned, axes=tuple(axes)), axis=0, keepdims=True) for axes in groups]
    return reshape(turned, concatenate(shape_of(turned, axes=tuple(range(first))), *merged, axis=0))


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
