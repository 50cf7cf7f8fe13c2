"""Fused steps on NumPy: block by block, so that what passes between their parts stays in the cache.

Each part is the kernel that it would be alone, on a block of its arrays: the results are the same to the bit. Small
arrays lie in the cache anyway; they gain nothing and are left alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Program, Step, Value
from polykeras.runtime.rewrite.fusion import Group, fuse
from polykeras.symbolic import dtypes
from polykeras.symbolic.op import OPS
from polykeras.symbolic.spec import Spec

Array = Any

# Elements of a block, and of the smallest array that is worth blocks (measured: below, calls cost what memory saves).
BLOCK = 1 << 18
LEAST = 1 << 18
ALIGNMENT = 64


def fuse_large(program: Program) -> None:
    """Fuse the elementwise steps of large arrays."""
    fuse(program, _is_large)


def _is_large(step: Step) -> bool:
    return step.outs[0].spec.size >= LEAST and len(step.outs) == 1


def bind(step: Step, backend: Any) -> Kernel:
    """A fused step as a kernel that runs its parts block by block."""
    blocks = _Blocks(step, backend)
    return Kernel(blocks.run, into=True, workspace=blocks.workspace, bind=blocks.bound)


def _leading(shape: tuple[int, ...], operands: list[tuple[int, ...]]) -> int:
    """How many leading axes can be taken as one: along them, an operand is either whole or repeated."""
    lead = 1
    while lead < len(shape):
        for s in operands:
            padded = (1,) * (len(shape) - len(s)) + s
            if padded != shape and any(n != 1 for n in padded[: lead + 1]):
                return lead
        lead += 1
    return lead


class _Blocks:
    """A fused step cut along its leading axes, as many of them as no operand is broadcast along.

    A result may lie in an operand's memory. If a later part reads that operand, the result is made in scratch memory
    and copied.
    """

    def __init__(self, step: Step, backend: Any):
        self.group: Group = step.attrs["group"]
        self.backend = backend
        self.count = len(step.arrays)
        shape: tuple[int, ...] = step.attrs["shape"]
        shapes = [v.spec.sizes for v in step.arrays]
        lead = _leading(shape, shapes)
        self.size, self.rest = math.prod(shape[:lead]), shape[lead:]
        cuts = [len(s) == len(shape) and s[:lead] == shape[:lead] for s in shapes]
        trailing = len(self.rest)
        # the shape of each array in the cut's view: its own rows and the rest, or the rest only
        self.views = [
            (self.size, *s[lead:]) if cut else s[max(len(s) - trailing, 0) :]
            for s, cut in zip(shapes, cuts, strict=True)
        ] + [(self.size, *self.rest)] * len(self.group.results)
        self.cuts = cuts + [True] * len(self.group.results)
        self.rows = min(max(BLOCK // math.prod(self.rest), 1), self.size)
        self.last_read = {a: i for i, p in enumerate(self.group.parts) for a in p.args if a < self.count}
        self.own = self._buffers(set())[1]
        self.kernels = {self.rows: self._kernels(self.rows)}
        self.workspace = self.own + max(k.workspace for k in self.kernels[self.rows])

    def _direct(self, arrays: tuple[Array, ...]) -> set[int]:
        """The results that no later part's reading of an operand in the same memory can follow."""
        return {
            r
            for r, out in zip(self.group.results, arrays[self.count :], strict=False)
            if not any(i > r - self.count and np.may_share_memory(out, arrays[a]) for a, i in self.last_read.items())
        }

    def _buffers(self, direct: set[int]) -> tuple[dict[int, int], int]:
        """Offsets of scratch memory for what is not `direct`, and its size; what nothing reads any more is reused."""
        group, n = self.group, self.count
        last = {a: i for i, p in enumerate(group.parts) for a in p.args}
        last.update((r, len(group.parts)) for r in group.results)
        offsets: dict[int, int] = {}
        free: dict[int, list[int]] = {}
        end = 0
        for i, part in enumerate(group.parts):
            if n + i not in direct:
                kept = free.setdefault(self._nbytes(part.dtype), [])
                if kept:
                    offsets[n + i] = kept.pop()
                else:
                    offsets[n + i], end = end, end + self._nbytes(part.dtype)
            for a in set(part.args):
                if a in offsets and last[a] == i:
                    free.setdefault(self._nbytes(group.parts[a - n].dtype), []).append(offsets[a])
        return offsets, end

    def _nbytes(self, dtype: str) -> int:
        """Bytes of a block, up to the next aligned address."""
        return -(-self.rows * math.prod(self.rest) * dtypes.itemsize(dtype) // ALIGNMENT) * ALIGNMENT

    def _kernels(self, rows: int) -> list[Kernel]:
        """The parts' kernels for a block of so many rows."""
        group = self.group
        values = [
            Value(-1, Spec((rows, *view[1:]) if cut else view, dtype), "temp")
            for view, cut, dtype in zip(self.views, self.cuts, group.operands, strict=False)
        ]
        kernels = []
        for part in group.parts:
            out = Value(-1, Spec((rows, *self.rest), part.dtype), "temp")
            kernels.append(
                self.backend.kernel(Step(OPS[part.op], [values[a] for a in part.args], [out], part.attrs, None))
            )
            values.append(out)
        return kernels

    def run(self, *arrays: Array) -> None:
        """Run all blocks."""
        _run(self._calls(*arrays))

    def bound(self, *arrays: Array) -> Callable[[], None]:
        """The same, settled for these arrays."""
        if not all(a.flags.c_contiguous or a.shape == view for a, view in zip(arrays, self.views, strict=False)):
            return functools.partial(self.run, *arrays)  # reshaping copies, so it has to be done at each call
        return functools.partial(_run, self._calls(*arrays))

    def _calls(self, *arrays: Array) -> list[tuple[Callable[..., Any], tuple[Array, ...]]]:
        scratch = arrays[-1]
        direct = self._direct(arrays)
        buffers = self._buffers(direct)[0]
        viewed = [a.reshape(view) for a, view in zip(arrays, self.views, strict=False)]
        calls: list[tuple[Callable[..., Any], tuple[Array, ...]]] = []
        for start in range(0, self.size, self.rows):
            stop = min(start + self.rows, self.size)
            block = [a[start:stop] if cut else a for a, cut in zip(viewed, self.cuts, strict=True)]
            calls += self._block(block, stop - start, scratch, direct, buffers)
        return calls

    def _block(
        self, arrays: list[Array], rows: int, scratch: Array, direct: set[int], buffers: dict[int, int]
    ) -> list[tuple[Callable[..., Any], tuple[Array, ...]]]:
        kernels = self.kernels.get(rows)
        if kernels is None:
            kernels = self.kernels[rows] = self._kernels(rows)
        group, n, shape = self.group, self.count, (rows, *self.rest)
        registers, results = arrays[:n], dict(zip(group.results, arrays[n:], strict=True))
        calls = []
        for r, (kernel, part) in enumerate(zip(kernels, group.parts, strict=True), n):
            out = results[r] if r in direct else np.ndarray(shape, part.dtype, scratch, buffers[r])
            arguments = (*[registers[a] for a in part.args], out)
            if kernel.workspace:
                arguments += (scratch[self.own :],)
            calls.append((kernel.call if kernel.into else functools.partial(_copied, kernel.call), arguments))
            registers.append(out)
        calls += [(np.copyto, (out, registers[r])) for r, out in results.items() if r not in direct]
        return calls


def _run(calls: list[tuple[Callable[..., Any], tuple[Array, ...]]]) -> None:
    for call, arguments in calls:
        call(*arguments)


def _copied(call: Callable[..., Array], *arrays: Array) -> None:
    np.copyto(arrays[-1], call(*arrays[:-1]))
