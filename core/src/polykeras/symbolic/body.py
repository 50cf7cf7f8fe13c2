"""Bodies: the closed graphs inside control ops, and how they are traced."""

from __future__ import annotations

from polykeras.symbolic import graph
from polykeras.symbolic.graph import Key, Node, Tensor, leaked
from polykeras.symbolic.op import PARAMETER
from polykeras.symbolic.spec import Spec


class Trace:
    """The making of a body: while it is open, nodes belong to it and outer tensors are captured."""

    def __init__(self, what: str):
        self.what = what
        self.serial = graph.next_serial()
        self.outer = graph.current_trace()
        self.nodes: list[Node] = []
        self.captures: dict[Key, tuple[Tensor, Tensor]] = {}
        self.position: Tensor | None = None

    def __enter__(self) -> Trace:
        graph.open_trace(self)
        return self

    def __exit__(self, *exc: object) -> None:
        graph.open_trace(self.outer)

    def encloses(self, frame: int) -> bool:
        """Is `frame` this trace or one around it?"""
        trace: Trace | None = self
        while trace is not None:
            if trace.serial == frame:
                return True
            trace = trace.outer
        return frame == 0

    def localise(self, tensor: Tensor) -> Tensor:
        """`tensor` as the body sees it: itself, or the parameter that stands for it."""
        if tensor.node.frame == self.serial:
            return tensor
        found = self.captures.get(tensor.key)
        if found is not None:
            return found[1]
        if not self.encloses(tensor.node.frame):
            raise ValueError(leaked(tensor))
        inner = parameter(tensor.spec)
        self.captures[tensor.key] = tensor, inner
        for attribute in ("_keras_shape", "_uses_learning_phase"):
            if attribute in tensor.__dict__:
                setattr(inner, attribute, tensor.__dict__[attribute])
        return inner


class Body:
    """A closed graph inside a control op.

    parameters: placeholders that the control op fills (states, elements of sequences), then one for each capture.
    captures:   the outer tensors that the last parameters stand for.
    outputs:    what it returns.
    A body lists the nodes made for it; no pass follows a capture outward.
    """

    __slots__ = ("parameters", "captures", "outputs", "nodes", "position", "__weakref__")

    def __init__(
        self,
        parameters: tuple[Tensor, ...],
        captures: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        nodes: list[Node],
        position: Tensor | None = None,
    ):
        self.parameters = parameters
        self.captures = captures
        self.outputs = outputs
        self.nodes = nodes
        self.position = position

    def __repr__(self) -> str:
        return f"<Body {len(self.parameters)} parameters, {len(self.nodes)} nodes, {len(self.outputs)} outputs>"


def parameter(spec: Spec) -> Tensor:
    """A placeholder inside a body."""
    node = Node(PARAMETER, (), {"spec": spec}, (spec,))
    return Tensor(node, 0, spec)
