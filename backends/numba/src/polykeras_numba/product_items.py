"""Items of matrix products: NumPy's OpenBLAS for two matrices, our own kernel for many pairs of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from polykeras.runtime.program import Step
from polykeras.runtime.views import contiguous
from polykeras.symbolic import dtypes
from polykeras_numba import blas, packing, product, sums
from polykeras_numba.cache import KERNELS
from polykeras_numba.item import Item, Made, Maker, Strides, cut, divided, ranges
from polykeras_numba.parts import FLOATS
from polykeras_numba.windows import PACKED_ROWS, Words, aligned, grid

# After the operands and the result comes the scratch memory.
X, Y, OUT, SCRATCH_MEMORY = range(4)
# BLAS copies an operand for every part, so its parts are larger than others, the more so the more there are: two for so
# many operations, four for four times as many. They are whole panels.
BLAS_OPERATIONS, BLAS_UNIT = 60_000_000, 64


def _product(step: Step, strides: Sequence[Strides]) -> Made | None:
    if all(len(s) == 2 for s in strides):
        return _two_matrices(step, strides)
    return _many_matrices(step, strides)


def _two_matrices(step: Step, strides: Sequence[Strides]) -> Made | None:
    dtype = step.outs[0].spec.dtype
    function = blas.gemm(dtype)
    shapes = [v.spec.sizes for v in step.arrays]
    if not function:
        return None
    x, y = (_matrix(shape, steps) for shape, steps in zip(shapes, strides, strict=True))
    rows, columns = step.outs[0].spec.sizes
    inner = shapes[0][0 if step.attrs["transpose_a"] else 1]
    if x is None or y is None or not rows or not columns or not inner:
        return None
    turns = [x[1] ^ step.attrs["transpose_a"], y[1] ^ step.attrs["transpose_b"]]
    words = [function, 0, 0, 0, rows, columns, inner, x[0], y[0], columns, *[int(t) for t in turns]]
    address = KERNELS.address("blas", repr(dtype), f"matrix product of {dtype}")
    item = Item(address, words, [(1, X, 0), (2, Y, 0), (3, OUT, 0)])
    itemsize = dtypes.itemsize(dtype)
    parts = int(2 * math.sqrt(2 * rows * columns * inner / BLAS_OPERATIONS))
    if columns > rows:
        moved = {2: (y[0] if turns[1] else 1) * itemsize, 3: itemsize}
        return divided(item, 5, cut(columns, parts, BLAS_UNIT), moved)
    moved = {1: (1 if turns[0] else x[0]) * itemsize, 3: columns * itemsize}
    return divided(item, 4, cut(rows, parts, BLAS_UNIT), moved)


def _matrix(shape: tuple[int, ...], strides: Strides) -> tuple[int, bool] | None:
    """The distance of the rows, and whether the matrix lies transposed in memory; None where BLAS cannot read it."""
    (rows, columns), (down, along) = shape, strides
    if (along == 1 or columns == 1) and (down >= columns or rows == 1):
        return max(down if rows > 1 else columns, columns, 1), False
    if (down == 1 or rows == 1) and (along >= rows or columns == 1):
        return max(along if columns > 1 else rows, rows, 1), True
    return None


def _many_matrices(step: Step, strides: Sequence[Strides]) -> Made | None:
    """Pairs of matrices, one after another; where all have the same second one, as one tall matrix."""
    out = step.outs[0].spec
    if out.dtype not in FLOATS or not out.size:
        return None
    itemsize = dtypes.itemsize(out.dtype)
    *batch, rows, columns = out.sizes
    (x_batch, (x_row, x_step)), (y_batch, (y_row, y_step)) = (
        _operand(step, i, strides[i], len(batch), name) for i, name in enumerate(("transpose_a", "transpose_b"))
    )
    inner = step.arrays[0].spec.sizes[-2 if step.attrs["transpose_a"] else -1]
    if not inner:
        return None
    c_rows = np.arange(rows) * columns
    a_rows = np.arange(rows) * x_row
    pairs = [range(n) for n in batch]
    places = [grid(pairs, s) for s in (x_batch, y_batch, contiguous((*batch, rows * columns))[:-1])]
    if not any(s for n, s in zip(batch, y_batch, strict=True) if n > 1):
        a_rows = np.add.outer(places[X], a_rows).ravel()
        c_rows = np.arange(len(a_rows)) * columns
        places = [np.zeros(1, "int64")] * 3
    tile = product.tile(columns, itemsize)
    width = product.panel_columns(tile, itemsize)
    packed = y_step != 1 or columns % width != 0 or (len(a_rows) >= PACKED_ROWS and columns > width)
    step_bytes = width * itemsize if packed else y_row * itemsize
    panel = inner * step_bytes if packed else width * itemsize
    item = Words(sums.WORDS + product.WORDS)
    head = item.head
    head[sums.IMAGES] = len(places[0])
    for word, offsets in zip((sums.A_IMAGES, sums.B_IMAGES, sums.C_IMAGES), places, strict=True):
        head[word] = item.table(offsets * itemsize)
    head[sums.PRODUCTS], head[sums.PRODUCT] = 1, sums.WORDS * 8
    if packed:
        head[sums.PACKED] = 1
        described = [1, inner, columns, 0, y_row * itemsize, y_step * itemsize]
        head[sums.PACKING + packing.OUTER : sums.WORDS] = described
    none = item.table(np.zeros(1, "int64"))
    tables = [item.table(a_rows * itemsize), item.table(c_rows * itemsize), none, none]
    head[sums.WORDS :] = [len(a_rows), columns, 1, inner, x_step * itemsize, step_bytes, panel, *tables]
    function = KERNELS.address("sums", repr((*tile, itemsize))[1:-1], "sums of products")
    addresses = [(sums.A, X, 0), (sums.B, Y, 0), (sums.C, OUT, 0), (sums.PANELS, SCRATCH_MEMORY, 0)]
    whole = Item(function, item.words(), addresses)
    parts = _parts(step, len(places[0]))
    moving = dict.fromkeys((sums.A_IMAGES, sums.B_IMAGES, sums.C_IMAGES), 1)
    return divided(whole, sums.IMAGES, parts, {}, moving, {sums.PANELS: _one_panel(step)})


def _operand(step: Step, operand: int, strides: Strides, batch: int, turned: str) -> tuple[list[int], tuple[int, int]]:
    """An operand's strides: along the batch, 0 where it is repeated; of its rows and along them."""
    shape = step.arrays[operand].spec.sizes
    own = [0 if n == 1 else s for n, s in zip(shape[:-2], strides[:-2], strict=True)]
    down, along = strides[-2:]
    matrix = (along, down) if step.attrs[turned] else (down, along)
    return [0] * (batch - len(own)) + own, matrix


def _parts(step: Step, pairs: int) -> list[tuple[int, int]]:
    """The parts of so many pairs of matrices."""
    inner = step.arrays[0].spec.sizes[-2 if step.attrs["transpose_a"] else -1]
    return ranges(pairs, operations=2 * step.outs[0].spec.size * inner)


def _panel_bytes(step: Step) -> int:
    """For a second operand as panels, for each part."""
    out = step.outs[0].spec
    if step.dynamic or not out.concrete or out.ndim < 3 or out.dtype not in FLOATS or not out.size:
        return 0
    return len(_parts(step, math.prod(out.sizes[:-2]))) * _one_panel(step)


def _one_panel(step: Step) -> int:
    """Bytes of one second operand as panels."""
    out = step.outs[0].spec
    itemsize, columns = dtypes.itemsize(out.dtype), out.sizes[-1]
    width = product.panel_columns(product.tile(columns, itemsize), itemsize)
    panels = -(-columns // width)
    return aligned(math.prod(step.arrays[1].spec.sizes[-2:]) // columns * panels * width * itemsize)


MAKERS: dict[str, Maker] = {"matmul": _product}
SCRATCH: dict[str, Callable[[Step], int]] = {"matmul": _panel_bytes}
