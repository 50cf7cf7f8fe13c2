"""Keras 1's bases of recurrent layers: a class of one's own writes the step, without a cell."""

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec
from polykeras.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple
from polykeras_layers._arguments import described
from polykeras_layers.rnn import CellLayer


class _StepOf:
    """The cell that a layer which writes its own step stands for."""

    def __init__(self, layer):
        self._layer = layer

    @property
    def state_size(self):
        return [self._layer.units for _ in self._layer.states]

    def call(self, inputs, states):
        return self._layer.step(inputs, states)


class Recurrent(CellLayer):
    """output_t, states_t = step(x_t, states_(t−1)), for each step t

    x: (batch, time, d) -> (batch, units), the last output, or (batch, time, units) with `return_sequences`

    A layer of one's own has `units`, makes its weights and sets `states`, a list of as many None as it has states, in
    `build`, and defines

    * `step(inputs, states)`: (output, new states) of a step; `states` holds the states, then the constants;
    * `get_constants(inputs, training=None)`: tensors that each step gets, a list;
    * `preprocess_input(inputs, training=None)`: what can be computed for all steps at once;
    * `get_initial_state(inputs)`: where it is not zeros.

    The arguments are those of `RNN`; `implementation` is the layer's own business. `RNN` with a cell does the same and
    is what Keras 2 has for it.
    """

    _states = None

    def __init__(
        self,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        implementation=0,
        **kwargs,
    ):
        super().__init__(
            _StepOf(self),
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
        self.implementation = implementation
        self.dropout = 0
        self.recurrent_dropout = 0

    @property
    def states(self):
        """The variables that hold the states of a stateful layer; None for each before there are any."""
        return self._states or []

    @states.setter
    def states(self, states):
        self._states = states

    def step(self, inputs, states):
        """The output (batch, units) and the new states of one step; to be defined."""
        raise NotImplementedError(f"{type(self).__name__} defines no `step(inputs, states)`.")

    def get_constants(self, inputs, training=None):
        """Tensors that each step gets after the states; this one has none."""
        return []

    def preprocess_input(self, inputs, training=None):
        """What the steps get instead of the inputs (batch, time, d); here the inputs themselves."""
        return inputs

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps, *_ = input_shape
        shape = (batch, steps, self.units) if self.return_sequences else (batch, self.units)
        return [shape, *((batch, self.units) for _ in self.states)] if self.return_state else shape

    def reset_states(self, states=None):
        if self.stateful and any(state is None for state in self.states):
            self.states = [K.zeros(shape, dtype=self._state_dtype()) for shape in self._state_shapes()]
        super().reset_states(states)

    def _iterate(self, sequence, states, mask, training, constants):
        last, outputs, states = K.rnn(
            self.step,
            self.preprocess_input(sequence, training=None),
            states,
            go_backwards=self.go_backwards,
            mask=mask,
            constants=self.get_constants(sequence, training=None),
            unroll=self.unroll,
        )
        if self.dropout or self.recurrent_dropout:
            last._uses_learning_phase = outputs._uses_learning_phase = True
        return last, outputs, states

    def get_config(self):
        return {**self._config_without_cell(), "implementation": self.implementation}


class ConvRecurrent2D(Recurrent):
    """output_t, states_t = step(x_t, states_(t−1)), for each step t of a sequence of images

    x: (batch, time, rows, columns, channels) -> (batch, new_rows, new_columns, filters), the last output, or
    (batch, time, new_rows, new_columns, filters) with `return_sequences`; channels first accordingly.

    The size of the output is that of a convolution with `kernel_size`, `strides`, `padding` and `dilation_rate`; the
    rest is as in `Recurrent`. `ConvRNN2D` with a cell is what Keras 2 has for it.
    """

    _rank = 5
    _arguments = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")

    def __init__(
        self,
        filters,
        kernel_size,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        return_sequences=False,
        go_backwards=False,
        stateful=False,
        **kwargs,
    ):
        super().__init__(return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful, **kwargs)
        self.filters = filters
        self.kernel_size = normalize_tuple(kernel_size, 2, "kernel_size")
        self.strides = normalize_tuple(strides, 2, "strides")
        self.padding = normalize_padding(padding)
        self.data_format = K.normalize_data_format(data_format)
        self.dilation_rate = normalize_tuple(dilation_rate, 2, "dilation_rate")
        self.input_spec = [InputSpec(ndim=5)]

    @property
    def units(self):
        """The number of channels of a state."""
        return self.filters

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps, *image = input_shape
        state = (batch, *self._image_of_states(image))
        shape = (batch, steps, *state[1:]) if self.return_sequences else state
        return [shape, *(state for _ in self.states)] if self.return_state else shape

    def get_initial_state(self, inputs):
        """Zeros, one tensor for each state.   inputs: (batch, time, *image) -> (batch, *new image) each"""
        image = inputs[:, 0]
        channels = K.int_shape(image)[1 if self.data_format == "channels_first" else -1]
        blank = K.conv2d(
            image,
            K.constant(0.0, shape=(*self.kernel_size, channels, self.filters), dtype=K.dtype(inputs)),
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return [K.zeros_like(blank) for _ in self.states]

    def _state_shapes(self):
        batch, _, *image = self.input_spec[0].shape or (None,) * 5
        shape = (batch, *self._image_of_states(image))
        if None in shape:
            raise ValueError(
                f"Layer {self.name}: if a RNN is stateful, it needs to know its batch size and the size of the images. "
                f"Specify them by `batch_input_shape=`. The state's shape would be {shape}."
            )
        return [shape for _ in self.states]

    def _image_of_states(self, image):
        """The shape of one sample of the output.   image: the shape of one image, with the channels"""
        first = self.data_format == "channels_first"
        sizes = image[1:] if first else image[:-1]
        windows = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        sizes = [conv_output_length(n, k, self.padding, s, dilation=d) for n, k, s, d in windows]
        return (self.filters, *sizes) if first else (*sizes, self.filters)

    def get_config(self):
        return {**super().get_config(), **described(self, self._arguments)}
