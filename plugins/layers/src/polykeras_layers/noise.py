"""Noise that is added or multiplied in training."""

from polykeras import activations
from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras_layers import _spellings


class GaussianNoise(Layer):
    """x + n in training, where n is normal with mean 0 and `stddev`;   x otherwise.

    x: (...) -> (...)
    """

    @_spellings.gaussian_noise
    def __init__(self, stddev, **kwargs):
        super().__init__(**kwargs)
        self.stddev = stddev
        self.supports_masking = True

    def call(self, inputs, training=None):
        def noised():
            return inputs + K.random_normal(K.shape(inputs), 0.0, self.stddev, dtype=K.dtype(inputs))

        return K.in_train_phase(noised, inputs, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(Layer):
    """x · n in training, where n is normal with mean 1 and variance rate / (1 − rate);   x otherwise.

    x: (...) -> (...)

    rate: as in Dropout, whose variance this noise has. Outside (0, 1) nothing is done.
    """

    @_spellings.dropout
    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.supports_masking = True

    def call(self, inputs, training=None):
        if not 0 < self.rate < 1:
            return inputs

        def noised():
            stddev = (self.rate / (1.0 - self.rate)) ** 0.5
            return inputs * K.random_normal(K.shape(inputs), 1.0, stddev, dtype=K.dtype(inputs))

        return K.in_train_phase(noised, inputs, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


class AlphaDropout(Layer):
    """a · (x · m + α′ · (1 − m)) + b in training, where m is 0 with probability `rate`, else 1;   x otherwise.

    x: (...) -> (...)

    α′ = −scale · alpha of `selu` is its limit for small x; a and b are such that an input of mean 0 and variance 1
    keeps both, so networks of `selu` stay self-normalising.

    noise_shape: the shape of m; None for the input's own.
    seed:        fixes the sequence of masks.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs, training=None):
        if not 0.0 < self.rate < 1.0:
            return inputs

        def dropped():
            limit = -activations.SELU_ALPHA * activations.SELU_SCALE
            a = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5
            b = -a * limit * self.rate
            draws = K.random_uniform(self._get_noise_shape(inputs), seed=self.seed)
            kept = K.cast(K.greater_equal(draws, self.rate), K.dtype(inputs))
            return a * (inputs * kept + limit * (1 - kept)) + b

        return K.in_train_phase(dropped, inputs, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        """Keras saves the rate alone; noise_shape and seed are added where they are given, so that they are kept."""
        config = {**super().get_config(), "rate": self.rate}
        extras = {"noise_shape": self.noise_shape, "seed": self.seed}
        return {**config, **{key: value for key, value in extras.items() if value is not None}}

    def _get_noise_shape(self, inputs):
        return self.noise_shape if self.noise_shape else K.shape(inputs)
