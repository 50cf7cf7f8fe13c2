"""Steps as items: a compiled kernel and the table of words that it reads.

Whether a step can be one depends on where its arrays lie, so it is asked when the program has been planned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from polykeras.runtime.program import Step, Value
from polykeras.runtime.rewrite.fusion import FUSED, Group
from polykeras.runtime.views import Layout, contiguous, is_contiguous, view
from polykeras.symbolic import dtypes
from polykeras.symbolic.spec import normalize_axes
from polykeras_numba import (
    depthwise_items,
    elementwise,
    parts,
    product_items,
    random_items,
    reduction,
    sequence_items,
    window_items,
)
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import PARTS, Item, Items, Made, Maker, Strides, Together, divided, ranges
from polykeras_numba.lanes import MEMORY, native_width


def items(step: Step, strides: Callable[[Value], Strides]) -> Items | None:
    """The items of a step whose arrays have these strides (in elements); None where there is no kernel for it."""
    maker = _MAKERS.get(step.op.name)
    if maker is None or step.dynamic or step.allocates or any(v.kind == "unused" for v in step.outs):
        return None
    made = maker(step, [strides(v) for v in step.arrays])
    return [made] if isinstance(made, (Item, Together)) else made


def scratch(step: Step) -> int:
    """Bytes of scratch memory that the step's items may need, however its arrays lie."""
    found = _SCRATCH.get(step.op.name)
    return 0 if found is None else found(step)


# -- elementwise -----------------------------------------------------------------------------------------------------


def _fused(step: Step, strides: Sequence[Strides]) -> Made | None:
    group: Group = step.attrs["group"]
    shape = step.attrs["shape"]
    ops = tuple([(p.op, p.args, p.dtype) for p in group.parts])
    spread = []
    for value, steps in zip(step.arrays, strides, strict=True):
        missing = len(shape) - len(steps)
        own = (1,) * missing + value.spec.sizes
        spread.append(tuple([0 if n == 1 else s for n, s in zip(own, (0,) * missing + steps, strict=True)]))
    return _elementwise(step, group.operands, spread, ops, group.results, 0)


def _copied(step: Step, strides: Sequence[Strides]) -> Made | None:
    """A copy of a view: a transposed, sliced, repeated or reshaped array."""
    source, out = step.arrays[0].spec, step.outs[0].spec
    seen: Layout | None = Layout(0, strides[0])
    if step.op.name != "identity":
        seen = view(step.op.name, step.attrs, Layout(0, strides[0]), source.sizes, out.sizes)
    if seen is None or source.dtype not in MEMORY:
        return None
    offset = seen.offset * dtypes.itemsize(source.dtype)
    return _elementwise(step, (source.dtype,), [seen.strides], (("identity", (0,), source.dtype),), (1,), offset)


def _elementwise(
    step: Step,
    operands: tuple[str, ...],
    strides: Sequence[Strides],
    ops: tuple[tuple[str, tuple[int, ...], str], ...],
    results: tuple[int, ...],
    offset: int,
) -> Made | None:
    shape = step.outs[0].spec.sizes
    every = [*strides, *[contiguous(shape)] * len(results)]
    sizes = [dtypes.itemsize(v.spec.dtype) for v in (*step.arrays, *step.outs)]
    found = elementwise.layout(shape, every, sizes, len(operands))
    if found is None:
        return None
    description = elementwise.Description(operands, found.letters, ops, results)
    title = f"{', '.join(op for op, _, _ in ops)} on {', '.join(operands)}"
    function = KERNELS.address("elementwise", repr(tuple(description)), title)
    addresses = [(elementwise.address_word(i), i, offset if i < len(operands) else 0) for i in range(len(every))]
    return _shared_out(Item(function, found.words, addresses), found.words, shape, sizes)


def _shared_out(item: Item, words: list[int], shape: tuple[int, ...], sizes: list[int]) -> Made:
    """The item in parts of its rows, or, if it is one row, of the row's elements."""
    if words[elementwise.PLANE_COUNT] > 1:
        return item
    if words[elementwise.ROWS] > 1:
        counted, step, unit = elementwise.ROWS, elementwise.ROW_STEP, 1
    else:
        counted, step, unit = elementwise.ELEMENTS, elementwise.STEP, 64
    parts = ranges(words[counted], nbytes=math.prod(shape) * sum(sizes), unit=unit)
    return divided(item, counted, parts, {word: words[word + step] for word, _, _ in item.addresses})


# -- reductions ------------------------------------------------------------------------------------------------------


def _reduced(step: Step, strides: Sequence[Strides]) -> Made | None:
    source, name = step.arrays[0].spec, step.op.name
    shape = source.sizes
    if not reduces(step) or not is_contiguous(shape, strides[0]):
        return None
    if name == "sum_to":
        target = step.outs[0].spec.sizes
        lead = len(shape) - len(target)
        axes = tuple([i for i in range(len(shape)) if i < lead or (target[i - lead] == 1 != shape[i])])
        name = "sum"
    else:
        axes = normalize_axes(step.attrs["axis"], len(shape))
    axes = tuple([a for a in axes if shape[a] != 1]) or axes[:1]
    if not axes or axes != tuple(range(axes[0], axes[-1] + 1)):
        return None
    first, last = axes[0], axes[-1] + 1
    sizes = [math.prod(shape[:first]), math.prod(shape[first:last]), math.prod(shape[last:])]
    function = KERNELS.address("reduction", repr((name, source.dtype))[1:-1], f"{name} of {source.dtype}")
    item = Item(function, [0, 0, *sizes, sizes[2]], [(reduction.SOURCE, 0, 0), (reduction.TARGET, 1, 0)])
    return _reduced_by_parts(item, sizes, dtypes.itemsize(source.dtype), dtypes.itemsize(step.outs[0].spec.dtype))


def _reduced_by_parts(item: Item, sizes: list[int], source: int, target: int) -> Made:
    """The item in parts of the outer axis, or else of the columns;  source, target: bytes of their elements."""
    outer, reduced, inner = sizes
    nbytes = outer * reduced * inner * source
    counted, unit, moved = reduction.OUTER, 1, (reduced * inner * source, inner * target)
    if outer < PARTS:
        counted, unit, moved = reduction.INNER, reduction.COLUMNS * native_width(), (source, target)
    parts = ranges(item.words[counted], nbytes=nbytes, unit=unit)
    return divided(item, counted, parts, dict(zip((reduction.SOURCE, reduction.TARGET), moved, strict=True)))


def reduces(step: Step) -> bool:
    """Is there a kernel for this reduction's op and dtype?"""
    dtype, name = step.arrays[0].spec.dtype, step.op.name
    if dtype == "bool" or dtype not in MEMORY:
        return False
    return name in reduction.POSITIONS or name != "mean" or dtype in parts.FLOATS


_SCRATCH: dict[str, Callable[[Step], int]] = {
    **product_items.SCRATCH,
    **window_items.SCRATCH,
    **sequence_items.SCRATCH,
}
_MAKERS: dict[str, Maker] = {
    FUSED.name: _fused,
    **dict.fromkeys(("identity", "broadcast_to", "reshape", "transpose", "slice"), _copied),
    **dict.fromkeys(("sum", "mean", "max", "min", "sum_to", "argmax", "argmin"), _reduced),
    **product_items.MAKERS,
    **depthwise_items.MAKERS,
    **window_items.MAKERS,
    **random_items.MAKERS,
    **sequence_items.MAKERS,
}
