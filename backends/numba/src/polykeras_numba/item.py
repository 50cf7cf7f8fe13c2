"""What an item is: a compiled kernel and the table of words that it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from polykeras.runtime.program import Step

Strides = tuple[int, ...]


class Item(NamedTuple):
    """A kernel and its table, but for the addresses of the arrays.

    function:  the kernel's address.
    words:     the table: a list or an array of integers.
    addresses: the word where an address belongs, which array's it is, and an offset in bytes. Arrays are numbered, the
               operands first, then the results; the one after them is the step's scratch memory.
    """

    function: int
    words: Any
    addresses: list[tuple[int, int, int]]


# From a step and the strides of its operands to its items; None where there is no kernel for it.
Maker = Callable[[Step, Sequence[Strides]], Item | list[Item] | None]
