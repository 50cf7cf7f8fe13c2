"""`polykeras.layers.advanced_activations`."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces

__all__ = [
    "ELU", "InputSpec", "K", "Layer", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU", "activations",
    "constraints", "initializers", "interfaces", "regularizers", "to_list",
]  # fmt: skip
