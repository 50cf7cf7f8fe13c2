"""A network as a graph of layers, its batch, and equal numbers for every framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workloads.layers import Dropout, Layer, Shape

__all__ = ["Network", "Node", "Workload"]


class Node(NamedTuple):
    """A layer and the numbers of the values it reads; 0 is the input, and the first node gives 1."""

    layer: Layer
    inputs: tuple[int, ...]


class Network:
    """Layers in the order they were added. The last one's value is the result.

    shape:  of one sample.
    tokens: samples are integers below this, if it is given, else float32.
    """

    def __init__(self, shape: Shape, tokens: int | None = None) -> None:
        self.shapes = [shape]
        self.tokens = tokens
        self.nodes: list[Node] = []

    def add(self, layer: Layer, *inputs: int) -> int:
        """Add a layer, after the last one if not told otherwise; the number of its value."""
        node = Node(layer, inputs or (len(self.nodes),))
        self.nodes.append(node)
        self.shapes.append(layer.shape(self.shapes[node.inputs[0]]))
        return len(self.nodes)

    def weights(self) -> Iterator[list[Any]]:
        """The initial weights of each layer."""
        random = np.random.RandomState(2)
        for node in self.nodes:
            yield node.layer.weights(random, self.shapes[node.inputs[0]])

    def last_uses(self) -> list[tuple[int, ...]]:
        """For each node, the values that nothing reads after it."""
        last = {value: i for i, node in enumerate(self.nodes) for value in node.inputs}
        return [tuple(v for v, at in last.items() if at == i) for i in range(len(self.nodes))]


@dataclass(frozen=True, slots=True)
class Workload:
    """A classifier, whose last layer is Dense with softmax.

    build:  makes the network.
    trains: Adam (rate 0.001, epsilon 1e-7) takes a step on categorical cross-entropy; else the step is a prediction.
    """

    name: str
    build: Callable[[], Network]
    batch: int
    trains: bool = True

    @property
    def deterministic(self) -> bool:
        """Whether a step draws no random numbers, so that every framework must take the same ones."""
        return not self.trains or not any(isinstance(node.layer, Dropout) for node in self.build().nodes)

    def arrays(self, network: Network) -> tuple[Any, Any]:
        """One batch: samples, and classes, int64."""
        random = np.random.RandomState(1)
        shape = (self.batch, *network.shapes[0])
        tokens = network.tokens
        samples = random.randint(tokens, size=shape) if tokens else random.rand(*shape).astype("float32")
        return samples, random.randint(network.shapes[-1][-1], size=self.batch).astype("int64")
