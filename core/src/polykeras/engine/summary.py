"""The table of a model's layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from polykeras.engine.node import node_key
from polykeras.engine.weights import count_params

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer
    from polykeras.engine.network import Network


def print_summary(
    model: Network,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
) -> None:
    """Print a model's layers with output shapes and numbers of parameters, and the sums.

    A model that is not a plain chain has a fourth column: what each layer is called on, `name[call][output]`.

    line_length: characters in a line; 65, or 98 with the fourth column.
    positions:   where the columns end: shares of the line length, or (if the last is above 1) characters.
    print_fn:    called with each line instead of `print`.
    """
    write = print_fn or print
    chain = is_chain(model)
    headers = ["Layer (type)", "Output Shape", "Param #"] + ([] if chain else ["Connected to"])
    length = line_length or (65 if chain else 98)
    ends = list(positions or ((0.45, 0.85, 1.0) if chain else (0.33, 0.55, 0.67, 1.0)))
    if ends[-1] <= 1:
        ends = [int(length * end) for end in ends]
    columns = [int(end) for end in ends]

    write("_" * length)
    write(_row(headers, columns))
    write("=" * length)
    layers = model.layers
    for layer in layers:
        connections = [] if chain else _connections(model, layer)
        fields = [f"{layer.name} ({type(layer).__name__})", _output_shape(layer), str(_parameters(layer))]
        write(_row([*fields, *connections[:1]], columns))
        for connection in connections[1:]:
            write(_row(["", "", "", connection], columns))
        write(("=" if layer is layers[-1] else "_") * length)

    trained = getattr(model, "_collected_trainable_weights", None)
    trainable = count_params(model.trainable_weights if trained is None else trained)
    frozen = count_params(model.non_trainable_weights)
    write(f"Total params: {trainable + frozen:,}")
    write(f"Trainable params: {trainable:,}")
    write(f"Non-trainable params: {frozen:,}")
    write("_" * length)


def is_chain(model: Network) -> bool:
    """Whether the layers follow one another, each called once, on one tensor."""
    from polykeras.engine.sequential import Sequential

    if isinstance(model, Sequential) or not model._is_graph_network:
        return True
    nodes = model._graph.nodes
    if any(len(at_depth) > 1 for at_depth in model._nodes_by_depth.values()):
        return False
    called = [node.outbound_layer for node in nodes]
    return len(set(called)) == len(called) and all(len(node.inbound_layers) <= 1 for node in nodes)


def _row(fields: Sequence[str], columns: Sequence[int]) -> str:
    """The fields side by side, each cut where the next begins."""
    line = ""
    for field, end in zip(fields, columns, strict=False):
        line = line[:-1] + " " if line else ""
        line = (line + field)[:end].ljust(end)
    return line


def _output_shape(layer: Layer) -> str:
    try:
        return str(layer.output_shape)
    except AttributeError:
        return "multiple"


def _parameters(layer: Layer) -> int:
    return layer.count_params() if layer.built else 0


def _connections(model: Network, layer: Layer) -> list[str]:
    """What the layer is called on in this model."""
    return [
        f"{origin.layer.name}[{origin.node_index}][{origin.tensor_index}]"
        for index, node in enumerate(layer._inbound_nodes)
        if node_key(layer, index) in model._network_nodes
        for origin in node.inbound()
        if origin.layer is not None
    ]
