"""Transposed convolutions: what a convolution's gradient does, from small to large."""

from polykeras import backend as K
from polykeras.utils.conv_utils import deconv_length, normalize_tuple
from polykeras_layers import _spellings
from polykeras_layers.convolutional import _Conv, without


class _ConvTranspose(_Conv):
    """activation(y + bias), where y adds up, for each position of x, the kernel times x there, placed at its window.

    x: (batch, *sizes, channels) -> (batch, *new_sizes, filters), channels first (batch, channels, *sizes);
    kernel: (*kernel_size, filters, channels) in both data formats, bias: (filters,)

    padding:        "valid": (n - 1) s + k positions, n s at least; "same": n s.
    output_padding: how many positions to add at the end of each axis, less than the stride; None for the sizes above.
    The other arguments are those of all convolutions: see `_Conv`.
    """

    _takes_groups = False

    def __init__(self, rank, filters, kernel_size, output_padding=None, **kwargs):
        super().__init__(rank, filters, kernel_size, **kwargs)
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = normalize_tuple(output_padding, rank, "output_padding")
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"Layer {self.name}: strides {self.strides} must be greater than output_padding "
                    f"{self.output_padding}."
                )

    def compute_output_shape(self, input_shape):
        if self.data_format == "channels_last":
            return (input_shape[0], *self._new_sizes(input_shape[1:-1]), self.filters)
        return (input_shape[0], self.filters, *self._new_sizes(input_shape[2:]))

    def get_config(self):
        return {**without(super().get_config(), "rank"), "output_padding": self.output_padding}

    def _kernel_shape(self, channels):
        return (*self.kernel_size, self.filters, channels)

    def _new_sizes(self, sizes):
        extra = self.output_padding or (None,) * self.rank
        axes = zip(sizes, self.strides, self.kernel_size, extra, self.dilation_rate, strict=True)
        return [deconv_length(n, s, k, self.padding, p, dilation=d) for n, s, k, p, d in axes]

    def _output_shape(self, inputs):
        """The output's sizes, ints and, where the input's are unknown, tensors."""
        shape = [K.shape(inputs)[axis] if n is None else n for axis, n in enumerate(K.int_shape(inputs))]
        return self.compute_output_shape(tuple(shape))


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over an image.

    x: (batch, rows, columns, channels) -> (batch, new_rows, new_columns, filters);
    kernel: (*kernel_size, filters, channels), bias: (filters,);   arguments: see `_ConvTranspose`.

    >>> Conv2DTranspose(3, 3, strides=2, padding="same").compute_output_shape((None, 4, 5, 2))
    (None, 8, 10, 3)
    """

    get_config = _ConvTranspose.get_config

    @_spellings.conv2d_transpose
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        output_padding=None,
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
            output_padding=output_padding,
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

    def _convolve(self, inputs):
        return K.conv2d_transpose(
            inputs,
            self.kernel,
            self._output_shape(inputs),
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over a volume.

    x: (batch, d1, d2, d3, channels) -> (batch, new_d1, new_d2, new_d3, filters);
    kernel: (*kernel_size, filters, channels), bias: (filters,);   arguments: see `_ConvTranspose`.
    """

    @_spellings.conv3d
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1, 1),
        padding="valid",
        output_padding=None,
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
            rank=3,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            output_padding=output_padding,
            data_format=data_format,
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
        return without(super().get_config(), "dilation_rate")

    def _convolve(self, inputs):
        return K.conv3d_transpose(
            inputs,
            self.kernel,
            self._output_shape(inputs),
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )
