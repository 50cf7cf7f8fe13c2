"""SimpleRNN: the output is fed back."""

from polykeras import backend as K
from polykeras import regularizers
from polykeras_layers import _spellings
from polykeras_layers._arguments import described
from polykeras_layers._cell import RecurrentCell
from polykeras_layers.rnn import CellLayer, shows_cell


class SimpleRNNCell(RecurrentCell):
    """h' = activation(x · kernel + h · recurrent_kernel + bias); the output is h'

    x: (batch, d), h: (batch, u);   kernel: (d, u), recurrent_kernel: (u, u), bias: (u,)

    units:             u.
    activation:        a name or a function; None is linear.
    *_initializer, *_regularizer, *_constraint: of the kernel, the recurrent kernel and the bias.
    dropout, recurrent_dropout: the shares of x and of h that are dropped in training, the same ones at every step.
    """

    _arguments = (
        "units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
        "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint", "recurrent_constraint",
        "bias_constraint", "dropout", "recurrent_dropout",
    )  # fmt: skip

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
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
            "activation": activation,
            "use_bias": use_bias,
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(units, dropout, recurrent_dropout, arguments, **kwargs)

    def step(self, projected, states):
        output = self.activation(projected + self._fed_back(states[0]))
        return output, [output]

    def get_config(self):
        return {**super().get_config(), **described(self, self._arguments)}

    def _by_op(self, products, states, **arguments):
        x = products + self.bias if self.use_bias else products
        return K.simple_rnn(x, states[:1], self.recurrent_kernel, **arguments)


@shows_cell(*SimpleRNNCell._arguments)
class SimpleRNN(CellLayer):
    """h_t = activation(x_t · kernel + h_(t−1) · recurrent_kernel + bias)

    x: (batch, time, d) -> (batch, u), or (batch, time, u) with `return_sequences`

    The arguments are those of `SimpleRNNCell` and of `RNN`; activity_regularizer is of the output.
    """

    @_spellings.recurrent
    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        **kwargs,
    ):
        kwargs.pop("implementation", None)  # Keras takes it for all three layers, and it says nothing here
        cell = SimpleRNNCell(
            units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
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
