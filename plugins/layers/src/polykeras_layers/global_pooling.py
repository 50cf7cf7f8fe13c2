"""Pooling over all positions at once."""

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras_layers import _spellings


class _GlobalPooling(Layer):
    """One number per channel.

    x: (batch, *sizes, channels) -> (batch, channels), channels first (batch, channels, *sizes)

    data_format: "channels_last", "channels_first", or None for the configured one.

    A subclass gives `rank`, the number of spatial axes. One with a constructor of its own says
    `get_config = _GlobalPooling.get_config`: a config would else be made of the constructor's arguments.
    """

    rank = None

    @_spellings.global_pooling
    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1 if self.data_format == "channels_last" else 1])

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}

    @property
    def _spatial_axes(self):
        first = 1 if self.data_format == "channels_last" else 2
        return list(range(first, first + self.rank))


class _GlobalPooling1D(_GlobalPooling):
    rank = 1
    get_config = _GlobalPooling.get_config

    def __init__(self, data_format="channels_last", **kwargs):
        super().__init__(data_format, **kwargs)


class _GlobalPooling2D(_GlobalPooling):
    rank = 2


class _GlobalPooling3D(_GlobalPooling):
    rank = 3


class GlobalMaxPooling1D(_GlobalPooling1D):
    """The maximum over all steps.   x: (batch, steps, channels) -> (batch, channels)"""

    def call(self, inputs):
        return K.max(inputs, axis=self._spatial_axes)


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The maximum over all positions.   x: (batch, rows, columns, channels) -> (batch, channels)"""

    def call(self, inputs):
        return K.max(inputs, axis=self._spatial_axes)


class GlobalMaxPooling3D(_GlobalPooling3D):
    """The maximum over all positions.   x: (batch, d1, d2, d3, channels) -> (batch, channels)"""

    def call(self, inputs):
        return K.max(inputs, axis=self._spatial_axes)


class GlobalAveragePooling1D(_GlobalPooling1D):
    """The mean over all steps, or over those that the mask keeps.   x: (batch, steps, channels) -> (batch, channels)"""

    get_config = _GlobalPooling.get_config

    def __init__(self, data_format="channels_last", **kwargs):
        super().__init__(data_format, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        (steps,) = self._spatial_axes
        if mask is None:
            return K.mean(inputs, axis=steps)
        kept = K.expand_dims(K.cast(mask, K.dtype(inputs)), -1 if self.data_format == "channels_last" else 1)
        return K.sum(inputs * kept, axis=steps) / K.sum(kept, axis=steps)

    def compute_mask(self, inputs, mask=None):
        return None


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The mean over all positions.   x: (batch, rows, columns, channels) -> (batch, channels)"""

    def call(self, inputs):
        return K.mean(inputs, axis=self._spatial_axes)


class GlobalAveragePooling3D(_GlobalPooling3D):
    """The mean over all positions.   x: (batch, d1, d2, d3, channels) -> (batch, channels)"""

    def call(self, inputs):
        return K.mean(inputs, axis=self._spatial_axes)
