"""GroupNormalization."""

from polykeras import backend as K
from polykeras.engine.base_layer import InputSpec
from polykeras_layers._affine import Affine
from polykeras_layers._steps import sizes


class GroupNormalization(Affine):
    """gamma · (x − mean) / sqrt(variance + epsilon) + beta, with the mean and the variance of each group of channels

    x: (batch, ..., channels) -> the same;   gamma, beta: (channels,)

    groups:        the number of groups, which divides the channels; -1 makes a group of each channel.
    axis:          the channels' axis.
    center, scale: whether there are beta and gamma.
    *_initializer, *_regularizer, *_constraint: of beta and gamma.
    """

    _arguments = ("groups", "axis")

    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        arguments = {
            "groups": groups,
            "axis": axis,
            "epsilon": epsilon,
            "center": center,
            "scale": scale,
            "beta_initializer": beta_initializer,
            "gamma_initializer": gamma_initializer,
            "beta_regularizer": beta_regularizer,
            "gamma_regularizer": gamma_regularizer,
            "beta_constraint": beta_constraint,
            "gamma_constraint": gamma_constraint,
        }
        super().__init__(arguments, **kwargs)

    def build(self, input_shape):
        rank = len(input_shape)
        self._axis = self.axis % rank
        channels = input_shape[self._axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.name}: axis {self.axis} of the input, the channels, should have a defined size. "
                f"Got an input with shape {tuple(input_shape)}."
            )
        self._count = channels if self.groups == -1 else self.groups
        if channels % self._count:
            raise ValueError(
                f"Layer {self.name}: {self.groups} groups do not divide the {channels} channels of the input, whose "
                f"shape is {tuple(input_shape)}."
            )
        self.input_spec = InputSpec(ndim=rank, axes={self._axis: channels})
        self._broadcast = [channels if axis == self._axis else 1 for axis in range(rank)]
        self._add_weights((channels,))
        self.built = True

    def call(self, inputs):
        before, channels, after = self._parts(sizes(inputs))
        grouped = K.reshape(inputs, (*before, self._count, channels // self._count, *after))
        axes = [axis for axis in range(1, K.ndim(grouped)) if axis != self._axis]
        normalized = K.reshape(self._normalized(grouped, axes), (*before, channels, *after))
        return self._scaled(normalized, self._broadcast)

    def get_config(self):
        return {**super().get_config(), **self._described()}

    def _parts(self, shape):
        return shape[: self._axis], shape[self._axis], shape[self._axis + 1 :]
