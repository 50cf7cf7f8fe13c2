"""What NumPy and later Keras have beside Keras 2.2.4's functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polykeras import config
from polykeras.backend.operands import operand, tensor
from polykeras.symbolic import dtypes
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_tensor, constant
from polykeras.symbolic.ops import activation, control, indexing, linalg, reduce, shape
from polykeras.symbolic.ops import elementwise as e
from polykeras.symbolic.ops.classification import log_softmax as log_softmax_op
from polykeras.symbolic.spec import normalize_axis

__all__ = [
    "argsort", "boolean_mask", "broadcast_to", "ceil", "cond", "diag", "einsum", "erf", "expm1", "floor", "gelu",
    "isfinite", "isnan", "leaky_relu", "linspace", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or",
    "matmul", "nonzero", "pad", "selu", "sort", "split", "swapaxes", "take_along_axis", "top_k", "tril", "triu",
    "unstack", "where",
]  # fmt: skip


# -- products ----------------------------------------------------------------------------------------------------------


def matmul(x: Any, y: Any) -> Tensor:
    """x @ y as NumPy means it; leading axes broadcast.   x: (..., m, k), y: (..., k, n) -> (..., m, n); vectors too"""
    return linalg.times(tensor(x), tensor(y))


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sums of products by labels of axes, as "bik,bkj->bij"; labels that the result lacks are summed over."""
    return linalg.einsum(equation, *[tensor(x) for x in operands])


# -- elementwise -------------------------------------------------------------------------------------------------------


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where the condition holds, else y.   condition: (...) bool, x: (...), y: (...) -> broadcast"""
    return e.where(_boolean(condition), operand(x), operand(y))


def logical_and(x: Any, y: Any) -> Tensor:
    """x and y.   x: (...) bool, y: (...) bool -> broadcast, bool"""
    return e.logical_and(_boolean(x), _boolean(y))


def logical_or(x: Any, y: Any) -> Tensor:
    """x or y.   x: (...) bool, y: (...) bool -> broadcast, bool"""
    return e.logical_or(_boolean(x), _boolean(y))


def logical_not(x: Any) -> Tensor:
    """not x.   x: (...) bool -> (...) bool"""
    return e.logical_not(_boolean(x))


def isnan(x: Any) -> Tensor:
    """Is it not a number?   x: (...) -> (...), bool"""
    return e.isnan(tensor(x))


def isfinite(x: Any) -> Tensor:
    """Is it neither infinite nor NaN?   x: (...) -> (...), bool"""
    return e.isfinite(tensor(x))


def floor(x: Any) -> Tensor:
    """The largest integer not above x.   x: (...) -> (...)"""
    return e.floor(tensor(x))


def ceil(x: Any) -> Tensor:
    """The smallest integer not below x.   x: (...) -> (...)"""
    return e.ceil(tensor(x))


def expm1(x: Any) -> Tensor:
    """e ** x - 1, exact near 0.   x: (...) -> (...)"""
    return e.expm1(tensor(x))


def log1p(x: Any) -> Tensor:
    """log(1 + x), exact near 0.   x: (...) -> (...)"""
    return e.log1p(tensor(x))


def erf(x: Any) -> Tensor:
    """The error function, 2/sqrt(pi) times the integral of exp(-t t) from 0 to x.   x: (...) -> (...)"""
    return e.erf(tensor(x))


# -- activations -------------------------------------------------------------------------------------------------------


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x times the probability that a standard normal is below x; `approximate` by tanh.   x: (...) -> (...)"""
    return activation.gelu(tensor(x), approximate=bool(approximate))


def selu(x: Any) -> Tensor:
    """The scaled exponential linear unit of self-normalising networks.   x: (...) -> (...)"""
    return activation.selu(tensor(x))


def leaky_relu(x: Any, alpha: float = 0.2) -> Tensor:
    """x where x > 0, else alpha x.   x: (...) -> (...)"""
    return activation.leaky_relu(tensor(x), alpha=float(alpha))


def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """log(softmax(x)), without overflow.   x: (...) -> (...)"""
    return log_softmax_op(tensor(x), axis=axis)


# -- order -------------------------------------------------------------------------------------------------------------


def argsort(x: Any, axis: int = -1, descending: bool = False) -> Tensor:
    """The order that sorts x along an axis; equal elements keep theirs.   x: (...) -> (...), int32"""
    return indexing.argsort(tensor(x), axis=axis, descending=descending)


def sort(x: Any, axis: int = -1, descending: bool = False) -> Tensor:
    """x sorted along an axis.   x: (...) -> (...)"""
    return indexing.sort(tensor(x), axis=axis, descending=descending)


def top_k(x: Any, k: int) -> tuple[Tensor, Tensor]:
    """The k largest elements along the last axis and their places, the largest first; of equal ones the first wins.

    x: (..., n) -> (..., k), (..., k) int32
    """
    x = tensor(x)
    width = x.ndim and (x.shape or (None,))[-1]
    if width is not None and not 0 <= k <= width:
        raise ValueError(f"top_k: k must be between 0 and {width}, the size of the last axis, got {k}")
    values, places = indexing.top_k(x, int(k))
    return values, places


