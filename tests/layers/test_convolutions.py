"""Convolution and pooling against loops over every window, in float64."""

import itertools
import math

import numpy as np
import pytest

from polykeras.layers import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    Conv1D,
    Conv2D,
    Conv3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from tests.layers.arrays import channels_first, channels_last, float64, random, run

CONVS = {1: Conv1D, 2: Conv2D, 3: Conv3D}
POOLS = {
    "max": {1: MaxPooling1D, 2: MaxPooling2D, 3: MaxPooling3D},
    "avg": {1: AveragePooling1D, 2: AveragePooling2D, 3: AveragePooling3D},
}
SIZES = (7, 6, 5)
WINDOW = (3, 2, 2)


def windows(sizes, window, strides, dilation, padding):
    """The output's sizes, and for each position the input's index under each of the window's elements inside."""
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    if padding == "valid":
        counts = [math.ceil((n - span + 1) / s) for n, span, s in zip(sizes, spans, strides, strict=True)]
        before = [0] * len(sizes)
    else:
        counts = [math.ceil(n / s) for n, s in zip(sizes, strides, strict=True)]
        outside = [(c - 1) * s + span - n for c, s, span, n in zip(counts, strides, spans, sizes, strict=True)]
        before = [max(n, 0) // 2 for n in outside]

    def under(position):
        for element in itertools.product(*map(range, window)):
            index = tuple(
                p * s - b + e * d for p, s, b, e, d in zip(position, strides, before, element, dilation, strict=True)
            )
            if all(0 <= i < n for i, n in zip(index, sizes, strict=True)):
                yield element, index

    return counts, {position: list(under(position)) for position in itertools.product(*map(range, counts))}


def convolved(x, kernel, strides, dilation, padding):
    counts, found = windows(x.shape[1:-1], kernel.shape[:-2], strides, dilation, padding)
    y = np.zeros((len(x), *counts, kernel.shape[-1]))
    for position, places in found.items():
        y[(slice(None), *position)] = sum(x[(slice(None), *index)] @ kernel[element] for element, index in places)
    return y


def pooled(x, window, strides, padding, mode):
    reduce = {"max": np.max, "avg": np.mean}[mode]
    counts, found = windows(x.shape[1:-1], window, strides, (1,) * len(window), padding)
    y = np.zeros((len(x), *counts, x.shape[-1]))
    for position, places in found.items():
        y[(slice(None), *position)] = reduce([x[(slice(None), *index)] for _, index in places], axis=0)
    return y


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(("padding", "stride", "dilation"), [
    ("valid", 1, 1), ("valid", 2, 1), ("valid", 1, 2), ("same", 1, 1), ("same", 2, 1), ("same", 3, 1), ("same", 1, 2),
])  # fmt: skip
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolution_is_a_sum_over_windows(rank, padding, stride, dilation, data_format):
    x, kernel = random(2, *SIZES[:rank], 3), random(*WINDOW[:rank], 3, 4, seed=1)
    bias = random(4, seed=2)
    expected = convolved(x, kernel, (stride,) * rank, (dilation,) * rank, padding) + bias
    with float64():
        layer = CONVS[rank](
            4, WINDOW[:rank], strides=stride, dilation_rate=dilation, padding=padding, data_format=data_format,
            weights=[kernel, bias],
        )  # fmt: skip
        if data_format == "channels_first":
            found = channels_last(run(layer, channels_first(x)))
        else:
            found = run(layer, x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert layer.output_shape[1:] == (channels_first(found) if data_format == "channels_first" else found).shape[1:]


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 3)])
def test_causal_convolution_sees_no_later_step(stride, dilation):
    x, kernel = random(2, 9, 3), random(2, 3, 4, seed=1)
    with float64():
        layer = Conv1D(4, 2, strides=stride, dilation_rate=dilation, padding="causal", use_bias=False, weights=[kernel])
        whole = run(layer, x)
        shorter = run(layer, x[:, :5])
    padded = np.concatenate([np.zeros((2, dilation, 3)), x], axis=1)
    np.testing.assert_allclose(whole, convolved(padded, kernel, (stride,), (dilation,), "valid"), atol=1e-12)
    np.testing.assert_allclose(shorter, whole[:, : shorter.shape[1]], atol=1e-12)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize(("padding", "stride"), [("valid", 1), ("valid", None), ("same", 1), ("same", 2), ("same", 3)])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pooling_reduces_windows(rank, padding, stride, mode, data_format):
    x = random(2, *SIZES[:rank], 3) - 3  # mostly negative, so that a maximum over padding would show
    strides = WINDOW[:rank] if stride is None else (stride,) * rank
    expected = pooled(x, WINDOW[:rank], strides, padding, mode)
    with float64():
        layer = POOLS[mode][rank](WINDOW[:rank], strides=stride, padding=padding, data_format=data_format)
        if data_format == "channels_first":
            found = channels_last(run(layer, channels_first(x)))
        else:
            found = run(layer, x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_unknown_sizes_are_taken_from_the_data():
    layer = Conv1D(2, 3, input_shape=(None, 3))
    assert layer.compute_output_shape((None, None, 3)) == (None, None, 2)
    assert run(layer, random(1, 6, 3).astype("float32")).shape == (1, 4, 2)
    assert run(layer, random(2, 9, 3).astype("float32")).shape == (2, 7, 2)
