"""`polykeras.layers.wrappers`."""

from polykeras import backend as K
from polykeras.layers import __getattr__
from polykeras_layers.rnn import _standardize_args

__all__ = [
    "Bidirectional", "InputSpec", "K", "Layer", "TimeDistributed", "Wrapper", "has_arg", "object_list_uid",
]  # fmt: skip
