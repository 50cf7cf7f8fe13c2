"""Layers of Keras 1 that Keras 2 kept for old models, with Keras 1's arguments."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras.legacy.interfaces import warn_caller
from polykeras_layers.convolutional import Conv1D, Conv2D


class _OfVectors(Layer):
    """Base of the two: vectors (batch, d) in and out, weights called W and b."""

    def __init__(
        self, init, weights, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias,
        input_dim, **kwargs,
    ):  # fmt: skip
        if input_dim and "input_shape" not in kwargs:
            kwargs["input_shape"] = (input_dim,)
        super().__init__(weights=weights, **kwargs)
        self.init = initializers.get(init)
        self.W_regularizer = regularizers.get(W_regularizer)
        self.b_regularizer = regularizers.get(b_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.W_constraint = constraints.get(W_constraint)
        self.b_constraint = constraints.get(b_constraint)
        self.bias = bias
        self.input_dim = input_dim
        self.input_spec = InputSpec(ndim=2)

    def _add_kernel(self, name, shape):
        return self.add_weight(
            name=name, shape=shape, initializer=self.init, regularizer=self.W_regularizer, constraint=self.W_constraint
        )

    def _add_bias(self, name, shape, initializer):
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            regularizer=self.b_regularizer,
            constraint=self.b_constraint,
        )

    def _described(self):
        return {
            "init": initializers.serialize(self.init),
            "W_regularizer": regularizers.serialize(self.W_regularizer),
            "b_regularizer": regularizers.serialize(self.b_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "W_constraint": constraints.serialize(self.W_constraint),
            "b_constraint": constraints.serialize(self.b_constraint),
            "bias": self.bias,
            "input_dim": self.input_dim,
        }


class MaxoutDense(_OfVectors):
    """max over k of (x · W_k + b_k)

    x: (batch, d) -> (batch, output_dim);   W: (nb_feature, d, output_dim), b: (nb_feature, output_dim)

    output_dim: the size of the output. nb_feature: the number of Dense layers over which the maximum is taken.
    init, W_*, b_*, bias: as `kernel_initializer`, `kernel_*`, `bias_*`, `use_bias` of Dense.
    """

    def __init__(
        self,
        output_dim,
        nb_feature=4,
        init="glorot_uniform",
        weights=None,
        W_regularizer=None,
        b_regularizer=None,
        activity_regularizer=None,
        W_constraint=None,
        b_constraint=None,
        bias=True,
        input_dim=None,
        **kwargs,
    ):
        super().__init__(
            init, weights, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias,
            input_dim, **kwargs,
        )  # fmt: skip
        self.output_dim = output_dim
        self.nb_feature = nb_feature

    def build(self, input_shape):
        self.W = self._add_kernel("W", (self.nb_feature, input_shape[-1], self.output_dim))
        self.b = self._add_bias("b", (self.nb_feature, self.output_dim), "zeros") if self.bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: input_shape[-1]})
        self.built = True

    def call(self, inputs):
        products = K.einsum("bd,kdo->bko", inputs, self.W)
        return K.max(products + self.b if self.bias else products, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        own = {"output_dim": self.output_dim, "nb_feature": self.nb_feature}
        return {**super().get_config(), **own, **self._described()}


class Highway(_OfVectors):
    """t · activation(x · W + b) + (1 − t) · x   with t = sigmoid(x · W_carry + b_carry)

    x: (batch, d) -> the same;   W, W_carry: (d, d), b, b_carry: (d,); b_carry starts at 1

    activation:           a name or a function; None is linear.
    init, W_*, b_*, bias: as `kernel_initializer`, `kernel_*`, `bias_*`, `use_bias` of Dense.
    """

    def __init__(
        self,
        init="glorot_uniform",
        activation=None,
        weights=None,
        W_regularizer=None,
        b_regularizer=None,
        activity_regularizer=None,
        W_constraint=None,
        b_constraint=None,
        bias=True,
        input_dim=None,
        **kwargs,
    ):
        super().__init__(
            init, weights, W_regularizer, b_regularizer, activity_regularizer, W_constraint, b_constraint, bias,
            input_dim, **kwargs,
        )  # fmt: skip
        self.activation = activations.get(activation)

    def build(self, input_shape):
        size = input_shape[-1]
        self.W = self._add_kernel("W", (size, size))
        self.W_carry = self._add_kernel("W_carry", (size, size))
        self.b = self._add_bias("b", (size,), "zeros") if self.bias else None
        self.b_carry = self._add_bias("b_carry", (size,), "ones") if self.bias else None
        self.input_spec = InputSpec(ndim=2, axes={-1: size})
        self.built = True

    def call(self, inputs):
        new, gate = K.dot(inputs, self.W), K.dot(inputs, self.W_carry)
        if self.bias:
            new, gate = new + self.b, gate + self.b_carry
        gate = K.sigmoid(gate)
        return gate * self.activation(new) + (1 - gate) * inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        activation = {"activation": activations.serialize(self.activation)}
        return {**super().get_config(), **activation, **self._described()}


def AtrousConvolution1D(*args, **kwargs):  # noqa: N802 - Keras's name
    """Conv1D with `dilation_rate`, which Keras 1 called `atrous_rate`."""
    return _dilated(Conv1D, args, kwargs)


def AtrousConvolution2D(*args, **kwargs):  # noqa: N802 - Keras's name
    """Conv2D with `dilation_rate`, which Keras 1 called `atrous_rate`."""
    return _dilated(Conv2D, args, kwargs)


def _dilated(make, args, kwargs):
    kwargs = dict(kwargs)
    if "atrous_rate" in kwargs:
        kwargs["dilation_rate"] = kwargs.pop("atrous_rate")
    warn_caller(f"The `Atrous` layers are `{make.__name__}` with the argument `dilation_rate`.")
    return make(*args, **kwargs)
