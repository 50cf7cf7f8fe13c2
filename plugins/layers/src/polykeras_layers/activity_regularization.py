"""ActivityRegularization: a penalty on what passes through."""

from polykeras import regularizers
from polykeras.engine.base_layer import Layer


class ActivityRegularization(Layer):
    """x, with l1 · Σ abs(x) + l2 · Σ x² over the whole batch added to the loss.

    x: (...) -> (...)
    """

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self.activity_regularizer = regularizers.L1L2(l1=l1, l2=l2)

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "l1": self.l1, "l2": self.l2}
