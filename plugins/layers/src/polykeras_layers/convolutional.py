"""Convolutions over one, two and three spatial axes."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple
from polykeras_layers import _spellings


class _Conv(Layer):
    """activation(x ⋆ kernel + bias): at each position, the kernel's window times what lies under it, summed.

    x: (batch, *sizes, channels) -> (batch, *new_sizes, filters), channels first (batch, channels, *sizes);
    kernel: (*kernel_size, channels, filters) in both data formats, bias: (filters,)

    rank:          the number of spatial axes.
    filters:       the number of channels of the output.
    kernel_size:   the window; an int for all axes.
    strides:       steps from one position to the next.
    padding:       "valid", no padding: ceil((n − k + 1) / s) positions; "same", zeros around: ceil(n / s);
                   "causal", zeros before, for Conv1D alone: no output sees a later input.
    data_format:   "channels_last", "channels_first", or None for the configured one.
    dilation_rate: the distance of the window's elements; more than 1 excludes strides of more than 1.
    activation, use_bias, *_initializer, *_regularizer, *_constraint: as of Dense.
    groups:        the channels are cut into so many parts, each with filters / groups filters that see only it; the
                   kernel is then (*kernel_size, channels / groups, filters).
    """

    _takes_groups = True

    def __init__(
        self,
        rank,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        *,
        groups=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if groups != 1 and not self._takes_groups:
            raise TypeError(f"Layer {self.name}: {type(self).__name__} takes no `groups`; Conv1D, 2D and 3D do.")
        self.rank = rank
        self.groups = groups
        self.filters = filters
        self.kernel_size = normalize_tuple(kernel_size, rank, "kernel_size")
        self.strides = normalize_tuple(strides, rank, "strides")
        self.padding = normalize_padding(padding)
        self.data_format = K.normalize_data_format(data_format)
        self.dilation_rate = normalize_tuple(dilation_rate, rank, "dilation_rate")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=rank + 2)
        if self.padding == "causal" and not (rank == 1 and self.data_format == "channels_last"):
            raise ValueError(
                f'Layer {self.name}: padding "causal" is for Conv1D with data_format "channels_last"; '
                f'got {type(self).__name__} with "{self.data_format}". The other paddings are "valid" and "same".'
            )

    def build(self, input_shape):
        channels = self._channels(input_shape)
        self._check_dilation()
        self.kernel = self.add_weight(
            name="kernel",
            shape=self._kernel_shape(channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias(self.filters)
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        self.built = True

    def call(self, inputs):
        outputs = self._convolve(inputs)
        if self.use_bias:
            outputs = K.bias_add(outputs, self.bias, data_format=self.data_format)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        sizes = input_shape[1:-1] if self.data_format == "channels_last" else input_shape[2:]
        windows = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        new_sizes = tuple(conv_output_length(n, k, self.padding, s, dilation=d) for n, k, s, d in windows)
        if self.data_format == "channels_last":
            return (input_shape[0], *new_sizes, self.filters)
        return (input_shape[0], self.filters, *new_sizes)

    def get_config(self):
        groups = {} if self.groups == 1 else {"groups": self.groups}
        return {
            **super().get_config(),
            "rank": self.rank,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            **groups,
        }

    def _add_bias(self, size):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(size,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _check_dilation(self):
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"Layer {self.name}: strides > 1 and dilation_rate > 1 exclude each other. "
                f"Got strides {self.strides} and dilation_rate {self.dilation_rate}."
            )

    def _kernel_shape(self, channels):
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"Layer {self.name}: {self.groups} groups must divide the channels of the input, {channels}, and the "
                f"filters, {self.filters}."
            )
        return (*self.kernel_size, channels // self.groups, self.filters)

    @property
    def _channel_axis(self):
        return -1 if self.data_format == "channels_last" else 1

    def _channels(self, input_shape):
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.name}: the channel dimension of the inputs should be defined. Found `None` in the shape "
                f"{tuple(input_shape)}, data_format {self.data_format!r}."
            )
        return channels

    def _convolve(self, inputs):
        if self.groups == 1:
            return self._convolve_with(inputs, self.kernel)
        axis = self._channel_axis % (self.rank + 2)
        parts = zip(_cut(inputs, self.groups, axis), _cut(self.kernel, self.groups, self.rank + 1), strict=True)
        return K.concatenate([self._convolve_with(part, kernel) for part, kernel in parts], axis=axis)

    def _convolve_with(self, inputs, kernel):
        arguments = {"padding": self.padding, "data_format": self.data_format}
        if self.rank == 1:
            return K.conv1d(inputs, kernel, strides=self.strides[0], dilation_rate=self.dilation_rate[0], **arguments)
        convolve = {2: K.conv2d, 3: K.conv3d}[self.rank]
        return convolve(inputs, kernel, strides=self.strides, dilation_rate=self.dilation_rate, **arguments)


class Conv1D(_Conv):
    """Convolution along a sequence: activation(x ⋆ kernel + bias).

    x: (batch, steps, channels) -> (batch, new_steps, filters), channels first (batch, channels, steps);
    kernel: (kernel_size, channels, filters), bias: (filters,)

    The arguments are those of all convolutions: see `_Conv`. With padding "causal" no output sees a later input.
    """

    @_spellings.conv1d
    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format="channels_last",
        dilation_rate=1,
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
            rank=1,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )

    def get_config(self):
        return without(super().get_config(), "rank")


class Conv2D(_Conv):
    """Convolution over an image: activation(x ⋆ kernel + bias).

    x: (batch, rows, columns, channels) -> (batch, new_rows, new_columns, filters);
    kernel: (*kernel_size, channels, filters), bias: (filters,)

    The arguments are those of all convolutions: see `_Conv`.

    >>> Conv2D(4, 3, padding="same", strides=2).compute_output_shape((None, 8, 9, 2))
    (None, 4, 5, 4)
    """

    @_spellings.conv2d
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
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
            rank=2,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )

    def get_config(self):
        return without(super().get_config(), "rank")


class Conv3D(_Conv):
    """Convolution over a volume: activation(x ⋆ kernel + bias).

    x: (batch, d1, d2, d3, channels) -> (batch, new_d1, new_d2, new_d3, filters);
    kernel: (*kernel_size, channels, filters), bias: (filters,)

    The arguments are those of all convolutions: see `_Conv`.
    """

    @_spellings.conv3d
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1, 1),
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
            rank=3,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )

    def get_config(self):
        return without(super().get_config(), "rank")


def without(config, *keys):
    """The config of a class that fixes these arguments."""
    return {key: value for key, value in config.items() if key not in keys}


def _cut(x, count, axis):
    """x in `count` equal parts along an axis of known size."""
    size = K.int_shape(x)[axis] // count
    before = (slice(None),) * axis
    return [x[(*before, slice(part * size, (part + 1) * size))] for part in range(count)]
