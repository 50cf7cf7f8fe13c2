"""Matrix products by NumPy's own OpenBLAS, called by address.

Numba's `@` needs SciPy's, which would be another library with threads of its own. The address is a word of the table,
so that compiled kernels can be kept on disk.
Table: the function's address; addresses of x, y and the result; rows, columns, inner size; the distances of the rows of
x, y and the result; whether x and y are transposed.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from polykeras_numba.lanes import F32, F64, I8, I32, I64

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112
_NAMES = {"float32": "sgemm", "float64": "dgemm"}


@functools.cache
def gemm(dtype: str) -> int:
    """The address of NumPy's `cblas_?gemm` with 64-bit sizes; 0 if NumPy was built otherwise."""
    name = _NAMES.get(dtype)
    folder = Path(numpy.__file__).parent
    if name is None:
        return 0
    for place in (folder.parent / "numpy.libs", folder / ".dylibs", folder / ".libs"):
        for library in sorted(place.glob("*openblas64_*")):
            try:
                function = getattr(ctypes.CDLL(str(library)), f"scipy_cblas_{name}64_")
            except (OSError, AttributeError):
                continue
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    return 0


def kernel(dtype: str) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""
    element = F32 if dtype == "float32" else F64

    @intrinsic
    def body(typing: Any, table: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Sequence[Any]) -> Any:
            _write(builder, args[0], element)
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return body


def _write(b: ir.IRBuilder, table: Any, element: Any) -> None:
    words = b.inttoptr(table, I64.as_pointer())
    function, x, y, out, m, n, k, ldx, ldy, ldo, turn_x, turn_y = (b.load(b.gep(words, [I64(i)])) for i in range(12))
    turns = [b.trunc(turn, ir.IntType(1)) for turn in (turn_x, turn_y)]
    call(b, element, function, turns, (m, n, k), (x, ldx), (y, ldy), (out, ldo))


def call(
    b: ir.IRBuilder,
    element: Any,
    function: Any,
    turns: Sequence[Any],
    sizes: Sequence[Any],
    x: tuple[Any, Any],
    y: tuple[Any, Any],
    out: tuple[Any, Any],
    adds: bool = False,
) -> None:
    """Write a call of `gemm`: out = x y, or out = x y + out.

    turns: whether x and y are transposed, as bits;  sizes: rows, columns and inner size.
    x, y, out: the address, and the distance of the rows in elements.
    """
    pointer = I8.as_pointer()
    kind = ir.FunctionType(
        ir.VoidType(), [I32, I32, I32, I64, I64, I64, element, pointer, I64, pointer, I64, element, pointer, I64]
    )
    order = [b.select(turn, I32(_TRANSPOSED), I32(_PLAIN)) for turn in turns]
    places = [(b.inttoptr(address, pointer), distance) for address, distance in (x, y, out)]
    one, kept = ir.Constant(element, 1.0), ir.Constant(element, 1.0 if adds else 0.0)
    arguments = [I32(_ROW_MAJOR), *order, *sizes, one, *places[0], *places[1], kept, *places[2]]
    b.call(b.inttoptr(function, kind.as_pointer()), arguments)
