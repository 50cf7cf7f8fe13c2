"""Layers that move values and compute none: Flatten, Reshape, Permute, RepeatVector."""

import math

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer


class Flatten(Layer):
    """All axes but the batch in one, last axis fastest.

    x: (batch, a, b, ...) -> (batch, a · b · ...)

    data_format: "channels_first" moves the channels to the end before flattening, so that weights trained on either
                 format fit; default "channels_last".

    >>> Flatten().compute_output_shape((None, 3, 4, 5))
    (None, 60)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(min_ndim=3)
        self.data_format = "channels_last" if data_format is None else K.normalize_data_format(data_format)

    def call(self, inputs):
        self.compute_output_shape(K.int_shape(inputs))  # raises where a size is unknown
        if self.data_format == "channels_first":
            inputs = K.permute_dimensions(inputs, (0, *range(2, K.ndim(inputs)), 1))
        return K.batch_flatten(inputs)

    def compute_output_shape(self, input_shape):
        if None in input_shape[1:]:
            raise ValueError(
                f'Layer {self.name}: the shape of the input to "Flatten" is not fully defined: '
                f"{tuple(input_shape[1:])}. "
                f'Pass a complete "input_shape" or "batch_input_shape" to the first layer of the model.'
            )
        return (input_shape[0], math.prod(input_shape[1:]))

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """The same values in another shape, last axis fastest.

    x: (batch, ...) -> (batch, *target_shape)

    target_shape: without the batch; one entry may be -1 and is inferred.

    >>> Reshape((-1, 2)).compute_output_shape((None, 4, 3))
    (None, 6, 2)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs):
        target = self.compute_output_shape(K.int_shape(inputs))[1:]
        if None not in target:
            return K.reshape(inputs, (-1, *target))
        return K.reshape(inputs, (K.shape(inputs)[0], *self.target_shape))

    def compute_output_shape(self, input_shape):
        batch, *sizes = input_shape
        if None in sizes:
            return (batch, *(None if n == -1 else n for n in self.target_shape))
        return (batch, *self._inferred(tuple(sizes)))

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}

    def _inferred(self, sizes):
        """`target_shape` with its -1 replaced. Raises ValueError unless it holds as many values as `sizes`."""
        if self.target_shape.count(-1) > 1:
            raise ValueError(
                f"Layer {self.name}: can only specify one unknown dimension. Got target_shape {self.target_shape}"
            )
        total = math.prod(sizes)
        known = math.prod(n for n in self.target_shape if n != -1)
        if -1 in self.target_shape:
            if known == 0 or total % known:
                raise self._size_error(sizes)
            return tuple(total // known if n == -1 else n for n in self.target_shape)
        if known != total:
            raise self._size_error(sizes)
        return self.target_shape

    def _size_error(self, sizes):
        return ValueError(
            f"Layer {self.name}: total size of new array must be unchanged. "
            f"Input shape {sizes} holds {math.prod(sizes)} values, target_shape is {self.target_shape}."
        )


class Permute(Layer):
    """The axes in another order.

    x: (batch, n1, n2, ...) -> (batch, n[dims[0]], n[dims[1]], ...)

    dims: the input's axes in the output's order, counted from 1 and without the batch.

    >>> Permute((2, 1)).compute_output_shape((None, 3, 4))
    (None, 4, 3)
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Layer {self.name}: `dims` must name each axis but the batch once, counted from 1, as (2, 1) does. "
                f"Got {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        return K.permute_dimensions(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(input_shape[dim] for dim in self.dims))

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """The input, n times.

    x: (batch, features) -> (batch, n, features)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        return K.repeat(inputs, self.n)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self):
        return {**super().get_config(), "n": self.n}
