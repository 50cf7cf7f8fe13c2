"""What the kernels of whole recurrent sequences are written with: their table, their loops, products with the state.

Arrays are contiguous. A kernel is described by a dictionary of what its code depends on, which holds no size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from polykeras_numba import blas, math, math64
from polykeras_numba.code import Code, Table, Variable, Word
from polykeras_numba.lanes import F32, F64, I1, I8, Lanes, Number
from polykeras_numba.panels import Products

# the table: BLAS's product; sizes; the place of the first step, and the distance of the next, 1 or -1; rows of a step
# in memory, of which BATCH are this table's; addresses
GEMM, TIME, BATCH, UNITS, FIRST, NEXT, PITCH, ARRAY = range(8)


class Packed(NamedTuple):
    """Columns of the kernel in panels: where they lie, and how many rows and columns they are."""

    panels: Word
    inner: Word
    columns: Word


class Recurrence:
    """Writes a kernel: the arrays by name, steps in order, rows of a step in vectors.

    `names`: of the arrays in the table's order, after which come the masks of dropout, the mask of the steps if there
    is one, the results and the scratch memory.
    """

    def __init__(
        self, code: Code, table: Table, described: dict[str, Any], names: tuple[str, ...], results: tuple[str, ...]
    ):
        self.code = code
        self.described = described
        self.dtype: str = described["dtype"]
        self.itemsize = 4 if self.dtype == "float32" else 8
        self.element = F32 if self.dtype == "float32" else F64
        self.gemm = table[GEMM]
        self.time, self.batch, self.units = (table[i] for i in (TIME, BATCH, UNITS))
        self.first, self.next, self.pitch = table[FIRST], table[NEXT], table[PITCH]
        masks = ["steps"] if described["masked"] else []
        count = described["dropout"]
        order = [*names, *[f"dropout{i}" for i in range(count)], *masks, *results, "scratch"]
        self.arrays = {name: table[ARRAY + i] for i, name in enumerate(order)}
        self.dropout = [self.arrays[f"dropout{i}"] for i in range(count)]
        self.row_bytes = self.units * self.itemsize
        self.state_bytes = self.batch * self.row_bytes
        # the scratch memory: two states, then the panels
        self.room = self.arrays["scratch"] + (self.state_bytes * 2 + 63) // 64 * 64
        self.packed: dict[tuple[int, int, bool], Packed] = {}
        self.products = Products(code, self.itemsize) if count < 2 else None

    def __getitem__(self, name: str) -> Word:
        """The address of an array."""
        return self.arrays[name]

    # -- steps and elements ------------------------------------------------------------------------------------------

    def steps(self, write: Callable[[Word], None]) -> None:
        """`write(t)` for each step, in order."""
        with self.code.loop(self.time) as number:
            write(self.first + number * self.next)

    def steps_back(self, write: Callable[[Word, Any], None]) -> None:
        """`write(t, is_first)` for each step, from the last one to the first."""
        with self.code.loop(self.time) as done:
            number = self.time - done - 1
            write(self.first + number * self.next, number.compared("==", 0))

    def step(self, name: str, t: Word, blocks: int = 1) -> Word:
        """The address of a step in a sequence whose rows are `blocks` times the units."""
        return self.arrays[name] + t * (self.pitch * self.row_bytes * blocks)

    def before(self, t: Word, is_first: Any, start: str, rows: str) -> Word:
        """The address of the state that entered step t."""
        return self.code.chosen(is_first, self.arrays[start], self.step(rows, t - self.next))

    def elements(self, write: Callable[[Elements], None]) -> None:
        """The code for all elements of a step: of each row in vectors, then one by one."""
        code = self.code
        wide, narrow = code.lanes(self.itemsize), Lanes(code.builder, 1)
        with code.loop(self.batch) as row:
            blocks = self.units // wide.width
            with code.loop(blocks) as block:
                write(Elements(self, wide, row, block * (wide.width * self.itemsize)))
            done = blocks * wide.width
            with code.loop(self.units - done) as rest:
                write(Elements(self, narrow, row, (rest + done) * self.itemsize))

    # -- products ----------------------------------------------------------------------------------------------------

    def pack(self, first: int, gates: int, of: int, turned: bool = False) -> None:
        """Pack the columns of gates from `first` of the kernel, which has `of`, for the products to come."""
        if self.products is None:
            return
        code, units = self.code, self.units
        source, row = self["kernel"] + self.row_bytes * first, self.row_bytes * of
        if turned:
            found = Packed(self.room, units * gates, units)
            self.products.pack(code, source, found.inner, found.columns, self.itemsize, row, found.panels)
        else:
            found = Packed(self.room, units, units * gates)
            self.products.pack(code, source, found.inner, found.columns, row, self.itemsize, found.panels)
        self.packed[first, gates, turned] = found
        self.room = self.room + self.products.nbytes(found.inner, found.columns)

    def product(
        self, x: Word, x_blocks: int, first: int, gates: int, of: int, out: Word, out_blocks: int,
        turned: bool = False, adds: bool = False,
    ) -> None:  # fmt: skip
        """out = x · U, where U are the columns of gates from `first` of the kernel, which has `of`; or x · U'.

        A row of x is `x_blocks` times the units long, of out `out_blocks` times. With a mask of dropout for each gate
        BLAS multiplies, else the matrix must have been packed.
        """
        code, units = self.code, self.units
        if self.products is not None:
            panels, inner, columns = self.packed[first, gates, turned]
            x_row, out_row = self.row_bytes * x_blocks, self.row_bytes * out_blocks
            self.products.call(code, x, x_row, panels, inner, columns, out, out_row, self.batch, int(adds))
            return
        u = (self["kernel"] + self.row_bytes * first).ir, (units * of).ir
        sizes = [self.batch, units, units * gates] if turned else [self.batch, units * gates, units]
        turns = [I1(0), I1(int(turned))]
        places = (x.ir, (units * x_blocks).ir), u, (out.ir, (units * out_blocks).ir)
        blas.call(code.builder, self.element, self.gemm.ir, turns, [s.ir for s in sizes], *places, adds)

    def fed_back(self, h: Word, first: int, gates: int, of: int, out: Word, out_blocks: int) -> None:
        """out = h · U for gates from `first` on, h going through the masks of dropout."""
        if len(self.dropout) < 2:
            self.product(self._dropped(h, 0) if self.dropout else h, 1, first, gates, of, out, out_blocks)
            return
        for gate in range(gates):
            h_dropped = self._dropped(h, first + gate)
            self.product(h_dropped, 1, first + gate, 1, of, out + self.row_bytes * gate, out_blocks)

    def fed_back_grad(self, g: Word, g_blocks: int, first: int, gates: int, of: int, out: Word) -> None:
        """out += g · U' for gates from `first` on, each product going through its mask of dropout."""
        if not self.dropout:
            self.product(g, g_blocks, first, gates, of, out, 1, turned=True, adds=True)
            return
        several = len(self.dropout) > 1
        for gate in range(gates if several else 1):
            scratch, one = self["scratch"], g + self.row_bytes * gate
            self.product(one, g_blocks, first + gate, 1 if several else gates, of, scratch, 1, turned=True)
            mask = self.dropout[first + gate if several else 0]

            def add(e: Elements, mask: Word = mask) -> None:
                b = e.k.builder
                e.store(b.fadd(e.load(out), b.fmul(e.load(self["scratch"]), e.load(mask))), out)

            self.elements(add)

    def _dropped(self, h: Word, index: int) -> Word:
        """The address of h times a mask."""

        def multiply(e: Elements) -> None:
            e.store(e.k.builder.fmul(e.load(h), e.load(self.dropout[index])), self["scratch"])

        self.elements(multiply)
        return self["scratch"]

    def state(self, name: str) -> Variable:
        """A variable that holds the address of the current state, at first of the array."""
        return self.code.variable(self.arrays[name])

    def at(self, variable: Variable) -> Word:
        return self.code.word(variable.get())


