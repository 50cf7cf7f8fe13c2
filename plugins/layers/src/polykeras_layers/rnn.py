"""RNN: a cell, applied along the time axis."""

from operator import attrgetter

from polykeras import backend as K
from polykeras import layers, regularizers
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras.legacy.interfaces import warn_caller
from polykeras_layers._cell import RecurrentCell, per_sample
from polykeras_layers._inner import HoldsLayers
from polykeras_layers._states import accepted, output_size_of, sizes_of
from polykeras_layers.stacked_cells import StackedRNNCells


class RNN(HoldsLayers):
    """output_t, states_t = cell(x_t, states_(t−1)), for each step t

    x: (batch, time, ...) -> (batch, u), the last output, or (batch, time, u) with `return_sequences`

    cell:             an object with `state_size` (an int or a list of them) and
                      `call(x_t, states) -> (output, new states)`, which may take `constants=` and `training=`; or a
                      list of such, stacked. The first state has the output's size unless there is an `output_size`.
    return_sequences: all outputs instead of the last.
    return_state:     a list: the output, then the last states.
    go_backwards:     from the last step to the first; outputs come in the order in which they are made.
    stateful:         the states after a call are where the next one starts, sample by sample: batches have one size,
                      which the layer must know (`batch_input_shape=`, or `Input(batch_shape=)`).
    unroll:           write the steps out one by one instead of as a loop. The number of steps must be known.
    time_major:       inputs are (time, batch, ...), and so are outputs with `return_sequences`.

    In the call: `initial_state`, a tensor or a list of them; `constants`, tensors that the cell gets at each step;
    a mask (batch, time): where it is False, the states stay as they are and the output is the first of them, as in
    Keras: of stacked cells that is a state of the first cell.
    """

    _rank = 3

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        *,
        time_major=False,
        **kwargs,
    ):
        self._hold(cell)
        super().__init__(**kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.time_major = time_major
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=self._rank)]
        self.state_spec = None
        self.constants_spec = None
        self._states = None
        self._num_constants = None

    def _hold(self, cell):
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(list(cell))
        for attribute in ("call", "state_size"):
            if not hasattr(cell, attribute):
                raise ValueError(
                    f"`cell` should have a `{attribute}`: a cell has `call(inputs, states)` and a `state_size`, an int "
                    f"or a list of them. The RNN was passed: {cell!r}"
                )
        self.cell = cell

    def _inner_layers(self):
        return [self.cell] if isinstance(self.cell, Layer) else []

    # -- shapes and weights ------------------------------------------------------------------------------------------

    def build(self, input_shape):
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        constants = shapes[len(shapes) - self._num_constants :] if self._num_constants else []
        batch, _, *features = self._batch_major(shapes[0])
        self.input_spec = [self._input_spec(shapes[0]), *self.input_spec[1:]]
        if isinstance(self.cell, Layer):
            step_shape = (batch, *features)
            self.cell._ensure_built([step_shape, *constants] if constants else step_shape)
        self._check_state_spec()
        if self.stateful:
            self.reset_states()
        self.built = True

    def _input_spec(self, input_shape):
        """The batch of a stateful layer and the features are fixed; the number of steps is free."""
        batch, _, *features = self._batch_major(input_shape)
        return InputSpec(shape=self._batch_major((batch if self.stateful else None, None, *features)))

    def _check_state_spec(self):
        sizes = sizes_of(self.cell)
        if self.state_spec is None:
            self.state_spec = [InputSpec(shape=(None, size)) for size in sizes]
        elif [spec.shape[-1] for spec in self.state_spec] != sizes:
            raise ValueError(
                f"Layer {self.name}: an `initial_state` was passed that is not compatible with the cell: its states "
                f"have the sizes {sizes}, the shapes that came are {[spec.shape for spec in self.state_spec]}."
            )

    def compute_output_shape(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps, *_ = self._batch_major(input_shape)
        size = output_size_of(self.cell)
        shape = self._batch_major((batch, steps, size)) if self.return_sequences else (batch, size)
        return [shape, *((batch, size) for size in sizes_of(self.cell))] if self.return_state else shape

    def compute_mask(self, inputs, mask):
        if isinstance(mask, list):
            mask = mask[0]
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in sizes_of(self.cell))] if self.return_state else mask

    def _batch_major(self, shape):
        """A shape with the first two axes swapped if time comes first, so that the batch does; and back."""
        first, second, *rest = shape
        return (second, first, *rest) if self.time_major else tuple(shape)

    # -- the call ----------------------------------------------------------------------------------------------------

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        inputs, initial_state, constants = _standardize_args(inputs, initial_state, constants, self._num_constants)
        if initial_state is not None:
            self.state_spec = [InputSpec(shape=K.int_shape(state)) for state in initial_state]
            if self.built:
                self._check_state_spec()
        if constants is not None:
            self.constants_spec = [InputSpec(shape=K.int_shape(constant)) for constant in constants]
            self._num_constants = len(constants)
        further = [*(initial_state or ()), *(constants or ())]
        if not further:
            return super().__call__(inputs, **kwargs)
        if not all_or_none_of_layers(further, self.name):
            given = {"initial_state": initial_state, "constants": constants}
            return super().__call__(inputs, **{name: value for name, value in given.items() if value}, **kwargs)
        self.input_spec = [*self.input_spec[:1], *(InputSpec(shape=K.int_shape(tensor)) for tensor in further)]
        try:
            return super().__call__([inputs, *further], **kwargs)
        finally:
            self.input_spec = self.input_spec[:1]

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        sequence, states, constants = self._unpacked(inputs, initial_state, constants)
        mask = mask[0] if isinstance(mask, list) else mask
        if self.time_major:
            sequence = time_and_batch_swapped(sequence)
            mask = None if mask is None else time_and_batch_swapped(mask)
        states = self._starting_states(sequence, states)
        self._check_unrolling(sequence)
        last, outputs, states = self._iterate(sequence, states, mask, training, constants)
        if self.stateful:
            self.add_update([K.update(own, new) for own, new in zip(self.states, states, strict=True)], inputs)
        by_phase = getattr(last, "_uses_learning_phase", False)
        for state in states:
            state._uses_learning_phase = by_phase
        output = outputs if self.return_sequences else last
        if self.return_sequences and self.time_major:
            output = time_and_batch_swapped(output)
        return [output, *states] if self.return_state else output

    def _unpacked(self, inputs, initial_state, constants):
        """The sequence, and the states and constants that may come with it in one list."""
        if not isinstance(inputs, list):
            return inputs, initial_state, constants
        end = len(inputs) - (self._num_constants or 0)
        return inputs[0], inputs[1:end] or initial_state, inputs[end:] or constants

    def _starting_states(self, sequence, initial_state):
        if initial_state is None:
            return self.states if self.stateful else self.get_initial_state(sequence)
        count = len(sizes_of(self.cell))
        if len(initial_state) != count:
            raise ValueError(
                f"Layer {self.name} has {count} states but was passed {len(initial_state)} initial states."
            )
        return initial_state

    def _check_unrolling(self, sequence):
        if self.unroll and K.int_shape(sequence)[1] is None:
            raise ValueError(
                f"Layer {self.name}: cannot unroll a RNN if the number of time steps is unknown. Give the input a "
                f"known length (`input_shape=(steps, features)`, or `Input(shape=(steps, features))`), or leave out "
                f"`unroll`: a loop takes any length."
            )

    def _iterate(self, sequence, states, mask, training, constants):
        """The last output, all outputs and the last states.   sequence: (batch, time, ...), mask: (batch, time)

        All steps are one op where there is one for the cell. Else a cell that can tell what it takes from the inputs
        apart from what it takes from the states does so for all steps in one product.
        """
        if hasattr(self.cell, "begin"):
            self.cell.begin(sequence[:, 0], training)
        if not self.unroll and isinstance(self.cell, RecurrentCell) and self.cell.is_one_op():
            last, outputs, states = self._by_one_op(sequence, states, mask)
        else:
            last, outputs, states = self._step_by_step(sequence, states, mask, training, constants)
        if hasattr(self.cell, "depends_on_phase"):
            outputs._uses_learning_phase = last._uses_learning_phase = self.cell.depends_on_phase()
        return last, outputs, states

    def _by_one_op(self, sequence, states, mask):
        if mask is not None:
            mask = time_and_batch_swapped(mask if K.ndim(mask) == 2 else mask[:, :, 0])
        sequence = time_and_batch_swapped(sequence)
        last, outputs, states = self.cell.over_sequence(sequence, states, mask=mask, go_backwards=self.go_backwards)
        return last, time_and_batch_swapped(outputs), states

    def _step_by_step(self, sequence, states, mask, training, constants):
        if projects(self.cell):
            step = self.cell.step
            sequence = self.cell.project(sequence)
        else:
            arguments = accepted(self.cell.call, training=training, constants=constants)

            def step(inputs, states):
                return self.cell.call(inputs, states, **arguments)

        return K.rnn(step, sequence, states, go_backwards=self.go_backwards, mask=mask, unroll=self.unroll)

    # -- states ------------------------------------------------------------------------------------------------------

    @property
    def states(self):
        """The variables that hold the states of a stateful layer; a list of None before there are any."""
        return [None for _ in sizes_of(self.cell)] if self._states is None else self._states

    @states.setter
    def states(self, states):
        self._states = states

    def get_initial_state(self, inputs):
        """Zeros, one tensor for each state.   inputs: (batch, time, ...) -> (batch, size) each"""
        return [per_sample(inputs, size) for size in sizes_of(self.cell)]

    def reset_states(self, states=None):
        """Set the states of a stateful layer: to zeros, or to arrays of the shapes (batch, size), one for each.

        Raises AttributeError if the layer is not stateful, ValueError if the batch size is unknown or an array has
        another shape.
        """
        if not self.stateful:
            raise AttributeError(f"Layer {self.name} must be stateful for its states to be reset: `stateful=True`.")
        shapes = self._state_shapes()
        if self._states is None:
            self._states = [K.zeros(shape, dtype=self._state_dtype()) for shape in shapes]
        if states is None:
            K.batch_set_value([(own, K.eval(K.zeros_like(own))) for own in self._states])
            return
        given = list(states) if isinstance(states, list | tuple) else [states]
        if len(given) != len(shapes):
            raise ValueError(
                f"Layer {self.name} expects {len(shapes)} states, but it received {len(given)} state values. "
                f"Input received: {states}"
            )
        for index, (value, shape) in enumerate(zip(given, shapes, strict=True)):
            if tuple(value.shape) != shape:
                raise ValueError(
                    f"State {index} is incompatible with layer {self.name}: expected shape={shape}, "
                    f"found shape={tuple(value.shape)}"
                )
        K.batch_set_value(list(zip(self._states, given, strict=True)))

    def _state_shapes(self):
        batch = self._batch_major(self.input_spec[0].shape or (None, None))[0]
        if not batch:
            raise ValueError(
                f"Layer {self.name}: if a RNN is stateful, it needs to know its batch size. Specify it by "
                f"`batch_input_shape=` of the first layer of a Sequential model, or by `Input(batch_shape=...)`."
            )
        return [(batch, size) for size in sizes_of(self.cell)]

    def _state_dtype(self):
        return self.dtype if self.dtype is not None and self.dtype.startswith("float") else K.floatx()

    # -- config ------------------------------------------------------------------------------------------------------

    def get_config(self):
        return {**self._config_without_cell(), "cell": layers.serialize(self.cell)}

    def _config_without_cell(self):
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        if self.time_major:
            config["time_major"] = True
        if self._num_constants is not None:
            config["num_constants"] = self._num_constants
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        cell = layers.deserialize(config.pop("cell"), custom_objects)
        num_constants = config.pop("num_constants", None)
        layer = cls(cell, **config)
        layer._num_constants = num_constants
        return layer