# -- indices -----------------------------------------------------------------------------------------------------------


def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Tensor:
    """Elements picked along an axis, for each place of the others; negative indices count from the end.

    x: (..., n, ...), indices: (..., m, ...) integer -> (..., m, ...)
    """
    x = tensor(x)
    return indexing.take_along_axis(x, indexing.from_front(tensor(indices), x, axis), axis=axis)


def boolean_mask(x: Any, mask: Any, axis: int = 0) -> Tensor:
    """The slices of x where the mask holds.   x: (..., *m, ...), mask: m bool -> (..., None, ...)"""
    return indexing.boolean_mask(tensor(x), _boolean(mask), axis=axis)


def nonzero(x: Any) -> Tensor:
    """The places of the elements that are not 0, in order.   x: (...) -> (None, rank) int64"""
    return indexing.nonzero(tensor(x))


# -- arrangement -------------------------------------------------------------------------------------------------------


def pad(x: Any, widths: Sequence[Sequence[int]], value: float = 0.0) -> Tensor:
    """x with `value` around it; `widths` holds a pair (before, after) for every axis.   x: (...) -> larger"""
    pairs = tuple([tuple([int(n) for n in pair]) for pair in widths])
    return shape.pad(tensor(x), widths=pairs, value=value)


def unstack(x: Any, axis: int = 0) -> list[Tensor]:
    """The parts of x along an axis, which is left out.   x: (..., n, ...) -> n of (...)"""
    return shape.unstack(tensor(x), axis)


def split(x: Any, parts: int, axis: int = -1) -> list[Tensor]:
    """Equal parts of x along an axis.   x: (..., n, ...) -> parts of (..., n / parts, ...)"""
    return shape.split(tensor(x), int(parts), axis)


def swapaxes(x: Any, first: int, second: int) -> Tensor:
    """Two axes exchanged.   x: (...) -> (...)"""
    return shape.swapaxes(tensor(x), first, second)


def broadcast_to(x: Any, sizes: Any) -> Tensor:
    """x repeated to a shape.   x: (...), sizes: (rank,) -> sizes"""
    x = tensor(x)
    return e.broadcast_to(x, shape.fill(sizes, value=0, dtype=x.spec.dtype))


def tril(x: Any, k: int = 0) -> Tensor:
    """Matrices with zeros above diagonal k.   x: (..., m, n) -> (..., m, n)"""
    x = tensor(x)
    rows, columns = _places(x)
    return e.where(e.less_equal(columns, e.add(rows, int(k))), x, 0)


def triu(x: Any, k: int = 0) -> Tensor:
    """Matrices with zeros below diagonal k.   x: (..., m, n) -> (..., m, n)"""
    x = tensor(x)
    rows, columns = _places(x)
    return e.where(e.greater_equal(columns, e.add(rows, int(k))), x, 0)


def diag(x: Any) -> Tensor:
    """A vector as a diagonal matrix, or the diagonal of a square matrix.   x: (n,) -> (n, n), or (n, n) -> (n,)"""
    x = tensor(x)
    if x.ndim == 1:
        rows, columns = _places(shape.expand_dims(x, 0), shape.size_of(x, 0))
        return e.where(e.equal(rows, columns), shape.expand_dims(x, 0), 0)
    if x.ndim != 2:
        raise ValueError(f"diag takes a vector or a matrix, got {x!r}")
    rows, columns = _places(x)
    return reduce.sum(e.where(e.equal(rows, columns), x, 0), axis=1)


def _places(x: Tensor, height: Any = None) -> tuple[Tensor, Tensor]:
    """The numbers of the rows, as a column, and of the columns."""
    height = shape.size_of(x, normalize_axis(-2, x.ndim)) if height is None else height
    rows = shape.expand_dims(shape.arange(0, height, 1), 1)
    return rows, shape.arange(0, shape.size_of(x, -1), 1)


# -- made from numbers -------------------------------------------------------------------------------------------------


def linspace(start: float, stop: float, count: int, dtype: str | None = None) -> Tensor:
    """Numbers at equal distances, both ends among them.   -> (count,)"""
    return constant(np.linspace(start, stop, int(count)), dtypes.check(dtype or config.floatx()))


# -- control -----------------------------------------------------------------------------------------------------------


def cond(condition: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """`then()` if the scalar condition holds, else `orelse()`; only the taken one is computed, in gradients too.

    Both return a tensor or a list of tensors, of equal dtypes and ranks. Assignments happen if their branch is taken.
    """
    return control.cond(tensor(condition), then, orelse)


def _boolean(x: Any) -> Tensor:
    x = as_tensor(operand(x))
    return x if x.spec.dtype == "bool" else e.not_equal(x, 0)
