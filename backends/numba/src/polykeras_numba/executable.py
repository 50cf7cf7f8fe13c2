"""Programs on Numba: the steps that have a compiled kernel run many at a time, in one call from Python."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from polykeras.runtime.executable import Emitter, Executable
from polykeras.runtime.plan import Fed, Made, View
from polykeras.runtime.program import Step, Value
from polykeras.runtime.views import contiguous
from polykeras_numba.cache import KERNELS
from polykeras_numba.items import Item, Strides, items


class RunEmitter(Emitter):
    """Gathers steps that have an item; a run of them is one line of the program's code."""

    def __init__(self, executable: Executable, raw: bool):
        super().__init__(executable, raw)
        self.items: dict[Step, list[Item]] = {}
        self.gathered: list[Step] = []
        self.count = 0
        places = executable.plan.places
        for step in executable.plan.steps:
            concrete = all(v.spec.concrete for v in step.ins)
            if concrete and not any(isinstance(places.get(v), Made) for v in step.outs):
                found = items(step, self._strides)
                if found is not None:
                    self.items[step] = found

    def _strides(self, value: Value) -> Strides:
        place = self.ex.plan.places[value]
        return place.layout.strides if isinstance(place, View) else contiguous(value.spec.sizes)

    def _step(self, i: int, step: Step) -> None:
        if step in self.items:
            super()._flush()
            self.gathered.append(step)
        else:
            self._flush_run()
            super()._step(i, step)

    def _flush(self) -> None:
        self._flush_run()
        super()._flush()

    def _flush_run(self) -> None:
        """Write the gathered steps as one line: a call with the arrays that are others at each call."""
        if not self.gathered:
            return
        steps, self.gathered = self.gathered, []
        places = self.ex.plan.places
        changing = [v for v in dict.fromkeys(v for s in steps for v in s.arrays) if isinstance(places[v], (Fed, Made))]
        name = f"run{self.count}"
        self.count += 1
        self.makers[name] = functools.partial(_bound, self.ex, [(s, self.items[s]) for s in steps], changing)
        self.lines.append(f" {name}({', '.join(self.name(v) for v in changing)})")


class NumbaExecutable(Executable):
    """A program whose elementwise groups, reductions and products are compiled kernels."""

    emitter = RunEmitter


def _bound(
    executable: Executable, items: list[tuple[Step, list[Item]]], changing: list[Value], block: Any, offset: int
) -> Callable[..., None]:
    """A run bound to memory: a function of the arrays that change."""
    tables: list[Any] = []
    arrays: list[Any] = []
    patches: list[tuple[int, int, int]] = []
    kernels: list[tuple[int, int]] = []
    number = {v: i for i, v in enumerate(changing)}
    size = 0
    for step, made in items:
        values = (*step.arrays, *step.outs)
        slot = executable.plan.workspaces.get(step)
        for function, words, addresses in made:
            table = np.array(words, "int64")
            kernels.append((function, size))
            for word, index, shift in addresses:
                if index < len(values) and values[index] in number:
                    patches.append((size + word, number[values[index]], shift))
                    continue
                if index < len(values):
                    array = executable.array(values[index], block, offset)
                else:
                    assert slot is not None
                    array = executable.backend.view(block, offset + slot.offset, (slot.nbytes,), (1,), "uint8")
                arrays.append(array)
                table[word] = _address(array) + shift
            tables.append(table)
            size += len(table)
    words = np.concatenate(tables)
    base = _address(words)
    patched = np.array([(base + 8 * word, n, shift) for word, n, shift in patches], "int64")
    listed = np.array([(function, base + 8 * start) for function, start in kernels], "int64")
    given = np.zeros(max(len(changing), 1), "int64")
    program = np.array(
        [len(patches), _address(patched), _address(given), len(kernels), _address(listed), _WITHIN], "int64"
    )
    run = _Run(_address(program), given, (words, patched, listed, program, arrays))
    return run.call if changing else run.again


class _Run:
    """A run, and the memory that it reads.

    given: where the addresses of the arrays belong that differ from call to call.
    """

    def __init__(self, program: int, given: Any, kept: Any):
        self.program = program
        self.execute = KERNELS.function("execution", "the executor")
        self.given = given
        self.kept = kept

    def again(self) -> None:
        self.execute(self.program)

    def call(self, *arrays: Any) -> None:
        given = self.given
        kept = [a if a.flags.c_contiguous else a.copy() for a in arrays]
        for i, a in enumerate(kept):
            given[i] = id(a) if _WITHIN else _address(a)
        self.execute(self.program)


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def _within() -> int:
    """How many bytes into an array object the address of its elements stands; 0 where that cannot be relied on.

    NumPy keeps it right after the object's head. To ask for it takes Python a microsecond for each input.
    """
    if sys.implementation.name != "cpython":
        return 0
    head = object.__basicsize__
    for probe in (np.zeros(3), np.arange(8)[2:]):
        if ctypes.c_size_t.from_address(id(probe) + head).value != _address(probe):
            return 0
    return head


_WITHIN = _within()
