"""Variables: tensors whose value stays from call to call, and the storages that hold it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from polykeras.runtime import forking
from polykeras.runtime.views import contiguous
from polykeras.symbolic import dtypes, graph
from polykeras.symbolic.graph import Node, Tensor
from polykeras.symbolic.op import VARIABLE
from polykeras.symbolic.spec import Spec, format_shape, same_dims

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend

_serials = itertools.count(1)
_guard = forking.reentrant_lock()
# Counts how often any storage got another array: executables compare it with the count at which they were bound.
moves = itertools.count(1)
moved = 0


def _note_move() -> None:
    global moved
    moved = next(moves)


class Storage:
    """Where a variable's elements lie: on the backend where they were last written.

    version: grows with every write; derived values are cached by it.
    array:   stable in place: a write goes into it, so that bound code keeps its address.
    pending: a tensor or host array that is its initial value, until it is first needed.
    block:   the block of which the array is a view, if it is one.
    """

    __slots__ = ("spec", "name", "version", "array", "backend", "pending", "serial", "block", "__weakref__")

    def __init__(self, spec: Spec, name: str, pending: Any):
        self.spec = spec
        self.name = name
        self.version = 0
        self.array: Any = None
        self.backend: Backend | None = None
        self.pending = pending
        self.serial = next(_serials)
        self.block: FlatStorage | None = None

    @property
    def initialised(self) -> bool:
        """Has it elements, or only an initial value that nobody needed yet?"""
        return self.array is not None

    def on(self, backend: Backend) -> Any:
        """The array on `backend`; it moves there if it is elsewhere. The initial value must have been evaluated."""
        if self.backend is not backend:
            with _guard:
                if self.array is None:
                    self._place(backend, self.pending)
                elif self.backend is not backend:
                    assert self.backend is not None
                    self._place(backend, self.backend.to_numpy(self.array))
        return self.array

    def set(self, value: Any, backend: Backend) -> None:
        """Write a host array of the variable's shape."""
        with _guard:
            if self.array is None:
                self._place(backend, value)
            else:
                assert self.backend is not None
                self.backend.copy(self.backend.asarray(value, self.spec.dtype), self.array)
            self.version += 1

    def get(self) -> Any:
        """A host copy of the value."""
        with _guard:
            if self.array is None:
                raise ValueError(f"the variable '{self.name}' has no value yet")
            assert self.backend is not None
            return self.backend.to_numpy(self.array).copy()

    def written(self) -> None:
        """Count a write that code bound to the array made."""
        self.version += 1

    def _place(self, backend: Backend, value: Any) -> None:
        shape = tuple(value.shape) if hasattr(value, "shape") else ()
        array = backend.empty(shape, self.spec.dtype)
        backend.copy(backend.asarray(value, self.spec.dtype), array)
        self.spec = Spec(shape, self.spec.dtype)
        self.array = array
        self.backend = backend
        self.pending = None
        self.block = None
        _note_move()

    def __repr__(self) -> str:
        return f"<storage of {self.name}: {self.spec}>"


class FlatStorage:
    """Several storages of one dtype behind each other in one block: each of them becomes a view of it."""

    __slots__ = ("parts", "spec", "name", "serial", "array", "backend", "offsets")

    def __init__(self, parts: list[Storage]):
        self.parts = parts
        self.offsets = list(itertools.accumulate([p.spec.size for p in parts], initial=0))
        self.spec = Spec((self.offsets[-1],), parts[0].spec.dtype)
        self.name = f"{parts[0].name} and {len(parts) - 1} more"
        self.serial = next(_serials)
        self.array: Any = None
        self.backend: Backend | None = None

    def on(self, backend: Backend) -> Any:
        """The block on `backend`. It is gathered anew where a part has left it."""
        with _guard:
            if not self._whole(backend):
                other = self.parts[0].block
                if other is not None and other.parts == self.parts and other._whole(backend):
                    self.array, self.backend = other.array, backend
                else:
                    self._gather(backend)
            return self.array

    def _whole(self, backend: Backend) -> bool:
        return self.backend is backend and all(
            p.backend is backend and p.block is not None and p.block.array is self.array for p in self.parts
        )

    def _gather(self, backend: Backend) -> None:
        array = backend.empty(self.spec.sizes, self.spec.dtype)
        for part, offset in zip(self.parts, self.offsets, strict=False):
            shape = part.spec.sizes
            place = backend.strided(array, offset, shape, contiguous(shape))
            backend.copy(part.on(backend), place)
            part.array, part.block = place, self
        self.array, self.backend = array, backend
        _note_move()

    @property
    def version(self) -> int:
        """The sum of the parts' versions."""
        return sum(p.version for p in self.parts)

    def written(self) -> None:
        """Count a write of every part."""
        for part in self.parts:
            part.version += 1


class Variable(Tensor):
    """A tensor whose value is kept. In a graph it stands for its value at the entry of the call.

    value:      the initial value: a host array, or a tensor that is evaluated when the value is first needed.
    constraint: a function of the tensor, applied by optimizers after each update.
    """

    def __init__(self, value: Any, dtype: str, name: str, constraint: Any = None, trainable: bool = True):
        shape = value.spec.shape if isinstance(value, Tensor) else tuple(value.shape)
        spec = Spec(shape, dtypes.check(dtype))
        self.storage = Storage(spec, name, value)
        with graph.outside_traces():
            node = Node(VARIABLE, (), {"value": self.storage, "spec": spec, "name": name}, (spec,))
        super().__init__(node, 0, spec)
        self.constraint = constraint
        self.trainable = trainable

    def check_value(self, shape: tuple[int, ...]) -> None:
        """An error where an array of `shape` is no value of this variable."""
        if not same_dims(self.spec.shape, shape):
            raise ValueError(
                f"the variable '{self.name}' has shape {format_shape(self.spec.shape)}, but the value has shape {shape}"
            )


class Counter(Variable):
    """A variable that counts the calls of a random op; no layer's weight.   () int64"""


def counter(name: str) -> Counter:
    """A counter that stands at 0."""
    import numpy as np

    return Counter(np.zeros((), "int64"), "int64", name, trainable=False)
