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
from polykeras_numba import region
from polykeras_numba.cache import KERNELS
from polykeras_numba.calling import address
from polykeras_numba.item import Item, Items, Strides, Together
from polykeras_numba.items import items
from polykeras_numba.pool import POOL, yielding


class RunEmitter(Emitter):
    """Gathers steps that have an item; a run of them is one line of the program's code."""

    def __init__(self, executable: Executable, raw: bool):
        super().__init__(executable, raw)
        self.items: dict[Step, Items] = {}
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
    executable: Executable, items: list[tuple[Step, Items]], changing: list[Value], block: Any, offset: int
) -> Callable[..., None]:
    """A run bound to memory: a function of the arrays that change."""
    tables = _Tables(executable, changing, block, offset)
    phases: list[list[tuple[int, int]]] = []  # shares: (first kernel, how many)
    for step, made in items:
        for phase in made:
            together = phase if isinstance(phase, Together) else (phase,)
            _add_phase(phases, len(tables.kernels), len(together))
            for item in together:
                tables.add(step, item)
    words = np.concatenate(tables.words)
    base = address(words)
    patched = np.array([(base + 8 * word, n, shift) for word, n, shift in tables.patches], "int64")
    listed = np.array([(function, base + 8 * start) for function, start in tables.kernels], "int64")
    given = np.zeros(max(len(changing), 1), "int64")
    shares, counters = _counters(phases)
    program = np.array(
        [
            *[len(patched), address(patched), address(given), len(listed), address(listed), _WITHIN],
            *[len(phases), address(counters), 0, yielding()],
        ],
        "int64",
    )
    wide = any(len(shares) > 1 for shares in phases)
    run = _Run(program, given, wide, (words, patched, listed, shares, counters, tables.arrays))
    return run.call if changing else run.again


class _Tables:
    """The tables of a run's kernels, one after another.

    kernels: (address, first word of its table).
    patches: (word, number of the array, offset) for the addresses that are others at each call.
    arrays:  those whose addresses are in the tables.
    """

    def __init__(self, executable: Executable, changing: list[Value], block: Any, offset: int):
        self.executable, self.block, self.offset = executable, block, offset
        self.number = {v: i for i, v in enumerate(changing)}
        self.words: list[Any] = []
        self.size = 0
        self.kernels: list[tuple[int, int]] = []
        self.patches: list[tuple[int, int, int]] = []
        self.arrays: list[Any] = []

    def add(self, step: Step, item: Item) -> None:
        """Put an item's table after the others."""
        values = (*step.arrays, *step.outs)
        table = np.array(item.words, "int64")
        for word, index, shift in item.addresses:
            value = values[index] if index < len(values) else None
            if value in self.number:
                self.patches.append((self.size + word, self.number[value], shift))
                continue
            array = self._scratch(step) if value is None else self.executable.array(value, self.block, self.offset)
            self.arrays.append(array)
            table[word] = address(array) + shift
        self.kernels.append((item.function, self.size))
        self.words.append(table)
        self.size += len(table)

    def _scratch(self, step: Step) -> Any:
        slot = self.executable.plan.workspaces[step]
        return self.executable.backend.view(self.block, self.offset + slot.offset, (slot.nbytes,), (1,), "uint8")


def _add_phase(phases: list[list[tuple[int, int]]], first: int, count: int) -> None:
    """The next `count` kernels run together. What runs alone follows what ran alone before it in one share."""
    if count > 1:
        phases.append([(first + i, 1) for i in range(count)])
    elif phases and len(phases[-1]) == 1:
        start, length = phases[-1][0]
        phases[-1][0] = start, length + 1
    else:
        phases.append([(first, 1)])


def _counters(phases: list[list[tuple[int, int]]]) -> tuple[Any, Any]:
    """The tables of shares and of phases that a region reads."""
    shares = np.array([share for phase in phases for share in phase], "int64")
    counters = np.zeros((len(phases), region.PHASE), "int64")
    counters[:, region.COUNT] = [len(phase) for phase in phases]
    first = np.cumsum(counters[:, region.COUNT]) - counters[:, region.COUNT]
    counters[:, region.SHARES] = address(shares) + first * shares.strides[0]
    return shares, counters


class _Run:
    """A run, and the memory that it reads.

    given: where the addresses of the arrays belong that differ from call to call.
    wide:  is there work for more than one thread?
    """

    def __init__(self, words: Any, given: Any, wide: bool, kept: Any):
        self.program = address(words)
        self.execute = KERNELS.function("execution", "the executor")
        self.given = given
        self.wide = wide
        self.kept = words, kept

    def again(self) -> None:
        if not (self.wide and POOL.run(self)):
            self.execute(self.program)

    def call(self, *arrays: Any) -> None:
        given = self.given
        kept = [a if a.flags.c_contiguous else a.copy() for a in arrays]
        for i, a in enumerate(kept):
            given[i] = id(a) if _WITHIN else address(a)
        self.again()


def _within() -> int:
    """How many bytes into an array object the address of its elements stands; 0 where that cannot be relied on.

    NumPy keeps it right after the object's head. To ask for it takes Python a microsecond for each input.
    """
    if sys.implementation.name != "cpython":
        return 0
    head = object.__basicsize__
    for probe in (np.zeros(3), np.arange(8)[2:]):
        if ctypes.c_size_t.from_address(id(probe) + head).value != address(probe):
            return 0
    return head


_WITHIN = _within()
