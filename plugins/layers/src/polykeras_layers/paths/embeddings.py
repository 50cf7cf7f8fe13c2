"""`polykeras.layers.embeddings`."""

from polykeras import backend as K
from polykeras import constraints, initializers, regularizers
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces

__all__ = [
    "Embedding", "K", "Layer", "constraints", "initializers", "interfaces", "regularizers", "to_list",
]  # fmt: skip
