"""Dense: the fully connected layer."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras_layers import _spellings


class Dense(Layer):
    """activation(x · kernel + bias), along the last axis.

    x: (..., d) -> (..., units);   kernel: (d, units), bias: (units,)

    units:                the size of the output's last axis.
    activation:           a name or a function; None is linear.
    *_initializer, *_regularizer, *_constraint: of the kernel and of the bias.
    activity_regularizer: of the output.
    input_dim:            short for `input_shape=(input_dim,)`.

    >>> Dense(4).compute_output_shape((None, 7, 3))
    (None, 7, 4)
    """

    @_spellings.dense
    def __init__(
        self,
        units,
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
        super().__init__(**_with_input_shape(kwargs))
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        input_dim = self._checked(input_shape)[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_dim, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_dim})
        self.built = True

    def call(self, inputs):
        output = K.dot(inputs, self.kernel)
        if self.use_bias:
            output = K.bias_add(output, self.bias, data_format="channels_last")
        return self.activation(output)

    def compute_output_shape(self, input_shape):
        return (*self._checked(input_shape)[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

    def _checked(self, input_shape):
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"Layer {self.name}: Dense needs inputs of rank 2 or more with a known last axis, "
                f"(batch, ..., features). Got shape {tuple(input_shape)}; give the axis a size where the input is "
                f"made, or put a global pooling or a recurrent layer before"
            )
        return tuple(input_shape)


def _with_input_shape(kwargs):
    """Layer's keyword arguments, `input_dim=d` written out as `input_shape=(d,)`."""
    if "input_dim" not in kwargs:
        return kwargs
    rest = {key: value for key, value in kwargs.items() if key != "input_dim"}
    input_dim = kwargs["input_dim"]
    given = rest.setdefault("input_shape", (input_dim,))
    if tuple(given)[-1:] != (input_dim,):
        raise TypeError(
            f"Keyword argument not understood: input_dim={input_dim} contradicts input_shape={tuple(given)}. Give one."
        )
    return rest
