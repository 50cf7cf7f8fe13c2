"""Cropping: the spatial axes cut at both ends."""

from polykeras import backend as K
from polykeras_layers import _spellings
from polykeras_layers._borders import pair, pairs
from polykeras_layers._spatial import _Spatial


class _Cropping(_Spatial):
    """Each spatial axis without its ends. `cropping` holds a pair (before, after) per axis."""

    def __init__(self, cropping, data_format=None, **kwargs):
        super().__init__(data_format, **kwargs)
        self.cropping = cropping

    def call(self, inputs):
        self.compute_output_shape(K.int_shape(inputs))  # raises where more is cropped than there is
        kept = [slice(before, -after if after else None) for before, after in self.cropping]
        return inputs[(slice(None),) * self._first_axis + tuple(kept)]

    def get_config(self):
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}

    def _new_size(self, size, axis):
        before, after = self.cropping[axis]
        if before + after > size:
            raise ValueError(
                f"Layer {self.name}: cannot crop {before} + {after} of {size} on spatial axis {axis}; "
                f"cropping is {self.cropping}."
            )
        return size - before - after


class Cropping1D(_Cropping):
    """A sequence without its ends.

    x: (batch, steps, channels) -> (batch, steps − before − after, channels)

    cropping: an int for both ends, or (before, after).
    """

    rank = 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__((pair(cropping, "cropping"),), "channels_last", **kwargs)

    def get_config(self):
        config = {**super().get_config(), "cropping": self.cropping[0]}
        config.pop("data_format")
        return config


class Cropping2D(_Cropping):
    """An image without its border.

    x: (batch, rows, columns, channels) -> (batch, rows − top − bottom, columns − left − right, channels)

    cropping: an int; (height, width), each for both sides; or ((top, bottom), (left, right)).

    >>> Cropping2D(((2, 2), (4, 4))).compute_output_shape((None, 28, 28, 3))
    (None, 24, 20, 3)
    """

    rank = 2
    get_config = _Cropping.get_config

    @_spellings.cropping
    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(pairs(cropping, 2, "cropping"), data_format, **kwargs)


class Cropping3D(_Cropping):
    """A volume without its border.

    x: (batch, d1, d2, d3, channels) -> (batch, d1 − before1 − after1, ..., channels)

    cropping: an int; an int per axis, each for both sides; or a pair (before, after) per axis.
    """

    rank = 3
    get_config = _Cropping.get_config

    @_spellings.cropping
    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(pairs(cropping, 3, "cropping"), data_format, **kwargs)
