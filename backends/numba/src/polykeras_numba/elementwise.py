"""Fused elementwise kernels: from a description without sizes to IR.

A kernel takes the address of a table of 64-bit words: how many elements, where the arrays lie and by which strides.

    word 0        elements of a row; 1: rows of a plane; 2: planes; 3: axes of the planes; 4 to 9: their sizes, last
                  first
    word 10 + 9i  array i: address; stride of a row; stride of an element; strides of the planes' axes, last first

All strides are in bytes. Arrays are the operands, then the results. How an operand's elements lie within a row is part
of the description: "u" one after another, "s" the same one for all, "g" by the stride. Results are always "u".
All operands of the elements at hand are read before a result is stored: a result may lie in an operand's memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from polykeras_numba import parts
from polykeras_numba.lanes import I64, MEMORY, Lanes, native_width

PLANES = 6
HEADER = 4 + PLANES
RECORD = 3 + PLANES
# words of the table, and of an array's record
ELEMENTS, ROWS, PLANE_COUNT = range(3)
ROW_STEP, STEP = 1, 2


class Description(NamedTuple):
    """What a fused kernel computes.

    operands: dtypes.  access: a letter for each.
    ops:      (op, registers, dtype of the result); registers number the operands first.
    results:  registers.
    """

    operands: tuple[str, ...]
    access: str
    ops: tuple[tuple[str, tuple[int, ...], str], ...]
    results: tuple[int, ...]


def kernel(description: tuple[Any, ...]) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""
    described = Description(*description)

    @intrinsic
    def body(typing: Any, table: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[Any]) -> Any:
            _Writer(builder, args[0], described).write()
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return body


class _Writer:
    def __init__(self, builder: ir.IRBuilder, table: Any, description: Description):
        self.builder = builder
        self.words = builder.inttoptr(table, I64.as_pointer())
        self.description = description
        dtypes = [*description.operands, *[dtype for _, _, dtype in description.ops]]
        self.dtypes = dtypes
        self.arrays = [*dtypes[: len(description.operands)], *[dtypes[r] for r in description.results]]
        self.access = description.access + "u" * len(description.results)

    def word(self, index: Any) -> Any:
        place = self.builder.gep(self.words, [I64(index) if isinstance(index, int) else index])
        return self.builder.load(place)

    def write(self) -> None:
        b = self.builder
        self.count = self.word(0)
        rows, planes = self.word(1), self.word(2)
        self.steps = [self.word(HEADER + RECORD * i + 2) for i in range(len(self.arrays))]
        bases = [self.word(HEADER + RECORD * i) for i in range(len(self.arrays))]
        strides = [self.word(HEADER + RECORD * i + 1) for i in range(len(self.arrays))]
        offsets = [cgutils.alloca_once(b, I64) for _ in self.arrays]
        with cgutils.for_range(b, planes) as plane:
            self._seek(plane.index, offsets)
            starts = [b.add(base, b.load(offset)) for base, offset in zip(bases, offsets, strict=True)]
            with cgutils.for_range(b, rows) as row:
                self._row(
                    [b.add(start, b.mul(row.index, stride)) for start, stride in zip(starts, strides, strict=True)]
                )

    def _seek(self, plane: Any, offsets: list[Any]) -> None:
        """Where a plane lies in each array."""
        b = self.builder
        rest = cgutils.alloca_once_value(b, plane)
        for offset in offsets:
            b.store(I64(0), offset)
        with cgutils.for_range(b, self.word(3)) as axis:
            size = self.word(b.add(axis.index, I64(4)))
            left = b.load(rest)
            index = b.urem(left, size)
            b.store(b.udiv(left, size), rest)
            for i, offset in enumerate(offsets):
                stride = self.word(b.add(axis.index, I64(HEADER + RECORD * i + 3)))
                b.store(b.add(b.load(offset), b.mul(index, stride)), offset)

    def _row(self, starts: list[Any]) -> None:
        b, width = self.builder, native_width()
        vector, single = Lanes(b, width), Lanes(b, 1)
        ones = {i: single.load(starts[i], self.arrays[i]) for i, letter in enumerate(self.access) if letter == "s"}
        spread = {i: vector.spread(x) for i, x in ones.items()}
        blocks = b.udiv(self.count, I64(width))
        with cgutils.for_range(b, blocks) as loop:
            self._elements(vector, starts, b.mul(loop.index, I64(width)), spread)
        done = b.mul(blocks, I64(width))
        with cgutils.for_range(b, b.sub(self.count, done)) as loop:
            self._elements(single, starts, b.add(done, loop.index), ones)

    def _elements(self, k: Lanes, starts: list[Any], index: Any, repeated: dict[int, Any]) -> None:
        b, d = self.builder, self.description
        registers = []
        for i, dtype in enumerate(d.operands):
            if i in repeated:
                registers.append(repeated[i])
            elif self.access[i] == "g":
                step = self.steps[i]
                registers.append(k.gather(b.add(starts[i], b.mul(index, step)), step, dtype))
            else:
                registers.append(k.load(self._at(starts[i], index, dtype), dtype))
        for op, args, dtype in d.ops:
            registers.append(parts.write(k, op, [registers[a] for a in args], self.dtypes[args[0]], dtype))
        for i, r in enumerate(d.results, len(d.operands)):
            k.store(registers[r], self._at(starts[i], index, self.dtypes[r]), self.dtypes[r])

    def _at(self, start: Any, index: Any, dtype: str) -> Any:
        return self.builder.add(start, self.builder.mul(index, I64(_bytes(dtype))))


def _bytes(dtype: str) -> int:
    memory = MEMORY[dtype]
    return memory.width // 8 if isinstance(memory, ir.IntType) else 4 if dtype == "float32" else 8


# -- tables ----------------------------------------------------------------------------------------------------------


class Access(NamedTuple):
    """How an operand's elements lie: the letters of the description and the table's words, but for the addresses."""

    letters: str
    words: list[int]


def layout(
    shape: tuple[int, ...], strides: Sequence[tuple[int, ...]], sizes: Sequence[int], operands: int
) -> Access | None:
    """The words of a table; None for more axes than there is room for.

    strides: of each array in elements, for the whole shape (0 where it is repeated).  sizes: bytes of an element.
    """
    axes = [a for a, n in enumerate(shape) if n != 1]
    merged: list[tuple[int, list[int]]] = []  # from the last axis to the first: size, and each array's stride
    for a in reversed(axes):
        steps = [s[a] for s in strides]
        if merged and steps == [n * merged[-1][0] for n in merged[-1][1]]:
            merged[-1] = merged[-1][0] * shape[a], merged[-1][1]
        else:
            merged.append((shape[a], steps))
    if 0 in shape:
        merged = [(0, [1] * len(strides))]
    merged = merged or [(1, [1] * len(strides))]
    count, inner = merged[0]
    rows, row = merged[1] if len(merged) > 1 else (1, [0] * len(strides))
    planes = merged[2:]
    if len(planes) > PLANES:
        return None
    total = 1
    for n, _ in planes:
        total *= n
    room = [0] * (PLANES - len(planes))
    words = [count, rows, total, len(planes), *[n for n, _ in planes], *room]
    for i, size in enumerate(sizes):
        words += [0, row[i] * size, inner[i] * size, *[steps[i] * size for _, steps in planes], *room]
    letters = "".join("u" if step == 1 else "s" if step == 0 else "g" for step in inner[:operands])
    return Access(letters, words)


def address_word(array: int) -> int:
    """Where in the table the address of an array stands."""
    return HEADER + RECORD * array
