"""The NumPy backend of polykeras: the default one, and the referee of the others."""

from __future__ import annotations

from typing import Any

import numpy

from polykeras.runtime.backend import Kernel
from polykeras.runtime.executable import Executable
from polykeras.runtime.program import Program, Step
from polykeras.runtime.rewrite.fusion import FUSED
from polykeras.runtime.xp import XpBackend
from polykeras_numpy import blocked, conv, pool, random, softmax, threads  # noqa: F401  they declare binders
from polykeras_numpy.binding import BINDERS
from polykeras_numpy.threads import Running

__all__ = ["NumpyBackend"]

ALIGNMENT = 64


class NumpyBackend(XpBackend):
    """The shared kernels on NumPy; `kernel` binds many of them tighter."""

    name = "numpy"
    xp = numpy

    def arena(self, nbytes: int) -> Any:
        block = numpy.empty(nbytes + ALIGNMENT, "uint8")
        start = -block.ctypes.data % ALIGNMENT
        return block[start : start + nbytes]

    def view(self, base: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Any:
        itemsize = numpy.dtype(dtype).itemsize
        return numpy.ndarray(shape, dtype, base, offset, tuple([step * itemsize for step in strides]))

    def strided(self, array: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        return self.view(array, offset * array.itemsize, shape, strides, array.dtype)

    def threads(self, program: Program) -> int:
        return threads.wanted(program)

    def running(self, threads: int) -> Running:
        return Running(threads)

    def kernel(self, step: Step) -> Kernel:
        if step.op is FUSED:
            return blocked.bind(step, self)
        binder = BINDERS.get(step.op.name)
        concrete = all(value.spec.concrete for value in (*step.ins, *step.outs))
        return (binder is not None and concrete and binder(step)) or super().kernel(step)

    def compile(self, program: Program) -> Executable:
        program = self.prepare(program)
        blocked.fuse_large(program)
        return Executable(program, self)
