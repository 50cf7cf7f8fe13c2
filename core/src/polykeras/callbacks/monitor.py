"""Watching one value of the epoch's logs: which way is better, and what to say when it is not there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras.callbacks.base import Logs

Better = Callable[[Any, Any], Any]


def better(owner: str, monitor: str, mode: str, *, grows: tuple[str, ...] = ()) -> Better:
    """`np.less` or `np.greater`, as `mode` says: "min", "max", or "auto" to tell by the monitored name.

    In "auto" a name that holds `acc`, or starts with one of `grows`, is better when greater; others when less.
    """
    if mode not in ("auto", "min", "max"):
        warnings.warn(
            f"{owner} mode {mode!r} is unknown, fallback to auto mode. Expected 'auto', 'min' or 'max'.",
            RuntimeWarning,
            stacklevel=3,
        )
        mode = "auto"
    if mode == "auto":
        mode = "max" if "acc" in monitor or monitor.startswith(grows) else "min"
    return np.greater if mode == "max" else np.less


def worst(operator: Better) -> float:
    """The value that any other one betters."""
    return -np.inf if operator is np.greater else np.inf


def watched(logs: Logs, monitor: str, doing: str) -> Any:
    """The monitored value, or None with a RuntimeWarning that names what there is.

    doing: what the callback cannot do without it, for the text.
    """
    if monitor not in logs:
        available = ", ".join(sorted(logs)) or "none"
        warnings.warn(
            f"{doing} `{monitor}` which is not available. Available metrics are: {available}",
            RuntimeWarning,
            stacklevel=3,
        )
    return logs.get(monitor)
