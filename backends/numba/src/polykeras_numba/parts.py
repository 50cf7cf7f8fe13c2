"""The elementwise ops as IR, and which of them can be part of a fused kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polykeras.runtime.program import Step
from polykeras_numba import math
from polykeras_numba.lanes import MEMORY, Lanes, Number

FLOATS = ("float32", "float64")
_RELATIONS = {"equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
_ROUNDINGS = {"floor": "llvm.floor", "ceil": "llvm.ceil", "round": "llvm.rint"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": math.exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p, "tanh": math.tanh,
    "sigmoid": math.sigmoid, "softplus": math.softplus,
}  # fmt: skip
_ARITHMETIC = {
    "add": ("fadd", "add"), "subtract": ("fsub", "sub"), "multiply": ("fmul", "mul"), "divide": ("fdiv", None),
}  # fmt: skip
_COPIES = ("identity", "stop_gradient")
_LOGIC = {"logical_and": "and_", "logical_or": "or_", "logical_not": "not_"}
_NUMBERS = ("maximum", "minimum", "negative", "abs", "sign", "square", "relu", "relu_grad")


def accepts(step: Step) -> bool:
    """Can this elementwise step be a part?

    Functions of float64, sines, and divisions that round stay NumPy's, which are good. So do functions within a random
    op (a seed gives the same numbers on both backends), and casts to small integers, whose overflows are NumPy's own.
    """
    name, dtypes = step.op.name, [v.spec.dtype for v in step.arrays]
    source, target = dtypes[0], step.outs[0].spec.dtype
    if any(d not in MEMORY for d in (*dtypes, target)):
        return False
    if name in _FUNCTIONS or name == "power":
        return source == target == "float32" and not (step.node is not None and step.node.op.random)
    if name in ("divide", "sqrt", "tanh_grad", "sigmoid_grad"):
        return source in FLOATS
    if name == "cast":
        return source not in FLOATS or target in (*FLOATS, "bool", "int32", "int64")
    if name in _ROUNDINGS or name in ("isnan", "isfinite"):
        return source in FLOATS
    if name in _NUMBERS or name in ("add", "subtract", "multiply"):
        return source != "bool" and not (source.startswith("u") and name in ("negative", "abs", "sign"))
    return name in _RELATIONS or name in _LOGIC or name == "where" or name in _COPIES


def write(k: Lanes, op: str, xs: list[Number], source: str, target: str) -> Number:
    """The IR of one part. `source`: the first operand's dtype, `target`: the result's."""
    b = k.builder
    floating, signed = source in FLOATS, not source.startswith("u") and source != "bool"
    if op in _FUNCTIONS:
        return _FUNCTIONS[op](k, *xs)
    if op in _ARITHMETIC:
        return getattr(b, _ARITHMETIC[op][0 if floating else 1])(*xs)  # type: ignore[arg-type]
    if op in _RELATIONS:
        if floating:
            compare = b.fcmp_unordered if op == "not_equal" else b.fcmp_ordered
            return compare(_RELATIONS[op], *xs)
        return (b.icmp_signed if signed else b.icmp_unsigned)(_RELATIONS[op], *xs)
    if op in _LOGIC:
        return getattr(b, _LOGIC[op])(*xs)
    if op in _ROUNDINGS:
        return k.intrinsic(_ROUNDINGS[op], xs[0])
    if op in _COPIES:
        return xs[0]
    return _SINGLE[op](k, *xs, source=source, target=target)


def _maximum(k: Lanes, x: Number, y: Number, source: str, target: str) -> Number:
    return k.maximum(x, y, not source.startswith("u"))


def _minimum(k: Lanes, x: Number, y: Number, source: str, target: str) -> Number:
    return k.minimum(x, y, not source.startswith("u"))


def _negative(k: Lanes, x: Number, source: str, target: str) -> Number:
    return k.builder.fneg(x) if source in FLOATS else k.builder.neg(x)


def _abs(k: Lanes, x: Number, source: str, target: str) -> Number:
    if source in FLOATS:
        return k.absolute(x)
    return k.select(k.builder.icmp_signed("<", x, k.like(x, 0)), k.builder.neg(x), x)


def _sign(k: Lanes, x: Number, source: str, target: str) -> Number:
    b = k.builder
    zero, one, less = k.like(x, 0), k.like(x, 1), k.like(x, -1)
    if source in FLOATS:
        result = k.select(b.fcmp_ordered(">", x, zero), one, k.select(b.fcmp_ordered("<", x, zero), less, zero))
        return k.select(k.is_nan(x), x, result)
    return k.select(b.icmp_signed(">", x, zero), one, k.select(b.icmp_signed("<", x, zero), less, zero))


def _square(k: Lanes, x: Number, source: str, target: str) -> Number:
    return k.builder.fmul(x, x) if source in FLOATS else k.builder.mul(x, x)


def _sqrt(k: Lanes, x: Number, source: str, target: str) -> Number:
    return k.intrinsic("llvm.sqrt", x)


def _power(k: Lanes, x: Number, y: Number, source: str, target: str) -> Number:
    return k.each("powf", x, y)


def _tanh_grad(k: Lanes, g: Number, y: Number, source: str, target: str) -> Number:
    b = k.builder
    return b.fmul(g, b.fsub(k.like(y, 1), b.fmul(y, y)))


def _sigmoid_grad(k: Lanes, g: Number, y: Number, source: str, target: str) -> Number:
    b = k.builder
    return b.fmul(g, b.fmul(b.fsub(k.like(y, 1), y), y))


def _relu(k: Lanes, x: Number, source: str, target: str) -> Number:
    return k.maximum(x, k.like(x, 0), not source.startswith("u"))


def _relu_grad(k: Lanes, g: Number, y: Number, source: str, target: str) -> Number:
    b, zero = k.builder, k.like(y, 0)
    if source in FLOATS:
        positive = b.fcmp_ordered(">", y, zero)
    else:
        positive = (b.icmp_unsigned if source.startswith("u") else b.icmp_signed)(">", y, zero)
    return k.select(positive, g, zero)


def _isnan(k: Lanes, x: Number, source: str, target: str) -> Number:
    return k.is_nan(x)


def _isfinite(k: Lanes, x: Number, source: str, target: str) -> Number:
    return k.builder.fcmp_ordered("<", k.absolute(x), k.like(x, float("inf")))


def _where(k: Lanes, condition: Number, x: Number, y: Number, source: str, target: str) -> Number:
    return k.select(condition, x, y)


def _cast(k: Lanes, x: Number, source: str, target: str) -> Number:
    b = k.builder
    if source == target:
        return x
    if target == "bool":
        return k.truth(x)
    wanted = k.type(MEMORY[target])
    unsigned = source == "bool" or source.startswith("u")
    if source in FLOATS and target not in FLOATS:
        return b.fptosi(x, wanted)
    if source in FLOATS:
        return b.fptrunc(x, wanted) if source == "float64" else b.fpext(x, wanted)
    if target in FLOATS:
        return b.uitofp(x, wanted) if unsigned else b.sitofp(x, wanted)
    have, want = k.element(x).width, MEMORY[target].width
    if have == want:
        return x
    if have > want:
        return b.trunc(x, wanted)
    return b.zext(x, wanted) if unsigned else b.sext(x, wanted)


_SINGLE: dict[str, Callable[..., Number]] = {
    "maximum": _maximum, "minimum": _minimum, "negative": _negative, "abs": _abs, "sign": _sign, "square": _square,
    "sqrt": _sqrt, "power": _power, "tanh_grad": _tanh_grad, "sigmoid_grad": _sigmoid_grad, "relu": _relu,
    "relu_grad": _relu_grad, "isnan": _isnan, "isfinite": _isfinite, "where": _where, "cast": _cast,
}  # fmt: skip
