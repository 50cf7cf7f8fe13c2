"""LayerNormalization."""

from polykeras_layers._affine import Affine


class LayerNormalization(Affine):
    """gamma · (x − mean) / sqrt(variance + epsilon) + beta, with the mean and the variance of each sample by itself

    x: (batch, ...) -> the same;   gamma, beta: (the sizes of `axis`)

    axis:          the axis, or a list of axes, over which mean and variance are taken.
    center, scale: whether there are beta and gamma.
    *_initializer, *_regularizer, *_constraint: of beta and gamma.
    """

    _arguments = ("axis",)

    def __init__(
        self,
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
            "axis": list(axis) if isinstance(axis, list | tuple) else axis,
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
        self._axes = self._counted_axes(len(input_shape))
        sizes = [input_shape[axis] for axis in self._axes]
        if None in sizes:
            raise ValueError(
                f"Layer {self.name}: the sizes of the axes {self._axes} of the input, over which it normalises, should "
                f"be defined. Got an input with shape {tuple(input_shape)}."
            )
        self._broadcast = [size if axis in self._axes else 1 for axis, size in enumerate(input_shape)]
        self._add_weights(tuple(sizes))
        self.built = True

    def call(self, inputs):
        return self._scaled(self._normalized(inputs, self._axes), self._broadcast)

    def get_config(self):
        return {**super().get_config(), **self._described()}

    def _counted_axes(self, rank):
        """The axes, counted from the front and in order."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        if any(not -rank <= axis < rank for axis in axes):
            raise ValueError(f"Layer {self.name}: axis {self.axis} is not one of the input's, which has {rank} axes.")
        return sorted(axis % rank for axis in axes)
