"""The layer kit on the standard layers, and on broken ones that it must catch."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import layers
from polykeras.engine.base_layer import Layer
from polykeras.registry import layers as registered
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
    ("Average", {}, [(None, 3), (None, 3)]),
    ("Maximum", {}, [(None, 3), (None, 3)]),
    ("Minimum", {}, [(None, 3), (None, 3)]),
    ("Multiply", {}, [(None, 3), (None, 3)]),
    ("Cropping3D", {"cropping": 1}, (None, 4, 5, 6, 2)),
    ("GlobalAveragePooling2D", {}, (None, None, 5, 2)),
    ("GlobalAveragePooling3D", {}, (None, 3, 4, 5, 2)),
    ("GlobalMaxPooling1D", {}, (None, None, 2)),
    ("GlobalMaxPooling3D", {"data_format": "channels_first"}, (None, 2, 3, 4, 5)),
    ("MaxPooling1D", {}, (None, 6, 2)),
    ("MaxPooling3D", {}, (None, 4, 5, 6, 2)),
    ("SpatialDropout2D", {"rate": 0.5}, (None, 3, 4, 2)),
    ("SpatialDropout3D", {"rate": 0.5}, (None, 3, 4, 5, 2)),
    ("UpSampling3D", {}, (None, 2, 3, 4, 2)),
    ("ZeroPadding1D", {"padding": (1, 2)}, (None, None, 2)),
    ("ZeroPadding3D", {"padding": 1}, (None, 2, 3, 4, 2)),
    ("SimpleRNN", {"units": 3}, (None, None, 2)),
    ("GRU", {"units": 3, "return_sequences": True, "go_backwards": True}, (None, None, 2)),
    ("GRU", {"units": 3, "reset_after": True, "return_state": True, "dropout": 0.5}, (None, 4, 2)),
    ("LSTM", {"units": 3, "return_sequences": True, "return_state": True}, (None, None, 2)),
    ("LSTM", {"units": 3, "unroll": True, "implementation": 2, "recurrent_dropout": 0.5}, (None, 4, 2)),
    ("CuDNNGRU", {"units": 3, "return_sequences": True}, (None, None, 2)),
    ("CuDNNLSTM", {"units": 3, "return_state": True}, (None, None, 2)),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 2, "return_sequences": True}, (None, 3, 4, 5, 2)),
    ("Attention", {"use_scale": True}, [(None, 3, 4), (None, 5, 4)]),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "bias_initializer": "ones"}, [(None, 3, 4), (None, 5, 4)]),
    ("LayerNormalization", {}, (None, None, 4)),
    ("MaxoutDense", {"output_dim": 3}, (None, 4)),
    ("Highway", {"activation": "tanh"}, (None, 4)),
    ("GroupNormalization", {"groups": 2}, (None, 3, 4)),
]
HOLDERS = [
    ("RNN", lambda: layers.SimpleRNNCell(3), {"return_sequences": True}, (None, None, 2)),
    ("RNN", lambda: layers.GRUCell(3), {}, (None, None, 2)),
    ("RNN", lambda: layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(3)]), {}, (None, 4, 2)),
    ("ConvRNN2D", lambda: layers.ConvLSTM2DCell(2, 2), {}, (None, 3, 4, 5, 2)),
    ("TimeDistributed", lambda: layers.GRU(3), {}, (None, None, 4, 2)),
    ("TimeDistributed", lambda: layers.BatchNormalization(), {}, (None, 4, 2)),
    ("Bidirectional", lambda: layers.LSTM(3, return_sequences=True), {}, (None, None, 2)),
    ("Bidirectional", lambda: layers.GRU(3, return_state=True), {"merge_mode": None}, (None, 4, 2)),
]
"""Layers around a layer or a cell, of which each gets a new one."""
BASES = {"Wrapper", "Recurrent", "ConvRecurrent2D"}
"""What is registered to be derived from; layers derived from the last two are in test_legacy_recurrent.py."""


@pytest.mark.parametrize("name, config, shape", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_layer(name, config, shape):
    check_layer(getattr(layers, name), config, shape)


@pytest.mark.parametrize("name, held, config, shape", HOLDERS)
def test_layer_around_another(name, held, config, shape):
    made = getattr(layers, name)

    class Made(made):
        """The layer, with a new one inside each time."""

        def __init__(self, **kwargs):
            super().__init__(held(), **kwargs)

        @classmethod
        def from_config(cls, config):
            return made.from_config(config)

        def get_config(self):
            return made.get_config(self)

    check_layer(Made, config, shape)


@pytest.mark.parametrize("function", [K.tanh, lambda x: K.sum(x, axis=1, keepdims=True)])
def test_lambda(function):
    check_layer(layers.Lambda, {"function": function}, (None, 3), skip=[check_config])


def test_every_registered_layer_is_checked():
    found = {registered.get(name) for name in registered.names() if not name.startswith("_")}
    classes = {made.__name__ for made in found if isinstance(made, type)}
    checked = {name for name, *_ in CASES} | {name for name, *_ in HOLDERS} | {"Embedding", "Lambda"}
    cells = {type(held()).__name__ for _, held, *_ in HOLDERS} | {"LSTMCell"}  # which layers hold
    assert classes - checked - cells - BASES == set()


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
