"""Reverse-mode differentiation: a walk over the graph that builds more of it.

The rules are written in ops, so gradients can be differentiated again.
Griewank & Walther, Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras.symbolic import collector, dtypes, graph
from polykeras.symbolic.graph import Node, Tensor, topological
from polykeras.symbolic.op import OPS

Cotangents = dict[Tensor, Tensor]


def gradients(
    ys: Tensor | Sequence[Tensor], xs: Sequence[Tensor], grad_ys: Sequence[Tensor | None] | None = None
) -> list[Tensor | None]:
    """d(sum of all ys)/dx for each x, of x's shape; None where nothing differentiable connects them.

    `grad_ys` are the cotangents of `ys`; ones where not given.
    """
    with collector.paused():
        return _gradients([ys] if isinstance(ys, Tensor) else list(ys), xs, grad_ys, whole=True)


def _gradients(
    ys: Sequence[Tensor], xs: Sequence[Tensor], grad_ys: Sequence[Tensor | None] | None, whole: bool
) -> list[Tensor | None]:
    """`gradients`; not `whole`: the walk ends at the xs, of which none depends on another."""
    outputs = list(graph.localise(ys))
    targets = list(graph.localise(list(xs)))
    walk = _Walk(outputs, targets, whole)
    for i, y in enumerate(outputs):
        seed = grad_ys[i] if grad_ys is not None else None
        walk.add(y.node, y.index, OPS["fill_like"](y, value=1.0) if seed is None else seed)
    walk.run()
    return [walk.cotangent(x) for x in targets]


class _Walk:
    """One backward pass: cotangents by node and output index."""

    def __init__(self, outputs: Sequence[Tensor], targets: Sequence[Tensor], whole: bool):
        self.cotangents: dict[tuple[Node, int], Tensor] = {}
        self.targets = {x.key for x in targets}
        target_nodes = {x.node for x in targets}
        self.nodes: list[Node] = []
        reached = set() if whole else set(target_nodes)
        for node in topological(outputs, () if whole else self.targets):
            if node in target_nodes or any(t.node in reached for t in node.inputs):
                reached.add(node)
                if node.inputs:
                    self.nodes.append(node)
        self.reached = reached

    def add(self, node: Node, index: int, g: Tensor) -> None:
        """Account for one more use of an output."""
        if node not in self.reached or not dtypes.is_float(node.specs[index].dtype):
            return
        key = (node, index)
        have = self.cotangents.get(key)
        self.cotangents[key] = g if have is None else OPS["add"](have, g)

    def run(self) -> None:
        for node in reversed(self.nodes):
            count = len(node.specs)
            if count == 1:
                g: Any = self.cotangents.get((node, 0))
                if g is None:
                    continue
            else:
                g = tuple([self.cotangents.get((node, i)) for i in range(count)])
                if not any(c is not None for c in g):
                    continue
            if not any(t.node in self.reached for t in node.inputs):
                continue
            with graph.made_for(node):
                results = vjp(node, g)
            for t, result in zip(node.inputs, results, strict=True):
                if result is not None:
                    self.add(t.node, t.index, result)
            for i in range(count):
                if (node, i) not in self.targets:
                    self.cotangents.pop((node, i), None)

    def cotangent(self, x: Tensor) -> Tensor | None:
        return self.cotangents.get((x.node, x.index))


def vjp(node: Node, g: Any) -> Sequence[Tensor | None]:
    """The cotangents of a node's inputs, given those of its outputs."""
    op = node.op
    outs = tuple([Tensor(node, i, spec) for i, spec in enumerate(node.specs)])
    if op.vjp_rule is not None:
        out = outs if len(outs) > 1 or op.returns_tuple(node.attrs) else outs[0]
        if len(outs) == 1 and op.returns_tuple(node.attrs):
            g = (g,)
        result = op.vjp_rule(g, out, *node.inputs, **node.attrs)
        return (result,) if isinstance(result, Tensor) or result is None else result
    if op.lower_rule is not None:
        # Operands may be equal or depend on each other: copies of them are independent.
        operands = [OPS["identity"](t) for t in node.inputs]
        lowered = op.lower_rule(*operands, **node.attrs)
        ys = [lowered] if isinstance(lowered, Tensor) else list(lowered)
        gs = [g] if isinstance(g, Tensor) else list(g)
        pairs = [(y, c) for y, c in zip(ys, gs, strict=True) if c is not None]
        return _gradients([y for y, _ in pairs], operands, [c for _, c in pairs], whole=False)
    if op.nondifferentiable:
        return [None] * len(node.inputs)
    raise ValueError(f"the op '{op.name}' has no gradient [{node.where()}]")
