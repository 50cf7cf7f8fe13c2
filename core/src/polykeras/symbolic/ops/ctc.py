"""Connectionist temporal classification: labels shorter than the sequence that spells them.

Graves et al., Connectionist temporal classification (2006). A path names a class for each step, the last class being
the blank; it spells the label that is left when repeats are merged and blanks removed.
"""

from __future__ import annotations

from polykeras.symbolic import dtypes
from polykeras.symbolic.op import op
from polykeras.symbolic.ops.classification import log_softmax
from polykeras.symbolic.ops.control import scan
from polykeras.symbolic.ops.elementwise import (
    add,
    cast,
    fill_like,
    less,
    logical_and,
    logical_not,
    maximum,
    multiply,
    negative,
    not_equal,
    subtract,
    where,
)
from polykeras.symbolic.ops.indexing import take_along_axis
from polykeras.symbolic.ops.reduce import logsumexp
from polykeras.symbolic.ops.reduce import sum as reduce_sum
from polykeras.symbolic.ops.shape import (
    arange,
    concatenate,
    expand_dims,
    reshape,
    size_of,
    slice_axis,
    stack,
    transpose,
)
from polykeras.symbolic.spec import Spec, format_shape, same_dims

# The logarithm of a probability of 0: finite, so that sums of it are; no real path comes near it.
IMPOSSIBLE = -1e30


@op(promotes=("logits",), floating=True)
def ctc_loss(labels, logits, label_length, input_length):
    """-log of the probability that a path spells the label, the paths' steps being drawn from softmax(logits).

    labels: (batch, longest) integers, logits: (batch, steps, classes), label_length: (batch,), input_length: (batch,)
    -> (batch,)

    The blank is class `classes - 1`. Labels after `label_length` and steps after `input_length` are left out. A label
    that does not fit in its steps costs 1e30 and more.
    """
    _check(labels, logits, label_length, input_length)
    return Spec(logits.shape[:1], logits.dtype)


@ctc_loss.lower
def ctc_loss_lower(labels, logits, label_length, input_length):
    """The forward variables of Graves et al., section 4.1, in logarithms: a loop over the steps.

    A state is a place in the label with blanks around every class: blank, l1, blank, l2, ..., blank.
    """
    if logits.spec.dtype == "float16":
        return cast(ctc_loss(labels, cast(logits, dtype="float32"), label_length, input_length), dtype="float16")
    states = _with_blanks(labels, subtract(size_of(logits, 2), 1))
    skips = _may_skip(states, labels)
    steps = transpose(log_softmax(logits), axes=(1, 0, 2))
    active = less(expand_dims(arange(0, size_of(logits, 1), 1), 1), expand_dims(input_length, 0))

    def step(carried, elements):
        (alpha,), (logs, running) = carried, elements
        emitted = take_along_axis(logs, states)
        before = _shifted(alpha, 1)
        skipped = where(skips, _shifted(alpha, 2), IMPOSSIBLE)
        reached = add(logsumexp(stack(alpha, before, skipped, axis=-1), axis=-1), emitted)
        return [where(expand_dims(running, 1), reached, alpha)], []

    # before the first step all probability lies on the first state: from there step one reaches the first two
    zeros = multiply(cast(states, dtype=logits.spec.dtype), 0.0)
    first = less(arange(0, size_of(states, 1), 1), 1)
    (alpha,) = scan(step, [where(first, zeros, IMPOSSIBLE)], [steps, active]).finals
    last = multiply(cast(label_length, dtype="int32"), 2)
    ends = take_along_axis(alpha, stack(last, maximum(subtract(last, 1), 0), axis=1))
    blank_only = stack(less(last, 0), less(last, 1), axis=1)  # an empty label ends in one state, not in two
    return negative(logsumexp(where(blank_only, IMPOSSIBLE, ends), axis=1))


def steps_needed(labels, label_length):
    """How many steps a label needs at least: one for each class, and a blank between equal ones.

    labels: (batch, longest), label_length: (batch,) -> (batch,) int32
    """
    count = size_of(labels, 1)
    following = slice_axis(labels, 1, 1, None)
    inside = less(expand_dims(arange(1, count, 1), 0), expand_dims(label_length, 1))
    repeats = logical_and(logical_not(not_equal(following, slice_axis(labels, 1, None, -1))), inside)
    return add(cast(label_length, dtype="int32"), reduce_sum(cast(repeats, dtype="int32"), axis=1))


def label_places(labels, label_length):
    """Which places of the rows belong to the labels.   labels: (batch, longest), label_length: (batch,) -> bool"""
    return less(expand_dims(arange(0, size_of(labels, 1), 1), 0), expand_dims(label_length, 1))


def _with_blanks(labels, blank):
    """blank, l1, blank, l2, ..., blank.   labels: (batch, n) -> (batch, 2 n + 1)"""
    labels = cast(labels, dtype="int32")
    blanks = add(fill_like(labels, value=0), blank)
    pairs = reshape(stack(blanks, labels, axis=2), (size_of(labels, 0), multiply(size_of(labels, 1), 2)))
    last = add(fill_like(reduce_sum(labels, axis=1, keepdims=True), value=0), blank)
    return concatenate(pairs, last, axis=1)


