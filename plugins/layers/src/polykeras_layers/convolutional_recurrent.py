"""ConvLSTM2D: an LSTM whose products are convolutions; and ConvRNN2D, which applies such a cell along time."""

from polykeras import backend as K
from polykeras import regularizers
from polykeras.engine.base_layer import InputSpec
from polykeras.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple
from polykeras_layers import _spellings
from polykeras_layers._arguments import described
from polykeras_layers._cell import RecurrentCell, split
from polykeras_layers._states import sizes_of
from polykeras_layers._steps import samples_as_steps, steps_as_samples
from polykeras_layers.lstm import forget_bias_of_one, lstm_step
from polykeras_layers.rnn import RNN, CellLayer, shows_cell


class ConvRNN2D(RNN):
    """output_t, states_t = cell(x_t, states_(t−1)), for each step t of a sequence of images

    x: (batch, time, rows, columns, channels) -> (batch, new_rows, new_columns, filters), the last output, or
    (batch, time, new_rows, new_columns, filters) with `return_sequences`; channels first accordingly.

    cell: an object as `RNN` takes it that has `filters`, `kernel_size`, `strides`, `padding`, `data_format`,
          `dilation_rate`, and `new_image(x_t)`, which gives zeros of the shape of a state.

    The arguments are those of `RNN`. Cells cannot be stacked.
    """

    _rank = 5

    def _hold(self, cell):
        if isinstance(cell, list | tuple):
            raise TypeError("Convolutional cells cannot be stacked in one layer: put one layer on another.")
        super()._hold(cell)

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps, *image = self._batch_major(input_shape)
        state = (batch, *self._image_of_states(image))
        shape = self._batch_major((batch, steps, *state[1:])) if self.return_sequences else state
        return [shape, *(state for _ in sizes_of(self.cell))] if self.return_state else shape

    def get_initial_state(self, inputs):
        """Zeros, one tensor for each state.   inputs: (batch, time, *image) -> (batch, *new image) each"""
        return [self.cell.new_image(inputs[:, 0]) for _ in sizes_of(self.cell)]

    def _check_state_spec(self):
        axis = 1 if self.cell.data_format == "channels_first" else -1
        sizes = sizes_of(self.cell)
        if self.state_spec is None:
            self.state_spec = [InputSpec(ndim=4, axes={axis: size}) for size in sizes]
            return
        found = [spec.shape[axis] if spec.shape else None for spec in self.state_spec]
        if None not in found and found != sizes:
            raise ValueError(
                f"Layer {self.name}: an `initial_state` was passed that is not compatible with the cell: its states "
                f"have {sizes} channels, the shapes that came are {[spec.shape for spec in self.state_spec]}."
            )

    def _state_shapes(self):
        batch, _, *image = self._batch_major(self.input_spec[0].shape or (None,) * 5)
        shape = (batch, *self._image_of_states(image))
        if None in shape:
            raise ValueError(
                f"Layer {self.name}: if a RNN is stateful, it needs to know its batch size and the size of the images. "
                f"Specify them by `batch_input_shape=` of the first layer of a Sequential model, or by "
                f"`Input(batch_shape=...)`. The state's shape would be {shape}."
            )
        return [shape for _ in sizes_of(self.cell)]

    def _image_of_states(self, image):
        """The shape of one sample of the output.   image: the shape of one image, with the channels"""
        cell = self.cell
        first = cell.data_format == "channels_first"
        sizes = image[1:] if first else image[:-1]
        windows = zip(sizes, cell.kernel_size, cell.strides, cell.dilation_rate, strict=True)
        sizes = [conv_output_length(n, k, cell.padding, s, dilation=d) for n, k, s, d in windows]
        return (cell.filters, *sizes) if first else (*sizes, cell.filters)