class Elements:
    """Some elements of a row, in the lanes `k`."""

    def __init__(self, recurrence: Recurrence, k: Lanes, row: Word, offset: Word):
        self.r = recurrence
        self.k = k
        self.row = row
        self.offset = offset

    def _place(self, base: Word, block: int, blocks: int) -> Any:
        r = self.r
        return (base + (self.row * blocks + block) * r.row_bytes + self.offset).ir

    def load(self, base: Word, block: int = 0, blocks: int = 1) -> Number:
        """The elements of an array of one step, in one of the blocks of its rows."""
        return self.k.load(self._place(base, block, blocks), self.r.dtype)

    def store(self, x: Number, base: Word, block: int = 0, blocks: int = 1) -> None:
        self.k.store(x, self._place(base, block, blocks), self.r.dtype)

    def scalar(self, name: str) -> Number:
        """An array of rank 0, in all lanes."""
        return self.k.spread(Lanes(self.k.builder, 1).load(self.r[name].ir, self.r.dtype))

    def shared(self, name: str) -> Number:
        """A vector that is the same in all rows."""
        return self.k.load((self.r[name] + self.offset).ir, self.r.dtype)

    def cotangent(self, name: str, t: Word) -> Number:
        """What reaches a step from its result: a sequence, or a scalar."""
        if self.r.described[f"{name}_scalar"]:
            return self.scalar(name)
        return self.load(self.r.step(name, t))

    def dropped(self, x: Number, index: int) -> Number:
        """x through a mask of dropout, if there is one; one mask serves all."""
        masks = self.r.dropout
        return self.k.builder.fmul(x, self.load(masks[index if len(masks) > 1 else 0])) if masks else x

    def kept(self, t: Word, new: Number, old: Number) -> Number:
        """`new`, but `old` where the step does not count."""
        return self.k.select(self._counts(t), new, old) if self.r.described["masked"] else new

    def zeroed(self, t: Word, x: Number) -> Number:
        return self.kept(t, x, self.k.like(x, 0.0))

    def _counts(self, t: Word) -> Any:
        b = self.k.builder
        place = self.r["steps"] + t * self.r.pitch + self.row
        one = b.load(b.inttoptr(place.ir, I8.as_pointer()))
        return self.k.spread(b.icmp_unsigned("!=", one, I8(0)))

    # -- activations -------------------------------------------------------------------------------------------------

    def activate(self, which: str, x: Number) -> Number:
        """The activation, or the recurrent activation, of x."""
        k, name = self.k, self.r.described[which]
        library = math if self.r.dtype == "float32" else math64
        if name == "tanh":
            return library.tanh(k, x)
        if name == "sigmoid":
            return library.sigmoid(k, x)
        if name == "hard_sigmoid":
            b = k.builder
            line = b.fadd(b.fmul(x, k.like(x, 0.2)), k.like(x, 0.5))
            return k.minimum(k.maximum(line, k.like(x, 0.0)), k.like(x, 1.0))
        return k.maximum(x, k.like(x, 0.0)) if name == "relu" else x

    def slope(self, which: str, g: Number, y: Number) -> Number:
        """g times the slope of the activation where it gives y."""
        k, name = self.k, self.r.described[which]
        b, zero, one = k.builder, k.like(y, 0.0), k.like(y, 1.0)
        if name == "tanh":
            return b.fmul(g, b.fsub(one, b.fmul(y, y)))
        if name == "sigmoid":
            return b.fmul(g, b.fmul(b.fsub(one, y), y))
        if name == "hard_sigmoid":
            inside = b.and_(b.fcmp_ordered(">", y, zero), b.fcmp_ordered("<", y, one))
            return k.select(inside, b.fmul(g, k.like(y, 0.2)), zero)
        return k.select(b.fcmp_ordered(">", y, zero), g, zero) if name == "relu" else g
