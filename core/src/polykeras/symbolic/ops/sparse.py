"""Sparse matrices: what takes them and what makes them. Every other op refuses them."""

from __future__ import annotations

from polykeras.symbolic.op import op
from polykeras.symbolic.ops.elementwise import where
from polykeras.symbolic.spec import Spec, format_shape, same_dims


@op(sparse=("x",))
def densify(x):
    """A sparse matrix with its zeros; a dense tensor as it is.   x: (m, n) sparse -> (m, n)"""
    return Spec(x.shape, x.dtype)


@densify.vjp
def densify_vjp(g, out, x):
    return g


@densify.alias
def densify_alias(x):
    return None if x.sparse else 0


@op
def sparsify(x, mask):
    """A matrix without what the mask leaves out.   x: (m, n), mask: (m, n) bool -> (m, n) sparse"""
    if mask.dtype != "bool":
        raise TypeError(f"the mask must be bool, got {mask.dtype}")
    if x.ndim != 2 or not same_dims(x.shape, mask.shape):
        raise ValueError(
            f"a matrix and a mask of its shape are needed, got {format_shape(x.shape)} and {format_shape(mask.shape)}"
        )
    return Spec(x.shape, x.dtype, sparse=True)


@sparsify.vjp
def sparsify_vjp(g, out, x, mask):
    return where(mask, g, 0), None


@op(sparse=("x",))
def sparse_matmul(x, y, *, transpose: bool = False):
    """The product of a sparse matrix, or of its transpose, with a dense one.

    x: (m, k) sparse, y: (k, n) -> (m, n); with `transpose` x: (k, m). There is no gradient in x.
    """
    if not x.sparse:
        raise TypeError("x must be sparse; use matmul")
    if x.dtype != y.dtype:
        raise TypeError(f"the operands must have one dtype, got {x.dtype} and {y.dtype}; use cast")
    if y.ndim != 2:
        raise ValueError(f"a sparse matrix is multiplied with a matrix, got shape {format_shape(y.shape)}")
    rows, inner = reversed(x.shape) if transpose else x.shape
    if inner != y.shape[0] and None not in (inner, y.shape[0]):
        turned = " transposed" if transpose else ""
        raise ValueError(
            f"the inner sizes differ: {inner} of {format_shape(x.shape)}{turned} and {y.shape[0]} of "
            f"{format_shape(y.shape)}"
        )
    return Spec((rows, y.shape[1]), y.dtype)


@sparse_matmul.vjp
def sparse_matmul_vjp(g, out, x, y, *, transpose):
    return None, sparse_matmul(x, g, transpose=not transpose)


@op(sparse=("xs",), nondifferentiable="its operands are sparse")
def sparse_concatenate(*xs, axis: int):
    """Sparse matrices one below (axis 0) or beside (axis 1) the other.   xs: sparse each -> sparse"""
    if axis not in (0, 1):
        raise ValueError(f"the axis must be 0 or 1, got {axis}")
    if not all(x.sparse for x in xs):
        raise TypeError("all operands must be sparse; use concatenate")
    if len({x.dtype for x in xs}) != 1:
        raise TypeError(f"the operands must have one dtype, got {', '.join(x.dtype for x in xs)}")
    across = {x.shape[1 - axis] for x in xs} - {None}
    if len(across) > 1:
        raise ValueError(f"shapes {', '.join(format_shape(x.shape) for x in xs)} differ besides axis {axis}")
    along = [x.shape[axis] for x in xs]
    size = None if None in along else sum(along)
    other = across.pop() if across else None
    return Spec((other, size) if axis else (size, other), xs[0].dtype, sparse=True)


# -- samples -----------------------------------------------------------------------------------------------------------


@densify.samples
def densify_samples(r):
    yield (r.sparse(4, 3),), {}
    yield (r.sparse(0, 3),), {}
    yield (r(2, 3),), {}


@sparsify.samples
def sparsify_samples(r):
    yield (r(2, 3), r.bools(2, 3)), {}
    yield (r(0, 3), r.bools(0, 3)), {}


@sparsify.error_samples
def sparsify_error_samples(r):
    yield (r(2, 3), r(2, 3)), {}, "must be bool"
    yield (r(2, 3), r.bools(3)), {}, "a mask of its shape"


@sparse_matmul.samples
def sparse_matmul_samples(r):
    yield (r.sparse(5, 3), r(3, 4)), {}
    yield (r.sparse(5, 3), r(5, 4)), {"transpose": True}
    yield (r.sparse(0, 3), r(3, 4)), {}
    yield (r.sparse(2, 3), r(3, 0)), {}


@sparse_matmul.error_samples
def sparse_matmul_error_samples(r):
    yield (r(2, 3), r(3, 4)), {}, "must be sparse"
    yield (r.sparse(2, 3), r(2, 4)), {}, "inner sizes differ: 3 of (2, 3) and 2 of (2, 4)"
    yield (r.sparse(2, 3), r(3)), {}, "with a matrix"


@sparse_concatenate.samples
def sparse_concatenate_samples(r):
    yield (r.sparse(2, 3), r.sparse(4, 3)), {"axis": 0}
    yield (r.sparse(3, 2), r.sparse(3, 4), r.sparse(3, 1)), {"axis": 1}


@sparse_concatenate.error_samples
def sparse_concatenate_error_samples(r):
    yield (r.sparse(2, 3), r.sparse(2, 4)), {"axis": 0}, "differ besides"
    yield (r.sparse(2, 3), r(2, 3)), {"axis": 0}, "must be sparse"
