"""From tensors to layers: which layers, in which of their calls, lead from a model's inputs to its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polykeras.engine.base_layer import Layer
from polykeras.engine.node import Inbound, Node, node_key
from polykeras.engine.raw_operations import capture
from polykeras.symbolic.graph import Tensor


@dataclass
class LayerGraph:
    """The calls of layers that make up a model.

    A node's depth is the length of the longest way from it to an output; a layer's that of its deepest node.

    layers:          from the inputs to the outputs: by falling depth, and within one by the order of discovery.
    nodes:           the nodes in an order in which they can be run.
    nodes_by_depth, layers_by_depth: the same by depth.
    node_keys:       `node_key` of each node.
    """

    layers: list[Layer]
    nodes: list[Node]
    nodes_by_depth: dict[int, list[Node]]
    layers_by_depth: dict[int, list[Layer]]
    node_keys: set[str]


def history(tensor: Tensor) -> tuple[Layer, int, int]:
    """The layer, the index of its node, and the index among that node's outputs, that made the tensor."""
    return tensor._keras_history  # type: ignore[attr-defined, no-any-return]


def node_of(tensor: Tensor) -> Node:
    """The call that made the tensor."""
    layer, node_index, _ = history(tensor)
    return layer._inbound_nodes[node_index]


def trace_layers(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> LayerGraph:
    """The graph of layers between `inputs` and `outputs`.

    Backend operations between layers become layers. Raises ValueError if an output needs something that is not among
    the inputs, or if two layers have one name.
    """
    finished, discovered = _walk(outputs)
    depths, layer_depths = _depths(finished)
    for tensor in inputs:
        layer = history(tensor)[0]
        if layer not in discovered:
            discovered[layer] = -1
            depths[node_of(tensor)] = layer_depths[layer] = 0
    nodes_by_depth: dict[int, list[Node]] = {}
    for node, depth in depths.items():
        nodes_by_depth.setdefault(depth, []).append(node)
    layers_by_depth: dict[int, list[Layer]] = {}
    for layer in sorted(discovered, key=discovered.__getitem__):
        layers_by_depth.setdefault(layer_depths[layer], []).append(layer)
    layers = [layer for depth in sorted(layers_by_depth, reverse=True) for layer in layers_by_depth[depth]]
    nodes = [node for depth in sorted(nodes_by_depth, reverse=True) for node in nodes_by_depth[depth]]
    _check_connected(inputs, nodes)
    _check_names(layers)
    keys = {node_key(n.outbound_layer, n.outbound_layer._inbound_nodes.index(n)) for n in nodes}
    return LayerGraph(layers, nodes, nodes_by_depth, layers_by_depth, keys)


def get_source_inputs(tensor: Tensor, layer: Any = None, node_index: int | None = None) -> list[Tensor]:
    """The `Input` tensors from which `tensor` is computed. `layer`, `node_index`: its origin, if not the one noted."""
    start = node_of(tensor) if layer is None or node_index is None else layer._inbound_nodes[node_index]
    found: dict[int, Tensor] = {}
    seen = {start}
    pending = [start]
    while pending:
        node = pending.pop()
        if not node.inbound_layers:
            found.update((id(t), t) for t in node.input_tensors)
        for origin in reversed(list(node.inbound())):
            if origin.layer is None:
                found[id(origin.tensor)] = origin.tensor
            elif (before := _inbound_node(origin)) not in seen:
                seen.add(before)
                pending.append(before)
    return list(found.values())


def _walk(outputs: Sequence[Tensor]) -> tuple[list[Node], dict[Layer, int]]:
    """The nodes that lead to the outputs, inputs first, and the layers with the order in which they were met."""
    finished: dict[Node, None] = {}
    discovered: dict[Layer, int] = {}
    started: set[Node] = set()
    for output in outputs:
        pending = [(node_of(output), False)]
        while pending:
            node, left = pending.pop()
            if left:
                finished[node] = None
            elif node not in started:
                started.add(node)
                discovered.setdefault(node.outbound_layer, len(discovered))
                pending.append((node, True))
                pending += [(_inbound_node(o), False) for o in reversed(_layer_origins(node))]
    return list(finished), discovered


def _layer_origins(node: Node) -> list[Inbound]:
    """The origins of the node's inputs that layers made; operations before an input are made a layer first."""
    for position, origin in enumerate(node.inbound()):
        if origin.layer is None and (hasattr(origin.tensor, "_keras_history") or capture(origin.tensor)):
            layer, node_index, tensor_index = history(origin.tensor)
            node.inbound_layers[position] = layer
            node.node_indices[position] = node_index
            node.tensor_indices[position] = tensor_index
            layer._outbound_nodes.append(node)
    return [origin for origin in node.inbound() if origin.layer is not None]


def _inbound_node(origin: Inbound) -> Node:
    assert origin.layer is not None and origin.node_index is not None
    return origin.layer._inbound_nodes[origin.node_index]


def _depths(finished: list[Node]) -> tuple[dict[Node, int], dict[Layer, int]]:
    """The depth of each node and layer. A node is no less deep than a later call of its layer, as in Keras."""
    depths: dict[Node, int] = {}
    layer_depths: dict[Layer, int] = {}
    for node in reversed(finished):
        layer = node.outbound_layer
        depth = max(depths.get(node, 0), layer_depths.get(layer, 0))
        depths[node] = layer_depths[layer] = depth
        for origin in node.inbound():
            if origin.layer is not None:
                before = _inbound_node(origin)
                depths[before] = max(depth + 1, depths.get(before, 0))
    return depths, layer_depths


def _check_connected(inputs: Sequence[Tensor], nodes: list[Node]) -> None:
    """Every input of every node must be given, made before, or made of no placeholder at all."""
    computable = {id(tensor) for tensor in inputs}
    passed: list[str] = []
    for node in nodes:
        made = [origin.tensor for origin in node.inbound() if origin.layer is not None]
        for tensor in made if node.inbound_layers else node.input_tensors:
            if id(tensor) not in computable:
                raise ValueError(
                    f"Graph disconnected: cannot obtain value for tensor {tensor!r} at layer "
                    f'"{node.outbound_layer.name}". The following previous layers were accessed without issue: '
                    f"{passed}. If it is an `Input`, pass it among the model's `inputs`."
                )
        computable.update(id(tensor) for tensor in node.output_tensors)
        passed.append(node.outbound_layer.name)


def _check_names(layers: list[Layer]) -> None:
    seen: set[str] = set()
    for layer in layers:
        if layer.name in seen:
            count = sum(other.name == layer.name for other in layers)
            raise ValueError(
                f'The name "{layer.name}" is used {count} times in the model. All layer names should be unique: '
                f"give the layers different `name`s."
            )
        seen.add(layer.name)
