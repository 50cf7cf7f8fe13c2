"""What all applications do with their arguments: sizes of images, the tensor to begin at."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from polykeras import backend as K
from polykeras.layers import GlobalAveragePooling2D, GlobalMaxPooling2D, Input

CLASSES = 1000
"""The classes of ImageNet's competition, on which the published weights were trained."""

_INJECTED = ("backend", "layers", "models", "utils")


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse keywords that no application has; the modules that Keras hands through are accepted and not needed."""
    for option in options:
        if option not in _INJECTED:
            raise TypeError(
                f"{name} got an unexpected keyword argument '{option}'; it takes include_top, weights, input_tensor, "
                f"input_shape, pooling and classes."
            )


def image_shape(
    given: Sequence[int | None] | None, default: int, smallest: int, include_top: bool, weights: str | None
) -> tuple[int | None, ...]:
    """The shape of one image, in the order of `K.image_data_format()`.

    default:  height and width where none are given.
    smallest: height and width below which nothing would be left to classify.

    Without a given shape and without top, height and width are open. Raises ValueError for a shape that does not fit.
    """
    first = K.image_data_format() == "channels_first"
    channels = 3
    if given is not None and len(given) == 3 and weights != "imagenet":
        found = given[0 if first else -1]
        channels = 3 if found is None else found
        if channels not in (1, 3):
            warnings.warn(
                f"This model usually expects 1 or 3 input channels; `input_shape={tuple(given)}` has {channels}.",
                stacklevel=3,
            )
    usual = (channels, default, default) if first else (default, default, channels)
    if given is None:
        return usual if include_top else ((3, None, None) if first else (None, None, 3))
    shape = tuple(given)
    if weights == "imagenet" and include_top and shape != usual:
        raise ValueError(
            f"With `include_top=True` and `imagenet` weights, `input_shape` should be {usual}; got {shape}. "
            f"Pass `include_top=False` for other sizes."
        )
    if len(shape) != 3:
        raise ValueError(f"`input_shape` must be a tuple of three integers; got {shape}")
    if weights == "imagenet" and shape[0 if first else -1] != 3:
        raise ValueError(f"The input must have 3 channels for `imagenet` weights; got `input_shape={shape}`")
    sides = shape[1:] if first else shape[:2]
    if any(side is not None and side < smallest for side in sides):
        raise ValueError(f"Input size must be at least {smallest}x{smallest}; got `input_shape={shape}`")
    if include_top and None in shape:
        raise ValueError(f"With `include_top=True` the `input_shape` must be known; got {shape}")
    return shape


def start(input_tensor: Any, shape: tuple[int | None, ...]) -> tuple[Any, Any]:
    """The tensor at which a model begins, and the inputs of the model: a new `Input`, or what `input_tensor` is."""
    from polykeras.engine.topology import get_source_inputs

    if input_tensor is None:
        image = Input(shape=shape)
        return image, image
    image = input_tensor if K.is_keras_tensor(input_tensor) else Input(tensor=input_tensor, shape=shape)
    return image, get_source_inputs(image)


def channel_axis() -> int:
    """The axis of the channels in a batch of images."""
    return 1 if K.image_data_format() == "channels_first" else 3


def pooled(x: Any, pooling: str | None, average: str | None = None, maximum: str | None = None) -> Any:
    """What a network without top ends in: the average or the maximum of each channel (with these layers' names), or x.

    ValueError for another pooling.
    """
    if pooling == "avg":
        return GlobalAveragePooling2D(name=average)(x)
    if pooling == "max":
        return GlobalMaxPooling2D(name=maximum)(x)
    if pooling is not None:
        raise ValueError(f"`pooling` is 'avg', 'max' or None; got {pooling!r}")
    return x


def square(given: Sequence[int | None] | None, sides: Sequence[int]) -> int:
    """The side of the pictures that published weights are for: the given one if it is square and among `sides`."""
    if given is None or len(given) != 3:
        return 224
    rows, columns = given[1:] if K.image_data_format() == "channels_first" else given[:2]
    return rows if rows == columns and rows in sides else 224


def rows_of(shape: tuple[int | None, ...]) -> int | None:
    """The height in the shape of an image."""
    return shape[1] if K.image_data_format() == "channels_first" else shape[0]
