"""CuDNNGRU and CuDNNLSTM: the layers whose weights lie as cuDNN wants them. They run on every backend."""

from collections import namedtuple

from polykeras import backend as K
from polykeras import initializers
from polykeras_layers._arguments import described, keep
from polykeras_layers._cell import split
from polykeras_layers.rnn import RNN, time_and_batch_swapped

Cell = namedtuple("Cell", "state_size")

_WEIGHT_ARGUMENTS = (
    "kernel_initializer", "recurrent_initializer", "bias_initializer", "kernel_regularizer", "recurrent_regularizer",
    "bias_regularizer", "activity_regularizer", "kernel_constraint", "recurrent_constraint", "bias_constraint",
)  # fmt: skip


class _CuDNNRNN(RNN):
    """Base of the two: no masks, no dropout, no choice of activations.

    kernel: (d, gates u), recurrent_kernel: (u, gates u), bias: (2 gates u,), the input's biases and then the state's.
    Within each gate the values of a kernel, row by row, are cuDNN's matrix (u, d); of a recurrent kernel, (u, u).
    """

    gates = 0
    _arguments = ("units", *_WEIGHT_ARGUMENTS)

    def __init__(self, units, arguments, **kwargs):
        self.units = units
        kwargs.setdefault("go_backwards", False)
        super().__init__(self.cell, **kwargs)
        self.supports_masking = False
        keep(self, **arguments)

    def _hold(self, cell):
        """The cell is a description, made when asked for."""

    def _inner_layers(self):
        return []

    def build(self, input_shape):
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        width = self.gates * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(shape[-1], width),
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
        self.bias = self.add_weight(
            name="bias",
            shape=(2 * width,),
            initializer=self._initial_bias(),
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )
        super().build(input_shape)

    def call(self, inputs, mask=None, training=None, initial_state=None):
        if any(one is not None for one in (mask if isinstance(mask, list) else [mask])):
            raise ValueError(
                f"Layer {self.name}: Masking is not supported for CuDNN RNNs. Take {self.plain} instead, which "
                f"runs the same computation."
            )
        return super().call(inputs, training=training, initial_state=initial_state)

    def _iterate(self, sequence, states, mask, training, constants):
        products = K.dot(time_and_batch_swapped(sequence), self._side_by_side(self.kernel))
        recurrent_kernel = self._side_by_side(self.recurrent_kernel)
        last, outputs, states = self._by_op(products, states, recurrent_kernel, go_backwards=self.go_backwards)
        return last, time_and_batch_swapped(outputs), states

    def _side_by_side(self, weight):
        """The gates' matrices as a plain layer has them.   weight: (d, gates u) -> (d, gates u)"""
        rows = K.int_shape(weight)[0]
        matrices = [K.reshape(block, (self.units, rows)) for block in split(weight, self.gates, self.units)]
        return K.concatenate([K.transpose(matrix) for matrix in matrices])

    def _by_op(self, products, states, recurrent_kernel, **arguments):
        """All steps, from the products of the inputs and the kernel, by a function of K."""
        raise NotImplementedError(f"{type(self).__name__} defines no `_by_op`.")

    def _initial_bias(self):
        return self.bias_initializer

    def _config_with_arguments(self):
        config = self._config_without_cell()
        del config["unroll"]
        return {**config, **described(self, self._arguments)}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class CuDNNGRU(_CuDNNRNN):
    """The GRU that cuDNN computes: `GRU(units, recurrent_activation="sigmoid", reset_after=True)`.

    x: (batch, time, d) -> (batch, u), or (batch, time, u) with `return_sequences`; the state is h.
    kernel: (d, 3u), recurrent_kernel: (u, 3u), bias: (6u,), each in the order z, r, h

    The arguments are those of `GRU`, as far as they apply.
    """

    gates = 3
    plain = 'GRU(recurrent_activation="sigmoid", reset_after=True)'

    def __init__(
        self,
        units,
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
        return_sequences=False,
        return_state=False,
        stateful=False,
        **kwargs,
    ):
        arguments = {
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "activity_regularizer": activity_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(
            units,
            arguments,
            return_sequences=return_sequences,
            return_state=return_state,
            stateful=stateful,
            **kwargs,
        )

    @property
    def cell(self):
        """A description of the cell: its `state_size`."""
        return Cell(self.units)

    def get_config(self):
        return self._config_with_arguments()

    def _by_op(self, products, states, recurrent_kernel, **arguments):
        both = 2 * self.units
        bias, extra = split(self.bias, 2, self.gates * self.units)
        x = products + K.concatenate([bias[:both] + extra[:both], bias[both:]])
        arguments.update(recurrent_bias=extra[both:], recurrent_activation="sigmoid", reset_after=True)
        return K.gru(x, states, recurrent_kernel, **arguments)


class CuDNNLSTM(_CuDNNRNN):
    """The LSTM that cuDNN computes: `LSTM(units, recurrent_activation="sigmoid")`, whose bias is the sum of two.

    x: (batch, time, d) -> (batch, u), or (batch, time, u) with `return_sequences`; the states are h and c.
    kernel: (d, 4u), recurrent_kernel: (u, 4u), bias: (8u,), each in the order i, f, c, o

    The arguments are those of `LSTM`, as far as they apply.
    """

    gates = 4
    plain = 'LSTM(recurrent_activation="sigmoid")'
    _arguments = (
        "units",
        *_WEIGHT_ARGUMENTS[:3],
        "unit_forget_bias",
        *_WEIGHT_ARGUMENTS[3:],
    )

    def __init__(
        self,
        units,
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
        return_state=False,
        stateful=False,
        **kwargs,
    ):
        arguments = {
            "kernel_initializer": kernel_initializer,
            "recurrent_initializer": recurrent_initializer,
            "bias_initializer": bias_initializer,
            "unit_forget_bias": unit_forget_bias,
            "kernel_regularizer": kernel_regularizer,
            "recurrent_regularizer": recurrent_regularizer,
            "bias_regularizer": bias_regularizer,
            "activity_regularizer": activity_regularizer,
            "kernel_constraint": kernel_constraint,
            "recurrent_constraint": recurrent_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(
            units,
            arguments,
            return_sequences=return_sequences,
            return_state=return_state,
            stateful=stateful,
            **kwargs,
        )

    @property
    def cell(self):
        """A description of the cell: its `state_size`."""
        return Cell((self.units, self.units))

    def get_config(self):
        return self._config_with_arguments()

    def _by_op(self, products, states, recurrent_kernel, **arguments):
        bias, extra = split(self.bias, 2, self.gates * self.units)
        return K.lstm(products + (bias + extra), states, recurrent_kernel, recurrent_activation="sigmoid", **arguments)

    def _initial_bias(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        return _forget_bias_of_one(self.bias_initializer, self.units)


def _forget_bias_of_one(initializer, units):
    """The initializer of both biases: ones for the forget gate of the state's, the rest by `initializer`."""

    def initial_bias(shape, dtype=None):
        return K.concatenate([initializer((5 * units,)), initializers.Ones()((units,)), initializer((2 * units,))])

    return initial_bias