class ConvLSTM2DCell(RecurrentCell):
    """i, f, o = recurrent_activation(x ⋆ W + h ⋆ U + b), each with its own W, U and b
    c' = f · c + i · activation(x ⋆ W_c + h ⋆ U_c + b_c)
    h' = o · activation(c'); the output is h'

    x: (batch, rows, columns, channels), h, c: (batch, new_rows, new_columns, filters), channels first accordingly;
    kernel, all W: (*kernel_size, channels, 4 filters), recurrent_kernel, all U: (*kernel_size, filters, 4 filters),
    bias: (4 filters,), each in the order i, f, c, o

    filters, kernel_size, strides, padding, data_format, dilation_rate: of x ⋆ W, as of Conv2D; h ⋆ U keeps h's size.
    The other arguments are those of `LSTMCell`; each gate has dropout masks of its own.
    """

    gates = 4
    implementation = 1
    _arguments = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation",
        "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
        "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
    )  # fmt: skip

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        activation="tanh",
        recurrent_activation="hard_sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        **kwargs,
    ):
        arguments = {
            "filters": filters,
            "kernel_size": normalize_tuple(kernel_size, 2, "kernel_size"),
            "strides": normalize_tuple(strides, 2, "strides"),
            "padding": normalize_padding(padding),
            "data_format": K.normalize_data_format(data_format),
            "dilation_rate": normalize_tuple(dilation_rate, 2, "dilation_rate"),
            "activation": activation,
            "recurrent_activation": recurrent_activation,
            "use_bias": use_bias,
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "unit_forget_bias": unit_forget_bias,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(filters, dropout, recurrent_dropout, arguments, **kwargs)
        self.state_size = (filters, filters)

    def build(self, input_shape):
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        if channels is None:
            raise ValueError(
                f"Layer {self.name}: the channel dimension of the inputs should be defined. Found `None` in the shape "
                f"{tuple(input_shape)}, data_format {self.data_format!r}."
            )
        self.kernel_shape = (*self.kernel_size, channels, 4 * self.filters)
        self.kernel = self.add_weight(
            name="kernel",
            shape=self.kernel_shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(*self.kernel_size, self.filters, 4 * self.filters),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(4 * self.filters,),
                initializer=self._initial_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def project(self, inputs):
        """x ⋆ W + b, with dropout.   x: (batch, *image) or (batch, time, *image), of all steps in one convolution"""

        def convolve(x, kernel):
            if K.ndim(x) == 4:
                return self.input_conv(x, kernel, padding=self.padding)
            return samples_as_steps(self.input_conv(steps_as_samples(x), kernel, padding=self.padding), x)

        axis = self._channel_axis if K.ndim(inputs) == 4 else self._channel_axis_of_steps
        product = self._product(inputs, self.kernel, self._dropout_mask, convolve, axis)
        return product + self._broadcast_bias() if self.use_bias else product

    def step(self, projected, states):
        h, c = states[:2]
        masks = self._recurrent_dropout_mask
        fed_back = self._product(h, self.recurrent_kernel, masks, self.recurrent_conv, self._channel_axis)
        h, c = lstm_step(self._split_channels(projected + fed_back), c, self.activation, self.recurrent_activation)
        return h, [h, c]

    def input_conv(self, x, w, b=None, padding="valid"):
        """x ⋆ w + b, with the strides and the dilation of the cell."""
        convolved = K.conv2d(
            x, w, strides=self.strides, padding=padding, data_format=self.data_format, dilation_rate=self.dilation_rate
        )
        return convolved if b is None else K.bias_add(convolved, b, data_format=self.data_format)

    def recurrent_conv(self, x, w):
        """x ⋆ w, of the size of x."""
        return K.conv2d(x, w, strides=(1, 1), padding="same", data_format=self.data_format)

    def get_config(self):
        return {**super().get_config(), **described(self, self._arguments)}

    def new_image(self, inputs):
        """Zeros of the shape of a state.   inputs: (batch, *image) -> (batch, *new image)"""
        return K.zeros_like(self.input_conv(inputs, self.kernel[..., : self.filters], padding=self.padding))

    def _input_ones(self, inputs):
        return K.ones_like(inputs)

    def _state_ones(self, inputs):
        return K.ones_like(self.new_image(inputs))

    def _initial_bias(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        return forget_bias_of_one(self.bias_initializer, self.filters)

    def _broadcast_bias(self):
        return K.reshape(self.bias, (-1, 1, 1)) if self._channels_first else self.bias

    def _split_channels(self, x):
        """The channels of each gate.   x: (batch, *new image with 4 filters) -> a list of (batch, *new image)"""
        if not self._channels_first:
            return split(x, self.gates, self.filters)
        return [x[:, index * self.filters : (index + 1) * self.filters] for index in range(self.gates)]

    @property
    def _channels_first(self):
        return self.data_format == "channels_first"

    @property
    def _channel_axis(self):
        return 1 if self._channels_first else -1

    @property
    def _channel_axis_of_steps(self):
        return 2 if self._channels_first else -1


@shows_cell(*ConvLSTM2DCell._arguments)
class ConvLSTM2D(ConvRNN2D, CellLayer):
    """An LSTM over a sequence of images: its products are convolutions, and its states images.

    x: (batch, time, rows, columns, channels) -> (batch, new_rows, new_columns, filters), or
    (batch, time, new_rows, new_columns, filters) with `return_sequences`; channels first accordingly. The states are h
    and c.

    The arguments are those of `ConvLSTM2DCell` and of `ConvRNN2D`; activity_regularizer is of the output.
    """

    @_spellings.conv_recurrent
    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        activation="tanh",
        recurrent_activation="hard_sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        return_sequences=False,
        go_backwards=False,
        stateful=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        **kwargs,
    ):
        cell = ConvLSTM2DCell(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            dtype=kwargs.get("dtype"),
        )
        super().__init__(
            cell, return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful, **kwargs
        )
        self.activity_regularizer = regularizers.get(activity_regularizer)

    def get_config(self):
        return self._config_with_arguments_of_cell()
