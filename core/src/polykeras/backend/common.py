"""The process-wide defaults, under the module name that Keras has for them."""

from __future__ import annotations

from polykeras.backend.elementwise import cast_to_floatx
from polykeras.config import (
    epsilon,
    floatx,
    image_data_format,
    normalize_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)

__all__ = [
    "cast_to_floatx", "epsilon", "floatx", "image_data_format", "image_dim_ordering", "normalize_data_format",
    "set_epsilon", "set_floatx", "set_image_data_format", "set_image_dim_ordering",
]  # fmt: skip

_ORDERINGS = {"th": "channels_first", "tf": "channels_last"}


def image_dim_ordering() -> str:
    """The image data format in Keras 1's words: 'tf' for channels last, 'th' for channels first."""
    return {data_format: word for word, data_format in _ORDERINGS.items()}[image_data_format()]


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the image data format in Keras 1's words: 'tf' or 'th'."""
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f"Unknown dim_ordering: {dim_ordering!r}. Expected 'tf' or 'th'.")
    set_image_data_format(_ORDERINGS[dim_ordering])
