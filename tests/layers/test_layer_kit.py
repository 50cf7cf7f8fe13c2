"""The layer kit on the standard layers, and on broken ones that it must catch."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import layers
from polykeras.engine.base_layer import Layer
from polykeras.testing.layers import (
    LayerCase,
    check_batch,
    check_config,
    check_gradients,
    check_layer,
    check_mask,
    check_phases,
    check_shapes,
    check_sharing,
    check_weights,
)  # fmt: skip

CASES = [
    ("Activation", {"activation": "relu"}, (None, 3)),
    ("ActivityRegularization", {"l2": 0.1}, (None, 3)),
    ("AlphaDropout", {"rate": 0.2}, (None, 3)),
    ("AveragePooling1D", {}, (None, 6, 2)),
    ("AveragePooling2D", {"padding": "same"}, (None, 5, 6, 2)),
    ("AveragePooling3D", {}, (None, 4, 5, 6, 2)),
    ("BatchNormalization", {}, (None, 4, 3)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, (None, None, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "strides": 2, "padding": "same"}, (None, None, None, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "data_format": "channels_first"}, (None, 2, 6, 7)),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, (None, 3, 5, 2)),
    ("Conv3D", {"filters": 2, "kernel_size": 2}, (None, 3, 4, 5, 2)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2}, (None, 2, 3, 4, 2)),
    ("Cropping1D", {"cropping": (1, 2)}, (None, 6, 2)),
    ("Cropping2D", {"cropping": 1}, (None, 5, 6, 2)),
    ("Dense", {"units": 3, "activation": "tanh"}, (None, 4)),
    ("Dense", {"units": 3}, (None, None, 4)),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 2}, (None, 4, 5, 3)),
    ("Dropout", {"rate": 0.5}, (None, 3)),
    ("ELU", {}, (None, 3)),
    ("Flatten", {}, (None, 2, 3)),
    ("GaussianDropout", {"rate": 0.5}, (None, 3)),
    ("GaussianNoise", {"stddev": 0.5}, (None, 3)),
    ("GlobalAveragePooling1D", {}, (None, None, 2)),
    ("GlobalMaxPooling2D", {}, (None, 4, 5, 2)),
    ("LeakyReLU", {}, (None, 3)),
    ("LocallyConnected1D", {"filters": 4, "kernel_size": 3}, (None, 6, 2)),
    ("LocallyConnected2D", {"filters": 4, "kernel_size": 2}, (None, 4, 5, 2)),
    ("Masking", {}, (None, None, 2)),
    ("MaxPooling2D", {}, (None, 5, 6, 2)),
    ("PReLU", {"alpha_initializer": "ones"}, (None, 3)),
    ("Permute", {"dims": (2, 1)}, (None, 2, 3)),
    ("ReLU", {"max_value": 1.0}, (None, 3)),
    ("RepeatVector", {"n": 3}, (None, 2)),
    ("Reshape", {"target_shape": (3, -1)}, (None, 6)),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3}, (None, 6, 2)),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3}, (None, 5, 6, 2)),
    ("Softmax", {}, (None, 3)),
    ("SpatialDropout1D", {"rate": 0.5}, (None, 4, 3)),
    ("ThresholdedReLU", {}, (None, 3)),
    ("UpSampling1D", {}, (None, 3, 2)),
    ("UpSampling2D", {"interpolation": "bilinear"}, (None, 3, 4, 2)),
    ("ZeroPadding2D", {"padding": 1}, (None, 3, 4, 2)),
    ("Add", {}, [(None, 2, 3), (None, 2, 3)]),
    ("Concatenate", {}, [(None, 2, 3), (None, 2, 4)]),
    ("Dot", {"axes": 1}, [(None, 3), (None, 3)]),
    ("Subtract", {}, [(None, 3), (None, 3)]),
]


@pytest.mark.parametrize("name, config, shape", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_layer(name, config, shape):
    check_layer(getattr(layers, name), config, shape)


def test_embedding():
    check_layer(layers.Embedding, {"input_dim": 7, "output_dim": 3}, (None, 5), integers=7)


class Scale(Layer):
    """x scale"""

    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.scale * self.start

    def get_config(self):
        return {**super().get_config(), "start": self.start}


class ForgetsItsConfig(Scale):
    def get_config(self):
        return Layer.get_config(self)


class DeclaresAnotherShape(Scale):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)


class LeavesAWeightOut(Scale):
    def call(self, inputs):
        return inputs * 2.0


class MixesTheBatch(Scale):
    def call(self, inputs):
        return inputs - K.mean(inputs, axis=0, keepdims=True) * self.scale


class MakesWeightsInCall(Scale):
    def call(self, inputs):
        self.add_weight(name="late", shape=(1,), initializer="ones")
        return inputs * self.scale


class DrawsAlways(Scale):
    def call(self, inputs):
        return inputs * self.scale + K.random_normal(K.shape(inputs))


class PassesAWrongMask(Scale):
    supports_masking = True

    def compute_mask(self, inputs, mask=None):
        return K.placeholder((None, 11), dtype="bool")


class HasTwoWeightsOfOneName(Scale):
    def build(self, input_shape):
        super().build(input_shape)
        self.other = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        self.other.name = self.scale.name


CHECKS = (
    check_shapes, check_config, check_weights, check_gradients, check_mask, check_phases, check_batch, check_sharing
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_a_right_layer_passes(check):
    check(LayerCase(Scale, {"start": 2.0}, (None, 4, 3)))


@pytest.mark.parametrize(
    "check, broken",
    [
        (check_config, ForgetsItsConfig),
        (check_shapes, DeclaresAnotherShape),
        (check_gradients, LeavesAWeightOut),
        (check_batch, MixesTheBatch),
        (check_sharing, MakesWeightsInCall),
        (check_phases, DrawsAlways),
        (check_mask, PassesAWrongMask),
        (check_weights, HasTwoWeightsOfOneName),
    ],
)
def test_a_broken_layer_is_caught(check, broken):
    with pytest.raises((AssertionError, ValueError)):
        check(LayerCase(broken, {"start": 2.0}, (None, 4, 3)))


def test_the_arrays_fill_unknown_sizes_with_primes():
    case = LayerCase(Scale, {}, (None, None, 3))
    assert case.arrays()[0].shape == (5, 7, 3) and case.arrays(1)[0].shape == (7, 11, 3)
    assert np.array_equal(case.arrays()[0], case.arrays()[0])
