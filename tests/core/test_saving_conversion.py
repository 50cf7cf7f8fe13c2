"""Weights as Keras 1 and Theano stored them come out as today's layers expect them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from polykeras.saving.conversion import preprocess_weights_for_loading


def layer(class_name, **attributes):
    """A stand-in that has what conversion looks at: a class name, arguments, weights."""
    made = type(class_name, (SimpleNamespace,), {})(name=class_name.lower(), weights=[], **attributes)
    return made


def variable(*shape):
    return SimpleNamespace(spec=SimpleNamespace(shape=shape))


def convert(target, weights, version=None, backend=None, **options):
    return preprocess_weights_for_loading(target, weights, version, backend, **options)


RANDOM = np.random.default_rng(0)


def test_weights_of_today_pass_unchanged():
    weights = [RANDOM.normal(size=(3, 3, 2, 4)), np.zeros(4)]
    for name in ("Conv2D", "Dense", "LSTM"):
        converted = convert(layer(name, data_format="channels_first"), weights, "2.2.4", "tensorflow")
        assert all(before is after for before, after in zip(weights, converted, strict=True))


def test_theano_kernels_convolve_and_ours_correlate():
    kernel, image = RANDOM.normal(size=(3, 3, 1, 1)), RANDOM.normal(size=(5, 5))
    flipped = convert(layer("Conv2D", data_format="channels_last"), [kernel], "2.1.0", "theano")[0]
    convolved = sum(kernel[i, j, 0, 0] * image[2 - i : 5 - i, 2 - j : 5 - j] for i in range(3) for j in range(3))
    correlated = sum(flipped[i, j, 0, 0] * image[i : i + 3, j : j + 3] for i in range(3) for j in range(3))
    np.testing.assert_allclose(correlated, convolved)


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"])
def test_channels_are_not_flipped(name):
    rank = {"Conv1D": 1, "Conv3D": 3}.get(name, 2)
    kernel = RANDOM.normal(size=(3,) * rank + (2, 4))
    target = layer(name, data_format="channels_last", kernel_size=(3,) * rank, filters=4)
    flipped = convert(target, [kernel, np.arange(4)], "2.2.4", "theano")
    np.testing.assert_array_equal(flipped[0], kernel[(slice(None, None, -1),) * rank])
    np.testing.assert_array_equal(flipped[1], np.arange(4))


@pytest.mark.parametrize("saved", [(5, 1, 2, 4), (4, 2, 5, 1)])
def test_keras_1_convolution_of_sequences(saved):
    kernel = convert(layer("Conv1D", kernel_size=(5,), filters=4), [RANDOM.normal(size=saved), np.zeros(4)])[0]
    assert kernel.shape == (5, 2, 4)


def test_keras_1_kernels_by_data_format():
    kernel = RANDOM.normal(size=(4, 2, 3, 5))  # filters, channels, rows, columns
    today = convert(layer("Conv2D", data_format="channels_first"), [kernel])[0]
    assert today.shape == (3, 5, 2, 4)
    assert today[1, 2, 0, 3] == kernel[3, 0, 1, 2]
    assert convert(layer("Conv2D", data_format="channels_last"), [kernel])[0] is kernel
    transposed = convert(layer("Conv2DTranspose", data_format="channels_last"), [kernel])[0]
    assert transposed.shape == (4, 2, 5, 3)


def test_keras_1_gates_are_joined_in_todays_order():
    def gate(mark):
        return [np.full((2, 3), mark), np.full((3, 3), mark), np.full(3, mark)]

    lstm = convert(layer("LSTM"), gate("i") + gate("c") + gate("f") + gate("o"))
    assert [part.shape for part in lstm] == [(2, 12), (3, 12), (12,)]
    assert "".join(lstm[2]) == "iiifffcccooo"
    gru = convert(layer("GRU"), gate("z") + gate("r") + gate("h"))
    assert "".join(gru[2]) == "zzzrrrhhh"
    assert "".join(gru[1][0]) == "zzzrrrhhh"


def test_layers_inside_layers_are_converted_in_their_places():
    kernel, flipped = np.arange(3.0).reshape(3, 1, 1), np.arange(3.0)[::-1].reshape(3, 1, 1)
    inner = layer("Conv1D", kernel_size=(3,), filters=1)
    inner.weights = [variable(3, 1, 1), variable(1)]
    dense = layer("Dense")
    dense.weights = [variable(2, 2)]
    wrapped = layer("TimeDistributed", layer=inner)
    np.testing.assert_array_equal(convert(wrapped, [kernel, np.zeros(1)], "2.2.4", "theano")[0], flipped)
    both = layer("Bidirectional", forward_layer=inner, backward_layer=inner)
    converted = convert(both, [kernel, np.zeros(1)] * 2, "2.2.4", "theano")
    np.testing.assert_array_equal(converted[2], flipped)
    # A frozen layer's weights come last in a model's, whatever its place.
    model = layer("Model", layers=[inner, dense])
    model.weights = [*dense.weights, *inner.weights]
    converted = convert(model, [np.eye(2), kernel, np.zeros(1)], "2.2.4", "theano")
    np.testing.assert_array_equal(converted[0], np.eye(2))
    np.testing.assert_array_equal(converted[1], flipped)


def test_reshape_on_request():
    target = layer("Conv2D", data_format="channels_last")
    target.weights = [variable(1, 1, 6, 2), variable(2)]
    weights = [np.arange(12.0).reshape(2, 3, 1, 2), np.zeros(2)]
    assert convert(target, weights, "2.2.4", reshape=True)[0].shape == (1, 1, 6, 2)
    assert convert(target, weights, "2.2.4")[0].shape == (2, 3, 1, 2)
    with pytest.raises(ValueError, match="Weights must be of equal size to apply a reshape operation. Layer conv2d"):
        convert(target, [np.zeros((1, 1, 5, 2)), np.zeros(2)], "2.2.4", reshape=True)
