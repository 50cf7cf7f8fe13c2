"""The executor: compiled code that runs a list of kernels, one after another, in one call from Python.

word 0  how many addresses are put into tables first;  1: where they stand: (word's address, number, offset)
word 2  where the addresses by number stand: of the elements, or, if word 5 is not 0, of the arrays as Python objects,
        whose elements' address stands so many bytes further
word 3  how many kernels;  4: where they stand: pairs (function, table)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from polykeras_numba.lanes import I64


def kernel() -> Any:
    """The executor's body as a Numba intrinsic of its list's address."""

    @intrinsic
    def body(typing: Any, words: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[Any]) -> Any:
            _write(builder, args[0])
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return body


def _write(b: ir.IRBuilder, address: Any) -> None:
    write_addresses(b, address)
    words = b.inttoptr(address, I64.as_pointer())
    count, kernels = (_word(b, words, I64(i)) for i in (3, 4))
    kernels = b.inttoptr(kernels, I64.as_pointer())
    # a Numba C function returns void and takes the one argument
    function = ir.FunctionType(ir.VoidType(), [I64]).as_pointer()
    with cgutils.for_range(b, count) as loop:
        code = _word(b, kernels, b.mul(loop.index, I64(2)))
        table = _word(b, kernels, b.add(b.mul(loop.index, I64(2)), I64(1)))
        b.call(b.inttoptr(code, function), [table])


def write_addresses(b: ir.IRBuilder, address: Any) -> None:
    """The code that puts the addresses that differ from call to call into the tables."""
    words = b.inttoptr(address, I64.as_pointer())
    patches, patch, given, within = (_word(b, words, I64(i)) for i in (0, 1, 2, 5))
    objects = b.icmp_unsigned("!=", within, I64(0))
    patch, given = (b.inttoptr(x, I64.as_pointer()) for x in (patch, given))
    with cgutils.for_range(b, patches) as loop:
        first = b.mul(loop.index, I64(3))
        target, number, offset = (_word(b, patch, b.add(first, I64(i))) for i in range(3))
        address = cgutils.alloca_once(b, I64)
        b.store(_word(b, given, number), address)
        with b.if_then(objects):
            b.store(b.load(b.inttoptr(b.add(b.load(address), within), I64.as_pointer())), address)
        b.store(b.add(b.load(address), offset), b.inttoptr(target, I64.as_pointer()))


def _word(b: ir.IRBuilder, words: Any, index: Any) -> Any:
    return b.load(b.gep(words, [index]))
