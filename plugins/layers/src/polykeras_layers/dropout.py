"""Dropout, of single values and of whole feature maps."""

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras.legacy.interfaces import warn_caller
from polykeras_layers import _spellings


class Dropout(Layer):
    """x · m / (1 − rate) in training, where m is 0 with probability `rate`, else 1;   x otherwise.

    x: (...) -> (...)

    rate:        the share of values to drop, in [0, 1]; beyond, it is cut to that with a warning.
                 0 and, as in Keras, 1 drop nothing.
    noise_shape: the shape of m; 1 shares it along an axis, None takes the input's size.
    seed:        fixes the sequence of masks.
    """

    @_spellings.dropout
    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = _cut(rate, self.name)
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs, training=None):
        if not 0.0 < self.rate < 1.0:
            return inputs

        def dropped():
            return K.dropout(inputs, self.rate, self._get_noise_shape(inputs), seed=self.seed)

        return K.in_train_phase(dropped, inputs, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}

    def _get_noise_shape(self, inputs):
        """The mask's shape: ints, and where the input's size is unknown a tensor; None for the input's own shape."""
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != K.ndim(inputs):
            raise ValueError(
                f"Layer {self.name}: noise_shape {tuple(self.noise_shape)} needs one entry per axis of the input, "
                f"whose shape is {K.int_shape(inputs)}."
            )
        return tuple(_size(inputs, axis) if n is None else n for axis, n in enumerate(self.noise_shape))


class _SpatialDropout(Dropout):
    """Dropout whose mask is constant over the spatial axes of each sample and channel."""

    rank = None

    @_spellings.spatial_dropout
    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, **kwargs)
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self):
        """Keras leaves the data format out; here it is written where it is not the default, so that it is kept."""
        config = super().get_config()
        if self.data_format != K.image_data_format():
            config["data_format"] = self.data_format
        return config

    def _get_noise_shape(self, inputs):
        spatial = range(1, self.rank + 1) if self.data_format == "channels_last" else range(2, self.rank + 2)
        return tuple(1 if axis in spatial else _size(inputs, axis) for axis in range(self.rank + 2))


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of a sequence.

    x: (batch, steps, channels) -> the same;   mask: (batch, 1, channels)
    """

    rank = 1

    @_spellings.dropout
    def __init__(self, rate, **kwargs):
        super().__init__(rate, data_format="channels_last", **kwargs)

    def get_config(self):
        return Dropout.get_config(self)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole feature maps of an image.

    x: (batch, rows, columns, channels) -> the same;   mask: (batch, 1, 1, channels)
    """

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole feature maps of a volume.

    x: (batch, d1, d2, d3, channels) -> the same;   mask: (batch, 1, 1, 1, channels)
    """

    rank = 3


def _cut(rate, layer):
    """`rate` cut to [0, 1], with a warning where that changes it."""
    cut = min(1.0, max(0.0, rate))
    if cut != rate:
        warn_caller(f"Layer {layer}: dropout rate {rate} lies outside [0, 1]; {cut} is used.", UserWarning)
    return cut


def _size(inputs, axis):
    known = K.int_shape(inputs)[axis]
    return K.shape(inputs)[axis] if known is None else known
