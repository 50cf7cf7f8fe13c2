"""UpSampling: each position several times."""

from polykeras import backend as K
from polykeras.utils.conv_utils import normalize_tuple
from polykeras_layers import _spellings
from polykeras_layers._spatial import _Spatial


class _UpSampling(_Spatial):
    """`size[i]` positions for each along spatial axis i."""

    def __init__(self, size, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.size = normalize_tuple(size, self.rank, "size")

    def get_config(self):
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}

    def _new_size(self, size, axis):
        return size * self.size[axis]


class UpSampling1D(_UpSampling):
    """Each step `size` times.

    x: (batch, steps, channels) -> (batch, steps · size, channels)
    """

    rank = 1

    @_spellings.upsampling1d
    def __init__(self, size=2, **kwargs):
        super().__init__(size, "channels_last", **kwargs)

    def call(self, inputs):
        return K.repeat_elements(inputs, self.size[0], axis=1)

    def get_config(self):
        config = {**super().get_config(), "size": self.size[0]}
        config.pop("data_format")
        return config


class UpSampling2D(_UpSampling):
    """Each row and column several times, or values in between.

    x: (batch, rows, columns, channels) -> (batch, rows · size[0], columns · size[1], channels)

    interpolation: "nearest" repeats; "bilinear" interpolates between neighbours, and repeats beyond the last.
    """

    rank = 2

    @_spellings.upsampling
    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(size, data_format, **kwargs)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                f'Layer {self.name}: interpolation argument should be one of "nearest" or "bilinear". '
                f"Got {interpolation!r}."
            )
        self.interpolation = interpolation

    def call(self, inputs):
        height, width = self.size
        return K.resize_images(inputs, height, width, self.data_format, interpolation=self.interpolation)

    def get_config(self):
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Each position of a volume several times along each axis.

    x: (batch, d1, d2, d3, channels) -> (batch, d1 · size[0], d2 · size[1], d3 · size[2], channels)
    """

    rank = 3
    get_config = _UpSampling.get_config

    @_spellings.upsampling
    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(size, data_format, **kwargs)

    def call(self, inputs):
        return K.resize_volumes(inputs, *self.size, self.data_format)
