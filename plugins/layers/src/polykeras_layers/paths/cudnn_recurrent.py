"""`polykeras.layers.cudnn_recurrent`."""

from polykeras import backend as K
from polykeras import constraints, initializers, regularizers
from polykeras.layers import __getattr__
from polykeras_layers.cudnn_recurrent import _CuDNNRNN

__all__ = [
    "CuDNNGRU", "CuDNNLSTM", "InputSpec", "K", "RNN", "constraints", "initializers", "regularizers",
]  # fmt: skip
