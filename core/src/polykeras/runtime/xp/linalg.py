"""Kernels of `symbolic.ops.linalg` on any array module that follows NumPy."""

from __future__ import annotations

from typing import Any

Array = Any


class Linalg:
    xp: Any

    def matmul(
        self, x: Array, y: Array, *, transpose_a: bool = False, transpose_b: bool = False, out: Array = None
    ) -> Array:
        if transpose_a:
            x = x.swapaxes(-1, -2)
        if transpose_b:
            y = y.swapaxes(-1, -2)
        return self.xp.matmul(x, y, out=out)
