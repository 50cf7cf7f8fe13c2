"""The path by which layers of one's own import their base class: `from polykeras.engine.topology import Layer`."""

from polykeras.engine.base_layer import InputSpec, Layer, Node
from polykeras.engine.input_layer import Input, InputLayer
from polykeras.engine.layer_graph import get_source_inputs
from polykeras.engine.network import Network

__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "Network", "Node", "get_source_inputs"]
