"""Layers, graphs of layers, models. The names are imported when they are asked for."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {
    "Input": "polykeras.engine.input_layer:Input",
    "InputLayer": "polykeras.engine.input_layer:InputLayer",
    "InputSpec": "polykeras.engine.input_spec:InputSpec",
    "Layer": "polykeras.engine.base_layer:Layer",
    "Model": "polykeras.engine.training:Model",
    "get_source_inputs": "polykeras.engine.layer_graph:get_source_inputs",
})  # fmt: skip
