"""`polykeras.layers.local`."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces
from polykeras.utils import conv_utils

__all__ = [
    "InputSpec", "K", "Layer", "LocallyConnected1D", "LocallyConnected2D", "activations", "constraints",
    "conv_utils", "initializers", "interfaces", "regularizers",
]  # fmt: skip
