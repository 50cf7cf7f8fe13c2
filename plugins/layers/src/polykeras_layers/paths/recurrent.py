"""`polykeras.layers.recurrent`."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras.legacy import interfaces
from polykeras_layers._cell import _generate_dropout_mask, _generate_dropout_ones
from polykeras_layers.rnn import _standardize_args

__all__ = [
    "GRU", "GRUCell", "InputSpec", "K", "LSTM", "LSTMCell", "Layer", "RNN", "Recurrent", "SimpleRNN",
    "SimpleRNNCell", "StackedRNNCells", "activations", "constraints", "has_arg", "initializers", "interfaces",
    "regularizers", "to_list",
]  # fmt: skip
