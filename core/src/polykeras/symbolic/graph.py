"""The graph: tensors point to the nodes that make them, nodes point to their input tensors' nodes.

Nothing points forward, so a graph has no reference cycles and goes away with the last tensor that needs it.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from polykeras.symbolic.spec import Spec, format_shape

if TYPE_CHECKING:
    from polykeras.symbolic.body import Trace
    from polykeras.symbolic.op import Op

_serials = itertools.count(1)
next_serial = _serials.__next__
# Identities of the library's code objects met so far (its modules stay, so these do): hashing one would take longer.
_library_code: set[int] = set()
LIBRARY = {
    "polykeras",
    "polykeras_layers",
    "polykeras_optimizers",
    "polykeras_metrics",
    "polykeras_applications",
    "polykeras_tensorboard",
}


Key = tuple["Node", int]


class _State(threading.local):
    """What surrounds the nodes that a thread makes."""

    def __init__(self) -> None:
        self.layers: tuple[str, ...] = ()
        self.device: str | None = None
        self.trace: Trace | None = None
        self.origin: Node | None = None


_state = _State()


class Site:
    """A place in a program: a code object and an instruction offset, turned into a line only when shown."""

    __slots__ = ("code", "offset")

    def __init__(self, code: CodeType, offset: int):
        self.code = code
        self.offset = offset

    @property
    def line(self) -> int:
        for start, end, line in self.code.co_lines():
            if start <= self.offset < end and line is not None:
                return line
        return self.code.co_firstlineno

    def __str__(self) -> str:
        return f"{self.code.co_filename}:{self.line}"


def here() -> Site | None:
    """The place outside the library from which it is being called."""
    frame: FrameType | None = sys._getframe(2)  # its callers, `Node` and `Op`, are never the place
    while frame is not None:
        code = frame.f_code
        if id(code) not in _library_code:
            if frame.f_globals.get("__name__", "").partition(".")[0] not in LIBRARY:
                return Site(code, frame.f_lasti)
            _library_code.add(id(code))
        frame = frame.f_back
    return None


class Node:
    """One application of an op.

    specs:  of its outputs.
    layer:  path of the layer in whose call it was made, or "".
    device: what `K.device` said, or None.
    site:   where in the user's program it was made; a gradient's node inherits its forward node's.
    frame:  serial of the trace that it was made in, 0 outside all bodies.
    """

    __slots__ = ("op", "inputs", "attrs", "specs", "layer", "device", "site", "serial", "frame")

    layer: str
    device: str | None
    site: Site | None

    def __init__(self, op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any], specs: tuple[Spec, ...]):
        origin = _state.origin
        self.op = op
        self.inputs = inputs
        self.attrs = attrs
        self.specs = specs
        self.layer = "/".join(_state.layers) if origin is None else origin.layer
        self.device = _state.device if origin is None else origin.device
        self.site = here() if origin is None else origin.site
        self.serial = next(_serials)
        self.frame = 0
        trace = _state.trace
        if trace is not None:
            self.frame = trace.serial
            trace.nodes.append(self)

    def where(self) -> str:
        """Words for an error: the layer and the place in the user's program."""
        parts = [f"in layer '{self.layer}'"] if self.layer else []
        parts += [f"made at {self.site}"] if self.site else []
        return ", ".join(parts)

    def __repr__(self) -> str:
        return f"<Node {self.serial} {self.op.name} {', '.join(map(str, self.specs))}>"


class Tensor:
    """A symbolic value: output `index` of `node`.

    Takes foreign attributes (`_keras_shape`, `_keras_history`, ...). Equality and hash are by identity;
    operators are put on by `symbolic.ops.operators`.
    """

    def __init__(self, node: Node, index: int, spec: Spec):
        self.node = node
        self.index = index
        self.spec = spec

    if TYPE_CHECKING:
        _keras_shape: Any
        _uses_learning_phase: bool

        # Put on by `symbolic.ops.operators`.
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...

    @property
    def key(self) -> Key:
        """What it is, whichever object stands for it."""
        return self.node, self.index

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        return self.spec.shape

    @property
    def dtype(self) -> str:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return self.spec.ndim

    @property
    def name(self) -> str:
        """`layer/op_serial:index`, or the name that a placeholder or variable was given."""
        given = self.__dict__.get("_name") or self.node.attrs.get("name")
        if given:
            return str(given) if ":" in str(given) else f"{given}:{self.index}"
        prefix = f"{self.node.layer}/" if self.node.layer else ""
        return f"{prefix}{self.node.op.name}_{self.node.serial}:{self.index}"

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.spec.dtype}{format_shape(self.spec.shape)}>"

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} has no truth value while the graph is built; use K.switch(condition, a, b), "
            "or compare with `is None`"
        )

    def __iter__(self) -> Iterator[Tensor]:
        raise TypeError(f"{self!r} cannot be iterated over; use K.map_fn, slices, or K.unstack")

    def __len__(self) -> int:
        raise TypeError(f"{self!r} has no len(); use K.int_shape(x)[0] or K.shape(x)[0]")

    def __contains__(self, item: object) -> bool:
        raise TypeError(f"`in` is not defined for {self!r}; compare elementwise with K.equal and reduce with K.any")


@contextmanager
def layer_scope(name: str) -> Iterator[None]:
    """Nodes made inside carry the layer's name; scopes nest into a path."""
    outer = _state.layers
    _state.layers = (*outer, name)
    try:
        yield
    finally:
        _state.layers = outer


@contextmanager
def device_scope(name: str | None) -> Iterator[None]:
    """Nodes made inside carry the device's name."""
    outer = _state.device
    _state.device = name
    try:
        yield
    finally:
        _state.device = outer


def current_layer() -> str:
    """The path of the layer scopes that are open, or ""."""
    return "/".join(_state.layers)


def topological(outputs: Iterable[Tensor], stop: Collection[Key] = frozenset()) -> list[Node]:
    """The nodes that `outputs` need, inputs before users. Walking ends at the outputs named in `stop`."""
    seen: set[Node] = set()
    pending = [t.node for t in outputs if not stop or t.key not in stop]
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        for t in node.inputs:
            if t.node not in seen and (not stop or t.key not in stop):
                pending.append(t.node)
    return sorted(seen, key=_serial)


def _serial(node: Node) -> int:
    return node.serial


def leaked(tensor: Tensor) -> str:
    return (
        f"{tensor!r} was made inside a loop's step or a branch ({tensor.node.where()}) and is used outside it; "
        "return it from the step instead"
    )


def current_trace() -> Trace | None:
    return _state.trace


@contextmanager
def outside_traces() -> Iterator[None]:
    """Nodes made inside belong to no body: for variables that are created while a step is traced."""
    trace, _state.trace = _state.trace, None
    try:
        yield
    finally:
        _state.trace = trace


def localise(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The tensors as the open trace sees them, if one is open."""
    trace = _state.trace
    if trace is None:
        for tensor in tensors:
            if tensor.node.frame:
                raise ValueError(leaked(tensor))
        return tuple(tensors)
    return tuple([trace.localise(t) for t in tensors])


@contextmanager
def made_for(origin: Node) -> Iterator[None]:
    """Nodes made inside inherit the layer, device and site of `origin`: a gradient's from its forward node."""
    outer = _state.origin
    _state.origin = origin
    try:
        yield
    finally:
        _state.origin = outer


def open_trace(trace: Trace | None) -> None:
    _state.trace = trace
