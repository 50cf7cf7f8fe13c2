"""How many threads BLAS may use: a matter of the program alone, so that its bits do not depend on who else calls.

A second thread pays for large products only. For small ones it costs more than it brings, and much more where several
callers or other processes want the cores. NumPy's OpenBLAS has one setting for the process: programs that want the same
number run beside each other, one that wants another number waits for them.
"""

from __future__ import annotations

import ctypes
import functools
import math
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from polykeras.runtime import forking
from polykeras.runtime.program import Program, Step

# Floating-point operations of one product from which on all threads are used.
LARGE = 8_000_000
# Elements of the block of windows that a convolution multiplies at once (see `conv`).
BLOCK = 1 << 17


def wanted(program: Program) -> int:
    """1, or as many threads as BLAS may use, if one of the program's products is large."""
    library = _library()
    if library is None or library.most == 1:
        return 1
    return library.most if _largest(program) >= LARGE else 1


def _largest(program: Program) -> int:
    steps = [_flops(step) for step in program.steps]
    return max(steps + [_largest(body) for step in program.steps for body in step.bodies], default=0)


def _flops(step: Step) -> int:
    """Floating-point operations of a product; of a block, if the step multiplies block by block."""
    name = step.op.name
    if not all(v.spec.concrete for v in (*step.ins, *step.outs)):
        return 0
    if name == "matmul":
        x: Any = step.arrays[0].spec.shape
        return 2 * step.outs[0].spec.size * x[-2 if step.attrs["transpose_a"] else -1]
    if name in ("conv", "conv_input_grad", "conv_kernel_grad"):
        kernel: Any = (step.outs[0] if name == "conv_kernel_grad" else step.arrays[1]).spec.shape
        made = step.outs[0] if name == "conv" else step.arrays[0 if name == "conv_input_grad" else 1]
        window, filters = math.prod(kernel[:-1]), kernel[-1]
        return 2 * min(made.spec.size // max(filters, 1) * window, BLOCK) * filters
    return 0


class _Library(NamedTuple):
    """NumPy's OpenBLAS: its setter, and the number of threads that it was started with."""

    set: Any
    most: int


@functools.cache
def _library() -> _Library | None:
    folder = Path(np.__file__).parent
    for place in (folder.parent / "numpy.libs", folder / ".dylibs", folder / ".libs"):
        for found in sorted(place.glob("*openblas*")):
            for prefix, suffix in (("scipy_", "64_"), ("", "64_"), ("", "")):
                try:
                    library = ctypes.CDLL(str(found))
                    setter = getattr(library, f"{prefix}openblas_set_num_threads{suffix}")
                    getter = getattr(library, f"{prefix}openblas_get_num_threads{suffix}")
                except (OSError, AttributeError):
                    continue
                return _Library(setter, int(getter()))
    return None


class _Gate:
    """Lets programs in that want the number of threads that is set; changes it when nobody is inside.

    turn: grows when the last one leaves. Who has to wait gets in on a later turn, before newcomers.
    """

    def __init__(self) -> None:
        self.condition = threading.Condition(threading.Lock())
        self.threads = self.inside = self.waiting = self.turn = 0
        library = _library()
        self.most = library.most if library is not None else 1
        self._set = library.set if library is not None and library.most > 1 else _nothing
        forking.renew(self)

    def after_fork(self) -> None:
        """In a child of `fork`: only its one thread can be inside."""
        self.condition = threading.Condition(threading.Lock())
        self.inside, self.waiting = int(_mine.__dict__.get("depth", 0) > 0), 0

    def enter(self, threads: int) -> None:
        with self.condition:
            if self.inside and (self.threads != threads or self.waiting):
                self._wait(threads)
            if not self.inside:
                self._set(threads)
                self.threads = threads
            self.inside += 1

    def _wait(self, threads: int) -> None:
        turn = self.turn
        self.waiting += 1
        while self.inside and (self.turn == turn or self.threads != threads):
            self.condition.wait()
        self.waiting -= 1

    def leave(self) -> None:
        with self.condition:
            self.inside -= 1
            if not self.inside:
                self._set(self.most)  # products outside of programs are none of our business
                self.turn += 1
                if self.waiting:
                    self.condition.notify_all()


def _nothing(threads: int) -> None:
    """There is no setting, or nothing to choose."""


_gate = _Gate()
_mine = threading.local()


class Running:
    """A context for the run of a program: its number of BLAS threads, and silent floating-point exceptions."""

    __slots__ = ("silent", "threads")

    def __init__(self, threads: int):
        self.threads = threads
        self.silent = np.errstate(all="ignore")

    def __enter__(self) -> None:
        self.silent.__enter__()
        depth = _mine.__dict__.get("depth", 0)
        if not depth:  # a call within a call keeps the number
            _gate.enter(self.threads)
        _mine.depth = depth + 1

    def __exit__(self, *exc: object) -> None:
        _mine.depth -= 1
        if not _mine.depth:
            _gate.leave()
        self.silent.__exit__(*exc)
