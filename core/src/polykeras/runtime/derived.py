"""Derived values: expressions of variables alone, computed once for each version of the variables and then kept.

In a program a derived value stands where a variable would: it has an array that stays in its place. Executables ask
before each call whether the variables have been written since, and compute it anew if so. Programs for other shapes
that need the same expression share it.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polykeras.runtime import forking, sparse
from polykeras.runtime.program import Step, Value

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend

_serials = itertools.count(1)
_guard = forking.reentrant_lock()


class Derived:
    """One derived value on one backend.

    recipe:  the steps that make it, in order, from variables and constants.
    result:  the value that they end in.
    sources: the storages of the variables that it depends on.
    versions: theirs when it was last computed; None before.
    """

    def __init__(self, recipe: Sequence[Step], result: Value, backend: Backend):
        made = {out for step in recipe for out in step.outs}
        self.leaves = list(dict.fromkeys(v for step in recipe for v in step.ins if v not in made))
        self.recipe = recipe
        self.result = result
        self.spec = result.spec
        self.sources = [value.source for value in self.leaves if value.kind == "variable"]
        self.backend = backend
        self.serial = f"d{next(_serials)}"
        self.array: Any = None
        self.versions: list[int] | None = None

    @property
    def name(self) -> str:
        """What it is made of, for listings."""
        return f"{self.recipe[-1].op.name} of {', '.join(source.name for source in self.sources)}"

    def refresh(self) -> None:
        """Compute it if a variable has been written since. One thread does; others that ask wait for it.

        Versions are taken before the values: a write in between makes it stale at the next call.
        """
        if self.versions == [source.version for source in self.sources]:
            return
        with _guard:
            versions = [source.version for source in self.sources]
            if self.versions == versions:
                return
            held = {leaf: self._leaf(leaf) for leaf in self.leaves}
            array = self.array
            if array is None:
                array = self.backend.empty(self.spec.sizes, self.spec.dtype)
            with self.backend.quiet():
                run_once(self.recipe, held, self.backend, {self.result: array})
            if held[self.result] is not array:
                self.backend.copy(held[self.result], array)
            self.array, self.versions = array, versions

    def on(self, backend: Backend) -> Any:
        """The array; programs refresh it before they ask."""
        assert backend is self.backend
        if self.array is None:
            self.refresh()
        return self.array

    def _leaf(self, value: Value) -> Any:
        if value.kind == "variable":
            return value.source.on(self.backend)
        return sparse.on(self.backend, value.source, value.spec.dtype)


def shared(key: Hashable, recipe: Sequence[Step], result: Value, backend: Backend) -> Derived:
    """The derived value of that key on the backend; made of the recipe if no program has it yet."""
    with _guard:
        found: Derived | None = backend.derived.get(key)
        if found is None:
            found = backend.derived[key] = Derived(recipe, result, backend)
        return found


def run_once(
    steps: Sequence[Step], held: dict[Value, Any], backend: Backend, places: Mapping[Value, Any] | None = None
) -> None:
    """Run steps one after another outside of any plan; `held` has the arrays they read, and gets what they make.

    places: arrays for some of the results; a kernel that makes its own does not use them.
    """
    given = places or {}
    for step in steps:
        kernel = backend.kernel(step)
        arrays = [held[v] for v in step.arrays]
        work = (backend.arena(kernel.workspace),) if kernel.workspace else ()
        if kernel.into:
            outs = [given[v] if v in given else backend.empty(v.spec.sizes, v.spec.dtype) for v in step.outs]
            kernel.call(*arrays, *outs, *work)
        else:
            made = kernel.call(*arrays, *work)
            outs = [made] if len(step.outs) == 1 and not isinstance(made, tuple) else list(made)
        held.update(zip(step.outs, outs, strict=True))
