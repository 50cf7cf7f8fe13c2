"""ZeroPadding: zeros around the spatial axes."""

from polykeras import backend as K
from polykeras_layers import _spellings
from polykeras_layers._borders import pair, pairs
from polykeras_layers._spatial import _Spatial


class _ZeroPadding(_Spatial):
    """Zeros before and after each spatial axis. `padding` holds a pair (before, after) per axis."""

    def __init__(self, padding, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.padding = padding

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}

    def _new_size(self, size, axis):
        return size + sum(self.padding[axis])


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence.

    x: (batch, steps, channels) -> (batch, before + steps + after, channels)

    padding: an int for both ends, or (before, after).
    """

    rank = 1

    def __init__(self, padding=1, **kwargs):
        super().__init__((pair(padding, "padding"),), "channels_last", **kwargs)

    def call(self, inputs):
        return K.temporal_padding(inputs, padding=self.padding[0])

    def get_config(self):
        config = {**super().get_config(), "padding": self.padding[0]}
        config.pop("data_format")
        return config


class ZeroPadding2D(_ZeroPadding):
    """Zeros around an image.

    x: (batch, rows, columns, channels) -> (batch, top + rows + bottom, left + columns + right, channels)

    padding: an int; (height, width), each for both sides; or ((top, bottom), (left, right)).
    """

    rank = 2
    get_config = _ZeroPadding.get_config

    @_spellings.padding2d
    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(pairs(padding, 2, "padding"), data_format, **kwargs)

    def call(self, inputs):
        return K.spatial_2d_padding(inputs, padding=self.padding, data_format=self.data_format)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around a volume.

    x: (batch, d1, d2, d3, channels) -> (batch, before1 + d1 + after1, ..., channels)

    padding: an int; an int per axis, each for both sides; or a pair (before, after) per axis.
    """

    rank = 3
    get_config = _ZeroPadding.get_config

    @_spellings.padding3d
    def __init__(self, padding=(1, 1, 1), data_format=None, **kwargs):
        super().__init__(pairs(padding, 3, "padding"), data_format, **kwargs)

    def call(self, inputs):
        return K.spatial_3d_padding(inputs, padding=self.padding, data_format=self.data_format)
