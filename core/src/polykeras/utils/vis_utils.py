"""Pictures of models: the layers as boxes, by Graphviz; as DOT text also where Graphviz is not installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polykeras.engine.network import Network
from polykeras.engine.node import Node
from polykeras.engine.sequential import Sequential
from polykeras.utils.dot import Dot, label, quoted, record

if TYPE_CHECKING:
    from polykeras.engine.base_layer import Layer

TEXT_FORMATS = ("dot", "gv")
DIRECTIONS = ("TB", "BT", "LR", "RL")


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    *,
    expand_nested: bool = False,
) -> None:
    """Write a picture of the model.

    to_file: its ending says the format: `.png`, `.svg`, `.pdf` and others need Graphviz; `.dot` and `.gv` are text and
        need nothing.
    show_shapes: of each layer's inputs and outputs.
    show_layer_names: beside the classes.
    rankdir: "TB" from top to bottom, "LR" from left to right, "BT", "RL".
    expand_nested: show the layers within a model that is a layer of this one.

    Raises FileNotFoundError, with what to install, where a picture needs Graphviz and it is not there.
    """
    dot = model_to_dot(model, show_shapes, show_layer_names, rankdir, expand_nested=expand_nested)
    path = Path(to_file)
    ending = path.suffix[1:].lower() or "png"
    if ending in TEXT_FORMATS:
        path.write_text(dot.to_string(), encoding="utf-8")
    else:
        dot.write(path, format=ending)


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    *,
    expand_nested: bool = False,
) -> Dot:
    """The picture of the model as a `Dot`: `.to_string()` is its text, `.create(format="svg")` a picture's bytes.

    Arguments are those of `plot_model`. In a notebook, a `Dot` that ends a cell shows itself.
    """
    if rankdir not in DIRECTIONS:
        raise ValueError(f"Unknown `rankdir`: {rankdir!r}. Expected one of {', '.join(DIRECTIONS)}.")
    if not isinstance(model, Network) or not model.built:
        raise ValueError(
            f"A picture needs a model that is built; got {model!r}. Give its first layer `input_shape`, or call the "
            "model on data."
        )
    picture = _Picture(show_shapes, show_layer_names, expand_nested)
    lines = ["digraph model {", f"    rankdir={rankdir}; concentrate=true; node [shape=record];"]
    lines += [f"    {line}" for line in picture.lines(model)]
    return Dot("\n".join([*lines, "}", ""]))


class _Picture:
    """The lines of DOT text for a model's layers and the arrows between them."""

    def __init__(self, show_shapes: bool, show_layer_names: bool, expand_nested: bool) -> None:
        self.show_shapes = show_shapes
        self.show_layer_names = show_layer_names
        self.expand_nested = expand_nested

    def lines(self, model: Any, prefix: str = "") -> Iterator[str]:
        """Boxes, then arrows. `prefix` keeps names apart of layers in different models."""
        for layer in _layers(model):
            name = prefix + layer.name
            if self._opens(layer):
                yield f"subgraph {quoted('cluster_' + name)} {{"
                yield f"    label={quoted(self._title(layer))};"
                yield from (f"    {line}" for line in self.lines(layer, f"{name}/"))
                yield "}"
            else:
                yield f"{quoted(name)} [label={label(self._label(model, layer))}];"
        arrows: dict[str, None] = {}  # a layer called twice on one other has one arrow from it
        for node in _nodes(model):
            for position, origin in enumerate(node.inbound()):
                if origin.layer is not None:
                    tail = self._exit(origin.layer, origin.tensor_index or 0, prefix)
                    head = self._entry(node.outbound_layer, position, prefix)
                    arrows[f"{quoted(tail)} -> {quoted(head)};"] = None
        yield from arrows

    def _opens(self, layer: Any) -> bool:
        return self.expand_nested and isinstance(layer, Network) and layer._is_graph_network

    def _exit(self, layer: Any, output: int, prefix: str) -> str:
        """The box from which an arrow leaves: within an opened model, that of the layer which makes the output."""
        while self._opens(layer):
            prefix += f"{layer.name}/"
            layer, _, output = layer._output_coordinates[output]
        return f"{prefix}{layer.name}"

    def _entry(self, layer: Any, position: int, prefix: str) -> str:
        """The box at which an arrow ends: within an opened model, that of the input."""
        while self._opens(layer):
            prefix += f"{layer.name}/"
            layer = layer._input_layers[position]
            position = 0
        return f"{prefix}{layer.name}"

    def _title(self, layer: Layer) -> str:
        """`name: Class`; of a wrapper `name(inner name): Class(Inner class)`."""
        name, kind = layer.name, type(layer).__name__
        inner: Any = getattr(layer, "layer", None)
        if hasattr(inner, "name"):
            name, kind = f"{name}({inner.name})", f"{kind}({type(inner).__name__})"
        return f"{name}: {kind}" if self.show_layer_names else kind

    def _label(self, model: Network, layer: Layer) -> str:
        title = record(self._title(layer))
        if not self.show_shapes:
            return title
        nodes = [node for node in _nodes(model) if node.outbound_layer is layer]
        came, went = _shapes([n.input_shapes for n in nodes]), _shapes([n.output_shapes for n in nodes])
        return f"{title}|{{input:|output:}}|{{{record(came)}|{record(went)}}}"


def _layers(model: Network) -> list[Layer]:
    return model._layers if isinstance(model, Sequential) else model.layers


def _nodes(model: Network) -> list[Node]:
    """The calls of layers that make up the model; none of a subclass's own `call` are known."""
    return model._graph.nodes if model._is_graph_network else []


def _shapes(calls: list[list[Any]]) -> str:
    """The shapes of one call, `(None, 3)` or several of them; "multiple" where calls differ."""
    if not calls:
        return "?"
    if any(call != calls[0] for call in calls):
        return "multiple"
    shapes = calls[0]
    return str(shapes[0]) if len(shapes) == 1 else str(list(shapes))
