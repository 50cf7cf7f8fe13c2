"""What K functions take for a tensor: tensors, arrays, numbers, and nested lists of these."""

from __future__ import annotations

from typing import Any

import numpy as np

from polykeras import config
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import OPS, as_tensor, is_scalar


def tensor(x: Any) -> Tensor:
    """x as a tensor; numbers and lists of floats are of floatx, of integers int32."""
    return as_tensor(operand(x))


def operand(x: Any) -> Any:
    """x as an op takes it; numbers and arrays stay what they are, so that they take a neighbouring tensor's dtype."""
    if isinstance(x, Tensor) or is_scalar(x) or not isinstance(x, (list, tuple)):
        return x
    if any(isinstance(v, Tensor) for v in x):
        return OPS["stack"](*[operand(v) for v in x], axis=0)
    array = np.asarray(x)
    if array.dtype == object:
        raise TypeError(f"expected a tensor, a number or a nested list of numbers, got {x!r}")
    return array.astype({"f": config.floatx(), "i": "int32"}.get(array.dtype.kind, array.dtype))


def axes(axis: Any) -> Any:
    """An axis, or several as a tuple of ints."""
    if axis is None or isinstance(axis, int):
        return axis
    return tuple([int(a) for a in axis]) if isinstance(axis, (list, tuple)) or np.ndim(axis) else int(axis)
