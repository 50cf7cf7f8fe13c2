"""Items of whole recurrent sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from polykeras.runtime.program import Step, Value
from polykeras.runtime.views import is_contiguous
from polykeras.symbolic import dtypes
from polykeras.symbolic.ops.recurrent import parted
from polykeras_numba import blas, panels, recurrence, sequences
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import PARTS, Item, Made, Maker, Strides, divided, ranges
from polykeras_numba.parts import FLOATS
from polykeras_numba.windows import aligned

# Attributes that the kernel's code depends on.
_DESCRIBED = ("activation", "recurrent_activation", "reset_after", "drops_state", "masked")
FEWEST_ROWS = 16
# Operands that may be scalars.
_SCALARS = ("ghs", "gcs", "bias")


def _sequence(step: Step, strides: Sequence[Strides]) -> Made | None:
    name, attrs = step.op.name, step.attrs
    values = [*step.arrays, *step.outs]
    dtype = step.outs[0].spec.dtype
    flat = all(is_contiguous(v.spec.sizes, s) for v, s in zip(step.arrays, strides, strict=True))
    if not flat or dtype not in FLOATS or not blas.gemm(dtype) or not all(v.spec.size for v in values):
        return None
    operands = dict(zip(sequences.OPERANDS[name], step.arrays, strict=False))
    dropout, _ = parted(tuple(step.arrays[len(operands) :]), attrs["masked"])
    described = {key: attrs[key] for key in _DESCRIBED if key in attrs}
    described |= {f"{key}_scalar": operands[key].spec.shape == () for key in _SCALARS if key in operands}
    described |= {"dtype": dtype, "dropout": len(dropout)}
    time, batch, _ = step.outs[0].spec.sizes
    units = operands["kernel"].spec.sizes[0]
    first, following = (time - 1, -1) if attrs["backwards"] else (0, 1)
    count = len(values) + 1
    words = [blas.gemm(dtype), time, batch, units, first, following, batch, *[0] * count]
    function = KERNELS.address("sequences", repr((name, tuple(described.items())))[1:-1], f"{name} of {dtype}")
    item = Item(function, words, [(recurrence.ARRAY + i, i, 0) for i in range(count)])
    # an array has a row for each sample, or it is a scalar, the kernel or the bias; the mask of the steps has a bit
    shared = [operands[key] for key in ("kernel", "bias") if key in operands]
    moved = {}
    for i, v in enumerate(values):
        if v.spec.shape and v not in shared:
            row = 1 if v.spec.dtype == "bool" else v.spec.sizes[-1]
            moved[recurrence.ARRAY + i] = row * dtypes.itemsize(v.spec.dtype)
    own = {recurrence.ARRAY + len(values): _own(step)}
    return divided(item, recurrence.BATCH, _parts(step), moved, private=own)


def _parts(step: Step) -> list[tuple[int, int]]:
    """The parts of the batch; each has rows enough to fill the products' tiles."""
    time, batch, _ = step.outs[0].spec.sizes
    operations = 2 * time * batch * _kernel(step).spec.size
    return ranges(batch, operations=operations, most=min(PARTS, max(1, batch // FEWEST_ROWS)))


def _kernel(step: Step) -> Value:
    return step.arrays[sequences.OPERANDS[step.op.name].index("kernel")]


def _scratch(step: Step) -> int:
    """For each part of its own."""
    concrete = step.outs[0].spec.concrete and _kernel(step).spec.concrete
    return _own(step) * len(_parts(step)) if concrete else 0


def _own(step: Step) -> int:
    """Room for two states and for the kernel in panels."""
    out, kernel = step.outs[0].spec, _kernel(step).spec
    itemsize = dtypes.itemsize(out.dtype)
    (_, batch, _), (units, width) = out.sizes, kernel.sizes
    padded = units + panels.panel_columns(itemsize)
    gates = width // max(units, 1)
    return aligned((2 * batch * units + gates * padded * padded) * itemsize + 64)


SCRATCH: dict[str, Callable[[Step], int]] = dict.fromkeys(sequences.OPERANDS, _scratch)
MAKERS: dict[str, Maker] = dict.fromkeys(sequences.OPERANDS, _sequence)
