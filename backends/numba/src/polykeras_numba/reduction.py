"""Sums, means and extremes along adjacent axes of a contiguous array, as IR.

The array is seen as (outer, reduced, inner). Table: address of the operand, of the result; outer, reduced, inner; the
distance of rows, which is inner unless the table is about a part of the columns.
Sums of float32 are taken in float64, in a fixed order: the result depends on nothing but the elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from polykeras_numba.lanes import F32, F64, I64, MEMORY, Lanes, native_width

SOURCE, TARGET, OUTER, REDUCED, INNER = range(5)
KINDS = ("sum", "mean", "max", "min")
POSITIONS = ("argmax", "argmin")
# Vectors of columns that are taken together, so that rows are read in whole cache lines.
COLUMNS = 4


def kernel(kind: str, dtype: str) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""

    @intrinsic
    def body(typing: Any, table: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[Any]) -> Any:
            writer = _Position if kind in POSITIONS else _Reduction
            writer(builder, args[0], kind, dtype).write()
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return body


class _Base:
    def __init__(self, builder: ir.IRBuilder, table: Any, kind: str, dtype: str):
        self.builder = builder
        self.kind = kind
        self.dtype = dtype
        words = builder.inttoptr(table, I64.as_pointer())
        self.source, self.target, self.outer, self.reduced, self.inner, self.pitch = (
            builder.load(builder.gep(words, [I64(i)])) for i in range(6)
        )
        memory = MEMORY[dtype]
        self.bytes = memory.width // 8 if isinstance(memory, ir.IntType) else 4 if memory == F32 else 8

    def at(self, base: Any, index: Any, size: int | None = None) -> Any:
        return self.builder.add(base, self.builder.mul(index, I64(size or self.bytes)))


class _Reduction(_Base):
    def write(self) -> None:
        b = self.builder
        width = native_width()
        row = b.icmp_unsigned("==", self.pitch, I64(1))
        with b.if_else(row) as (one, several):
            with one, cgutils.for_range(b, self.outer) as outer:
                self._along_row(width, outer.index)
            with several, cgutils.for_range(b, self.outer) as outer:
                start = b.mul(b.mul(outer.index, self.reduced), self.pitch)
                goal = b.mul(outer.index, self.pitch)
                done = self._columns(Lanes(b, width), COLUMNS, start, goal, I64(0))
                done = self._columns(Lanes(b, width), 1, start, goal, done)
                self._columns(Lanes(b, 1), 1, start, goal, done)

    def _along_row(self, width: int, outer: Any) -> None:
        """The sum of adjacent elements: in lanes, then across them, then the rest."""
        b = self.builder
        vector, single = Lanes(b, width), Lanes(b, 1)
        start = self.at(self.source, b.mul(outer, self.reduced))
        lanes = [self._neutral(vector) for _ in range(2)]
        step = 2 * width
        blocks = b.udiv(self.reduced, I64(step))
        with cgutils.for_range(b, blocks) as loop:
            for i, lane in enumerate(lanes):
                x = vector.load(self.at(start, b.add(b.mul(loop.index, I64(step)), I64(i * width))), self.dtype)
                self._gather(vector, lane, x)
        both = self._combined(vector, b.load(lanes[0]), b.load(lanes[1]))
        total = cgutils.alloca_once(b, vector.element(both))
        while isinstance(both.type, ir.VectorType) and both.type.count > 1:
            half = both.type.count // 2
            nothing = ir.Constant(both.type, ir.Undefined)
            mask = ir.VectorType(ir.IntType(32), half)
            low, high = (
                b.shuffle_vector(both, nothing, ir.Constant(mask, [first + i for i in range(half)]))
                for first in (0, half)
            )
            if half == 1:
                low, high = (b.extract_element(v, ir.IntType(32)(0)) for v in (low, high))
            both = self._combined(Lanes(b, half), low, high)
        b.store(both, total)
        done = b.mul(blocks, I64(step))
        with cgutils.for_range(b, b.sub(self.reduced, done)) as loop:
            x = single.load(self.at(start, b.add(done, loop.index)), self.dtype)
            self._gather(single, total, x)
        single.store(self._finished(single, b.load(total)), self.at(self.target, outer), self.dtype)

    def _columns(self, k: Lanes, count: int, start: Any, goal: Any, done: Any) -> Any:
        """Blocks of `count` times the width columns; returns how many columns are done then."""
        b = self.builder
        step = k.width * count
        blocks = b.udiv(b.sub(self.inner, done), I64(step))
        totals = [cgutils.alloca_once(b, k.type(self._element())) for _ in range(count)]
        with cgutils.for_range(b, blocks) as block:
            first = b.add(done, b.mul(block.index, I64(step)))
            for total in totals:
                b.store(self._start(k), total)
            with cgutils.for_range(b, self.reduced) as row:
                place = b.add(b.add(start, first), b.mul(row.index, self.pitch))
                for i, total in enumerate(totals):
                    x = k.load(self.at(self.source, b.add(place, I64(i * k.width))), self.dtype)
                    self._gather(k, total, x)
            for i, total in enumerate(totals):
                place = self.at(self.target, b.add(b.add(goal, first), I64(i * k.width)))
                k.store(self._finished(k, b.load(total)), place, self.dtype)
        return b.add(done, b.mul(blocks, I64(step)))

    # -- what is gathered --------------------------------------------------------------------------------------------

    @property
    def summing(self) -> bool:
        return self.kind in ("sum", "mean")

    def _element(self) -> Any:
        return F64 if self.summing and self.dtype == "float32" else MEMORY[self.dtype]

    def _start(self, k: Lanes) -> Any:
        element = self._element()
        if self.summing:
            return k.constant(element, 0.0 if element == F64 else 0)
        largest = self.kind == "min"
        if element in (F32, F64):
            return k.constant(element, float("inf") if largest else float("-inf"))
        signed = not self.dtype.startswith("u")
        bits = element.width
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return k.constant(element, high if largest else low)

    def _neutral(self, k: Lanes) -> Any:
        start = self._start(k)
        slot = cgutils.alloca_once(self.builder, start.type)
        self.builder.store(start, slot)
        return slot

    def _gather(self, k: Lanes, slot: Any, x: Any) -> None:
        if self.summing and self.dtype == "float32":
            x = self.builder.fpext(x, k.type(F64))
        self.builder.store(self._combined(k, self.builder.load(slot), x), slot)

    def _combined(self, k: Lanes, x: Any, y: Any) -> Any:
        if self.summing:
            return self.builder.fadd(x, y) if self._element() in (F32, F64) else self.builder.add(x, y)
        signed = not self.dtype.startswith("u")
        return k.maximum(x, y, signed) if self.kind == "max" else k.minimum(x, y, signed)

    def _finished(self, k: Lanes, total: Any) -> Any:
        b = self.builder
        if self.kind == "mean":
            total = b.fdiv(total, k.spread(b.uitofp(self.reduced, self._element())))
        return b.fptrunc(total, k.type(F32)) if self.summing and self.dtype == "float32" else total


class _Position(_Base):
    """Where the extreme is: the first of equal ones, and the first NaN before all."""

    def write(self) -> None:
        b, k = self.builder, Lanes(self.builder, 1)
        with cgutils.for_range(b, self.outer) as outer, cgutils.for_range(b, self.inner) as inner:
            start = b.add(b.mul(b.mul(outer.index, self.reduced), self.pitch), inner.index)
            first = k.load(self.at(self.source, start), self.dtype)
            best = cgutils.alloca_once(b, first.type)
            where = cgutils.alloca_once(b, I64)
            b.store(first, best)
            b.store(I64(0), where)
            with cgutils.for_range(b, self.reduced) as loop:
                x = k.load(self.at(self.source, b.add(start, b.mul(loop.index, self.pitch))), self.dtype)
                better = self._better(k, x, b.load(best))
                b.store(b.select(better, x, b.load(best)), best)
                b.store(b.select(better, loop.index, b.load(where)), where)
            place = self.at(self.target, b.add(b.mul(outer.index, self.pitch), inner.index), 8)
            k.store(b.load(where), place, "int64")

    def _better(self, k: Lanes, x: Any, best: Any) -> Any:
        b = self.builder
        relation = ">" if self.kind == "argmax" else "<"
        if isinstance(x.type, ir.IntType):
            return (b.icmp_unsigned if self.dtype.startswith("u") else b.icmp_signed)(relation, x, best)
        new_nan = b.and_(k.is_nan(x), b.not_(k.is_nan(best)))
        return b.or_(b.fcmp_ordered(relation, x, best), new_nan)
