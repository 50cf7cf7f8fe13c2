"""Compiled code written with Python's operators: 64-bit words, loops over them, tables of them in memory.

A kernel's sizes, strides and addresses are words; its numbers are `lanes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from polykeras_numba.lanes import I1, I8, I32, I64, Lanes, native_width


class Word:
    """A 64-bit integer that the code computes: a size, an index, an address."""

    __slots__ = ("code", "ir")

    def __init__(self, code: Code, value: Any):
        self.code = code
        self.ir = value

    def __add__(self, other: Word | int) -> Word:
        return self._made("add", other)

    def __sub__(self, other: Word | int) -> Word:
        return self._made("sub", other)

    def __mul__(self, other: Word | int) -> Word:
        return self._made("mul", other)

    def __floordiv__(self, other: Word | int) -> Word:
        """The quotient of two words that are not negative."""
        return self._made("udiv", other)

    def __mod__(self, other: Word | int) -> Word:
        """The remainder of two words that are not negative."""
        return self._made("urem", other)

    def __and__(self, other: Word | int) -> Word:
        return self._made("and_", other)

    def __or__(self, other: Word | int) -> Word:
        return self._made("or_", other)

    def __xor__(self, other: Word | int) -> Word:
        return self._made("xor", other)

    def __lshift__(self, other: Word | int) -> Word:
        return self._made("shl", other)

    def __rshift__(self, other: Word | int) -> Word:
        """Moved right, zeros from the left."""
        return self._made("lshr", other)

    def compared(self, relation: str, other: Word | int) -> Any:
        """A truth value; the comparison is of signed numbers."""
        return self.code.builder.icmp_signed(relation, self.ir, self.code.value(other))

    def smaller(self, other: Word | int) -> Word:
        """The smaller of two words."""
        value = self.code.value(other)
        return Word(self.code, self.code.builder.select(self.compared("<", other), self.ir, value))

    def _made(self, name: str, other: Word | int) -> Word:
        return Word(self.code, getattr(self.code.builder, name)(self.ir, self.code.value(other)))


class Variable:
    """A place that holds an IR value, which the code may change."""

    __slots__ = ("code", "slot")

    def __init__(self, code: Code, start: Any):
        self.code = code
        self.slot = cgutils.alloca_once(code.builder, start.type)
        self.set(start)

    def set(self, value: Any) -> None:
        self.code.builder.store(value, self.slot)

    def get(self) -> Any:
        return self.code.builder.load(self.slot)


class Table:
    """Words in memory from an address on."""

    __slots__ = ("code", "start")

    def __init__(self, code: Code, start: Word):
        self.code = code
        self.start = code.builder.inttoptr(start.ir, I64.as_pointer())

    def __getitem__(self, index: Word | int) -> Word:
        b = self.code.builder
        return Word(self.code, b.load(b.gep(self.start, [self.code.value(index)])))

    def address(self) -> Word:
        return Word(self.code, self.code.builder.ptrtoint(self.start, I64))

    def part(self, first: Word | int) -> Table:
        """The table from one of its words on."""
        result = object.__new__(Table)
        result.code, result.start = self.code, self.code.builder.gep(self.start, [self.code.value(first)])
        return result


class Code:
    """Writes a function's code."""

    def __init__(self, builder: ir.IRBuilder):
        self.builder = builder

    def value(self, word: Word | int) -> Any:
        return I64(word) if isinstance(word, int) else word.ir

    def word(self, number: Any) -> Word:
        return Word(self, I64(number) if isinstance(number, int) else number)

    def variable(self, start: Any) -> Variable:
        return Variable(self, start.ir if isinstance(start, Word) else start)

    @contextmanager
    def loop(self, count: Word | int) -> Iterator[Word]:
        """For each index below `count`."""
        with cgutils.for_range(self.builder, self.value(count)) as found:
            yield Word(self, found.index)

    @contextmanager
    def tight_loop(self, count: Word | int) -> Iterator[Word]:
        """For each index below `count`: a loop that is not unrolled, for its body holds all the registers there are."""
        b = self.builder
        before = b.block
        body, after = b.append_basic_block("tight"), b.append_basic_block("after")
        total = self.value(count)
        b.cbranch(b.icmp_signed(">", total, I64(0)), body, after)
        b.position_at_end(body)
        index = b.phi(I64)
        index.add_incoming(I64(0), before)
        yield Word(self, index)
        following = b.add(index, I64(1))
        index.add_incoming(following, b.block)
        branch = b.cbranch(b.icmp_signed("<", following, total), body, after)
        branch.set_metadata("llvm.loop", _not_unrolled(b.module))
        b.position_at_end(after)

    @contextmanager
    def when(self, condition: Any) -> Iterator[None]:
        with self.builder.if_then(condition):
            yield

    @contextmanager
    def either(self, condition: Any) -> Iterator[tuple[Any, Any]]:
        """Two contexts: for the code where the condition holds, and for the other."""
        with self.builder.if_else(condition) as branches:
            yield branches

    def chosen(self, condition: Any, x: Word, y: Word) -> Word:
        """x where the condition holds, else y."""
        return Word(self, self.builder.select(condition, x.ir, y.ir))

    def function(self, name: str, arguments: int, write: Callable[..., None]) -> Callable[..., None]:
        """A function of words within the kernel; `write(code, *words)` writes it. Returns what writes a call."""
        kind = ir.FunctionType(ir.VoidType(), [I64] * arguments)
        function = ir.Function(self.builder.module, kind, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        inside = Code(builder)
        write(inside, *[Word(inside, a) for a in function.args])
        builder.ret_void()

        def call(code: Code, *words: Word | int) -> None:
            code.builder.call(function, [code.value(w) for w in words])

        return call

    def move(self, target: Word, source: Word, nbytes: Word | int) -> None:
        """Copy bytes between places that do not overlap."""
        pointer = I8.as_pointer()
        to, from_ = (self.builder.inttoptr(w.ir, pointer) for w in (target, source))
        cgutils.raw_memcpy(self.builder, to, from_, self.value(nbytes), 1)

    def clear(self, target: Word, nbytes: Word | int) -> None:
        """Write zeros."""
        cgutils.memset(self.builder, self.builder.inttoptr(target.ir, I8.as_pointer()), self.value(nbytes), 0)

    def lanes(self, element_bytes: int, width: int | None = None) -> Lanes:
        """Arithmetic on vectors of elements of that size, or on `width` elements."""
        return Lanes(self.builder, native_width() * 4 // element_bytes if width is None else width)


def _not_unrolled(module: ir.Module) -> Any:
    """The mark of a loop; it names itself, as LLVM wants it, so that each loop has its own."""
    rule = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    mark = ir.MDValue(module, (rule,), name=str(len(module.metadata)))
    mark.operands = (mark, rule)
    return mark


def kernel_of(write: Callable[..., None]) -> Any:
    """The Numba intrinsic of a table's address whose code is `write(code, table)`."""

    @intrinsic
    def body(typing: Any, table: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[Any]) -> Any:
            code = Code(builder)
            write(code, Table(code, Word(code, args[0])))
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return body


def lane_mask(k: Lanes, count: Word) -> Any:
    """Which lanes are below `count`."""
    numbers = ir.Constant(k.type(I32), [I32(i) for i in range(k.width)])
    limit = k.spread(k.builder.trunc(count.ir, I32))
    return k.builder.icmp_signed("<", numbers, limit)


def masked_store(k: Lanes, x: Any, address: Word, mask: Any) -> None:
    """Store the lanes that the mask names."""
    kind, target = x.type, x.type.as_pointer()
    name = f"llvm.masked.store.{_letters(kind)}.p0{_letters(kind)}"
    signature = ir.FunctionType(ir.VoidType(), [kind, target, I32, ir.VectorType(I1, k.width)])
    function = _declared(k, name, signature)
    k.builder.call(function, [x, k.builder.inttoptr(address.ir, target), I32(4), mask])


def masked_load(k: Lanes, element: Any, address: Word, mask: Any) -> Any:
    """Load the lanes that the mask names; the others are 0."""
    kind = k.type(element)
    target = kind.as_pointer()
    name = f"llvm.masked.load.{_letters(kind)}.p0{_letters(kind)}"
    signature = ir.FunctionType(kind, [target, I32, ir.VectorType(I1, k.width), kind])
    function = _declared(k, name, signature)
    zero = ir.Constant(kind, [ir.Constant(element, 0.0)] * k.width)
    return k.builder.call(function, [k.builder.inttoptr(address.ir, target), I32(4), mask, zero])


def _letters(kind: Any) -> str:
    return f"v{kind.count}{'f32' if isinstance(kind.element, ir.FloatType) else 'f64'}"


def _declared(k: Lanes, name: str, signature: Any) -> Any:
    module = k.builder.module
    return module.globals.get(name) or ir.Function(module, signature, name)
