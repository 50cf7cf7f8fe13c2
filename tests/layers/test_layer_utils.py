"""Weights of Theano's convolutions and of other data formats; counting and showing layers."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Conv1D, Conv2D, Conv2DTranspose, Conv3D, Dense, DepthwiseConv2D, Flatten, Input
from polykeras.models import Model, Sequential
from polykeras.utils.conv_utils import convert_kernel
from polykeras.utils.layer_utils import (
    convert_all_kernels_in_model,
    convert_dense_weights_data_format,
    count_params,
    get_source_inputs,
    print_summary,
)
from tests.layers.arrays import float64, random


@pytest.mark.parametrize("sizes", [(3,), (3, 4), (2, 3, 4)])
def test_a_kernel_is_turned_around_in_space_only(sizes):
    kernel = random(*sizes, 5, 6)
    turned = convert_kernel(kernel)
    for index in np.ndindex(*sizes):
        opposite = tuple(size - 1 - i for i, size in zip(index, sizes, strict=True))
        np.testing.assert_array_equal(turned[index], kernel[opposite])
    np.testing.assert_array_equal(convert_kernel(turned), kernel)
    assert not np.shares_memory(turned, kernel)


@pytest.mark.parametrize("shape", [(3, 4), (1, 2, 3, 4, 5, 6)])
def test_what_is_no_kernel_is_refused(shape):
    with pytest.raises(ValueError, match="Invalid kernel shape"):
        convert_kernel(np.zeros(shape))


def test_a_turned_kernel_convolves_instead_of_correlating():
    with float64():
        x, kernel = random(1, 7, 1), random(3, 1, 1)
        model = Sequential([Conv1D(1, 3, use_bias=False, input_shape=(7, 1), weights=[kernel])])
        convert_all_kernels_in_model(model)
        expected = np.convolve(x[0, :, 0], kernel[:, 0, 0], mode="valid")
        np.testing.assert_allclose(model.predict(x)[0, :, 0], expected, rtol=1e-12)


def test_all_convolutions_of_a_model_and_no_other_layer():
    inner = Sequential([Conv2D(2, 3, input_shape=(8, 8, 2), name="inner")])
    model = Sequential([Conv2DTranspose(2, 3, input_shape=(6, 6, 1)), inner, DepthwiseConv2D(3), Flatten(), Dense(2)])
    cube = Sequential([Conv3D(2, 2, input_shape=(4, 4, 4, 1))])
    for one in (model, cube):
        before = one.get_weights()
        convert_all_kernels_in_model(one)
        for weight, old, new in zip(one.weights, before, one.get_weights(), strict=True):
            is_flipped = "kernel" in weight.name and not weight.name.startswith(("dense", "depthwise"))
            np.testing.assert_array_equal(new, convert_kernel(old) if is_flipped else old)


@pytest.mark.parametrize("sizes", [(3, 4), (5,), (2, 3, 2)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_after_flatten_for_the_other_data_format(sizes, use_bias):
    """The converted layer gives for channels first what the old one gave for channels last, and back."""
    last = random(2, *sizes, 6)
    first = np.moveaxis(last, -1, 1)
    with float64():
        dense = Dense(3, use_bias=use_bias)
        model = Sequential([Flatten(input_shape=last.shape[1:]), dense])
        expected = model.predict(last)
        convert_dense_weights_data_format(dense, first.shape[1:], "channels_first")
        np.testing.assert_allclose(model.predict(first.reshape(last.shape)), expected, rtol=1e-10)
        convert_dense_weights_data_format(dense, last.shape[1:], "channels_last")
        np.testing.assert_allclose(model.predict(last), expected, rtol=1e-10)


def test_dense_for_feature_maps_of_another_size_is_refused():
    model = Sequential([Dense(3, input_shape=(12,))])
    with pytest.raises(ValueError, match=r"has 12 rows, but feature maps of shape \(2, 3, 3\) have 18 values"):
        convert_dense_weights_data_format(model.layers[0], (2, 3, 3))
    with pytest.raises(ValueError, match="data_format"):
        convert_dense_weights_data_format(model.layers[0], (2, 2, 3), "channels_middle")


def test_count_params_counts_each_variable_once():
    a, b = K.zeros((2, 3)), K.zeros((4,))
    assert count_params([a, b, a]) == 10 and count_params([]) == 0


def test_summary_and_sources():
    inputs = Input((4,), name="data")
    hidden = Dense(3, name="hidden")(inputs)
    model = Model(inputs, Dense(2, name="top")(hidden))
    lines = []
    print_summary(model, line_length=60, print_fn=lines.append)
    assert [len(line) for line in lines if set(line) in ({"_"}, {"="})] == [60] * 6
    (row,) = [line for line in lines if line.startswith("hidden")]
    assert row.split() == ["hidden", "(Dense)", "(None,", "3)", "15"]
    assert "Total params: 23" in lines
    assert get_source_inputs(model.output) == [inputs]
