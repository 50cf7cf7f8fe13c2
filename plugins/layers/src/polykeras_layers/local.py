"""Locally connected layers: convolutions whose kernel is another one at every position."""

import math

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple
from polykeras_layers import _spellings
from polykeras_layers.convolutional import without


class _LocallyConnected(Layer):
    """activation(window of x at p · kernel[p] + bias[p]), at each position p.

    x: (batch, *sizes, channels) -> (batch, *new_sizes, filters), channels first (batch, channels, *sizes);
    kernel: (positions, kernel_size · channels, filters), bias: (*new_sizes, filters)

    padding: "valid" alone. The other arguments are those of a convolution; every size must be known.

    A subclass gives `rank`, the number of spatial axes.
    """

    rank = None

    def __init__(
        self,
        filters,
        kernel_size,
        strides,
        padding,
        data_format,
        activation,
        use_bias,
        kernel_initializer,
        bias_initializer,
        kernel_regularizer,
        bias_regularizer,
        activity_regularizer,
        kernel_constraint,
        bias_constraint,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = normalize_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = normalize_tuple(strides, self.rank, "strides")
        self.padding = normalize_padding(padding)
        self.data_format = K.normalize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if self.padding != "valid":
            raise ValueError(
                f'Layer {self.name}: {type(self).__name__} has no border mode but "valid". Got padding {padding!r}.'
            )

    def build(self, input_shape):
        *sizes, channels = self._channels_last(input_shape)[1:]
        if None in sizes or channels is None:
            raise ValueError(
                f"Layer {self.name}: every size but the batch must be fully defined, since each position has its own "
                f"kernel. Got input shape {tuple(input_shape)}."
            )
        new_sizes = self._new_sizes(sizes)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(math.prod(new_sizes), math.prod(self.kernel_size) * channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(*new_sizes, self.filters),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        self.built = True

    def call(self, inputs):
        outputs = self._connect(inputs)
        if self.use_bias:
            outputs = K.bias_add(outputs, self.bias, data_format=self.data_format)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        new_sizes = self._new_sizes(self._channels_last(input_shape)[1:-1])
        if self.data_format == "channels_last":
            return (input_shape[0], *new_sizes, self.filters)
        return (input_shape[0], self.filters, *new_sizes)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

    def _channels_last(self, shape):
        return tuple(shape) if self.data_format == "channels_last" else (shape[0], *shape[2:], shape[1])

    def _new_sizes(self, sizes):
        windows = zip(sizes, self.kernel_size, self.strides, strict=True)
        return tuple(conv_output_length(n, k, self.padding, s) for n, k, s in windows)


class LocallyConnected1D(_LocallyConnected):
    """A convolution along a sequence whose kernel is another one at every step.

    x: (batch, steps, channels) -> (batch, new_steps, filters);   arguments: see `_LocallyConnected`.
    """

    rank = 1

    @_spellings.conv1d
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )

    def get_config(self):
        """Keras leaves the data format out; here it is written where it is not the default, so that it is kept."""
        config = super().get_config()
        return without(config, "data_format") if self.data_format == K.image_data_format() else config

    def _connect(self, inputs):
        return K.local_conv1d(inputs, self.kernel, self.kernel_size, self.strides, data_format=self.data_format)


class LocallyConnected2D(_LocallyConnected):
    """A convolution over an image whose kernel is another one at every position.

    x: (batch, rows, columns, channels) -> (batch, new_rows, new_columns, filters);  arguments: see `_LocallyConnected`.
    """

    rank = 2
    get_config = _LocallyConnected.get_config

    @_spellings.conv2d
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )

    def _connect(self, inputs):
        new_sizes = self._new_sizes(self._channels_last(K.int_shape(inputs))[1:-1])
        return K.local_conv2d(
            inputs, self.kernel, self.kernel_size, self.strides, new_sizes, data_format=self.data_format
        )
