"""The region: compiled code in which several threads run a list of kernels, all from its beginning to its end.

The list is cut into phases, a phase into shares, a share is kernels in a row. Threads take shares by an atomic counter;
a phase begins when all shares of the one before are done. So a thread that comes late, or does not come, costs nothing
but its help, and nobody waits for a share that no thread has begun.

The first words are those of `execution`, and

    word 6  how many phases;  7: where they are: PHASE words each, of which the first four are where its shares are
            (pairs: first kernel, how many), how many they are, how many have been taken, and how many are done
    word 8  the door: how many threads are inside, and OPEN if more may enter
    word 9  the address of a function that gives the processor to another thread, or 0

The thread that calls opens the door, works, shuts it, and waits until the others are outside. Those of the pool enter
if the door is open. A phase fills a cache line of its own, so that counting does not slow others down.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from polykeras_numba.code import Code, Table, Word, kernel_of
from polykeras_numba.execution import write_addresses
from polykeras_numba.lanes import I64

PHASES, PHASE_LIST, DOOR, YIELD = range(6, 10)
WORDS = 10
PHASE = 8
SHARES, COUNT, TAKEN, DONE = range(4)
OPEN = 1 << 32
# Looks at a counter before the processor is given away: some 50 microseconds.
PATIENCE = 2000


def kernel(role: str) -> Any:
    """The body as a Numba intrinsic of the list's address; role: "caller" or "helper"."""

    def write(code: Code, table: Table) -> None:
        region = _Region(code, table)
        if role == "caller":
            region.call()
        else:
            region.help()

    return kernel_of(write)


class _Region:
    def __init__(self, code: Code, table: Table):
        self.code = code
        self.table = table
        self.door = table.address() + 8 * DOOR

    def call(self) -> None:
        code, table = self.code, self.table
        write_addresses(code.builder, table.address().ir)
        phases = Table(code, table[PHASE_LIST])
        with code.loop(table[PHASES]) as index:
            for counter in (TAKEN, DONE):
                self._set(phases.part(index * PHASE + counter).address(), 0)
        self._add(self.door, OPEN)
        self._work()
        self._add(self.door, -OPEN)
        self._wait(self.door, 0)

    def help(self) -> None:
        code = self.code
        before = self._add(self.door, 1)
        with code.when(before.compared(">=", OPEN)):
            self._work()
        self._add(self.door, -1)

    def _work(self) -> None:
        code, table = self.code, self.table
        b = code.builder
        phases, kernels = Table(code, table[PHASE_LIST]), Table(code, table[4])
        with code.loop(table[PHASES]) as index:
            phase = phases.part(index * PHASE)
            shares, count = Table(code, phase[SHARES]), phase[COUNT]
            taken, done = (phase.part(i).address() for i in (TAKEN, DONE))
            take, after = b.append_basic_block("take"), b.append_basic_block("all_taken")
            run = b.append_basic_block("run")
            b.branch(take)
            b.position_at_end(take)
            share = self._add(taken, 1)
            b.cbranch(share.compared("<", count), run, after)
            b.position_at_end(run)
            with code.loop(shares[share * 2 + 1]) as number:
                self._kernel(kernels.part((shares[share * 2] + number) * 2))
            self._add(done, 1)
            b.branch(take)
            b.position_at_end(after)
            self._wait(done, count)

    def _kernel(self, pair: Table) -> None:
        b = self.code.builder
        function = ir.FunctionType(ir.VoidType(), [I64]).as_pointer()
        b.call(b.inttoptr(pair[0].ir, function), [pair[1].ir])

    # -- counters ------------------------------------------------------------------------------------------------------

    def _add(self, address: Word, number: int) -> Word:
        """Add to a counter; what it was before."""
        b = self.code.builder
        pointer = b.inttoptr(address.ir, I64.as_pointer())
        return self.code.word(b.atomic_rmw("add", pointer, I64(number), "seq_cst"))

    def _set(self, address: Word, number: int) -> None:
        b = self.code.builder
        b.store_atomic(I64(number), b.inttoptr(address.ir, I64.as_pointer()), "seq_cst", 8)

    def _wait(self, address: Word, number: Word | int) -> None:
        """Until a counter has reached a number."""
        code, b = self.code, self.code.builder
        look, rest, after = (b.append_basic_block(name) for name in ("look", "rest", "seen"))
        pointer = b.inttoptr(address.ir, I64.as_pointer())
        looks = cgutils.alloca_once(b, I64)
        b.store(I64(0), looks)
        b.branch(look)
        b.position_at_end(look)
        found = code.word(b.load_atomic(pointer, "seq_cst", 8))
        b.cbranch(found.compared("==", number), after, rest)
        b.position_at_end(rest)
        b.store(b.add(b.load(looks), I64(1)), looks)
        patient = b.icmp_unsigned("<", b.load(looks), I64(PATIENCE))
        give = self.table[YIELD]
        with code.either(b.or_(patient, give.compared("==", 0))) as (spin, leave):
            with spin:
                _pause(b)
            with leave:
                function = ir.FunctionType(ir.IntType(32), []).as_pointer()
                b.call(b.inttoptr(give.ir, function), [])
        b.branch(look)
        b.position_at_end(after)


def _pause(b: ir.IRBuilder) -> None:
    """Tell the processor that this is a waiting loop."""
    if not b.module.triple.startswith(("x86", "i686")):
        return
    name = "llvm.x86.sse2.pause"
    function = b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(ir.VoidType(), []), name)
    b.call(function, [])
