"""The path by which layers of one's own import their base class: `from polykeras.engine.topology import Layer`."""

from polykeras._faces import lazy
from polykeras.engine.base_layer import InputSpec, Layer, Node
from polykeras.engine.input_layer import Input, InputLayer
from polykeras.engine.layer_graph import get_source_inputs
from polykeras.engine.network import Network

__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "Network", "Node", "get_source_inputs"]

# what was here before Keras 2.2
__getattr__, __dir__ = lazy(__name__, {
    "Container": "polykeras.engine.network:Network",
    "load_weights_from_hdf5_group": "polykeras.saving.weights:load_weights_from_hdf5_group",
    "load_weights_from_hdf5_group_by_name": "polykeras.saving.weights:load_weights_from_hdf5_group_by_name",
    "preprocess_weights_for_loading": "polykeras.saving.conversion:preprocess_weights_for_loading",
    "save_weights_to_hdf5_group": "polykeras.saving.weights:save_weights_to_hdf5_group",
})  # fmt: skip
