"""Layers small enough to be seen through, for tests that must not need the layers' distribution."""

import numpy as np

from polykeras import backend as K
from polykeras.engine.topology import InputSpec, Layer


class Affine(Layer):
    """x w + b, written as a user of Keras 2 writes a layer: no get_config."""

    def __init__(self, units, start=1.0, penalty=None, **kwargs):
        self.units = units
        self.start = start
        self.penalty = penalty
        super().__init__(**kwargs)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        self.w = self.add_weight(
            name="w", shape=(input_shape[-1], self.units), initializer=constant(self.start), regularizer=self.penalty
        )
        self.b = self.add_weight(name="b", shape=(self.units,), initializer=constant(0.0))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        super().build(input_shape)

    def call(self, inputs):
        return K.dot(inputs, self.w) + self.b

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


class Double(Layer):
    """2 x, with neither a config nor an output shape of its own."""

    def call(self, inputs):
        return inputs * 2.0


class Plus(Layer):
    """The sum of a list of tensors."""

    def call(self, inputs):
        total = inputs[0]
        for tensor in inputs[1:]:
            total = total + tensor
        return total


class Halves(Layer):
    """The first and the second half of the features, as two outputs."""

    def call(self, inputs):
        middle = K.int_shape(inputs)[-1] // 2
        return [inputs[:, :middle], inputs[:, middle:]]


class Counting(Layer):
    """The identity; its one weight, not trained, counts the calls of the training function."""

    def build(self, input_shape):
        self.count = self.add_weight(name="count", shape=(), initializer=constant(0.0), trainable=False)
        super().build(input_shape)

    def call(self, inputs):
        self.add_update([K.update_add(self.count, 1.0)], inputs)
        return inputs


class Penalised(Layer):
    """The identity; adds the sum of its inputs to the loss."""

    def call(self, inputs):
        self.add_loss(K.sum(inputs), inputs)
        return inputs


class Masks(Layer):
    """Gives a mask that is true where the features are not all zero."""

    supports_masking = True

    def call(self, inputs):
        return inputs

    def compute_mask(self, inputs, mask=None):
        return K.any(K.not_equal(inputs, 0.0), axis=-1)


class MaskedSum(Layer):
    """The sum over time of the steps that the mask keeps."""

    supports_masking = True

    def call(self, inputs, mask=None):
        if mask is not None:
            inputs = inputs * K.expand_dims(K.cast(mask, "float32"), -1)
        return K.sum(inputs, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None


class constant:
    """An initializer that fills with a value."""

    def __init__(self, value):
        self.value = value

    def __call__(self, shape, dtype=None):
        return np.full(shape, self.value, dtype or "float32")

    def get_config(self):
        return {"value": self.value}


def values(inputs, outputs, arrays):
    """The values of the outputs where the inputs have those of the arrays."""
    return K.function(list(inputs), list(outputs))([np.asarray(a, "float32") for a in arrays])
