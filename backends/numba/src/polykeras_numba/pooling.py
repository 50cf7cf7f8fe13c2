"""Pooling of any rank and its gradients, channels last: all channels of a place at once.

    0 images;  1 to 4 addresses of arrays;  5 to 8 their bytes for an image;  9 bytes of a place: channels times element
    10 places of the result;  11 words of each place's row;  12 where in the item the rows are
    13 bytes of the gradient's image to clear first (0: every element is written)

A row: how many elements of the window lie within the image, the weight of each (a float64), and their offsets. The
arrays: of max, (x, y); of avg, (x, y); of max_grad, (g, x, y, dx); of avg_grad, (g, dx). Windows that do not overlap
store the gradient; the others add to it (`adding`).
"""

from __future__ import annotations

from typing import Any

from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.lanes import F32, F64, I1, Lanes

ARRAYS = {"max": 2, "avg": 2, "max_grad": 4, "avg_grad": 2}
IMAGES, ARRAY, STEP, PLACE_BYTES, PLACES, ROW, ROWS, CLEARED = 0, 1, 5, 9, 10, 11, 12, 13
WORDS = 14


def kernel(kind: str, adding: bool, dtype: str) -> Any:
    """The kernel's body as a Numba intrinsic of the table's address."""

    def write(code: Code, table: Table) -> None:
        _Pooling(code, table, kind, adding, dtype).write()

    return kernel_of(write)


class _Pooling:
    def __init__(self, code: Code, table: Table, kind: str, adding: bool, dtype: str):
        self.code = code
        self.table = table
        self.kind = kind
        self.adding = adding
        self.dtype = dtype
        self.element, self.itemsize = (F32, 4) if dtype == "float32" else (F64, 8)

    def write(self) -> None:
        code, table, count = self.code, self.table, ARRAYS[self.kind]
        rows = Table(code, table.address() + table[ROWS])
        place_bytes, row_words, cleared = table[PLACE_BYTES], table[ROW], table[CLEARED]
        starts, steps = [table[ARRAY + i] for i in range(count)], [table[STEP + i] for i in range(count)]
        vector, single = code.lanes(self.itemsize), code.lanes(self.itemsize, 1)
        with code.loop(table[IMAGES]) as image:
            arrays = [start + image * step for start, step in zip(starts, steps, strict=True)]
            with code.when(cleared.compared(">", 0)):
                code.clear(arrays[-1], cleared)
            with code.loop(table[PLACES]) as place:
                row = rows.part(place * row_words)
                weight = row[1]
                there = place * place_bytes
                step = vector.width * self.itemsize
                blocks = place_bytes // step
                with code.loop(blocks) as block:
                    self._channels(vector, arrays, row, weight, there, block * step)
                done = blocks * step
                with code.loop((place_bytes - done) // self.itemsize) as rest:
                    self._channels(single, arrays, row, weight, there, done + rest * self.itemsize)

    def _channels(self, k: Lanes, arrays: list[Word], row: Table, weight: Word, there: Word, channel: Word) -> None:
        """Some channels of one place of the result."""
        here, out = there + channel, [array + channel for array in arrays]
        share = k.builder.bitcast(weight.ir, F64)
        share = k.spread(k.builder.fptrunc(share, F32) if self.itemsize == 4 else share)
        if self.kind == "max":
            self._max(k, row, out[0], arrays[1] + here)
        elif self.kind == "avg":
            self._avg(k, row, out[0], arrays[1] + here, share)
        elif self.kind == "max_grad":
            g, y = (k.load((array + here).ir, self.dtype) for array in (arrays[0], arrays[2]))
            self._max_grad(k, row, g, y, out[1], out[3])
        else:
            g = k.builder.fmul(k.load((arrays[0] + here).ir, self.dtype), share)
            with self.code.loop(row[0]) as tap:
                self._give(k, g, out[1] + row[tap + 2])

    def _max(self, k: Lanes, row: Table, x: Word, y: Word) -> None:
        best = self.code.variable(k.load((x + row[2]).ir, self.dtype))
        with self.code.loop(row[0] - 1) as tap:
            best.set(k.maximum(best.get(), k.load((x + row[tap + 3]).ir, self.dtype)))
        k.store(best.get(), y.ir, self.dtype)

    def _avg(self, k: Lanes, row: Table, x: Word, y: Word, share: Any) -> None:
        total = self.code.variable(k.load((x + row[2]).ir, self.dtype))
        with self.code.loop(row[0] - 1) as tap:
            total.set(k.builder.fadd(total.get(), k.load((x + row[tap + 3]).ir, self.dtype)))
        k.store(k.builder.fmul(total.get(), share), y.ir, self.dtype)

    def _max_grad(self, k: Lanes, row: Table, g: Any, y: Any, x: Word, dx: Word) -> None:
        """g where x is y for the first time in the window."""
        b, zero = k.builder, k.constant(self.element, 0.0)
        free = self.code.variable(k.constant(I1, 1))
        with self.code.loop(row[0]) as tap:
            offset = row[tap + 2]
            hit = b.and_(b.fcmp_ordered("==", k.load((x + offset).ir, self.dtype), y), free.get())
            free.set(b.xor(free.get(), hit))
            self._give(k, k.select(hit, g, zero), dx + offset)

    def _give(self, k: Lanes, share: Any, place: Word) -> None:
        if self.adding:
            share = k.builder.fadd(k.load(place.ir, self.dtype), share)
        k.store(share, place.ir, self.dtype)
