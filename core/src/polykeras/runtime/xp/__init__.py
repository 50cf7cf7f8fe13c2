"""Every kernel once, on `self.xp`: NumPy's API. The files mirror `symbolic.ops`."""

from __future__ import annotations

from typing import Any

from polykeras.runtime.backend import Backend
from polykeras.runtime.xp.elementwise import Elementwise
from polykeras.runtime.xp.linalg import Linalg
from polykeras.runtime.xp.reduce import Reduce
from polykeras.runtime.xp.shape import Shape

ALIGNMENT = 64


class XpBackend(Elementwise, Shape, Reduce, Linalg, Backend):
    """A backend on an array module that follows NumPy: `xp`."""

    xp: Any

    def asarray(self, value: Any, dtype: str) -> Any:
        return self.xp.ascontiguousarray(self.xp.asarray(value, dtype=dtype)).reshape(self.xp.shape(value))

    def to_numpy(self, array: Any) -> Any:
        return array

    def empty(self, shape: tuple[int, ...], dtype: str) -> Any:
        return self.xp.empty(shape, dtype=dtype)

    def arena(self, nbytes: int) -> Any:
        return self.xp.empty(nbytes, dtype="uint8")

    def view(self, base: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Any:
        return base

    def copy(self, source: Any, target: Any) -> None:
        self.xp.copyto(target, source)
