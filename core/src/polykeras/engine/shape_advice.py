"""The likely fix of a shape that does not fit: a sentence for the end of an error text, or nothing."""

from __future__ import annotations

from collections.abc import Sequence

Shape = Sequence[int | None]

_RANKS = {
    (3, 2): "It wants (batch, steps, features): a recurrent layer before it needs `return_sequences=True`; "
    "`Reshape((-1, 1))` makes a sequence of a vector",
    (4, 2): "It wants images, (batch, rows, columns, channels): a `Flatten` before it comes too early; `Reshape` makes "
    "images of vectors",
    (4, 3): "It wants images with a channel axis, (batch, rows, columns, channels): `np.expand_dims(x, -1)` gives one "
    "to gray images, `Reshape` within a model",
    (5, 4): "It wants volumes or sequences of images, (batch, depth or time, rows, columns, channels): "
    "`np.expand_dims(x, 1)` makes a sequence of one image",
}


def of_rank(expected: int, found: int) -> str:
    """What to do about an input of a layer with `found` axes where `expected` are wanted, batch included."""
    known = _RANKS.get((expected, found))
    if known:
        return f". {known}"
    if found > expected == 2:
        return ". `Flatten()` before it makes (batch, features); a recurrent layer does without `return_sequences=True`"
    if found > expected == 3:
        return ". It wants (batch, steps, features): `TimeDistributed(Flatten())` before it makes a vector of each step"
    if found > expected == 4:
        return ". It wants single images: `TimeDistributed` around it takes sequences of them"
    return ""


def of_array(role: str, found: Sequence[int], wanted: Shape) -> str:
    """What to do about an array of shape `found` for a shape `wanted`, both with the batch.

    role: "input" or "target".
    """
    advice = (_of_target if role == "target" else _of_input)(tuple(found), tuple(wanted))
    return f". {advice}" if advice else ""


def _of_input(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    sample = wanted[1:]
    if len(found) == len(wanted) == 2 and found[1] == 1 and found[0] == sample[0]:
        return "A single sample needs a batch axis in front: `x[None]`"
    if len(found) == len(sample) and _fits(found, sample):
        return (
            "A single sample needs a batch axis in front: `x[None]`. If the first axis counts the samples, the model's "
            f"`input_shape` is to be without it: {found[1:]}"
        )
    if len(found) == len(sample) and sample[-1] == 1 and _fits(found[1:], sample[:-1]):
        return "The channel axis is missing: `np.expand_dims(x, -1)`"
    if len(found) == len(wanted) > 3:
        if _fits((*found[2:], found[1]), sample) or _fits((found[-1], *found[1:-1]), sample):
            return "The channels are on another axis: see `data_format`, or move it with `np.moveaxis`"
    return ""


def _of_target(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> str:
    if len(found) == len(wanted) and len(wanted) > 1:
        if found[-1] == 1 and (wanted[-1] or 0) > 1:
            return (
                "Class numbers want the loss `sparse_categorical_crossentropy`, or `to_categorical(y)` makes one-hot "
                "vectors of them"
            )
        if wanted[-1] == 1 and found[-1] > 1:
            return (
                f"One-hot vectors want the loss `categorical_crossentropy` and an output of {found[-1]} units; "
                "`y.argmax(-1)` makes class numbers of them"
            )
    if len(wanted) > 3 and len(found) == 2:
        return "The output is a map of features: is a `Flatten()` or a global pooling missing before the last layer?"
    if len(wanted) == 3 and len(found) == 2:
        return "The output has a value for every step: leave out `return_sequences=True` of the last recurrent layer"
    if len(wanted) == 2 and len(found) == 3:
        return "The target has a value for every step: the last recurrent layer needs `return_sequences=True`"
    return ""


def _fits(found: Sequence[int], wanted: Shape) -> bool:
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(want is None or want == got for got, want in pairs)
