"""Activation: an activation function as a layer."""

from polykeras import activations
from polykeras.engine.base_layer import Layer


class Activation(Layer):
    """activation(x)

    x: (...) -> (...)

    activation: a name ("relu", "softmax", ...) or a function; None is linear.
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs):
        return self.activation(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
