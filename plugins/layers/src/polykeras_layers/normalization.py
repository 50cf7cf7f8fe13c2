"""BatchNormalization."""

from polykeras import backend as K
from polykeras import constraints, initializers, regularizers
from polykeras.engine.base_layer import InputSpec, Layer
from polykeras_layers import _spellings


class BatchNormalization(Layer):
    """gamma · (x − mean) / sqrt(variance + epsilon) + beta

    x: (batch, ...) -> the same;   gamma, beta, moving_mean, moving_variance: (size of `axis`,)

    In training mean and variance are those of the batch, over all axes but `axis`, and the moving ones follow:
    moving = momentum · moving + (1 − momentum) · batch. In inference they are the moving ones.
    A layer with `trainable=False` keeps its moving statistics; the learning phase still says which are used.

    axis:          the features' axis: -1, or 1 after a convolution with channels first.
    center, scale: whether there are beta and gamma.

    The variance that goes into the moving one estimates the population's: var · n / (n − 1 − epsilon) for n values. For
    images with the channels last `normalize_batch_in_training` has corrected it once before, as in Keras.
    """

    @_spellings.batch_normalization
    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape):
        size = self._features(input_shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=(size,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=(size,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=(size,), initializer=self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=(size,), initializer=self.moving_variance_initializer, trainable=False
        )
        self.built = True

    def call(self, inputs, training=None):
        def normalized_by_moving():
            statistics = (self.moving_mean, self.moving_variance, self.beta, self.gamma)
            return K.batch_normalization(inputs, *statistics, axis=self.axis, epsilon=self.epsilon)

        if isinstance(training, int | bool) and not training:
            return normalized_by_moving()
        axes = self._reduction_axes(inputs)
        normalized, mean, variance = K.normalize_batch_in_training(
            inputs, self.gamma, self.beta, axes, epsilon=self.epsilon
        )
        updates = [
            K.moving_average_update(self.moving_mean, mean, self.momentum),
            K.moving_average_update(self.moving_variance, variance * self._correction(inputs, axes), self.momentum),
        ]
        self.add_update(updates, inputs)
        return K.in_train_phase(normalized, normalized_by_moving, training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }

    def _features(self, input_shape):
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ValueError(
                f"Layer {self.name}: axis {self.axis} is not one of the input's, whose shape is {tuple(input_shape)}."
            )
        size = input_shape[self.axis]
        if size is None:
            raise ValueError(
                f"Layer {self.name}: axis {self.axis} of the input should have a defined dimension. "
                f"Got an input with shape {tuple(input_shape)}."
            )
        return size

    def _reduction_axes(self, inputs):
        rank = K.ndim(inputs)
        return [axis for axis in range(rank) if axis != self.axis % rank]

    def _correction(self, inputs, axes):
        """From the variance of n values to an estimate of the population's."""
        shape = K.shape(inputs)
        n = 1
        for axis in axes:
            n = n * shape[axis]
        n = K.cast(n, K.dtype(inputs))
        return n / (n - (1.0 + self.epsilon))
