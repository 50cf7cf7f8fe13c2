"""The CuPy backend of polykeras, for NVIDIA GPUs: the shared kernels of `XpBackend` on CuPy.

CuPy is imported when the backend is asked for, and not before.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from polykeras.runtime.backend import Limit
from polykeras.runtime.xp import XpBackend
from polykeras_cupy import availability

__all__ = ["CupyBackend"]

_ATOMIC = "CuPy adds at repeated indices in float16, float32, float64, int32, uint32 and uint64 only"


class CupyBackend(XpBackend):
    """The shared kernels on CuPy's current device.

    An index out of range wraps around, for a check would wait for the device. Sums at repeated indices are taken in no
    fixed order, so their last bits vary from run to run.
    """

    name = "cupy"
    host = False
    polykeras_api = (1, 0)
    limits = (Limit("scatter_add", "int64", _ATOMIC), Limit("scatter_along_axis", "int64", _ATOMIC))

    def __init__(self) -> None:
        super().__init__()
        self.xp = importlib.import_module("cupy")

    @classmethod
    def unavailable(cls) -> str | None:
        return availability.cause()

    def to_numpy(self, array: Any) -> Any:
        return self.xp.asnumpy(array)

    def quiet(self) -> AbstractContextManager[Any]:
        return nullcontext()  # a device has no floating-point exceptions
