"""`polykeras.layers.merge`."""

from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras_layers.merge import _Merge

__all__ = [
    "Add", "Average", "Concatenate", "Dot", "K", "Layer", "Maximum", "Minimum", "Multiply", "Subtract", "add",
    "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip
