"""VGG16: 13 convolutions and 3 Dense layers."""

from __future__ import annotations

from typing import Any

from polykeras.models import Model
from polykeras_applications._inputs import check_options
from polykeras_applications._vgg import vgg
from polykeras_applications._weights import published
from polykeras_applications.imagenet_utils import decode_predictions, preprocess_input

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

_PUBLISHED = published(
    "https://github.com/fchollet/deep-learning-models/releases/download/v0.1/",
    "vgg16",
    top="64373286793e3c8b2b4e3219cbf3544b",
    notop="6d6bbae143d832006294945121d1f1fc",
)


def VGG16(  # noqa: N802 - Keras's name
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Any,
) -> Model:
    """The VGG network with 16 layers of weights. Pictures go through `preprocess_input` first.

    include_top:  with the three Dense layers that classify.
    weights:      `imagenet` for the published ones, None for random ones, or the path of a file.
    input_tensor: a tensor to begin at instead of a new `Input`.
    input_shape:  (height, width, 3), at least 32 x 32; by default (224, 224, 3), or open without top.
    pooling:      without top: `avg` or `max` over each channel, so (batch, 512); None: (batch, h / 32, w / 32, 512).
    classes:      how many classes the top tells apart.

    Raises ValueError for arguments that do not fit, OSError where published weights cannot be fetched.
    """
    check_options("VGG16", kwargs)
    return vgg("vgg16", (2, 2, 3, 3, 3), _PUBLISHED, include_top, weights, input_tensor, input_shape, pooling, classes)
