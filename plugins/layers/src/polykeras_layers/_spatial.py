"""The base of layers that change the sizes of the spatial axes and nothing else."""

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer


class _Spatial(Layer):
    """x: (batch, *sizes, channels) -> (batch, *new_sizes, channels), channels first (batch, channels, *sizes).

    A subclass gives `rank`, the number of spatial axes, and `_new_size(size, axis)`, axis 0 being the first of them.
    """

    rank = None

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = K.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape):
        first = self._first_axis
        spatial = range(first, first + self.rank)
        return tuple(
            self._new_size(size, axis - first) if axis in spatial and size is not None else size
            for axis, size in enumerate(input_shape)
        )

    @property
    def _first_axis(self):
        return 1 if self.data_format == "channels_last" else 2

    def _new_size(self, size, axis):
        raise NotImplementedError(f"{type(self).__name__} must define _new_size(self, size, axis).")
