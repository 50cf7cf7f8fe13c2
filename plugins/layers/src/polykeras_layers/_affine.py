"""gamma and beta: the scale and the offset after a normalisation."""

from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras_layers._arguments import described, keep


class Affine(Layer):
    """Base of layers that normalise and then compute gamma · x + beta.

    A subclass names the arguments of its own in `_arguments`, ahead of those of gamma and beta.
    """

    _arguments = ()
    _affine_arguments = (
        "epsilon", "center", "scale", "beta_initializer", "gamma_initializer", "beta_regularizer", "gamma_regularizer",
        "beta_constraint", "gamma_constraint",
    )  # fmt: skip

    supports_masking = True

    def __init__(self, arguments, **kwargs):
        super().__init__(**kwargs)
        keep(self, **arguments)

    def _add_weights(self, shape):
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def _normalized(self, x, axes):
        """(x − mean) / sqrt(variance + epsilon), mean and variance over the axes.   x: s -> s"""
        mean = K.mean(x, axis=axes, keepdims=True)
        centred = x - mean
        variance = K.mean(K.square(centred), axis=axes, keepdims=True)
        return centred / K.sqrt(variance + self.epsilon)

    def _scaled(self, x, shape):
        """gamma · x + beta, with gamma and beta in a shape that broadcasts to x."""
        if self.scale:
            x = x * K.reshape(self.gamma, shape)
        if self.center:
            x = x + K.reshape(self.beta, shape)
        return x

    def compute_output_shape(self, input_shape):
        return input_shape

    def _described(self):
        return described(self, (*self._arguments, *self._affine_arguments))
