"""Helpers for layers and models, where Keras keeps them."""

from polykeras.engine.layer_graph import get_source_inputs
from polykeras.engine.summary import print_summary
from polykeras.engine.weights import count_params

__all__ = ["count_params", "get_source_inputs", "print_summary"]
