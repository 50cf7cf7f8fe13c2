"""Arithmetic with zeros and ones: what remains when a branch of a `choose` falls away, and the seeds of gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polykeras.runtime.program import Argument, Step, Value
from polykeras.symbolic.op import Op
from polykeras.symbolic.spec import Spec

ZERO: Any = object()

# Ops whose result is zero when one of these operands is (they are linear in it).
_ABSORBING: dict[str, tuple[int, ...]] = {
    "multiply": (0, 1),
    "divide": (0,),
    "negative": (0,),
    "matmul": (0, 1),
    "sum_to": (0,),
    "broadcast_to": (0,),
    "reshape": (0,),
    "transpose": (0,),
    "slice": (0,),
    "slice_grad": (0,),
    "sum": (0,),
    "mean": (0,),
    "pad": (0,),
    "relu_grad": (0,),
    "tanh_grad": (0,),
    "sigmoid_grad": (0,),
    "conv": (0, 1),
    "conv_input_grad": (0, 1),
    "conv_kernel_grad": (0, 1),
    "max_pool_grad": (0,),
    "avg_pool_grad": (0,),
    "gather": (0,),
    "scatter_add": (0,),
}


class Simplifier:
    """Finds values that an application of an op is known to equal."""

    def __init__(self, maker: Mapping[Value, Step]):
        self.maker = maker

    def equal(self, op: Op, args: Sequence[Argument], spec: Spec) -> Any:
        """The value that the result equals, `ZERO`, or None. `spec` is the result's."""
        name = op.name
        if name in ("add", "subtract", "multiply", "divide"):
            x, y = args
            assert isinstance(x, Value) and isinstance(y, Value)
            neutral = 0 if name in ("add", "subtract") else 1
            if _fits(x, spec) and self.fill(y) == neutral:
                return x
            if name in ("add", "multiply") and _fits(y, spec) and self.fill(x) == neutral:
                return y
        if name in _ABSORBING and spec.concrete and spec.dtype.startswith("float"):
            for i in _ABSORBING[name]:
                arg = args[i]
                if isinstance(arg, Value) and self.fill(arg) == 0 and _has_float(arg):
                    return ZERO
        return None

    def fill(self, value: Value) -> float | None:
        """The number that every element is, if that is known."""
        if value.kind == "const":
            return value.source if isinstance(value.source, (int, float)) else None
        step = self.maker.get(value)
        if step is not None and step.op.name in ("fill_like", "fill"):
            number = step.attrs["value"]
            return number if isinstance(number, (int, float)) else None
        return None


def _fits(value: Value, spec: Spec) -> bool:
    return value.spec.shape == spec.shape and value.spec.dtype == spec.dtype and spec.concrete


def _has_float(value: Value) -> bool:
    return value.spec.dtype.startswith("float")
