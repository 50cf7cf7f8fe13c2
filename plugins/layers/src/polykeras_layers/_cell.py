"""What the cells of SimpleRNN, GRU and LSTM have in common: weights side by side for all gates, and dropout."""

from polykeras import activations
from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras_layers._arguments import keep


class RecurrentCell(Layer):
    """One step of a recurrent layer: (x, states) -> (output, new states).

    x: (batch, d), states: (batch, u) each;   kernel: (d, gates u), recurrent_kernel: (u, gates u), bias: (gates u,)

    A subclass says how many `gates` it has and defines two parts of the step, of which `call` is made:
    `project(x)`, what the gates take from the input, which depends on no state, so that a layer computes it for all
    steps in one product; and `step(projected, states)`, the rest.

    Dropout multiplies x, and recurrent dropout the state where it enters a product, by masks that stay the same through
    all steps of a call. With `implementation` 1 each gate has masks of its own; with 2 all share one.
    """

    gates = 1
    implementation = 2
    _arguments = ()
    _dropout_mask = None
    _recurrent_dropout_mask = None

    def __init__(self, units, dropout, recurrent_dropout, arguments, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
        keep(self, **arguments)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))

    def build(self, input_shape):
        self._input_dim = self._known_features(input_shape)
        width = self.gates * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self._input_dim, width),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units, width),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self._bias_shape(),
                initializer=self._initial_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs, states, training=None):
        if self._dropout_mask is None and self._recurrent_dropout_mask is None:
            return self._with_masks_of_its_own(inputs, states, training)
        return self.step(self.project(inputs), states)

    def project(self, inputs):
        """x · kernel + bias, with dropout.   x: (batch, d) or (batch, time, d) -> (..., gates u)"""
        product = self._product(inputs, self.kernel, self._dropout_mask)
        return product + self._input_bias() if self.use_bias else product

    def step(self, projected, states):
        """The output and the new states.   projected: (batch, gates u), states: (batch, u) each"""
        raise NotImplementedError(f"{type(self).__name__} defines no `step`.")

    # -- all steps by one op -----------------------------------------------------------------------------------------

    def is_one_op(self):
        """Whether `over_sequence` does what the cell's steps do: its parts are untouched, its activations known."""
        classes = type(self).__mro__
        end = next((i for i, base in enumerate(classes) if "_by_op" in vars(base)), 0)
        touched = any(part in vars(base) for base in classes[:end] for part in ("call", "project", "step"))
        return end < classes.index(RecurrentCell) and not touched and None not in self._activation_names().values()

    def over_sequence(self, sequence, states, **arguments):
        """All steps in one op: the last output, all outputs and the last states.

        sequence: (time, batch, d), states: (batch, u) each; mask: (time, batch) or None, and go_backwards
        -> (batch, u), (time, batch, u) in the order in which they are made, [(batch, u) each]
        """
        masks = [K.expand_dims(mask, 0) for mask in as_masks(self._dropout_mask)]
        projected = self._product(sequence, self.kernel, masks)
        dropout = [K.stop_gradient(mask) for mask in as_masks(self._recurrent_dropout_mask)]
        return self._by_op(projected, states, dropout=dropout, **self._activation_names(), **arguments)

    def _by_op(self, products, states, **arguments):
        """`over_sequence` from the products of the inputs and the kernel, by a function of K."""
        raise NotImplementedError(f"{type(self).__name__} defines no `_by_op`.")

    def _activation_names(self):
        names = ("activation", "recurrent_activation")
        return {name: activation_name(getattr(self, name)) for name in names if hasattr(self, name)}

    # -- dropout -----------------------------------------------------------------------------------------------------

    def begin(self, inputs, training=None):
        """Make the masks that hold for all steps of a call.   inputs: (batch, ...), one step of them"""
        count = self.gates if self.implementation == 1 else 1
        self._dropout_mask = self._recurrent_dropout_mask = None
        if 0.0 < self.dropout < 1.0:
            self._dropout_mask = _generate_dropout_mask(self._input_ones(inputs), self.dropout, training, count)
        if 0.0 < self.recurrent_dropout < 1.0:
            ones = self._state_ones(inputs)
            self._recurrent_dropout_mask = _generate_dropout_mask(ones, self.recurrent_dropout, training, count)

    def depends_on_phase(self):
        """Whether what the cell computes differs between training and test."""
        masks = (*as_masks(self._dropout_mask), *as_masks(self._recurrent_dropout_mask))
        return any(getattr(mask, "_uses_learning_phase", False) for mask in masks)

    def _with_masks_of_its_own(self, inputs, states, training):
        """One step by itself: no layer has made masks before."""
        self.begin(inputs, training)
        result = self.step(self.project(inputs), states)
        self._dropout_mask = self._recurrent_dropout_mask = None
        return result

    def _input_ones(self, inputs):
        return _generate_dropout_ones(inputs, self._input_dim)

    def _state_ones(self, inputs):
        return _generate_dropout_ones(inputs, self.units)

    # -- products ----------------------------------------------------------------------------------------------------

    def _product(self, x, weight, masks, multiply=K.dot, axis=-1):
        """x · weight, where x goes through no mask, one for all gates, or one for each."""
        masks = as_masks(masks)
        if len(masks) > 1:
            parts = split(weight, len(masks), self.units)
            products = [multiply(masked(x, mask), part) for mask, part in zip(masks, parts, strict=True)]
            return K.concatenate(products, axis=axis)
        return multiply(masked(x, masks[0]) if masks else x, weight)

    def _fed_back(self, h):
        """h · recurrent_kernel, with dropout.   h: (batch, u) -> (batch, gates u)"""
        return self._product(h, self.recurrent_kernel, self._recurrent_dropout_mask)

    # -- weights -----------------------------------------------------------------------------------------------------

    def _bias_shape(self):
        return (self.gates * self.units,)

    def _initial_bias(self):
        return self.bias_initializer

    def _input_bias(self):
        return self.bias

    def _known_features(self, input_shape):
        size = input_shape[-1]
        if size is None:
            raise ValueError(
                f"Layer {self.name}: the last axis of the inputs, the features, should have a defined size. "
                f"Found `None` in the shape {tuple(input_shape)}."
            )
        return size


