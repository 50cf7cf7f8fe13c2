"""Functional models as data: which layers, and which of their calls on what."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from polykeras.engine.base_layer import Layer
from polykeras.engine.layer_graph import history
from polykeras.engine.node import Node, node_key
from polykeras.engine.raw_operations import BackendOperations, weight_owners
from polykeras.engine.shared_variables import described_with, together
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import to_list, unpack_singleton

if TYPE_CHECKING:
    from polykeras.engine.network import Network


def functional_config(network: Network) -> dict[str, Any]:
    """`{"name", "layers", "input_layers", "output_layers"}`; see `Network.get_config`."""
    assert network.inputs is not None and network.outputs is not None
    numbers = _node_numbers(network)
    with together(), described_with(weight_owners(network.layers)):
        layers = [_layer_config(layer, numbers) for layer in network.layers]
    config = {
        "name": network.name,
        "layers": layers,
        "input_layers": [_coordinates(tensor, numbers) for tensor in network.inputs],
        "output_layers": [_coordinates(tensor, numbers) for tensor in network.outputs],
    }
    return copy.deepcopy(config)


def functional_parts(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs and outputs of the functional model that `config` describes, its layers made and called.

    Raises ValueError for a config whose calls cannot all be made.
    """
    with together():
        layers, waiting = _make_layers(config, custom_objects)
    for layer in layers.values():
        if isinstance(layer, BackendOperations):
            layer.borrow(layers)
    _make_calls(layers, waiting)
    inputs = [_required_tensor(layers, place) for place in config["input_layers"]]
    outputs = [_required_tensor(layers, place) for place in config["output_layers"]]
    return inputs, outputs


# -- writing -------------------------------------------------------------------------------------------------------


def _node_numbers(network: Network) -> dict[str, int]:
    """For each node of the network, its number among the layer's nodes that will be there when the config is read.

    A network as a layer begins with the node that links its own inputs and outputs.
    """
    from polykeras.engine.network import Network

    numbers: dict[str, int] = {}
    for layer in network.layers:
        kept = 1 if isinstance(layer, Network) else 0
        for index in range(len(layer._inbound_nodes)):
            key = node_key(layer, index)
            if key in network._network_nodes:
                numbers[key] = kept
                kept += 1
    return numbers


def _layer_config(layer: Layer, numbers: Mapping[str, int]) -> dict[str, Any]:
    calls = [
        _call_config(node, numbers)
        for index, node in enumerate(layer._inbound_nodes)
        if node_key(layer, index) in numbers and node.inbound_layers
    ]
    return {
        "name": layer.name,
        "class_name": type(layer).__name__,
        "config": layer.get_config(),
        "inbound_nodes": calls,
    }


def _call_config(node: Node, numbers: Mapping[str, int]) -> list[list[Any]]:
    """One call: for each input `[layer name, node number, output number, keyword arguments]`."""
    arguments = _plain_arguments(node)
    places = []
    for origin in node.inbound():
        if origin.layer is None:
            raise NotImplementedError(
                f"Layer {node.outbound_layer.name} was called on {origin.tensor!r}, which no layer made: "
                f"a config cannot hold it. Make it an `Input`, or a weight of a layer of your own."
            )
        number = numbers[node_key(origin.layer, origin.node_index)]  # type: ignore[arg-type]
        places.append([origin.layer.name, number, origin.tensor_index, arguments])
    return places


def _plain_arguments(node: Node) -> dict[str, Any]:
    """The call's keyword arguments, if they can be written. Tensors that are inputs of the node need not be."""
    inputs = {id(tensor) for tensor in node.input_tensors}
    arguments = {
        name: value
        for name, value in node.arguments.items()
        if not all(id(part) in inputs for part in to_list(value, allow_tuple=True))
    }
    try:
        json.dumps(arguments)
    except TypeError:
        warnings.warn(
            f"Layer {node.outbound_layer.name} was passed non-serializable keyword arguments: {arguments}. "
            f"They will not be included in the serialized model (and thus will be missing at deserialization time).",
            stacklevel=2,
        )
        return {}
    return arguments


def _coordinates(tensor: Tensor, numbers: Mapping[str, int]) -> list[Any]:
    layer, node_index, tensor_index = history(tensor)
    return [layer.name, numbers[node_key(layer, node_index)], tensor_index]


# -- reading -------------------------------------------------------------------------------------------------------


def _make_layers(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None
) -> tuple[dict[str, Layer], list[tuple[Layer, list[Any]]]]:
    """The layers by name, and each with the calls to be made of it."""
    from polykeras.layers import deserialize

    layers: dict[str, Layer] = {}
    waiting: list[tuple[Layer, list[Any]]] = []
    for entry in config["layers"]:
        described = {"class_name": entry["class_name"], "config": entry["config"]}
        layer = deserialize(described, custom_objects=custom_objects)
        if entry["name"] in layers:
            raise ValueError(f'The config has two layers named "{entry["name"]}"; names must be unique in a model.')
        layers[entry["name"]] = layer
        waiting.append((layer, list(entry["inbound_nodes"])))
    return layers, waiting


def _make_calls(layers: Mapping[str, Layer], waiting: list[tuple[Layer, list[Any]]]) -> None:
    """Call the layers, each in its own order, as soon as what they are called on is there."""
    while waiting:
        made = 0
        for layer, calls in waiting:
            while calls and (tensors := _call_inputs(layers, calls[0])) is not None:
                _, _, _, arguments = _place(calls.pop(0)[0])
                layer(unpack_singleton(tensors), **arguments)
                made += 1
        waiting = [(layer, calls) for layer, calls in waiting if calls]
        if waiting and not made:
            raise ValueError(
                f"The config cannot be rebuilt: the layers {[layer.name for layer, _ in waiting]} are called on layers "
                f"or calls that it does not have, or in a circle."
            )


def _call_inputs(layers: Mapping[str, Layer], call: Sequence[Any]) -> list[Tensor] | None:
    """The tensors of one call, or None while one is missing."""
    tensors = [_tensor_at(layers, place) for place in call]
    return None if any(tensor is None for tensor in tensors) else tensors  # type: ignore[return-value]


def _place(place: Sequence[Any]) -> tuple[str, int, int, dict[str, Any]]:
    """`[layer name, node number, output number]`, with keyword arguments in newer files."""
    if len(place) not in (3, 4):
        raise ValueError(f"Improperly formatted model config: {place!r} should name a layer, a node and an output.")
    name, node_index, tensor_index, *rest = place
    return name, node_index, tensor_index, rest[0] if rest else {}


def _tensor_at(layers: Mapping[str, Layer], place: Sequence[Any]) -> Tensor | None:
    name, node_index, tensor_index, _ = _place(place)
    if name not in layers or not 0 <= node_index < len(layers[name]._inbound_nodes):
        return None
    outputs = layers[name]._inbound_nodes[node_index].output_tensors
    return outputs[tensor_index] if 0 <= tensor_index < len(outputs) else None


def _required_tensor(layers: Mapping[str, Layer], place: Sequence[Any]) -> Tensor:
    tensor = _tensor_at(layers, place)
    if tensor is None:
        raise ValueError(f"The config's inputs and outputs name {list(place)}, which it does not have.")
    return tensor
