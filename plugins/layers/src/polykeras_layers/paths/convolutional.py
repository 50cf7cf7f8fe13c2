"""`polykeras.layers.convolutional`."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces
from polykeras.utils import conv_utils
from polykeras_layers.convolutional import _Conv
from polykeras_layers.separable_convolution import _SeparableConv

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "Conv1D", "Conv2D", "Conv2DTranspose", "Conv3D",
    "Conv3DTranspose", "Convolution1D", "Convolution2D", "Convolution2DTranspose", "Convolution3D", "Cropping1D",
    "Cropping2D", "Cropping3D", "Deconv2D", "Deconv3D", "Deconvolution2D", "Deconvolution3D", "DepthwiseConv2D",
    "InputSpec", "K", "Layer", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "SeparableConv1D", "SeparableConv2D",
    "SeparableConvolution1D", "SeparableConvolution2D", "UpSampling1D", "UpSampling2D", "UpSampling3D",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "activations", "constraints", "conv_utils", "initializers",
    "interfaces", "regularizers", "transpose_shape",
]  # fmt: skip