def activation_name(function):
    """What the ops of whole sequences call an activation; None where they do not know it."""
    known = ("tanh", "sigmoid", "hard_sigmoid", "relu", "linear")
    return next((name for name in known if function is getattr(activations, name)), None)


def gate(weight, index):
    """A property: the columns of a weight that belong to one gate, or None where the cell has no such weight."""

    def columns_of_gate(cell):
        whole = getattr(cell, weight)
        return None if whole is None else columns(whole, index, cell.units)

    return property(columns_of_gate)


def columns(x, index, units):
    """The columns of gate `index`.   x: (..., gates u) -> (..., u)"""
    return x[..., index * units : (index + 1) * units]


def split(x, count, units):
    """The columns of each gate.   x: (..., count u) -> a list of (..., u)"""
    return [columns(x, index, units) for index in range(count)]


def masked(x, mask):
    """x · mask, through all steps where x has a time axis and the mask has none.   x: (batch, d) or (batch, time, d)"""
    if K.ndim(x) > K.ndim(mask):
        mask = K.expand_dims(mask, 1)
    return x * K.stop_gradient(mask)


def as_masks(masks):
    """The masks as a list: none, one for all gates, or one for each."""
    if masks is None:
        return []
    return masks if isinstance(masks, list) else [masks]


def per_sample(inputs, size):
    """Zeros, a row of them for each sample.   inputs: (batch, ...) -> (batch, size)"""
    column = inputs
    while K.ndim(column) > 2:
        column = column[:, 0]
    return K.tile(K.zeros_like(column[:, :1]), [1, size])


def _generate_dropout_ones(inputs, dims):
    """Ones for `dims` features of each sample.   inputs: (batch, ...) -> (batch, dims)"""
    return K.ones_like(per_sample(inputs, dims))


def _generate_dropout_mask(ones, rate, training=None, count=1):
    """A mask for dropout, or a list of `count` masks if there are more: in training 0 or 1 / (1 − rate), else 1."""

    def dropped_ones():
        return K.dropout(ones, rate)

    masks = [K.in_train_phase(dropped_ones, ones, training=training) for _ in range(count)]
    return masks if count > 1 else masks[0]
