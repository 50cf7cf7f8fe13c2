"""Convolutions whose kernel is the same at every call read it as panels, which are made once for each of its versions.

The kernel's part of a convolution, its transform or its packing, becomes a step of its own before what depends on
variables alone is taken out of the program (`runtime.rewrite.derive`). In training the kernel is new at every step, and
the convolution stays whole.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from polykeras import config
from polykeras.runtime.backend import Kernel
from polykeras.runtime.program import Program, Step, Value
from polykeras.runtime.rewrite.derive import fixed_values
from polykeras.symbolic.op import Op
from polykeras.symbolic.spec import Spec
from polykeras_numba import packing, product, tiles, windows, winograd
from polykeras_numba.cache import KERNELS
from polykeras_numba.calling import address, call


class Plan(NamedTuple):
    """How a convolution's kernel becomes panels: by which kernel, and its table but for the addresses.

    start:  where the first element lies in the convolution's kernel, in bytes.
    source, target: the words of the addresses.
    nbytes: of the panels.
    """

    module: str
    arguments: str
    words: tuple[int, ...]
    start: int
    source: int
    target: int
    nbytes: int


def _panels(kernel: Spec, *, plan: Plan, dtype: str) -> Spec:
    """A convolution's kernel as the panels that products read.   -> (elements,)"""
    return Spec((plan.nbytes // (4 if dtype == "float32" else 8),), dtype)


def _panelled(x: Spec, panels: Spec, *, spec: Spec, **attrs: Any) -> Spec:
    """A convolution by panels: `conv`'s attributes, and the kernel's shape.   -> as conv"""
    return spec


PANELS = Op(_panels, name="kernel_panels")
CONV = Op(_panelled, name="panelled_conv")


def arrange(program: Program) -> None:
    """Part the convolutions of fed images with a kernel that the program does not change."""
    convolutions = [s for s in program.steps if s.op.name == "conv" and not s.dynamic]
    if not convolutions:
        return
    fixed = fixed_values(program)
    steps: list[Step] = []
    made: dict[tuple[Value, Plan], Value] = {}
    for step in program.steps:
        kept = step.op.name == "conv" and step.arrays[1] in fixed and step.arrays[0] not in fixed
        plan = _plan(step) if kept else None
        if plan is None:
            steps.append(step)
            continue
        x, kernel = step.arrays
        panels = made.get((kernel, plan))
        if panels is None:
            attrs = {"plan": plan, "dtype": kernel.spec.dtype}
            panels = made[kernel, plan] = program.new_value(_panels(kernel.spec, **attrs))
            steps.append(Step(PANELS, [kernel], [panels], attrs, step.node))
        attrs = {**step.attrs, "kernel": kernel.spec.sizes, "fast": config.fast_convolution()}
        steps.append(Step(CONV, [x, panels], step.outs, attrs, step.node))
    program.steps = steps


def _plan(step: Step) -> Plan | None:
    """None for a convolution that reads its kernel as it lies."""
    g = windows.geometry(step)
    if g is None:
        return None
    tiled = tiles.forward(g, tiles.size(g, config.fast_convolution()))
    if tiled is not None:
        assert tiled.kernel is not None
        words, start = tiled.kernel
        module, arguments = winograd_kernel(tiled)
        return Plan(module, arguments, tuple(words), start, winograd.SOURCE, winograd.TARGET, tiled.kernel_bytes)
    found = windows.forward(g)
    if found.packing is None:
        return None
    words, start = found.packing
    module, arguments = packing_kernel(found)
    return Plan(module, arguments, tuple(words), start, packing.SOURCE, packing.TARGET, found.buffer)


def winograd_kernel(found: tiles.Tiled) -> tuple[str, str]:
    """The module and the arguments of the compiled kernel that transforms a convolution's kernel."""
    assert found.kernel is not None
    adjacent = found.kernel[0][winograd.COLUMN_STEP] == found.itemsize
    kind = "kernel" if adjacent else "turned_kernel"
    return "winograd", repr((kind, found.m, *found.tile, found.itemsize))[1:-1]


def packing_kernel(found: windows.Sums) -> tuple[str, str]:
    """The module and the arguments of the compiled kernel that packs a convolution's kernel."""
    return "packing", repr((product.panel_columns(found.tile, found.itemsize), found.itemsize))[1:-1]


def kernel(step: Step) -> Kernel | None:
    """What runs one of this module's steps from Python."""
    if step.op is PANELS:
        plan: Plan = step.attrs["plan"]
        return Kernel(functools.partial(_pack, plan, KERNELS.address(plan.module, plan.arguments, "panels")), into=True)
    return Kernel(_only_compiled, into=True) if step.op is CONV else None


def _pack(plan: Plan, function: int, kernel: Any, panels: Any) -> None:
    flat = np.ascontiguousarray(kernel)
    call(function, plan.words, {plan.source: address(flat) + plan.start, plan.target: address(panels)})


def _only_compiled(*arrays: Any) -> None:
    raise RuntimeError("a convolution by panels has items, and runs nowhere else")
