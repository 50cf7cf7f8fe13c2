"""The process-wide defaults, under the module name that Keras has for them."""

from polykeras.backend.session import (
    epsilon, floatx, image_data_format, image_dim_ordering, set_epsilon, set_floatx, set_image_data_format,
    set_image_dim_ordering,
)  # fmt: skip
from polykeras.backend.elementwise import cast_to_floatx
from polykeras.config import normalize_data_format

__all__ = [
    "cast_to_floatx", "epsilon", "floatx", "image_data_format", "image_dim_ordering", "normalize_data_format", "set_epsilon",
    "set_floatx", "set_image_data_format", "set_image_dim_ordering",
]
