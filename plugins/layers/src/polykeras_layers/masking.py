"""Masking: tells later layers which time steps to leave out."""

from polykeras import backend as K
from polykeras.engine.base_layer import Layer


class Masking(Layer):
    """x where any feature of the time step differs from `mask_value`, else 0; the mask says which.

    x: (batch, steps, features) -> the same;   mask: (batch, steps)
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.mask_value = mask_value

    def compute_mask(self, inputs, mask=None):
        return K.any(K.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        kept = K.any(K.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * K.cast(kept, K.dtype(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "mask_value": self.mask_value}
