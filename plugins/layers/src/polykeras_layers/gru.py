"""GRU: a state, and gates that say how much of it stays and how much of it the new one sees."""

from polykeras import backend as K
from polykeras import regularizers
from polykeras_layers import _spellings
from polykeras_layers._arguments import described
from polykeras_layers._cell import RecurrentCell, as_masks, gate, masked, split
from polykeras_layers.rnn import CellLayer, shows_cell, supported_implementation


class GRUCell(RecurrentCell):
    """z, r = recurrent_activation(x · W + h · U + b), each with its own W, U and b
    n = activation(x · W_h + (r · h) · U_h + b_h)
    h' = z · h + (1 − z) · n; the output is h'

    With `reset_after` the gate r comes after the product, and the recurrent products have biases of their own:
    n = activation(x · W_h + b_h + r · (h · U_h + b'_h)).

    x: (batch, d), h: (batch, u);   kernel, all W: (d, 3u), recurrent_kernel, all U: (u, 3u), bias: (3u,), or with
    `reset_after` (2, 3u), each in the order z, r, h

    units:                 u.
    activation, recurrent_activation: names or functions; None is linear.
    *_initializer, *_regularizer, *_constraint: of the kernel, the recurrent kernel and the bias.
    dropout, recurrent_dropout: the shares of x and of h that are dropped in training, the same ones at every step.
    implementation:        1, dropout masks for each gate, and of h only where it enters a product; 2, one mask for all,
                           and h goes through it where it stays, too, as in Keras. Without dropout they are equal.
    """

    gates = 3
    _arguments = (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer",
        "bias_initializer", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "implementation", "reset_after",
    )  # fmt: skip

    kernel_z, kernel_r, kernel_h = (gate("kernel", i) for i in range(3))
    recurrent_kernel_z, recurrent_kernel_r, recurrent_kernel_h = (gate("recurrent_kernel", i) for i in range(3))
    input_bias_z, input_bias_r, input_bias_h = (gate("input_bias", i) for i in range(3))
    recurrent_bias_z, recurrent_bias_r, recurrent_bias_h = (gate("recurrent_bias", i) for i in range(3))

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="hard_sigmoid",
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
        implementation=1,
        reset_after=False,
        **kwargs,
    ):
        arguments = {
            "activation": activation,
            "recurrent_activation": recurrent_activation,
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
            "implementation": implementation,
            "reset_after": reset_after,
        }
        super().__init__(units, dropout, recurrent_dropout, arguments, **kwargs)

    @property
    def input_bias(self):
        """The bias of the input's products, (3u,), or None."""
        return self.bias[0] if self.use_bias and self.reset_after else self.bias

    @property
    def recurrent_bias(self):
        """The bias of the state's products, (3u,), or None: there is one with `reset_after` only."""
        return self.bias[1] if self.use_bias and self.reset_after else None

    def step(self, projected, states):
        h = states[0]
        if self.reset_after:
            fed_back = self._fed_back(h)
            if self.use_bias:
                fed_back = fed_back + self.recurrent_bias
            h = self._staying(h)
            h = reset_after_step(projected, fed_back, h, self.activation, self.recurrent_activation, self.units)
        else:
            h = self._reset_before_step(projected, h)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), **described(self, self._arguments)}

    def _by_op(self, products, states, **arguments):
        if self.use_bias:
            products = products + self._bias_of_sums()
        if self.use_bias and self.reset_after:
            arguments["recurrent_bias"] = self.recurrent_bias_h
        arguments.update(reset_after=self.reset_after, drops_state=self._drops_state)
        return K.gru(products, states[:1], self.recurrent_kernel, **arguments)

    def _bias_of_sums(self):
        """All that is added to the gates' sums: the biases, but for the one that the gate r multiplies."""
        bias, extra = self.input_bias, self.recurrent_bias
        if extra is None:
            return bias
        both = 2 * self.units
        return K.concatenate([bias[:both] + extra[:both], bias[both:]])

    @property
    def _drops_state(self):
        return self.implementation != 1 and self._recurrent_dropout_mask is not None

    def _reset_before_step(self, projected, h):
        masks = as_masks(self._recurrent_dropout_mask)
        z, r, new = split(projected, 3, self.units)
        fed_back = self._product(h, self.recurrent_kernel[:, : 2 * self.units], masks[:2])
        z_back, r_back = split(fed_back, 2, self.units)
        z = self.recurrent_activation(z + z_back)
        r = self.recurrent_activation(r + r_back)
        seen = masked(h, masks[-1]) if masks else h
        new = self.activation(new + K.dot(r * seen, self.recurrent_kernel_h))
        return z * self._staying(h) + (1 - z) * new

    def _staying(self, h):
        """The state that the gate z keeps, with dropout where one mask serves all gates, as in Keras."""
        return masked(h, self._recurrent_dropout_mask) if self._drops_state else h

    def _bias_shape(self):
        return (2, self.gates * self.units) if self.reset_after else super()._bias_shape()

    def _input_bias(self):
        return self.input_bias


def reset_after_step(projected, fed_back, h, activation, recurrent_activation, units):
    """h' from the products of x and of h, with their biases.   projected, fed_back: (batch, 3u) in the order z, r, h"""
    z, r, new = split(projected, 3, units)
    z_back, r_back, new_back = split(fed_back, 3, units)
    z = recurrent_activation(z + z_back)
    new = activation(new + recurrent_activation(r + r_back) * new_back)
    return z * h + (1 - z) * new


@shows_cell(*GRUCell._arguments)
class GRU(CellLayer):
    """At each step, with the gates z and r between 0 and 1:

    h_t = z · h_(t−1) + (1 − z) · activation(x_t · W_h + (r · h_(t−1)) · U_h + b_h)

    x: (batch, time, d) -> (batch, u), or (batch, time, u) with `return_sequences`; the state is h.

    The arguments are those of `GRUCell` and of `RNN`; activity_regularizer is of the output.
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
        reset_after=False,
        **kwargs,
    ):
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
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
            implementation=supported_implementation(implementation),
            reset_after=reset_after,
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
