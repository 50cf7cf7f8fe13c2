"""`polykeras.layers.pooling`."""

from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces
from polykeras.utils import conv_utils
from polykeras_layers.global_pooling import _GlobalPooling1D, _GlobalPooling2D, _GlobalPooling3D
from polykeras_layers.pooling import _Pooling1D, _Pooling2D, _Pooling3D

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D",
    "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "InputSpec", "K", "Layer", "MaxPool1D",
    "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "conv_utils", "interfaces",
]  # fmt: skip
