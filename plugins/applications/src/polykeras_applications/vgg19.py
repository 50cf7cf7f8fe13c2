"""VGG19: 16 convolutions and 3 Dense layers."""

from __future__ import annotations

from typing import Any

from polykeras.models import Model
from polykeras_applications._inputs import check_options
from polykeras_applications._vgg import vgg
from polykeras_applications._weights import published
from polykeras_applications.imagenet_utils import decode_predictions, preprocess_input

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

_PUBLISHED = published(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/",
    "vgg19",
    top="cbe5617147190e668d6c5d5026f83318",
    notop="253f8cb515780f3b799900260a226db6",
)


def VGG19(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """The VGG network with 19 layers of weights. Pictures go through `preprocess_input` first.

    include_top:  with the three Dense layers that classify.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    input_shape:  (height, width, 3), at least 32 x 32; by default (224, 224, 3), or open without top.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 512); None: (batch, h / 32, w / 32, 512).
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("VGG19", kwargs)
    return vgg("vgg19", (2, 2, 4, 4, 4), _PUBLISHED, include_top, weights, input_tensor, input_shape, pooling, classes)
