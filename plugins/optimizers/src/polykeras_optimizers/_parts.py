"""What several optimizers share: state of the parameters' shapes, the decayed learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.extend import sqrt


def zeros_like_each(params: Sequence[Any]) -> list[Any]:
    """A variable of zeros for each parameter, of its shape and dtype."""
    return [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]


def decayed_lr(optimizer: Any) -> Any:
    """lr / (1 + decay·iterations)"""
    if optimizer.initial_decay <= 0:
        return optimizer.lr
    steps = K.cast(optimizer.iterations, K.dtype(optimizer.decay))
    return optimizer.lr * (1.0 / (1.0 + optimizer.decay * steps))


def root(square: Any) -> Any:
    """√square, where square is a sum or mean of squares: never negative, so it needs no clip as in `K.sqrt`"""
    return sqrt(square)


def scheduled_counter(optimizer: Any) -> list[Any]:
    """The counter of steps as part of the state: where a schedule depends on it. Else it is in no file, as in Keras."""
    return [] if optimizer.lr_schedule is None else [optimizer.iterations]


def step_number(optimizer: Any) -> Any:
    """t = 1, 2, ...: a float scalar"""
    return K.cast(optimizer.iterations, K.floatx()) + 1.0


def value(variable: Any) -> float:
    """A scalar variable's value, for configs."""
    return float(K.get_value(variable))
