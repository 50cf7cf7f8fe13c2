"""Convolution and pooling against loops over the windows."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.symbolic import windows
from polykeras.symbolic.ops import conv as ops
from polykeras.symbolic.ops.pool import avg_pool, max_pool

CASES = [
    ((9,), (3,), (1,), (1,), "valid"),
    ((9,), (3,), (4,), (1,), "same"),
    ((9,), (4,), (1,), (2,), "causal"),
    ((6, 7), (3, 2), (1, 1), (1, 1), "valid"),
    ((6, 7), (3, 2), (2, 3), (1, 1), "same"),
    ((6, 7), (2, 3), (1, 1), (2, 2), "same"),
    ((6, 7), (2, 3), (2, 1), (1, 1), ((0, 1), (1, 0))),
    ((4, 5, 3), (2, 1, 3), (1, 2, 1), (1, 1, 1), "same"),
    ((40, 40), (3, 3), (1, 1), (1, 1), "same"),  # cut into rows, too
]


def windows_of(x, window, strides, dilation, padding):
    """Each output's place, and the elements of its window that are not padding, with their places in the window."""
    sizes = x.shape[1:-1]
    before = [a for a, _ in windows.pads(sizes, window, strides, dilation, padding)]
    for place in np.ndindex(*windows.output_sizes(sizes, window, strides, dilation, padding)):
        found = []
        for tap in np.ndindex(*window):
            at = [p * s + t * d - b for p, s, t, d, b in zip(place, strides, tap, dilation, before, strict=True)]
            if all(0 <= i < n for i, n in zip(at, sizes, strict=True)):
                found.append((tap, x[(slice(None), *at)]))
        yield place, found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes, window, strides, dilation, padding", CASES)
def test_conv(sizes, window, strides, dilation, padding, dtype):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, *sizes, 3)).astype(dtype), rng.normal(size=(*window, 3, 4)).astype(dtype)
    attrs = {"strides": strides, "dilation": dilation, "padding": padding}
    y = K.eval(ops.conv(K.constant(x, dtype), K.constant(kernel, dtype), **attrs))
    expected = np.zeros(y.shape)
    for place, found in windows_of(x, window, strides, dilation, padding):
        for tap, elements in found:
            expected[(slice(None), *place)] += elements @ kernel[tap]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels, filters", [(3, 4), (16, 20), (16, 50)])
@pytest.mark.parametrize("sizes, window, strides, dilation, padding", CASES)
def test_the_three_convolutions_are_each_others_transposes(
    sizes, window, strides, dilation, padding, channels, filters
):
    rng = np.random.default_rng(1)
    attrs = {"strides": strides, "dilation": dilation, "padding": padding}
    outputs = windows.output_sizes(sizes, window, strides, dilation, padding)
    x, kernel, g = (
        K.constant(rng.normal(size=shape), "float64")
        for shape in ((5, *sizes, channels), (*window, channels, filters), (5, *outputs, filters))
    )
    products = K.eval(
        K.stack(
            [
                K.sum(g * ops.conv(x, kernel, **attrs)),
                K.sum(x * ops.conv_input_grad(g, kernel, x, **attrs)),
                K.sum(kernel * ops.conv_kernel_grad(x, g, kernel, **attrs)),
            ]
        )
    )
    np.testing.assert_allclose(products, products[0], rtol=1e-9)


@pytest.mark.parametrize("sizes, window, strides, dilation, padding", [c for c in CASES if set(c[3]) == {1}])
@pytest.mark.parametrize("pool, reduce", [(max_pool, np.max), (avg_pool, np.mean)])
def test_pool(pool, reduce, sizes, window, strides, dilation, padding):
    x = np.random.default_rng(2).normal(size=(2, *sizes, 3)).astype("float32")
    y = K.eval(pool(K.constant(x), window=window, strides=strides, padding=padding))
    expected = np.zeros(y.shape)
    for place, found in windows_of(x, window, strides, dilation, padding):
        expected[(slice(None), *place)] = reduce([elements for _, elements in found], axis=0)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding, strides", [("valid", (2, 2)), ("same", (2, 2)), ("same", (1, 1)), ("valid", (3, 3))])
def test_the_first_of_equal_maxima_takes_the_gradient(padding, strides):
    x = np.random.default_rng(3).integers(0, 2, (2, 7, 6, 3)).astype("float32")
    attrs = {"window": (2, 2), "strides": strides, "padding": padding}
    tensor = K.variable(x)
    y = max_pool(tensor, **attrs)
    g = np.random.default_rng(4).normal(size=K.int_shape(y)).astype("float32")
    (found,) = K.gradients(K.sum(y * K.constant(g)), [tensor])
    expected = np.zeros_like(x)
    before = [a for a, _ in windows.pads((7, 6), (2, 2), strides, (1, 1), padding)]
    for b, i, j, c in np.ndindex(*g.shape):
        spots = [
            (b, i * strides[0] + di - before[0], j * strides[1] + dj - before[1], c)
            for di in range(2)
            for dj in range(2)
        ]
        spots = [s for s in spots if 0 <= s[1] < 7 and 0 <= s[2] < 6]
        expected[max(spots, key=lambda s: x[s])] += g[b, i, j, c]  # `max` returns the first
    np.testing.assert_allclose(K.eval(found), expected, rtol=1e-5, atol=1e-6)


def test_third_derivatives_of_a_convolution_exist():
    x, kernel = K.variable(np.ones((1, 5, 2))), K.variable(np.ones((2, 2, 3)))
    loss = K.sum(K.square(K.conv1d(x, kernel)))
    for _ in range(3):
        (g,) = K.gradients(loss, [kernel])
        loss = K.sum(K.square(g) + g)
    assert np.isfinite(K.eval(loss))


def test_unknown_sizes_are_settled_by_the_feed():
    x = K.placeholder((None, None, None, 3))
    y = K.conv2d(x, K.variable(np.ones((3, 3, 3, 4))), padding="same", strides=(2, 2))
    assert K.int_shape(y) == (None, None, None, 4)
    f = K.function([x], [y, K.gradients(y, [x])[0]])
    for shape in ((2, 5, 6, 3), (1, 4, 4, 3), (0, 5, 5, 3)):
        out, gradient = f([np.ones(shape, "float32")])
        assert out.shape == (shape[0], -(-shape[1] // 2), -(-shape[2] // 2), 4)
        assert gradient.shape == shape
