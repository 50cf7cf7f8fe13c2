"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polykeras.callbacks.base import Callback


class LambdaCallback(Callback):
    """A callback whose hooks are the given functions.

    on_epoch_begin, on_epoch_end: functions of (epoch, logs).
    on_batch_begin, on_batch_end: functions of (batch, logs).
    on_train_begin, on_train_end: functions of (logs).
    Other keywords become attributes.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_batch_begin: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }
        vars(self).update(kwargs)
        vars(self).update({name: function for name, function in hooks.items() if function is not None})
