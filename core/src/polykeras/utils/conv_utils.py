"""Sizes and arguments of convolutions and poolings. A size may be None, unknown, and so is what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {"normalize_data_format": "polykeras.backend:normalize_data_format"})

PADDINGS = ("valid", "same", "causal")


def normalize_tuple(value: int | Sequence[int], n: int, name: str) -> tuple[int, ...]:
    """`n` integers: an int stands for n equal ones. `name` names the argument in errors."""
    if isinstance(value, int):
        return (value,) * n
    try:
        numbers = tuple(value)
    except TypeError:
        raise _not_integers(value, n, name) from None
    if len(numbers) != n:
        raise _not_integers(value, n, name)
    try:
        return tuple(int(number) for number in numbers)
    except (TypeError, ValueError):
        raise _not_integers(value, n, name) from None


def _not_integers(value: Any, n: int, name: str) -> ValueError:
    return ValueError(f"The `{name}` argument must be a tuple of {n} integers, or one integer. Received: {value!r}")


def normalize_padding(value: str) -> str:
    """The padding in lower case. Raises ValueError unless it is one of "valid", "same", "causal"."""
    padding = str(value).lower()
    if padding not in PADDINGS:
        raise ValueError(
            f'The `padding` argument must be one of "valid", "same" (or "causal" for Conv1D). Received: {value!r}'
        )
    return padding


def dilated(size: int, dilation: int) -> int:
    """What a window of `size` covers when its elements lie `dilation` apart."""
    return size + (size - 1) * (dilation - 1)


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How many positions a window takes: ceil((n - k + 1) / s) for "valid", ceil(n / s) for "same" and "causal"."""
    if input_length is None:
        return None
    window = dilated(filter_size, dilation)
    positions = {
        "valid": input_length - window + 1,
        "same": input_length,
        "causal": input_length,
        "full": input_length + window - 1,
    }[padding]
    return (positions + stride - 1) // stride


def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """The shortest input that gives `output_length` positions."""
    if output_length is None:
        return None
    margin = {"valid": 0, "same": filter_size // 2, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * margin + filter_size


def deconv_length(
    dim_size: int | None,
    stride_size: int,
    kernel_size: int,
    padding: str,
    output_padding: int | None,
    dilation: int = 1,
) -> int | None:
    """The output size of a transposed convolution: n * s, and the window's overhang for "valid"."""
    if dim_size is None:
        return None
    window = dilated(kernel_size, dilation)
    if output_padding is None:
        overhang = {"valid": max(window - stride_size, 0), "full": 2 - stride_size - window, "same": 0}[padding]
        return dim_size * stride_size + overhang
    margin = {"valid": 0, "same": window // 2, "full": window - 1}[padding]
    return (dim_size - 1) * stride_size + window - 2 * margin + output_padding


def convert_kernel(kernel: np.ndarray) -> np.ndarray:
    """A convolution's kernel (*sizes, channels, filters) turned around along its one to three spatial axes.

    Theano convolves, everyone else correlates: this makes a kernel of one that of the other. Raises ValueError for
    another number of axes.
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f"Invalid kernel shape: expected 3 to 5 axes (*sizes, channels, filters), got {kernel.shape}.")
    return np.flip(kernel, axis=tuple(range(kernel.ndim - 2))).copy()
