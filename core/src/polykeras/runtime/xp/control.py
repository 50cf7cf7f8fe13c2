"""Kernels of `symbolic.ops.control`. Scan, cond and the assignments belong to `compile`."""

from __future__ import annotations

from typing import Any

Array = Any


class Control:
    xp: Any

    def choose(self, condition: int, x: Array, y: Array) -> Array:
        return (x if condition else y).copy()

    def print_tensor(self, x: Array, *, message: str) -> Array:
        print(message, x)  # noqa: T201  that is what it is for
        return x.copy()

    def require(self, x: Array, holds: Array, *, message: str) -> Array:
        if not holds.all():
            raise ValueError(message)
        return x.copy()
