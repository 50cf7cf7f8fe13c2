"""Activations with parameters of their own."""

from polykeras import activations, constraints, initializers, regularizers
from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras_layers import _spellings


def _floatx(value):
    """A number as Keras keeps it, rounded to floatx: 0.3 is saved as 0.30000001192092896."""
    return float(K.cast_to_floatx(value))


class _Elementwise(Layer):
    """Base of layers whose output has the input's shape and mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape):
        return input_shape


class LeakyReLU(_Elementwise):
    """x where x >= 0, else alpha · x.

    x: (...) -> (...)
    """

    def __init__(self, alpha=0.3, **kwargs):
        super().__init__(**kwargs)
        self.alpha = _floatx(alpha)

    def call(self, inputs):
        return K.relu(inputs, alpha=self.alpha)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(_Elementwise):
    """x where x >= 0, else alpha · x, with alpha learned.

    x: (batch, ...) -> the same;   alpha: one per value, 1 along `shared_axes`

    shared_axes: axes (counted from 1, without the batch) that share one alpha, as [1, 2] for feature maps.
    """

    @_spellings.prelu
    def __init__(
        self, alpha_initializer="zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = _axes(shared_axes)

    def build(self, input_shape):
        shared = self.shared_axes or []
        alpha_shape = tuple(1 if axis in shared else size for axis, size in enumerate(input_shape) if axis > 0)
        if None in alpha_shape:
            raise ValueError(
                f"Layer {self.name}: PReLU has one alpha per value, so every size that is not shared must be known. "
                f"Got input shape {tuple(input_shape)} and shared_axes {self.shared_axes}."
            )
        self.alpha = self.add_weight(
            name="alpha",
            shape=alpha_shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        fixed = {axis: input_shape[axis] for axis in range(1, len(input_shape)) if axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)
        self.built = True

    def call(self, inputs, mask=None):
        return K.relu(inputs) - self.alpha * K.relu(-inputs)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class ELU(_Elementwise):
    """x where x > 0, else alpha · (exp(x) − 1).

    x: (...) -> (...)
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = _floatx(alpha)

    def call(self, inputs):
        return K.elu(inputs, self.alpha)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}


class ThresholdedReLU(_Elementwise):
    """x where x > theta, else 0.

    x: (...) -> (...)
    """

    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.theta = _floatx(theta)

    def call(self, inputs, mask=None):
        return inputs * K.cast(K.greater(inputs, self.theta), K.dtype(inputs))

    def get_config(self):
        return {**super().get_config(), "theta": self.theta}


class Softmax(_Elementwise):
    """exp(x) / Σ exp(x) along `axis`.

    x: (batch, ...) -> the same
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        return activations.softmax(inputs, axis=self.axis)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


class ReLU(_Elementwise):
    """max_value where x >= max_value;  x where threshold <= x < max_value;  negative_slope · (x − threshold) below.

    x: (...) -> (...)
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else float(max_value)
        self.negative_slope = _floatx(negative_slope)
        self.threshold = _floatx(threshold)
        for argument, value in (("max_value", self.max_value), ("negative_slope", self.negative_slope)):
            if value is not None and value < 0:
                raise ValueError(f"Layer {self.name}: `{argument}` of ReLU cannot be negative. Got {value}.")

    def call(self, inputs):
        return activations.relu(inputs, alpha=self.negative_slope, max_value=self.max_value, threshold=self.threshold)

    def get_config(self):
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


def _axes(shared_axes):
    if shared_axes is None:
        return None
    return list(shared_axes) if isinstance(shared_axes, list | tuple) else [shared_axes]
