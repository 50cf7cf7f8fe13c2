"""`polykeras.legacy.layers`: layers of Keras 1 that old models use."""

from polykeras.layers import __getattr__

__all__ = ["AtrousConvolution1D", "AtrousConvolution2D", "ConvRecurrent2D", "Highway", "MaxoutDense", "Recurrent"]
