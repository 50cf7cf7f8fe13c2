"""`polykeras.layers.convolutional_recurrent`."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces
from polykeras.utils import conv_utils
from polykeras_layers._cell import _generate_dropout_mask, _generate_dropout_ones
from polykeras_layers.rnn import _standardize_args

__all__ = [
    "ConvLSTM2D", "ConvLSTM2DCell", "ConvRNN2D", "ConvRecurrent2D", "InputSpec", "K", "Layer", "RNN", "activations",
    "constraints", "conv_utils", "has_arg", "initializers", "interfaces", "regularizers", "to_list",
    "transpose_shape",
]  # fmt: skip
