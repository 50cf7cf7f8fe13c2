"""Bidirectional: a recurrent layer from both ends."""

import copy

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec
from polykeras.utils.generic_utils import has_arg
from polykeras_layers._states import accepted, sizes_of
from polykeras_layers.rnn import _standardize_args, all_or_none_of_layers
from polykeras_layers.wrappers import Wrapper

MERGE_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Wrapper):
    """merge(layer(x), the same kind of layer, with weights of its own, on x backwards)

    x: (batch, time, d) -> (batch, 2u) for "concat", (batch, u) otherwise, with a time axis if the layer has
    `return_sequences`: then outputs of the same step are merged.

    layer:      a recurrent layer, such as `LSTM(...)`.
    merge_mode: "concat" | "sum" | "mul" | "ave"; None for a list of both outputs.
    weights:    initial values: the forward layer's, then the backward layer's.

    With `return_state`: the outputs, the forward layer's states, the backward layer's. An `initial_state` in the call
    is one list, forward and backward.
    """

    def __init__(self, layer, merge_mode="concat", weights=None, **kwargs):
        if merge_mode not in MERGE_MODES:
            raise ValueError(f"Invalid merge mode: {merge_mode!r}. It should be one of {MERGE_MODES}.")
        self.forward_layer = _alike(layer)
        self.backward_layer = _reversed(layer)
        self.forward_layer.name = f"forward_{layer.name}"
        self.backward_layer.name = f"backward_{layer.name}"
        super().__init__(layer, **kwargs)
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            self.forward_layer._initial_weights = weights[:half]
            self.backward_layer._initial_weights = weights[half:]
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.input_spec = layer.input_spec
        self._num_constants = None

    def _inner_layers(self):
        return [self.forward_layer, self.backward_layer]

    @property
    def trainable(self):
        """Whether training changes the layers."""
        return self.layer.trainable

    @trainable.setter
    def trainable(self, value):
        for layer in (self.layer, *self._inner_layers()):
            layer.trainable = value

    # -- weights -----------------------------------------------------------------------------------------------------

    def build(self, input_shape):
        for layer in self._inner_layers():
            layer._num_constants = self._num_constants
            with K.name_scope(layer.name):
                layer._ensure_built(input_shape)
        self.input_spec = [*self.forward_layer.input_spec[:1], *self.input_spec[1:]]
        self.built = True

    def get_weights(self):
        """The values of the weights: the forward layer's, then the backward layer's."""
        return self.forward_layer.get_weights() + self.backward_layer.get_weights()

    def set_weights(self, weights):
        """Set the values of the weights: arrays in the order and of the shapes of `get_weights()`; else ValueError."""
        count = len(self.weights)
        if len(weights) != count:
            raise ValueError(
                f"Layer {self.name} has {count} weights, {count // 2} for each direction; got {len(weights)} arrays."
            )
        self.forward_layer.set_weights(weights[: count // 2])
        self.backward_layer.set_weights(weights[count // 2 :])

    @property
    def constraints(self):
        """{weight: constraint} of the weights that have one."""
        return {weight: weight.constraint for weight in self.weights if weight.constraint is not None}

    # -- the call ----------------------------------------------------------------------------------------------------

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        inputs, states, constants = _standardize_args(inputs, initial_state, constants, self._num_constants)
        if states is not None:
            self._check_states(states)
        if constants is not None:
            self._num_constants = len(constants)
        further = [*(states or ()), *(constants or ())]
        if not further:
            return super().__call__(inputs, **kwargs)
        if not all_or_none_of_layers(further, self.name):
            given = {"initial_state": states, "constants": constants}
            return super().__call__(inputs, **{name: value for name, value in given.items() if value}, **kwargs)
        self.input_spec = [*self.input_spec[:1], *(InputSpec(shape=K.int_shape(tensor)) for tensor in further)]
        try:
            return super().__call__([inputs, *further], **kwargs)
        finally:
            self.input_spec = self.input_spec[:1]

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        sequence, states, constants = self._unpacked(inputs, initial_state, constants)
        mask = mask[0] if isinstance(mask, list) else mask
        half = len(states) // 2
        results = []
        for layer, own in zip(self._inner_layers(), (states[:half], states[half:]), strict=True):
            given = {"mask": mask, "training": training, "initial_state": own or None, "constants": constants or None}
            given = {name: value for name, value in given.items() if value is not None}
            self._note_inner_inputs(inputs, layer, sequence)
            results.append(layer.call(sequence, **accepted(layer.call, **given)))
        new_states = []
        if self.return_state:
            new_states = [state for result in results for state in result[1:]]
            results = [result[0] for result in results]
        forward, backward = results
        if self.return_sequences:
            backward = K.reverse(backward, self._time_axis())
        output = self._merged(forward, backward)
        for tensor in output if isinstance(output, list) else [output]:
            tensor._uses_learning_phase = getattr(forward, "_uses_learning_phase", False)
        if self.return_state:
            return [*(output if isinstance(output, list) else [output]), *new_states]
        return output

    def _merged(self, forward, backward):
        if self.merge_mode == "concat":
            return K.concatenate([forward, backward])
        if self.merge_mode == "sum":
            return forward + backward
        if self.merge_mode == "ave":
            return (forward + backward) / 2
        if self.merge_mode == "mul":
            return forward * backward
        return [forward, backward]

    def _unpacked(self, inputs, initial_state, constants):
        """The sequence, the states of both directions and the constants, which may come in one list."""
        if not isinstance(inputs, list):
            return inputs, initial_state or [], constants or []
        end = len(inputs) - (self._num_constants or 0)
        return inputs[0], inputs[1:end] or initial_state or [], inputs[end:] or constants or []

    def _check_states(self, states):
        if len(states) % 2:
            raise ValueError(
                f"Layer {self.name}: an `initial_state` of a Bidirectional layer has as many states for the forward "
                f"layer as for the backward layer, in one list; got {len(states)}."
            )
        half = len(states) // 2
        for layer, own in zip(self._inner_layers(), (states[:half], states[half:]), strict=True):
            layer.state_spec = [InputSpec(shape=K.int_shape(state)) for state in own]

    def _time_axis(self):
        return 0 if getattr(self.layer, "time_major", False) else 1

    # -- shapes, masks, states, config -------------------------------------------------------------------------------

    def compute_output_shape(self, input_shape):
        shapes = self.forward_layer.compute_output_shape(input_shape)
        shape, states = (shapes[0], shapes[1:]) if self.return_state else (shapes, [])
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        if self.merge_mode is None:
            return [shape, shape, *states, *states]
        return [shape, *states, *states] if self.return_state else shape

    def compute_mask(self, inputs, mask):
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        masks = [mask] if self.merge_mode else [mask, mask]
        if self.return_state:
            return [*masks, *[None] * (2 * len(sizes_of(self.forward_layer.cell)))]
        return masks if self.merge_mode is None else mask

    def reset_states(self):
        """Set the states of both layers, which are stateful, to zero."""
        for layer in self._inner_layers():
            layer.reset_states()

    def get_config(self):
        return {**super().get_config(), "merge_mode": self.merge_mode}


def _alike(layer):
    """A layer with the same cell, and so the same weights if there are any, but with calls and losses of its own."""
    twin = copy.copy(layer)
    twin._input_map = {}
    twin._inbound_nodes = []
    twin._outbound_nodes = []
    twin._clear_terms()
    return twin


def _reversed(layer):
    """A layer made of the same config, that goes the other way."""
    config = {**layer.get_config(), "go_backwards": not layer.go_backwards}
    if not has_arg(layer.from_config, "custom_objects"):
        return type(layer).from_config(config)
    cell = getattr(layer, "cell", None)
    known = {type(part).__name__: type(part) for part in (cell, *getattr(cell, "cells", ())) if part is not None}
    return type(layer).from_config(config, custom_objects=known)
