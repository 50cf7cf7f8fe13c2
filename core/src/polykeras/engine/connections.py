"""The properties by which a layer tells what it was called on and what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polykeras.engine.node import node_key
from polykeras.utils.generic_utils import unpack_singleton

if TYPE_CHECKING:
    from polykeras.engine.node import Node


class Connections:
    """Access to the inbound nodes of a layer. Every call adds one; `input` and its like mean the only one."""

    name: str
    _inbound_nodes: list[Node]
    _outbound_nodes: list[Node]

    @property
    def inbound_nodes(self) -> list[Node]:
        """The calls of this layer."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self) -> list[Node]:
        """The calls of other layers on this layer's outputs."""
        return self._outbound_nodes

    def get_input_at(self, node_index: int) -> Any:
        """Input tensor, or list of them, of call `node_index` (from 0)."""
        return self._at(node_index, "input_tensors", "input")

    def get_output_at(self, node_index: int) -> Any:
        """Output tensor, or list of them, of call `node_index` (from 0)."""
        return self._at(node_index, "output_tensors", "output")

    def get_input_mask_at(self, node_index: int) -> Any:
        """Mask of the input of call `node_index`, or list of them; None where there is none."""
        return self._at(node_index, "input_masks", "input mask")

    def get_output_mask_at(self, node_index: int) -> Any:
        """Mask of the output of call `node_index`, or list of them; None where there is none."""
        return self._at(node_index, "output_masks", "output mask")

    def get_input_shape_at(self, node_index: int) -> Any:
        """Shape, batch included, of the input of call `node_index`, or list of shapes."""
        return self._at(node_index, "input_shapes", "input shape")

    def get_output_shape_at(self, node_index: int) -> Any:
        """Shape, batch included, of the output of call `node_index`, or list of shapes."""
        return self._at(node_index, "output_shapes", "output shape")

    @property
    def input(self) -> Any:
        """The tensor, or list of them, that the layer was called on, if it was called once; else AttributeError."""
        return self._only("input_tensors", "input", "get_input_at")

    @property
    def output(self) -> Any:
        """The tensor, or list of them, that the layer gave, if it was called once; else AttributeError."""
        return self._only("output_tensors", "output", "get_output_at")

    @property
    def input_mask(self) -> Any:
        """The mask that came with the input, if the layer was called once; else AttributeError."""
        return self._only("input_masks", "input mask", "get_input_mask_at")

    @property
    def output_mask(self) -> Any:
        """The mask that goes with the output, if the layer was called once; else AttributeError."""
        return self._only("output_masks", "output mask", "get_output_mask_at")

    @property
    def input_shape(self) -> Any:
        """Shape, batch included, of the input (a list if there are several), if it was the same in every call."""
        return self._common("input_shapes", "input shape", "get_input_shape_at")

    @property
    def output_shape(self) -> Any:
        """Shape, batch included, of the output (a list if there are several), if it was the same in every call."""
        return self._common("output_shapes", "output shape", "get_output_shape_at")

    def _get_node_attribute_at_index(self, node_index: int, attr: str, attr_name: str) -> Any:
        """What the `get_..._at` return: attribute `attr` of a node; `attr_name` is the word for it in errors."""
        return self._at(node_index, attr, attr_name)

    @staticmethod
    def _node_key(layer: Any, node_index: int) -> str:
        """What stands for a layer's node in a model's `_network_nodes`."""
        return node_key(layer, node_index)

    def _at(self, index: int, attribute: str, what: str) -> Any:
        if not self._inbound_nodes:
            raise RuntimeError(f"The layer {self.name} has never been called and thus has no defined {what}.")
        if not 0 <= index < len(self._inbound_nodes):
            raise ValueError(
                f"Asked to get {what} at node {index}, but the layer {self.name} "
                f"has only {len(self._inbound_nodes)} inbound nodes."
            )
        return unpack_singleton(getattr(self._inbound_nodes[index], attribute))

    def _only(self, attribute: str, what: str, getter: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(
                f"Layer {self.name} is not connected, no {what} to return: call the layer on a tensor first."
            )
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f'Layer {self.name} has multiple inbound nodes, hence the notion of "layer {what}" is ill-defined. '
                f"Use `{getter}(node_index)` instead."
            )
        return unpack_singleton(getattr(self._inbound_nodes[0], attribute))

    def _common(self, attribute: str, what: str, getter: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called (is not connected) and thus has no defined {what}."
            )
        found = [getattr(node, attribute) for node in self._inbound_nodes]
        if any(shapes != found[0] for shapes in found):
            raise AttributeError(
                f"The layer {self.name} has multiple inbound nodes, with different {what}s. Hence the notion of "
                f'"{what}" is ill-defined for the layer. Use `{getter}(node_index)` instead.'
            )
        return unpack_singleton(found[0])