class CellLayer(RNN):
    """Base of the layers that make their own cell of their arguments: SimpleRNN, GRU, LSTM.

    The cell's arguments are the layer's, and in its config they stand instead of the cell. (A layer's `get_config` must
    not be older than its constructor, or the arguments would be captured: each of the three defines it.)
    """

    def call(self, inputs, mask=None, training=None, initial_state=None):
        return super().call(inputs, mask=mask, training=training, initial_state=initial_state)

    def _config_with_arguments_of_cell(self):
        config = self._config_without_cell()
        cell = self.cell.get_config()
        for name in self.cell._arguments:
            config[name] = cell[name]
            if name == "bias_regularizer":
                config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def shows_cell(*names):
    """A decorator: attributes of the cell as attributes, to read, of the layer that holds it."""

    def decorate(layer_class):
        for name in names:
            setattr(layer_class, name, property(attrgetter(f"cell.{name}"), doc=f"`{name}` of the cell."))
        return layer_class

    return decorate


def supported_implementation(number):
    """1 or 2; Keras once had an implementation 0, for which 1 stands in with a warning."""
    if number == 0:
        warn_caller("`implementation=0` is deprecated, and 1 is taken instead. Please update your layer call.")
        return 1
    return number


def projects(cell):
    """Whether what the cell takes from its inputs can be computed for all steps at once, its `call` being untouched."""
    call = next((base for base in type(cell).__mro__ if "call" in vars(base)), None)
    return call is not None and "project" in vars(call)


