"""Pooling over windows of one, two and three spatial axes."""

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple
from polykeras_layers import _spellings


class _Pooling(Layer):
    """The maximum or the mean of each window.

    x: (batch, *sizes, channels) -> (batch, *new_sizes, channels), channels first (batch, channels, *sizes)

    pool_size:   the window; an int for all axes.
    strides:     steps from one window to the next; None for `pool_size`.
    padding:     "valid": ceil((n − k + 1) / s) windows; "same": ceil(n / s). Padding never counts: it is below every
                 maximum, and a mean is over what lies inside.
    data_format: "channels_last", "channels_first", or None for the configured one.

    A subclass gives `rank`, the number of spatial axes, and `pool_mode`, "max" or "avg". One with a constructor of its
    own says `get_config = _Pooling.get_config`: a config would else be made of the constructor's arguments.
    """

    rank = None
    pool_mode = None

    def __init__(self, pool_size, strides, padding, data_format, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = normalize_tuple(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else normalize_tuple(strides, self.rank, "strides")
        self.padding = normalize_padding(padding)
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if self.padding == "causal":
            raise ValueError(f'Layer {self.name}: the `padding` of a pooling is "valid" or "same". Got "causal".')

    def call(self, inputs):
        return self._pooling_function(inputs, self.pool_size, self.strides, self.padding, self.data_format)

    def compute_output_shape(self, input_shape):
        batch, *rest = input_shape
        sizes = rest[:-1] if self.data_format == "channels_last" else rest[1:]
        windows = zip(sizes, self.pool_size, self.strides, strict=True)
        new_sizes = [conv_output_length(n, k, self.padding, s) for n, k, s in windows]
        if self.data_format == "channels_last":
            return (batch, *new_sizes, rest[-1])
        return (batch, rest[0], *new_sizes)

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }

    def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
        pool = {2: K.pool2d, 3: K.pool3d}[self.rank]
        return pool(inputs, pool_size, strides, padding, data_format, pool_mode=self.pool_mode)


class _Pooling1D(_Pooling):
    """Pooling of a sequence: of an image whose other side is 1."""

    rank = 1

    @_spellings.pooling1d
    def __init__(self, pool_size=2, strides=None, padding="valid", data_format="channels_last", **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def get_config(self):
        config = super().get_config()
        order = ("strides", "pool_size", "padding", "data_format")  # Keras's, for files that are equal to the letter
        return {**{k: v for k, v in config.items() if k not in order}, **{k: config[k] for k in order}}

    def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
        side = 2 if data_format == "channels_last" else 3
        images = K.expand_dims(inputs, side)
        pooled = K.pool2d(images, (*pool_size, 1), (*strides, 1), padding, data_format, pool_mode=self.pool_mode)
        return K.squeeze(pooled, side)


class _Pooling2D(_Pooling):
    rank = 2
    get_config = _Pooling.get_config

    @_spellings.pooling
    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class _Pooling3D(_Pooling):
    rank = 3
    get_config = _Pooling.get_config

    @_spellings.pooling
    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling1D(_Pooling1D):
    """The maximum of each window of a sequence.

    x: (batch, steps, channels) -> (batch, new_steps, channels);   arguments: see `_Pooling`.
    """

    pool_mode = "max"


class AveragePooling1D(_Pooling1D):
    """The mean of each window of a sequence.

    x: (batch, steps, channels) -> (batch, new_steps, channels);   arguments: see `_Pooling`.
    """

    pool_mode = "avg"


class MaxPooling2D(_Pooling2D):
    """The maximum of each window of an image.

    x: (batch, rows, columns, channels) -> (batch, new_rows, new_columns, channels);   arguments: see `_Pooling`.

    >>> MaxPooling2D().compute_output_shape((None, 7, 8, 2))
    (None, 3, 4, 2)
    """

    pool_mode = "max"


class AveragePooling2D(_Pooling2D):
    """The mean of each window of an image.

    x: (batch, rows, columns, channels) -> (batch, new_rows, new_columns, channels);   arguments: see `_Pooling`.
    """

    pool_mode = "avg"


class MaxPooling3D(_Pooling3D):
    """The maximum of each window of a volume.

    x: (batch, d1, d2, d3, channels) -> (batch, new_d1, new_d2, new_d3, channels);   arguments: see `_Pooling`.
    """

    pool_mode = "max"


class AveragePooling3D(_Pooling3D):
    """The mean of each window of a volume.

    x: (batch, d1, d2, d3, channels) -> (batch, new_d1, new_d2, new_d3, channels);   arguments: see `_Pooling`.
    """

    pool_mode = "avg"
