"""Random bits by Philox4x64-10, in the order of `numpy.random.Philox`: a block of eight 32-bit words at a time.

0 counter, 1 position: addresses of the two numbers that name the draw;  2 the result's address;  3 its elements
4, 5 the key: seed and stream;  6 what a word is compared with, 7 what kept elements are (a float64): of dropout
8 which of the draw's elements is the first: a multiple of BLOCK
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.lanes import F32, F64, I32, I64, Lanes

COUNTER, POSITION, RESULT, COUNT, SEED, STREAM, THRESHOLD, SCALE, START = range(9)
BLOCK = 8
KINDS = ("bits", "unit", "dropout")

ROUNDS = 10
FACTORS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
I128 = ir.IntType(128)
# Blocks that are computed beside each other, so that one's multiplications fill the time of another's.
SIDE_BY_SIDE = 2


def kernel(kind: str, dtype: str) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""

    def write(code: Code, table: Table) -> None:
        _Drawing(code, table, kind, dtype).write()

    return kernel_of(write)


class _Drawing:
    def __init__(self, code: Code, table: Table, kind: str, dtype: str):
        self.code = code
        self.table = table
        self.kind = kind
        self.dtype = dtype
        self.itemsize = 8 if dtype == "float64" else 4
        self.per_block = 4 if kind == "unit" and dtype == "float64" else 8

    def write(self) -> None:
        code, table, b = self.code, self.table, self.code.builder
        call, position = (Table(code, table[i])[0] for i in (COUNTER, POSITION))
        key, result, count = (table[SEED], table[STREAM]), table[RESULT], table[COUNT]
        blocks, before = count // self.per_block, table[START] // self.per_block
        groups = blocks // SIDE_BY_SIDE
        with code.loop(groups) as group:
            first = group * SIDE_BY_SIDE
            drawn = [self._block(before + first + (i + 1), position, call, key) for i in range(SIDE_BY_SIDE)]
            for i, words in enumerate(drawn):
                self._store(words, result + (first + i) * (self.per_block * self.itemsize))
        done = groups * SIDE_BY_SIDE
        room = cgutils.alloca_once(b, ir.ArrayType(I64, self.per_block))
        buffer = Word(code, b.ptrtoint(room, I64))
        nbytes, size = count * self.itemsize, self.per_block * self.itemsize
        with code.loop(blocks - done + 1) as rest:
            block = done + rest
            start = block * size
            with code.when(start.compared("<", nbytes)):
                self._store(self._block(before + block + 1, position, call, key), buffer)
                code.move(result + start, buffer, (nbytes - start).smaller(size))

    def _block(self, index: Word, position: Word, call: Word, key: tuple[Word, Word]) -> list[Any]:
        """Four 64-bit words."""
        b = self.code.builder
        state = [index.ir, position.ir, call.ir, I64(0)]
        keys = [key[0].ir, key[1].ir]
        for i in range(ROUNDS):
            if i:
                keys = [b.add(k, I64(step)) for k, step in zip(keys, KEY_STEPS, strict=True)]
            (high0, low0), (high1, low1) = (self._product(f, s) for f, s in zip(FACTORS, state[::2], strict=True))
            state = [b.xor(b.xor(high1, state[1]), keys[0]), low1, b.xor(b.xor(high0, state[3]), keys[1]), low0]
        return state

    def _product(self, factor: int, x: Any) -> tuple[Any, Any]:
        """The high and the low half of a product."""
        b = self.code.builder
        whole = b.mul(b.zext(x, I128), I128(factor))
        return b.trunc(b.lshr(whole, I128(64)), I64), b.trunc(whole, I64)

    def _store(self, words: list[Any], address: Word) -> None:
        b = self.code.builder
        four: Any = ir.Constant(ir.VectorType(I64, 4), ir.Undefined)
        for i, word in enumerate(words):
            four = b.insert_element(four, word, I32(i))
        if self.per_block == 4:
            k = Lanes(b, 4)
            numbers = b.uitofp(b.lshr(four, k.constant(I64, 11)), k.type(F64))
            return k.store(b.fmul(numbers, k.constant(F64, 2.0**-53)), address.ir, "float64")
        k = Lanes(b, 8)
        eight = b.bitcast(four, k.type(I32))
        if self.kind == "bits":
            return k.store(eight, address.ir, "uint32")
        if self.kind == "unit":
            numbers = b.uitofp(b.lshr(eight, k.constant(I32, 8)), k.type(F32))
            return k.store(b.fmul(numbers, k.constant(F32, 2.0**-24)), address.ir, "float32")
        keep = b.icmp_unsigned(">=", eight, k.spread(b.trunc(self.table[THRESHOLD].ir, I32)))
        scale = b.bitcast(self.table[SCALE].ir, F64)
        scale = k.spread(scale if self.dtype == "float64" else b.fptrunc(scale, F32))
        zero = k.constant(F64 if self.dtype == "float64" else F32, 0.0)
        return k.store(k.select(keep, scale, zero), address.ir, self.dtype)
