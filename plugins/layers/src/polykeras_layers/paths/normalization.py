"""`polykeras.layers.normalization`."""

from polykeras import backend as K
from polykeras import constraints, initializers, regularizers
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces

__all__ = [
    "BatchNormalization", "InputSpec", "K", "Layer", "constraints", "initializers", "interfaces", "regularizers",
]  # fmt: skip
