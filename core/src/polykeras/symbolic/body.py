"""Bodies: the closed graphs inside control ops, how they are traced, and how they are copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras.symbolic import graph
from polykeras.symbolic.graph import Key, Node, Tensor, leaked
from polykeras.symbolic.op import PARAMETER
from polykeras.symbolic.spec import Spec


class Body:
    """A closed graph inside a control op.

    parameters: what the control op gives (a loop's index, states, elements), then one for each capture.
    captures:   the outer tensors that the last parameters stand for.
    outputs:    what it returns.
    nodes:      those made while it was traced, in order. No pass follows a capture outward.
    programs, demand: what the runtime found out about it.
    """

    __slots__ = ("parameters", "captures", "outputs", "nodes", "programs", "demand")

    def __init__(
        self,
        parameters: tuple[Tensor, ...],
        captures: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        nodes: list[Node],
    ):
        self.parameters = parameters
        self.captures = captures
        self.outputs = outputs
        self.nodes = nodes
        self.programs: dict[tuple[Spec, ...], Any] = {}
        self.demand: list[int] | None = None

    def __repr__(self) -> str:
        return f"<body of {len(self.nodes)} nodes: {len(self.parameters)} parameters, {len(self.outputs)} outputs>"


class Trace:
    """The making of a body: while it is open, nodes belong to it and outer tensors are captured.

    index:    a loop's parameter that counts its steps; None in a branch.
    position: where the step stands in the sequence of all loops around it, for random ops; None in a branch.
    writes:   assignments made so far, by variable; None where they are not allowed.
    """

    def __init__(self, what: str):
        self.what = what
        self.serial = graph.next_serial()
        self.outer = graph.current_trace()
        self.nodes: list[Node] = []
        self.captures: dict[Key, tuple[Tensor, Tensor]] = {}
        self.index: Tensor | None = None
        self.position: Tensor | None = None
        self.writes: dict[Node, tuple[Tensor, Tensor]] | None = None

    def __enter__(self) -> Trace:
        self.inside = graph.current_trace()
        graph.open_trace(self)
        return self

    def __exit__(self, *exc: object) -> None:
        graph.open_trace(self.inside)

    def parameter(self, spec: Spec) -> Tensor:
        """A tensor that the control op will give; the trace must be open."""
        node = Node(PARAMETER, (), {"spec": spec}, (spec,))
        return Tensor(node, 0, spec)

    def localise(self, tensor: Tensor) -> Tensor:
        """`tensor` as the body sees it: itself, or the parameter that stands for it."""
        if tensor.node.frame == self.serial:
            return tensor
        found = self.captures.get(tensor.key)
        if found is not None:
            return found[1]
        if not self.encloses(tensor.node.frame):
            raise ValueError(leaked(tensor))
        inner = self.parameter(tensor.spec)
        self.captures[tensor.key] = tensor, inner
        if tensor.__dict__.get("_uses_learning_phase"):
            inner.__dict__["_uses_learning_phase"] = True
        return inner

    def encloses(self, frame: int) -> bool:
        """Is `frame` this trace or one around it?"""
        trace: Trace | None = self
        while trace is not None:
            if trace.serial == frame:
                return True
            trace = trace.outer
        return frame == 0

    def close(self, parameters: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> Body:
        """The finished body."""
        outer = tuple([t for t, _ in self.captures.values()])
        inner = tuple([t for _, t in self.captures.values()])
        return Body((*parameters, *inner), outer, outputs, self.nodes)


def loop_position() -> Tensor | None:
    """The position of the innermost loop around the step that is being traced, as the open trace sees it."""
    opened = trace = graph.current_trace()
    while trace is not None and trace.position is None:
        trace = trace.outer
    if opened is None or trace is None or trace.position is None:
        return None
    return opened.localise(trace.position)


def inline(body: Body, arguments: Sequence[Tensor]) -> list[Tensor]:
    """A copy of a body's graph with its parameters replaced; returns the copies of its outputs."""
    copies: dict[Key, Tensor] = {p.key: a for p, a in zip(body.parameters, arguments, strict=True)}
    return substitute(body.outputs, copies)


def substitute(outputs: Sequence[Tensor], copies: dict[Key, Tensor]) -> list[Tensor]:
    """The outputs, computed from other tensors: `copies` says which stand for which."""
    for node in graph.topological(outputs, copies):
        if not node.inputs and not node.frame:
            copies[node, 0] = Tensor(node, 0, node.specs[0])
            continue
        inputs = graph.localise([copies[t.key] for t in node.inputs])
        with graph.made_for(node):
            made = node.op.build(inputs, node.attrs)
        for i, t in enumerate([made] if isinstance(made, Tensor) else made):
            copies[node, i] = t
    return [copies.get(t.key, t) for t in outputs]
