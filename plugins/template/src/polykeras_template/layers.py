"""Gate, a layer."""

from polykeras import backend as K
from polykeras import constraints, initializers, regularizers
from polykeras.layers import InputSpec, Layer


class Gate(Layer):
    """x · sigmoid(x @ kernel + bias): lets each feature through as far as all of them say.

    x: (..., d) -> (..., d);   kernel: (d, d), bias: (d,)

    bias_initializer: "ones" begins with gates that stand open by three quarters.
    """

    def __init__(
        self,
        kernel_initializer="glorot_uniform",
        bias_initializer="ones",
        kernel_regularizer=None,
        kernel_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.supports_masking = True

    def build(self, input_shape):
        size = input_shape[-1]
        if size is None:
            raise ValueError(f"Gate {self.name!r} needs a known last axis, got inputs of shape {input_shape}")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, size),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_weight(name="bias", shape=(size,), initializer=self.bias_initializer)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        super().build(input_shape)

    def call(self, inputs):
        return inputs * K.sigmoid(K.dot(inputs, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
