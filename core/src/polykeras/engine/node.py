"""The link that one call of a layer makes between its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from polykeras.symbolic.graph import Tensor

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer


def node_key(layer: Layer, node_index: int) -> str:
    """What stands for a layer's node in sets of nodes, such as a model's `_network_nodes`."""
    return f"{layer.name}_ib-{node_index}"


class Inbound(NamedTuple):
    """Where an input of a node comes from; the first three are None for a tensor that no layer made."""

    layer: Layer | None
    node_index: int | None
    tensor_index: int | None
    tensor: Tensor


class Node:
    """One call of a layer.

    A layer that is called has a node more among its `_inbound_nodes`; the layers whose outputs it was called on have it
    among their `_outbound_nodes`. A layer called twice has two inbound nodes and one set of weights.

    outbound_layer:  the layer that was called.
    inbound_layers, node_indices, tensor_indices: for each input tensor the layer that made it, in which of its nodes,
                     as which output; None where no layer made it.
    input_tensors, output_tensors; input_masks, output_masks; input_shapes, output_shapes: what came and what went.
    arguments:       further keyword arguments of the call.
    """

    def __init__(
        self,
        outbound_layer: Layer,
        inbound_layers: Sequence[Layer | None],
        node_indices: Sequence[int | None],
        tensor_indices: Sequence[int | None],
        input_tensors: Sequence[Tensor],
        output_tensors: Sequence[Tensor],
        input_masks: Sequence[Any],
        output_masks: Sequence[Any],
        input_shapes: Sequence[Any],
        output_shapes: Sequence[Any],
        arguments: dict[str, Any] | None = None,
    ):
        self.outbound_layer = outbound_layer
        self.inbound_layers = list(inbound_layers)
        self.node_indices = list(node_indices)
        self.tensor_indices = list(tensor_indices)
        self.input_tensors = list(input_tensors)
        self.output_tensors = list(output_tensors)
        self.input_masks = list(input_masks)
        self.output_masks = list(output_masks)
        self.input_shapes = list(input_shapes)
        self.output_shapes = list(output_shapes)
        self.arguments = arguments or {}
        for layer in self.inbound_layers:
            if layer is not None:
                layer._outbound_nodes.append(self)
        outbound_layer._inbound_nodes.append(self)

    def inbound(self) -> Iterator[Inbound]:
        """The origin of each input, in order; none for the node of an `InputLayer` or of a model's own inputs."""
        origins = zip(self.inbound_layers, self.node_indices, self.tensor_indices, strict=True)
        for (layer, node_index, tensor_index), tensor in zip(origins, self.input_tensors, strict=False):
            yield Inbound(layer, node_index, tensor_index, tensor)

    def get_config(self) -> dict[str, Any]:
        """The node by names and indices."""
        return {
            "outbound_layer": self.outbound_layer.name,
            "inbound_layers": [None if layer is None else layer.name for layer in self.inbound_layers],
            "node_indices": self.node_indices,
            "tensor_indices": self.tensor_indices,
        }

    def __repr__(self) -> str:
        came = ", ".join("?" if layer is None else layer.name for layer in self.inbound_layers)
        return f"<Node {came or 'nothing'} -> {self.outbound_layer.name}>"
