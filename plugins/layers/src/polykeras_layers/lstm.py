"""LSTM: a memory, and gates that say what goes in, what stays and what comes out."""

from polykeras import backend as K
from polykeras import initializers, regularizers
from polykeras_layers import _spellings
from polykeras_layers._arguments import described
from polykeras_layers._cell import RecurrentCell, gate, split
from polykeras_layers.rnn import CellLayer, shows_cell, supported_implementation


class LSTMCell(RecurrentCell):
    """i, f, o = recurrent_activation(x · W + h · U + b), each with its own W, U and b
    c' = f · c + i · activation(x · W_c + h · U_c + b_c)
    h' = o · activation(c'); the output is h'

    x: (batch, d), h, c: (batch, u);   kernel, all W: (d, 4u), recurrent_kernel, all U: (u, 4u), bias: (4u,), each in
    the order i, f, c, o

    units:                 u.
    activation, recurrent_activation: names or functions; None is linear.
    unit_forget_bias:      b_f starts at 1.
    *_initializer, *_regularizer, *_constraint: of the kernel, the recurrent kernel and the bias.
    dropout, recurrent_dropout: the shares of x and of h that are dropped in training, the same ones at every step.
    implementation:        1, dropout masks for each gate; 2, one mask for all. Without dropout they are equal.
    """

    gates = 4
    _arguments = (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
        "bias_initializer", "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer",
        "kernel_constraint", "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
        "implementation",
    )  # fmt: skip

    kernel_i, kernel_f, kernel_c, kernel_o = (gate("kernel", i) for i in range(4))
    recurrent_kernel_i, recurrent_kernel_f, recurrent_kernel_c, recurrent_kernel_o = (
        gate("recurrent_kernel", i) for i in range(4)
    )
    bias_i, bias_f, bias_c, bias_o = (gate("bias", i) for i in range(4))

    def __init__(
        self,
        units,
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
        implementation=1,
        **kwargs,
    ):
        arguments = {
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
            "implementation": implementation,
        }
        super().__init__(units, dropout, recurrent_dropout, arguments, **kwargs)
        self.state_size = (units, units)

    def step(self, projected, states):
        h, c = states[:2]
        sums = split(projected + self._fed_back(h), self.gates, self.units)
        h, c = lstm_step(sums, c, self.activation, self.recurrent_activation)
        return h, [h, c]

    def get_config(self):
        return {**super().get_config(), **described(self, self._arguments)}

    def _by_op(self, products, states, **arguments):
        x = products + self.bias if self.use_bias else products
        return K.lstm(x, states[:2], self.recurrent_kernel, **arguments)

    def _initial_bias(self):
        return forget_bias_of_one(self.bias_initializer, self.units) if self.unit_forget_bias else self.bias_initializer


def lstm_step(sums, c, activation, recurrent_activation):
    """h' and c' from c and the sums that the gates i, f, c, o see, all of one shape."""
    i, f, new, o = sums
    c = recurrent_activation(f) * c + recurrent_activation(i) * activation(new)
    return recurrent_activation(o) * activation(c), c


def forget_bias_of_one(initializer, units):
    """The initializer of an LSTM's bias: ones for the forget gate, the rest by `initializer`."""

    def initial_bias(shape, dtype=None):
        rest = (shape[0] - 2 * units,)
        return K.concatenate([initializer((units,)), initializers.Ones()((units,)), initializer(rest)])

    return initial_bias


@shows_cell(*LSTMCell._arguments)
class LSTM(CellLayer):
    """At each step, with the gates i, f, o between 0 and 1:

    c_t = f · c_(t−1) + i · activation(x_t · W_c + h_(t−1) · U_c + b_c),   h_t = o · activation(c_t)

    x: (batch, time, d) -> (batch, u), or (batch, time, u) with `return_sequences`; the states are h and c.

    The arguments are those of `LSTMCell` and of `RNN`; activity_regularizer is of the output.
    """

    @_spellings.recurrent
    def __init__(
        self,
        units,
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
        dropout=0.0,
        recurrent_dropout=0.0,
        implementation=1,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        **kwargs,
    ):
        cell = LSTMCell(
            units,
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
            implementation=supported_implementation(implementation),
            dtype=kwargs.get("dtype"),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )
        self.activity_regularizer = regularizers.get(activity_regularizer)

    def get_config(self):
        return self._config_with_arguments_of_cell()
