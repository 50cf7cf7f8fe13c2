"""Helpers on NumPy arrays that Keras scripts use to prepare data."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> np.ndarray:
    """One-hot rows of class numbers: `(..., )` or `(..., 1)` integers to `(..., num_classes)`.

    `num_classes` defaults to the greatest class number plus one.
    Raises IndexError for a class number outside `0 .. num_classes - 1`.
    """
    labels = np.asarray(y, dtype="int64")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.reshape(-1)
    if not num_classes:
        num_classes = int(labels.max()) + 1 if labels.size else 0
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        wrong = labels[(labels < 0) | (labels >= num_classes)][0]
        raise IndexError(f"to_categorical: class number {wrong} is outside 0 .. {num_classes - 1}")
    one_hot = np.zeros((labels.size, num_classes), dtype=dtype)
    one_hot[np.arange(labels.size), labels] = 1
    return one_hot.reshape((*shape, num_classes))


def normalize(x: Any, axis: int = -1, order: float = 2) -> np.ndarray:
    """`x` divided by its norm of that `order` along `axis`; rows of zeros stay zeros, a vector becomes one row."""
    norm = np.atleast_2d(np.linalg.norm(x, ord=order, axis=axis, keepdims=True))
    scaled: np.ndarray = x / np.where(norm == 0, 1, norm)
    return scaled
