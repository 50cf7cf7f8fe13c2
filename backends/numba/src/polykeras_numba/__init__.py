"""The Numba backend of polykeras: the NumPy backend with compiled kernels.

Elementwise steps are fused and compiled, with reductions and matrix products beside them; what has no kernel here is
NumPy's. A run of compiled steps is one call from Python, for a small model the whole training step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy
from numba.core import config

from polykeras.runtime.backend import Kernel
from polykeras.runtime.executable import Executable
from polykeras.runtime.kernel_cache import KernelCache
from polykeras.runtime.program import Program, Step
from polykeras.runtime.rewrite.fusion import FUSED, fuse
from polykeras_numba import items, panelled, parts, scatter
from polykeras_numba.cache import store
from polykeras_numba.executable import NumbaExecutable
from polykeras_numpy import NumpyBackend, blocked

__all__ = ["NumbaBackend"]

# Written in ops that have kernels here; NumPy's kernels of them would cut a run.
_LOWERED = frozenset(("softmax", "softmax_grad", "log_softmax", "batch_norm_train", "batch_norm_grad"))


class NumbaBackend(NumpyBackend):
    """The NumPy backend, fused and compiled."""

    name = "numba"

    @classmethod
    def kernel_cache(cls) -> KernelCache | None:
        return store()

    def supports(self, op: str) -> bool:
        return (op not in _LOWERED or config.DISABLE_JIT) and super().supports(op)

    def kernel(self, step: Step) -> Kernel:
        if step.op is FUSED:
            return Kernel(functools.partial(_by_parts, self, step), into=True)
        own = None if config.DISABLE_JIT else panelled.kernel(step) or scatter.bound(step)
        if own is not None:
            return _with_scratch(own, items.scratch(step))
        return _with_scratch(super().kernel(step), items.scratch(step))

    def threads(self, program: Program) -> int:
        """BLAS has one: a product is cut into parts, which our own threads share (see `pool`)."""
        return super().threads(program) if config.DISABLE_JIT else 1

    def arrange(self, program: Program) -> None:
        if not config.DISABLE_JIT:
            panelled.arrange(program)

    def compile(self, program: Program) -> Executable:
        if config.DISABLE_JIT:
            return super().compile(program)
        program = self.prepare(program)
        fuse(program, parts.accepts, alone=parts.accepts)
        return NumbaExecutable(program, self)


def _with_scratch(kernel: Kernel, nbytes: int) -> Kernel:
    """A kernel of a step whose items need scratch memory."""
    if not nbytes or not kernel.into:
        return kernel
    call = kernel.call if kernel.workspace else functools.partial(_without_scratch, kernel.call)
    return Kernel(call, into=True, workspace=max(nbytes, kernel.workspace))


def _without_scratch(call: Callable[..., Any], *arrays: Any) -> None:
    call(*arrays[:-1])


def _by_parts(backend: NumbaBackend, step: Step, *arrays: Any) -> None:
    """A fused step without a compiled kernel, which arrays of very many axes have none of."""
    kernel = blocked.bind(step, backend)
    kernel.call(*arrays, numpy.empty(kernel.workspace, "uint8"))