def _may_skip(states, labels):
    """May a path come from two states before: past a blank, to a class other than the last one?"""
    labels = cast(labels, dtype="int32")
    # no class is -1: the first one may follow anything, and so may not be reached from two before by other means
    earlier = _shifted(labels, 1, -1)
    differs = not_equal(labels, earlier)
    blanks = less(fill_like(labels, value=0), 0)
    pairs = reshape(stack(blanks, differs, axis=2), (size_of(labels, 0), multiply(size_of(labels, 1), 2)))
    last = less(fill_like(slice_axis(states, 1, None, 1), value=0), 0)
    return concatenate(pairs, last, axis=1)


def _shifted(x, by, value=IMPOSSIBLE):
    """The columns of x moved to the right, `value` in the places that become free.   x: (batch, n) -> (batch, n)"""
    padded = concatenate(*[fill_like(slice_axis(x, 1, None, 1), value=value)] * by, x, axis=1)
    return slice_axis(padded, 1, None, -by)


@op(promotes=("logits",), floating=True, nondifferentiable="a search")
def ctc_beam_search(logits, input_length, *, beam_width: int, top_paths: int, merge_repeated: bool = False):
    """The most probable labels that a search over prefixes finds, and the logarithms of their probabilities.

    logits: (batch, steps, classes), input_length: (batch,) -> (top_paths, batch, steps) int64, (batch, top_paths)

    The rows are filled up with -1. Each step keeps the `beam_width` most probable prefixes. With `merge_repeated` equal
    neighbours in a label that was found become one.
    """
    _check_steps(logits, input_length)
    if not 1 <= top_paths <= beam_width:
        raise ValueError(f"expected 1 <= top_paths <= beam_width, got {top_paths} paths of a beam of {beam_width}")
    batch, steps, _ = logits.shape
    return Spec((top_paths, batch, steps), "int64"), Spec((batch, top_paths), logits.dtype)


# -- rules -------------------------------------------------------------------------------------------------------------


def _check(labels, logits, label_length, input_length):
    _check_steps(logits, input_length)
    for name, x in (("labels", labels), ("label_length", label_length)):
        if not dtypes.is_integer(x.dtype):
            raise TypeError(f"the {name} must be integers, got {x.dtype}; use cast")
    if labels.ndim != 2:
        raise ValueError(f"the labels need the axes (batch, longest), got shape {format_shape(labels.shape)}")
    if label_length.ndim != 1 or not same_dims(label_length.shape, labels.shape[:1]):
        raise ValueError(
            f"label_length needs one entry for each of the labels {format_shape(labels.shape)}, "
            f"got shape {format_shape(label_length.shape)}"
        )
    if not same_dims(labels.shape[:1], logits.shape[:1]):
        raise ValueError(
            f"labels {format_shape(labels.shape)} and logits {format_shape(logits.shape)} differ in their batch"
        )


def _check_steps(logits, input_length):
    if logits.ndim != 3:
        raise ValueError(f"the logits need the axes (batch, steps, classes), got shape {format_shape(logits.shape)}")
    if not dtypes.is_integer(input_length.dtype):
        raise TypeError(f"the input_length must be integers, got {input_length.dtype}; use cast")
    if input_length.ndim != 1 or not same_dims(input_length.shape, logits.shape[:1]):
        raise ValueError(
            f"input_length needs one entry for each of the logits {format_shape(logits.shape)}, "
            f"got shape {format_shape(input_length.shape)}"
        )


# -- samples -----------------------------------------------------------------------------------------------------------


@ctc_loss.samples
def ctc_loss_samples(r):
    labels = r.integers(3, 2, low=0, high=3)
    labels[0] = 1  # a repeat
    lengths = r.integers(3, low=1, high=3)
    yield (labels, r(3, 6, 4), lengths, r.integers(3, low=4, high=7)), {}
    yield (r.integers(2, 3, low=0, high=4), r(2, 7, 5), r.integers(2, low=0, high=4), r.integers(2, low=7, high=8)), {}


@ctc_loss.error_samples
def ctc_loss_error_samples(r):
    yield (r(2, 3), r(2, 7, 5), r.integers(2), r.integers(2)), {}, "must be integers"
    yield (r.integers(2, 3), r(2, 7), r.integers(2), r.integers(2)), {}, "(batch, steps, classes)"
    yield (r.integers(2, 3), r(2, 7, 5), r.integers(3), r.integers(2)), {}, "one entry"


@ctc_beam_search.samples
def ctc_beam_search_samples(r):
    yield (r.distinct(2, 5, 4), r.integers(2, low=2, high=6)), {"beam_width": 10, "top_paths": 3}
    yield (r.distinct(3, 5, 2), r.integers(3, low=2, high=6)), {"beam_width": 4, "top_paths": 1, "merge_repeated": True}


@ctc_beam_search.error_samples
def ctc_beam_search_error_samples(r):
    yield (r(2, 5, 4), r.integers(2)), {"beam_width": 2, "top_paths": 3}, "top_paths <= beam_width"
    yield (r(2, 5), r.integers(2)), {"beam_width": 2, "top_paths": 1}, "(batch, steps, classes)"
