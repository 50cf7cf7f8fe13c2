"""StackedRNNCells: cells on top of each other, as one cell."""

from polykeras import backend as K
from polykeras import layers
from polykeras.engine.base_layer import Layer
from polykeras.engine.weights import set_values
from polykeras.utils.generic_utils import has_arg
from polykeras_layers._inner import HoldsLayers
from polykeras_layers._states import accepted, output_size_of, sizes_of


class StackedRNNCells(HoldsLayers):
    """x -> cell 1 -> cell 2 ... -> output: each cell takes the output of the one before.

    The states are those of the first cell, then those of the second, and so on.

    cells: a list of cells.
    """

    def __init__(self, cells, **kwargs):
        for cell in cells:
            for attribute in ("call", "state_size"):
                if not hasattr(cell, attribute):
                    raise ValueError(f"All cells must have a `{attribute}`; {cell!r} in the list has none.")
        self.cells = cells
        super().__init__(**kwargs)

    @property
    def state_size(self):
        """The sizes of the states, the first cell's first."""
        return tuple(size for cell in self.cells for size in sizes_of(cell))

    @property
    def output_size(self):
        """The size of the last cell's output."""
        return output_size_of(self.cells[-1])

    def build(self, input_shape):
        constants = []
        if isinstance(input_shape, list):
            input_shape, *constants = input_shape
        for cell in self.cells:
            if isinstance(cell, Layer):
                takes_constants = constants and has_arg(cell.call, "constants")
                cell._ensure_built([input_shape, *constants] if takes_constants else input_shape)
            input_shape = (input_shape[0], output_size_of(cell))
        self.built = True

    def call(self, inputs, states, constants=None, **kwargs):
        output, left, new_states = inputs, list(states), []
        for cell in self.cells:
            count = len(sizes_of(cell))
            own, left = left[:count], left[count:]
            output, new = cell.call(output, own, **accepted(cell.call, constants=constants, **kwargs))
            new_states += new
        return output, new_states

    def begin(self, inputs, training=None):
        """Let the cells make what stays the same through all steps.   inputs: (batch, ...), one step of them"""
        for cell in self.cells:
            if hasattr(cell, "begin"):
                cell.begin(inputs, training)

    def depends_on_phase(self):
        """Whether what the cells compute differs between training and test."""
        return any(cell.depends_on_phase() for cell in self.cells if hasattr(cell, "depends_on_phase"))

    def get_weights(self):
        """The values of the weights, cell by cell."""
        return list(K.batch_get_value(self._weights_by_cell()))

    def set_weights(self, weights):
        """Set the values of the weights: arrays in the order and of the shapes of `get_weights()`; else ValueError."""
        set_values(self.name, self._weights_by_cell(), weights)

    def get_config(self):
        return {**super().get_config(), "cells": [layers.serialize(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        cells = [layers.deserialize(cell, custom_objects) for cell in config["cells"]]
        return cls(cells, **{key: value for key, value in config.items() if key != "cells"})

    def _inner_layers(self):
        return [cell for cell in self.cells if isinstance(cell, Layer)]

    def _weights_by_cell(self):
        return [weight for cell in self._inner_layers() for weight in cell.weights]
