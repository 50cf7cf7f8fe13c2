"""`polykeras.layers.core`."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces

__all__ = [
    "Activation", "ActivityRegularization", "Dense", "Dropout", "Flatten", "InputSpec", "K", "Lambda", "Layer",
    "Masking", "Permute", "RepeatVector", "Reshape", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    "activations", "constraints", "deserialize_keras_object", "func_dump", "func_load", "has_arg",
    "initializers", "interfaces", "regularizers",
]  # fmt: skip
