"""Wrapper, a layer around a layer, and TimeDistributed, which applies it to every time step."""

from polykeras import backend as K
from polykeras import layers
from polykeras.engine.base_layer import InputSpec
from polykeras.utils.generic_utils import has_arg
from polykeras_layers._inner import HoldsLayers
from polykeras_layers._steps import samples_as_steps, steps_as_samples


class Wrapper(HoldsLayers):
    """Base of layers that are made of another one, `layer`; its weights, losses and updates are theirs.

    layer: a layer or a model.

    `trainable` and `activity_regularizer` are the inner layer's.
    """

    def __init__(self, layer, **kwargs):
        self.layer = layer
        super().__init__(**{"trainable": layer.trainable, **kwargs})

    def build(self, input_shape=None):
        self.built = True

    def _inner_layers(self):
        return [self.layer]

    @property
    def trainable(self):
        """Whether training changes the inner layer."""
        return self.layer.trainable

    @trainable.setter
    def trainable(self, value):
        self.layer.trainable = value

    @property
    def activity_regularizer(self):
        """The inner layer's, applied to the outputs of this one."""
        return getattr(self.layer, "activity_regularizer", None)

    def get_weights(self):
        """The values of the inner layer's weights, as arrays."""
        return self.layer.get_weights()

    def set_weights(self, weights):
        """Set the inner layer's weights: arrays in the order and of the shapes of `get_weights()`; else ValueError."""
        self.layer.set_weights(weights)

    def get_config(self):
        return {**super().get_config(), "layer": layers.serialize(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        layer = layers.deserialize(config["layer"], custom_objects)
        return cls(layer, **{key: value for key, value in config.items() if key != "layer"})


class TimeDistributed(Wrapper):
    """output[:, t] = layer(x[:, t]), for each step t with the same weights

    x: (batch, time, ...) -> (batch, time, ...): the layer is applied to all steps of all samples as to one batch.

    layer: a layer or a model with one input and one output.

    A mask (batch, time, ...) is passed on to a layer that takes one, of rank 1 only where a step is a vector.

    >>> from polykeras.layers import Dense
    >>> TimeDistributed(Dense(4)).compute_output_shape((None, 10, 3))
    (None, 10, 4)
    """

    supports_masking = True

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise ValueError(
                f"Layer {self.name}: TimeDistributed expects inputs of at least 3 axes, (batch, time, ...). Got the "
                f"shape {tuple(input_shape)}; a recurrent layer before it needs `return_sequences=True`."
            )
        self.input_spec = InputSpec(shape=tuple(input_shape) if input_shape[0] is None else (None, *input_shape[1:]))
        self.layer._ensure_built(self._inner_shape(input_shape))
        self.built = True

    def call(self, inputs, training=None, mask=None):
        arguments = {}
        if has_arg(self.layer.call, "training"):
            arguments["training"] = training
        if has_arg(self.layer.call, "mask") and self._is_of_the_layer(inputs, mask):
            arguments["mask"] = steps_as_samples(mask)
        inner_inputs = steps_as_samples(inputs)
        self._note_inner_inputs(inputs, self.layer, inner_inputs)
        outputs = self.layer.call(inner_inputs, **arguments)
        result = samples_as_steps(outputs, inputs)
        result._uses_learning_phase = getattr(outputs, "_uses_learning_phase", False)
        return result

    def _is_of_the_layer(self, inputs, mask):
        """Whether the mask says something within a step: one (batch, time) says nothing of the steps of a sequence."""
        return mask is not None and (K.ndim(mask) > 2 or K.ndim(inputs) == 3)

    def compute_mask(self, inputs, mask=None):
        inner_mask = None if mask is None else steps_as_samples(mask)
        found = self.layer.compute_mask(self._inside(self.layer, inputs), inner_mask)
        if found is not None:
            return samples_as_steps(found, inputs)
        while mask is not None and K.ndim(mask) > 2:
            mask = K.any(mask, axis=-1)
        return mask

    def compute_output_shape(self, input_shape):
        inner = self.layer.compute_output_shape(self._inner_shape(input_shape))
        return (inner[0], input_shape[1], *inner[1:])

    def _inner_shape(self, input_shape):
        return (input_shape[0], *input_shape[2:])
