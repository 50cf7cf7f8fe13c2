"""Batch normalisation by fixed statistics, folded into the convolution or product before it.

With s = gamma / sqrt(var + epsilon) for each channel,

    s (x * kernel + bias - mean) + beta  =  x * (s kernel) + (s (bias - mean) + beta),

so the weights take over what the normalisation would do to every element. The new weights depend on variables alone;
`derive` then takes them out of the program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from polykeras.runtime.program import Argument, Program, Step, Value
from polykeras.runtime.rewrite.derive import fixed_values
from polykeras.symbolic.op import OPS
from polykeras.symbolic.spec import Spec, broadcast_shapes

_LINEAR = frozenset(("conv", "depthwise_conv", "conv_input_grad", "matmul"))


def fold(program: Program) -> None:
    """Fold, in place, every batch normalisation that can be."""
    if any(step.op.name == "batch_norm" for step in program.steps):
        _Folder(program).run()


@dataclass
class _Chain:
    """What lies between the input of a linear op and the normalisation of its result.

    steps:   the linear step and the views after it, in order.
    biases:  what is added on the way, one value for each channel.
    axis, channels: the channels' axis where the normalisation stands, and how many there are.
    gone:    the steps that the fold replaces, the normalisation itself aside.
    """

    axis: int
    channels: int
    steps: list[Step] = field(default_factory=list)
    biases: list[Value] = field(default_factory=list)
    gone: list[Step] = field(default_factory=list)


class _Folder:
    def __init__(self, program: Program):
        self.program = program
        self.fixed = fixed_values(program)
        self.maker = {out: s for s in program.steps for out in s.outs}
        self.uses: dict[Value, int] = {}
        for step in program.steps:
            for value in step.ins:
                self.uses[value] = self.uses.get(value, 0) + 1
        for value in (*program.outputs, *[w.value for w in program.writes]):
            self.uses[value] = self.uses.get(value, 0) + 1
        self.steps: list[Step] = []

    def run(self) -> None:
        gone: set[Step] = set()
        for step in self.program.steps:
            chain = self._chain(step) if step.op.name == "batch_norm" else None
            if chain is None:
                self.steps.append(step)
            else:
                gone.update(chain.gone)
                self._fold(step, chain)
        self.program.steps = [step for step in self.steps if step not in gone]

    # -- finding -------------------------------------------------------------------------------------------------

    def _chain(self, norm: Step) -> _Chain | None:
        """The linear op before the normalisation and what stands between; None where it cannot be folded."""
        x, *statistics = norm.arrays
        spec = norm.outs[0].spec
        if len(statistics) != 4 or x.spec.shape != spec.shape or not spec.concrete:
            return None
        if any(v not in self.fixed or v.spec.dtype != spec.dtype for v in statistics):
            return None
        axis = _channel_axis(statistics, x.spec.ndim)
        channels: int = x.spec.shape[axis]  # type: ignore[index,assignment]
        if not all(_along(v.spec.shape, axis, x.spec.ndim, channels) for v in statistics):
            return None
        chain = _Chain(axis, channels)
        value = x
        while True:
            step = self.maker.get(value)
            if step is None or self.uses[value] > 1 or step.dynamic or value.spec.dtype != spec.dtype:
                return None
            shape: Any = value.spec.shape
            name = step.op.name
            if name in _LINEAR:
                if not self._is_linear(step, axis, chain.channels):
                    return None
                chain.steps.insert(0, step)
                chain.gone.append(step)
                return chain
            if name == "add":
                value, bias = self._addends(step)
                if bias is None or not _along(bias.spec.shape, axis, len(shape), chain.channels):
                    return None
                if value.spec.shape != shape:
                    return None
                chain.biases.append(bias)
            elif name == "transpose":
                axis = step.attrs["axes"][axis]
                value = step.arrays[0]
                chain.steps.insert(0, step)
            elif name == "reshape":
                value = step.arrays[0]
                before: Any = value.spec.shape
                if axis != len(shape) - 1 or not before or before[-1] != shape[-1]:
                    return None
                axis = len(before) - 1
                chain.steps.insert(0, step)
            else:
                return None
            chain.gone.append(step)

    def _addends(self, step: Step) -> tuple[Value, Value | None]:
        x, y = step.arrays
        if y in self.fixed:
            return x, y
        return (y, x) if x in self.fixed else (x, None)

    def _is_linear(self, step: Step, axis: int, channels: int) -> bool:
        """Is its second operand fixed, and are the channels the last axis of what it makes?"""
        kernel = step.args[1]
        if not isinstance(kernel, Value) or kernel not in self.fixed or axis != step.outs[0].spec.ndim - 1:
            return False
        return _scale_shape(step, kernel, channels) is not None

    # -- rewriting -----------------------------------------------------------------------------------------------

    def _fold(self, norm: Step, chain: _Chain) -> None:
        """The chain with other weights, ending in the normalisation's result."""
        x, mean, var, gamma, beta = norm.arrays
        dtype = x.spec.dtype
        mean, var, gamma, beta, *biases = (self._flat(v) for v in (mean, var, gamma, beta, *chain.biases))
        epsilon = self.program.new_value(Spec((), dtype), "const", norm.attrs["epsilon"])
        scale = self._make("divide", gamma, self._make("sqrt", self._make("add", var, epsilon)))
        offset = None
        for bias in biases:
            offset = bias if offset is None else self._make("add", offset, bias)
        centre = mean if offset is None else self._make("subtract", offset, mean)
        scaled = self._make("multiply", centre, scale)
        shift = self._make("subtract", beta, scaled) if offset is None else self._make("add", beta, scaled)

        linear, *views = chain.steps
        kernel = linear.args[1]
        assert isinstance(kernel, Value)
        wanted = _scale_shape(linear, kernel, chain.channels)
        assert wanted is not None
        scaled_kernel = self._make("multiply", kernel, self._spread(scale, wanted))
        value = self._again(linear, [linear.args[0], scaled_kernel, *linear.args[2:]])
        for step in views:
            value = self._again(step, [value, *step.args[1:]])
        shift = self._spread(shift, (chain.channels, *(1,) * (x.spec.ndim - 1 - chain.axis)))
        self.steps.append(Step(OPS["add"], [value, shift], norm.outs, {}, norm.node))

    def _flat(self, value: Value) -> Value:
        """A statistic as a vector of the channels, or a scalar."""
        shape: Any = value.spec.shape
        return value if len(shape) < 2 else self._reshaped(value, (value.spec.size,))

    def _spread(self, value: Value, shape: tuple[int, ...]) -> Value:
        """A vector of the channels in a shape that broadcasts; a scalar as it is."""
        return self._reshaped(value, shape) if value.spec.size == math.prod(shape) else value

    def _reshaped(self, value: Value, shape: tuple[int, ...]) -> Value:
        if value.spec.shape == shape:
            return value
        out = self.program.new_value(Spec(shape, value.spec.dtype))
        self.steps.append(Step(OPS["reshape"], [value, shape], [out], {}, None))
        return out

    def _make(self, name: str, *args: Value) -> Value:
        """One elementwise step more."""
        shape = broadcast_shapes(*[v.spec.shape for v in args])
        out = self.program.new_value(Spec(shape, args[0].spec.dtype))
        self.steps.append(Step(OPS[name], list(args), [out], {}, None))
        return out

    def _again(self, step: Step, args: list[Argument]) -> Value:
        """The step on other arguments."""
        old = step.outs[0]
        out = self.program.new_value(Spec(old.spec.shape, old.spec.dtype))
        out.device = old.device
        self.steps.append(Step(step.op, args, [out], step.attrs, step.node))
        return out


