"""Cross-entropies and hits, as Keras spells them."""

from __future__ import annotations

from typing import Any

from polykeras import config
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_dtype, as_tensor
from polykeras.symbolic.ops import classification as ops
from polykeras.symbolic.ops import elementwise as e
from polykeras.symbolic.ops.reduce import sum as reduce_sum
from polykeras.symbolic.ops.shape import reshape, shape_of, transpose
from polykeras.symbolic.spec import format_shape, same_dims

__all__ = ["binary_crossentropy", "categorical_crossentropy", "in_top_k", "sparse_categorical_crossentropy"]


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-sum of target log(output) along the axis.   target: (..., classes, ...), output: the same -> without the axis

    The output is first scaled to sum 1 and held within [epsilon, 1 - epsilon], or, as logits, put through softmax.
    """
    output = as_tensor(output)
    axis = _axis(output, axis)
    target = as_dtype(target, output.spec.dtype)
    if from_logits:
        return ops.softmax_crossentropy(target, output, axis=axis)
    if not _sums_to_one(output, axis):
        output = e.divide(output, reduce_sum(output, axis=axis, keepdims=True))
    logs = e.log(_inside(output))
    return e.negative(reduce_sum(e.multiply(target, logs), axis=axis))


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-log(output) at the target's class, with the output scaled to sum 1.

    target: (...) or (..., 1) class numbers, output: (..., classes, ...) -> (...)
    For an output of rank 2 or less the result is flat, (batch,).
    """
    output = as_tensor(output)
    axis = _axis(output, axis)
    last = output.spec.ndim - 1
    if axis != last:
        output = transpose(output, axes=(*[i for i in range(last + 1) if i != axis], axis))
    logits = output if from_logits else e.log(_inside(output))
    rows = output.spec.shape[:-1]
    classes = as_tensor(target)
    if classes.spec.dtype not in ("int32", "int64"):
        classes = e.cast(classes, dtype="int64")
    if classes.spec.shape is None or len(classes.spec.shape) != last or not same_dims(classes.spec.shape, rows):
        classes = reshape(classes, shape_of(output, axes=tuple(range(last))))
    return ops.sparse_softmax_crossentropy(classes, logits)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target log(output) - (1 - target) log(1 - output), element by element.   target: s, output: s -> s

    The output is first held within [epsilon, 1 - epsilon], or, as logits, put through the sigmoid.
    """
    output = as_tensor(output)
    if not from_logits:
        held = _inside(output)
        output = e.log(e.divide(held, e.subtract(1, held)))
    return ops.sigmoid_crossentropy(as_dtype(target, output.spec.dtype), output)


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Is the target's prediction among the k largest?

    predictions: (batch, classes), targets: (batch,) int -> (batch,) bool
    """
    return ops.in_top_k(predictions, targets, k=int(k))


def _inside(x: Tensor) -> Tensor:
    """x held where its logarithm is finite."""
    epsilon = config.epsilon()
    return e.minimum(e.maximum(x, epsilon), 1 - epsilon)


def _sums_to_one(x: Tensor, axis: int) -> bool:
    """Was x made by softmax along the axis? Then scaling it changes values and gradients by rounding only."""
    return x.node.op is ops.softmax and x.node.attrs["axis"] in (axis, axis - x.spec.ndim)


def _axis(output: Tensor, axis: int) -> int:
    ndim = output.spec.ndim
    if axis != -1 and axis not in range(ndim):
        raise ValueError(
            f"Unexpected channels axis {axis}. Expected to be -1 or one of the axes of `output`, "
            f"which has {ndim} dimensions: {format_shape(output.spec.shape)}"
        )
    return axis % ndim
