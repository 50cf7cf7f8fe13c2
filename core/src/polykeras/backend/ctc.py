"""Connectionist temporal classification, as Keras spells it."""

from __future__ import annotations

from typing import Any

from polykeras import config
from polykeras.backend.operands import tensor
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import as_tensor
from polykeras.symbolic.ops import ctc as ops
from polykeras.symbolic.ops import elementwise as e
from polykeras.symbolic.ops import indexing, reduce, shape
from polykeras.symbolic.ops.control import require
from polykeras.symbolic.ops.sparse import sparsify

__all__ = ["ctc_batch_cost", "ctc_decode", "ctc_label_dense_to_sparse"]


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Tensor:
    """The labels as a sparse tensor, what follows their lengths left out.

    labels: (batch, longest), label_lengths: (batch,) -> (batch, longest) sparse
    """
    labels = tensor(labels)
    lengths = _integers(label_lengths)
    return sparsify(labels, ops.label_places(labels, lengths))


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Tensor:
    """-log of the probability that the steps spell the label.

    y_true: (batch, longest) classes, y_pred: (batch, steps, classes) probabilities, the last class the blank;
    input_length: (batch, 1), label_length: (batch, 1): how many of the steps and classes count -> (batch, 1)

    A call raises ValueError where a label does not fit in its steps or holds what is no class.
    """
    labels, lengths = _integers(y_true), shape.squeeze(_integers(label_length), -1)
    logits, steps = _logs(y_pred), shape.squeeze(_integers(input_length), -1)
    inside = ops.label_places(labels, lengths)
    known = e.logical_and(e.greater_equal(labels, 0), e.less(labels, e.subtract(shape.size_of(logits, 2), 1)))
    logits = require(
        logits,
        e.logical_or(known, e.logical_not(inside)),
        message="a label holds what is no class: they are in [0, classes - 1), and the last one is the blank",
    )
    fits = e.logical_and(
        e.less_equal(ops.steps_needed(labels, lengths), steps), e.less_equal(steps, shape.size_of(logits, 1))
    )
    logits = require(
        logits,
        fits,
        message="a label needs more steps than input_length gives it (one for each class, and one between equal "
        "classes), or input_length exceeds the steps that there are",
    )
    labels = e.where(inside, labels, 0)
    return shape.expand_dims(ops.ctc_loss(labels, logits, lengths, steps), 1)


def ctc_decode(
    y_pred: Any,
    input_length: Any,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
    *,
    merge_repeated: bool = True,
) -> tuple[list[Tensor], Tensor]:
    """The labels that the steps most probably spell, and how probable they are.

    y_pred: (batch, steps, classes) probabilities, the last class the blank; input_length: (batch,)
    -> a list of (batch, longest) int64 filled up with -1, and (batch, 1) or (batch, top_paths)

    greedy: take the most probable class of each step; the number is -(sum of their logarithms). Otherwise search with
    `beam_width` prefixes and return the `top_paths` best, the best first, with the logarithms of their probabilities.
    merge_repeated: make equal neighbours in what the search found one, as Keras 2.2.4 does; later Keras does not.
    """
    logits, lengths = _logs(y_pred), _integers(input_length)
    if greedy:
        best, score = _greedy(logits, lengths)
        return [best], score
    found, scores = ops.ctc_beam_search(
        logits, lengths, beam_width=int(beam_width), top_paths=int(top_paths), merge_repeated=bool(merge_repeated)
    )
    return [_trimmed(path) for path in shape.unstack(found, 0, int(top_paths))], scores


def _greedy(logits: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """The classes of the largest logits without repeats and blanks, and minus the sum of these logits."""
    steps = shape.expand_dims(shape.arange(0, shape.size_of(logits, 1), 1), 0)
    active = e.less(steps, shape.expand_dims(lengths, 1))
    best = reduce.argmax(logits, axis=-1)
    before = shape.pad(shape.slice_axis(best, 1, None, -1), widths=((0, 0), (1, 0)), value=-1)
    blank = e.subtract(shape.size_of(logits, 2), 1)
    spelt = e.logical_and(e.not_equal(best, e.cast(blank, dtype="int64")), e.not_equal(best, before))
    spelt = e.logical_and(spelt, active)
    # a stable sort by "left out" moves what is spelt to the front and keeps its order
    order = indexing.argsort(e.cast(e.logical_not(spelt), dtype="int32"), axis=1)
    label = indexing.take_along_axis(e.where(spelt, best, -1), order, axis=1)
    largest = e.where(active, reduce.max(logits, axis=-1), 0)
    return _trimmed(label), e.negative(reduce.sum(largest, axis=1, keepdims=True))


def _trimmed(labels: Tensor) -> Tensor:
    """Without the columns at the end that hold only -1.   labels: (batch, steps) -> (batch, None)"""
    used = reduce.any(e.greater_equal(labels, 0), axis=0)
    width = reduce.sum(e.cast(used, dtype="int32"))
    return as_tensor(labels[:, :width])


def _logs(y_pred: Any) -> Tensor:
    """Probabilities as logits."""
    return e.log(e.add(tensor(y_pred), config.epsilon()))


def _integers(x: Any) -> Tensor:
    x = tensor(x)
    return x if x.spec.dtype == "int32" else e.cast(x, dtype="int32")