def time_and_batch_swapped(x):
    """x: (a, b, ...) -> (b, a, ...)"""
    return K.permute_dimensions(x, (1, 0, *range(2, K.ndim(x))))


def all_or_none_of_layers(tensors, layer_name):
    """Whether layers made the tensors, which is then part of a model's graph; ValueError where of some only."""
    made = [bool(K.is_keras_tensor(tensor)) for tensor in tensors]
    if len(set(made)) > 1:
        raise ValueError(
            f"Layer {layer_name}: the initial state or constants must be either all Keras tensors (made by layers or "
            f"`Input`) or all none; some are: {made}. Wrap the others with `Input(tensor=...)`."
        )
    return made[0]


def _standardize_args(inputs, initial_state, constants, num_constants):
    """(inputs, initial_state, constants), each state and constant in a list or None.

    `inputs` may be a list that holds all: the inputs, then the states, then `num_constants` constants.
    """
    if isinstance(inputs, list):
        if initial_state is not None or constants is not None:
            raise ValueError(
                "States and constants were given twice: in the list of inputs, and as `initial_state` or `constants`."
            )
        if num_constants:
            inputs, constants = inputs[:-num_constants], inputs[-num_constants:]
        inputs, *rest = inputs
        initial_state = rest or None
    return inputs, _list_or_none(initial_state), _list_or_none(constants)


def _list_or_none(x):
    if x is None or isinstance(x, list):
        return x
    return list(x) if isinstance(x, tuple) else [x]
