"""What an item is: a compiled kernel and the table of words that it reads. Items that threads may run side by side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from polykeras.runtime.program import Step

Strides = tuple[int, ...]

# Into how many parts a step's work is cut at most, and how much work is worth a part: operations of products, and bytes
# that are read and written. Both are the same on every machine and for any number of threads: a result's bits must not
# depend on who computes it.
PARTS = 8
OPERATIONS, BYTES = 5_000_000, 200_000


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


class Together(tuple[Item, ...]):
    """Items that may run at the same time, in any order: none reads or writes what another one writes."""


Made = Item | Together
Items = list[Made]
# From a step and the strides of its operands to its items; None where there is no kernel for it.
Maker = Callable[[Step, Sequence[Strides]], Made | Items | None]


def ranges(
    count: int, *, operations: float = 0, nbytes: float = 0, unit: int = 1, most: int = PARTS
) -> list[tuple[int, int]]:
    """(first, how many) of the parts into which `count` is cut, each but the last one a multiple of `unit`.

    operations, nbytes: of all of it, which say how many parts it is worth;  most: how many there are at most.
    """
    return cut(count, int(max(operations / OPERATIONS, nbytes / BYTES)), unit, most)


def cut(count: int, parts: int, unit: int = 1, most: int = PARTS) -> list[tuple[int, int]]:
    """(first, how many) of so many parts, or of the next power of two below: at the end nobody is left without work."""
    blocks = -(-count // unit)
    parts = max(1, min(most, parts, blocks))
    parts = 1 << parts.bit_length() - 1
    edges = [min(count, unit * (i * blocks // parts)) for i in range(parts + 1)]
    return [(first, last - first) for first, last in itertools.pairwise(edges)]


def divided(
    item: Item,
    counted: int,
    parts: Sequence[tuple[int, int]],
    moved: Mapping[int, int],
    tables: Mapping[int, int] | None = None,
    private: Mapping[int, int] | None = None,
    start: int | None = None,
) -> Made:
    """An item cut into parts of what its word `counted` counts; the item itself if there is one part.

    moved:   by the word of an address, bytes from one counted thing to the next.
    tables:  by the word that says where a table is in the item, words from one to the next.
    private: by the word of an address, bytes from one part's own memory to the next part's.
    start:   the word that says which one is the first.
    """
    if len(parts) == 1:
        return item
    made = []
    for i, (first, count) in enumerate(parts):
        words = np.array(item.words, "int64")
        words[counted] = count
        if start is not None:
            words[start] = first
        for word, step in (tables or {}).items():
            words[word] += 8 * step * first
        shifts = {word: step * first for word, step in moved.items()}
        for word, step in (private or {}).items():
            shifts[word] = shifts.get(word, 0) + step * i
        addresses = [(word, which, offset + shifts.get(word, 0)) for word, which, offset in item.addresses]
        made.append(Item(item.function, words, addresses))
    return Together(made)