def _along(shape: Any, axis: int, rank: int, channels: int) -> bool:
    """Does an array of this shape, broadcast to `rank` axes, differ along `axis` only?"""
    if all(size == 1 for size in shape):
        return len(shape) <= rank
    place = len(shape) - (rank - axis)
    return place >= 0 and shape[place] == channels and all(n == 1 for i, n in enumerate(shape) if i != place)


def _channel_axis(statistics: list[Value], rank: int) -> int:
    """The axis of `rank` along which the first statistic that is more than a number differs; else the last."""
    for value in statistics:
        shape: Any = value.spec.shape
        for place, size in enumerate(shape):
            if size > 1:
                return rank - len(shape) + place
    return rank - 1


def _scale_shape(step: Step, kernel: Value, channels: int) -> tuple[int, ...] | None:
    """The shape in which one factor for each output channel multiplies the kernel."""
    name, shape = step.op.name, kernel.spec.shape
    if shape is None or len(shape) < 2:
        return None
    if name == "matmul":
        if len(shape) != 2:
            return None
        return (channels, 1) if step.attrs["transpose_b"] else (channels,)
    if name == "conv":
        return (channels,)
    if name == "conv_input_grad":  # the kernel's inputs are what it gives
        return (channels, 1)
    inputs, outputs = shape[-2:]
    return (inputs, outputs) if inputs is not None and outputs is not None and inputs * outputs == channels else None
