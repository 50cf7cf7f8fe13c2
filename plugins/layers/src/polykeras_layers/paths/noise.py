"""`polykeras.layers.noise`."""

from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces

__all__ = [
    "AlphaDropout", "GaussianDropout", "GaussianNoise", "K", "Layer", "interfaces",
]  # fmt: skip
