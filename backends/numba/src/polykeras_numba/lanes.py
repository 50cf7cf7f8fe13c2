"""Arithmetic on a fixed number of elements at once, written as LLVM IR.

One description serves vectors and single elements, so that the last elements of an array get the bits that they would
have in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import binding, ir

Number = Any  # an IR value: a vector, or one element where the width is 1

I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()

# How elements lie in memory. A bool is a byte there, and a bit in arithmetic.
MEMORY: dict[str, Any] = {
    "float32": F32, "float64": F64, "bool": I8, "int8": I8, "int16": ir.IntType(16), "int32": I32, "int64": I64,
    "uint8": I8, "uint16": ir.IntType(16), "uint32": I32, "uint64": I64,
}  # fmt: skip


def native_width() -> int:
    """How many float32 the widest registers of this machine hold."""
    features = binding.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx2") else 4


def has_fma() -> bool:
    """Does this machine multiply and add in one rounding? ARM always does."""
    features = binding.get_host_cpu_features()
    return bool(features.get("fma") or features.get("neon"))


class Lanes:
    """Writes operations on `width` elements."""

    def __init__(self, builder: ir.IRBuilder, width: int):
        self.builder = builder
        self.width = width
        self.fused_multiply_add = has_fma()

    # -- types and constants -----------------------------------------------------------------------------------------

    def type(self, element: Any) -> Any:
        return element if self.width == 1 else ir.VectorType(element, self.width)

    def element(self, x: Number) -> Any:
        return x.type if self.width == 1 else x.type.element

    def constant(self, element: Any, number: Any) -> Number:
        one = ir.Constant(element, number)
        return one if self.width == 1 else ir.Constant(self.type(element), [one] * self.width)

    def like(self, x: Number, number: float) -> Number:
        element = self.element(x)
        return self.constant(element, number if isinstance(element, (ir.FloatType, ir.DoubleType)) else int(number))

    def spread(self, one: Any) -> Number:
        """One element in all lanes."""
        if self.width == 1:
            return one
        vector = ir.VectorType(one.type, self.width)
        first = self.builder.insert_element(ir.Constant(vector, ir.Undefined), one, I32(0))
        return self.builder.shuffle_vector(
            first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(I32, self.width), [0] * self.width)
        )

    # -- memory ------------------------------------------------------------------------------------------------------

    def load(self, address: Any, dtype: str) -> Number:
        """The elements from an address on."""
        memory = self.type(MEMORY[dtype])
        x = self.builder.load(self.builder.inttoptr(address, memory.as_pointer()), align=_align(dtype))
        return self.truth(x) if dtype == "bool" else x

    def gather(self, address: Any, stride: Any, dtype: str) -> Number:
        """The elements `stride` bytes apart."""
        if self.width == 1:
            return self.load(address, dtype)
        b = self.builder
        memory = MEMORY[dtype]
        vector: Any = ir.Constant(self.type(memory), ir.Undefined)
        for lane in range(self.width):
            place = b.add(address, b.mul(stride, I64(lane)))
            one = b.load(b.inttoptr(place, memory.as_pointer()), align=_align(dtype))
            vector = b.insert_element(vector, one, I32(lane))
        return self.truth(vector) if dtype == "bool" else vector

    def store(self, x: Number, address: Any, dtype: str) -> None:
        if dtype == "bool":
            x = self.builder.zext(x, self.type(I8))
        self.builder.store(x, self.builder.inttoptr(address, x.type.as_pointer()), align=_align(dtype))

    def truth(self, x: Number) -> Number:
        """Which elements are not 0?"""
        if isinstance(self.element(x), ir.IntType):
            return self.builder.icmp_unsigned("!=", x, self.like(x, 0))
        return self.builder.fcmp_unordered("!=", x, self.like(x, 0))

    # -- float arithmetic --------------------------------------------------------------------------------------------

    def intrinsic(self, name: str, *xs: Number) -> Number:
        """An LLVM function of operands of one type."""
        vector = "" if self.width == 1 else f"v{self.width}"
        name = f"{name}.{vector}{'f32' if self.element(xs[0]) == F32 else 'f64'}"
        return self.builder.call(self._declared(name, xs[0].type, len(xs)), xs)

    def _declared(self, name: str, kind: Any, count: int) -> Any:
        module = self.builder.module
        found = module.globals.get(name)
        return found or ir.Function(module, ir.FunctionType(kind, [kind] * count), name)

    def multiply_add(self, x: Number, y: Number, z: Number) -> Number:
        """x y + z."""
        if not self.fused_multiply_add:
            return self.builder.fadd(self.builder.fmul(x, y), z)
        return self.intrinsic("llvm.fma", x, y, z)

    def polynomial(self, x: Number, coefficients: Sequence[float]) -> Number:
        """The polynomial at x; coefficients from the constant up."""
        result = self.like(x, coefficients[-1])
        for c in reversed(coefficients[:-1]):
            result = self.multiply_add(result, x, self.like(x, c))
        return result

    def each(self, name: str, *xs: Number) -> Number:
        """A function of the C library, element by element."""
        b = self.builder
        function = self._declared(name, self.element(xs[0]), len(xs))
        if self.width == 1:
            return b.call(function, xs)
        vector: Any = ir.Constant(xs[0].type, ir.Undefined)
        for lane in range(self.width):
            one = b.call(function, [b.extract_element(x, I32(lane)) for x in xs])
            vector = b.insert_element(vector, one, I32(lane))
        return vector

    def select(self, condition: Number, x: Number, y: Number) -> Number:
        return self.builder.select(condition, x, y)

    def is_nan(self, x: Number) -> Number:
        return self.builder.fcmp_unordered("uno", x, x)

    def absolute(self, x: Number) -> Number:
        return self.intrinsic("llvm.fabs", x)

    def maximum(self, x: Number, y: Number, signed: bool = True) -> Number:
        """The larger; NaN if either is."""
        return self._extreme(">", x, y, signed)

    def minimum(self, x: Number, y: Number, signed: bool = True) -> Number:
        """The smaller; NaN if either is."""
        return self._extreme("<", x, y, signed)

    def _extreme(self, relation: str, x: Number, y: Number, signed: bool) -> Number:
        b = self.builder
        if isinstance(self.element(x), ir.IntType):
            compare = b.icmp_signed if signed else b.icmp_unsigned
            return b.select(compare(relation, x, y), x, y)
        # an unordered comparison with x's own NaN chooses x; y's NaN fails the ordered one and is chosen as y
        return b.select(b.or_(b.fcmp_ordered(relation, x, y), self.is_nan(x)), x, y)


def _align(dtype: str) -> int:
    return 1 if dtype == "bool" else int(dtype.lstrip("uintfloa")) // 8
