"""Functions on images and sequences in both data formats, with strides, dilation and sizes that do not divide, against
loops written out."""

import itertools

import numpy as np
import pytest

from polykeras import backend as K

R = np.random.RandomState(0)


@pytest.fixture(autouse=True)
def float64():
    K.set_floatx("float64")
    yield
    K.set_floatx("float32")


def first(x):
    return np.moveaxis(x, -1, 1)


def both_formats(function, x, expected, *arguments, **keywords):
    """The function gives the expected values for channels last, and the same moved for channels first."""
    for fmt, data, want in (("channels_last", x, expected), ("channels_first", first(x), first(expected))):
        tensor = K.placeholder((None, *data.shape[1:]))
        made = function(tensor, *arguments, data_format=fmt, **keywords)
        (got,) = K.function([tensor], [made])([data])
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
        assert K.int_shape(made) == (None, *got.shape[1:])


def borders(size, window, stride, dilation, padding):
    """(outputs, before, after), as TensorFlow defines "same" and "valid"."""
    reach = (window - 1) * dilation + 1
    if padding == "valid":
        return -(-(size - reach + 1) // stride), 0, 0
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + reach - size, 0)
    return outputs, total // 2, total - total // 2


def conv2d(x, kernel, strides, padding, dilation, depthwise=False):
    b, h, w, c = x.shape
    kh, kw, _, m = kernel.shape
    oh, top, bottom = borders(h, kh, strides[0], dilation[0], padding)
    ow, left, right = borders(w, kw, strides[1], dilation[1], padding)
    x = np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])
    out = np.zeros((b, oh, ow, c * m if depthwise else m))
    for i, j, p, q in itertools.product(range(oh), range(ow), range(kh), range(kw)):
        pixel = x[:, i * strides[0] + p * dilation[0], j * strides[1] + q * dilation[1]]
        if depthwise:
            out[:, i, j] += (pixel[:, :, None] * kernel[p, q]).reshape(b, -1)
        else:
            out[:, i, j] += pixel @ kernel[p, q]
    return out


GEOMETRY = [
    ((1, 1), "valid", (1, 1)), ((2, 3), "valid", (1, 1)), ((2, 3), "same", (1, 1)), ((1, 1), "same", (2, 3)),
    ((1, 1), "valid", (2, 1)),
]  # fmt: skip
IMAGE = R.normal(size=(2, 7, 8, 3))


@pytest.mark.parametrize("strides, padding, dilation", GEOMETRY)
def test_conv2d(strides, padding, dilation):
    kernel = R.normal(size=(3, 2, 3, 4))
    expected = conv2d(IMAGE, kernel, strides, padding, dilation)
    both_formats(
        K.conv2d, IMAGE, expected, K.variable(kernel), strides=strides, padding=padding, dilation_rate=dilation
    )


@pytest.mark.parametrize(
    "strides, padding, dilation", [g for g in GEOMETRY if g[0][0] == g[0][1]] + [((2, 2), "same", (1, 1))]
)
def test_depthwise_and_separable_conv2d(strides, padding, dilation):
    depthwise, pointwise = R.normal(size=(3, 2, 3, 2)), R.normal(size=(1, 1, 6, 5))
    deep = conv2d(IMAGE, depthwise, strides, padding, dilation, depthwise=True)
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    both_formats(K.depthwise_conv2d, IMAGE, deep, K.variable(depthwise), **options)
    mixed = deep @ pointwise[0, 0]
    both_formats(K.separable_conv2d, IMAGE, mixed, K.variable(depthwise), K.variable(pointwise), **options)


@pytest.mark.parametrize(
    "stride, padding, dilation", [(1, "valid", 1), (2, "same", 1), (3, "valid", 1), (1, "same", 2)]
)
def test_separable_conv1d(stride, padding, dilation):
    x = R.normal(size=(2, 9, 3))
    depthwise, pointwise = R.normal(size=(3, 3, 2)), R.normal(size=(1, 6, 4))
    deep = conv2d(x[:, :, None], depthwise[:, None], (stride, 1), padding, (dilation, 1), depthwise=True)[:, :, 0]
    both_formats(
        K.separable_conv1d, x, deep @ pointwise[0], K.variable(depthwise), K.variable(pointwise),
        strides=stride, padding=padding, dilation_rate=dilation,
    )  # fmt: skip


@pytest.mark.parametrize(
    "stride, padding, dilation", [(1, "causal", 1), (2, "causal", 1), (1, "causal", 3), (2, "same", 1)]
)
def test_conv1d(stride, padding, dilation):
    x, kernel = R.normal(size=(2, 9, 3)), R.normal(size=(3, 3, 4))
    if padding == "causal":
        padded = np.pad(x, [(0, 0), (2 * dilation, 0), (0, 0)])
        expected = conv2d(padded[:, :, None], kernel[:, None], (stride, 1), "valid", (dilation, 1))[:, :, 0]
    else:
        expected = conv2d(x[:, :, None], kernel[:, None], (stride, 1), padding, (dilation, 1))[:, :, 0]
    both_formats(K.conv1d, x, expected, K.variable(kernel), strides=stride, padding=padding, dilation_rate=dilation)


@pytest.mark.parametrize(
    "size, strides, padding",
    [((7, 8), (2, 3), "same"), ((8, 9), (2, 3), "same"), ((7, 9), (2, 2), "valid"), ((8, 9), (2, 2), "valid")],
)
def test_conv2d_transpose_to_sizes_that_do_not_divide(size, strides, padding):
    """It is the transposed linear map: <conv(u), x> = <u, transposed(x)> for all u."""
    kernel = R.normal(size=(3, 2, 4, 3))  # (kh, kw, filters, in)
    down = [borders(n, k, s, 1, padding)[0] for n, k, s in zip(size, (3, 2), strides, strict=True)]
    x = R.normal(size=(2, *down, 3))
    expected = np.zeros((2, *size, 4))
    for place in np.ndindex(*size, 4):
        unit = np.zeros((1, *size, 4))
        unit[(0, *place)] = 1
        expected[(slice(None), *place)] = np.tensordot(x, conv2d(unit, kernel, strides, padding, (1, 1))[0], axes=3)
    for fmt, data, want in (("channels_last", x, expected), ("channels_first", first(x), first(expected))):
        tensor = K.placeholder((None, *data.shape[1:]))
        for batch in (None, 2, K.shape(tensor)[0]):
            made = K.conv2d_transpose(
                tensor, K.variable(kernel), (batch, *want.shape[1:]), strides=strides, padding=padding, data_format=fmt
            )
            np.testing.assert_allclose(K.function([tensor], [made])([data])[0], want, rtol=1e-9, atol=1e-9)


def test_local_conv1d():
    x, kernel = R.normal(size=(2, 7, 3)), R.normal(size=(3, 9, 4))
    got = K.eval(K.local_conv1d(K.variable(x), K.variable(kernel), (3,), (2,)))
    for i in range(3):
        np.testing.assert_allclose(got[:, i], x[:, 2 * i : 2 * i + 3].reshape(2, -1) @ kernel[i], rtol=1e-9)


def test_local_conv2d_in_both_formats():
    kernel = R.normal(size=(3 * 4, 3 * 2 * 3, 5))
    x = IMAGE
    last = np.zeros((2, 3, 4, 5))
    channels_first = np.zeros((2, 5, 3, 4))
    for i, j in np.ndindex(3, 4):
        patch = x[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2]
        last[:, i, j] = patch.reshape(2, -1) @ kernel[4 * i + j]
        channels_first[:, :, i, j] = first(patch).reshape(2, -1) @ kernel[4 * i + j]
    args = K.variable(kernel), (3, 2), (2, 2), (3, 4)
    np.testing.assert_allclose(K.eval(K.local_conv2d(K.variable(x), *args, "channels_last")), last, rtol=1e-9)
    got = K.eval(K.local_conv2d(K.variable(first(x)), *args, "channels_first"))
    np.testing.assert_allclose(got, channels_first, rtol=1e-9)


@pytest.mark.parametrize(
    "mode, padding, strides",
    [("max", "same", (2, 3)), ("avg", "same", (2, 3)), ("max", "valid", (3, 2)), ("avg", "valid", (1, 1))],
)
def test_pool2d(mode, padding, strides):
    window = (3, 2)
    oh, top, bottom = borders(7, 3, strides[0], 1, padding)
    ow, left, right = borders(8, 2, strides[1], 1, padding)
    padded = np.pad(IMAGE, [(0, 0), (top, bottom), (left, right), (0, 0)], constant_values=np.nan)
    expected = np.zeros((2, oh, ow, 3))
    for i, j in np.ndindex(oh, ow):
        block = padded[:, i * strides[0] : i * strides[0] + 3, j * strides[1] : j * strides[1] + 2]
        expected[:, i, j] = (np.nanmax if mode == "max" else np.nanmean)(block, axis=(1, 2))
    both_formats(K.pool2d, IMAGE, expected, window, strides=strides, padding=padding, pool_mode=mode)


def test_pool3d():
    x = R.normal(size=(2, 4, 6, 3, 2))
    blocks = x.reshape(2, 2, 2, 3, 2, 1, 3, 2)
    both_formats(K.pool3d, x, blocks.max(axis=(2, 4, 6)), (2, 2, 3), strides=(2, 2, 3))
    both_formats(K.pool3d, x, blocks.mean(axis=(2, 4, 6)), (2, 2, 3), strides=(2, 2, 3), pool_mode="avg")


def test_resizing():
    nearest = IMAGE.repeat(2, axis=1).repeat(3, axis=2)
    both_formats(resize_images, IMAGE, nearest, 2, 3)
    volume = R.normal(size=(2, 2, 3, 4, 2))
    both_formats(resize_volumes, volume, volume.repeat(2, axis=1).repeat(1, axis=2).repeat(3, axis=3), 2, 1, 3)
    rows = (np.arange(14) / 2).clip(max=6)
    low, share = np.floor(rows).astype(int), (rows % 1)[:, None, None]
    bilinear = IMAGE[:, low] * (1 - share) + IMAGE[:, np.minimum(low + 1, 6)] * share
    both_formats(resize_images, IMAGE, bilinear, 2, 1, interpolation="bilinear")
    with pytest.raises(ValueError, match="interpolation"):
        K.resize_images(K.variable(IMAGE), 2, 2, "channels_last", interpolation="cubic")


def resize_images(x, *factors, data_format, **keywords):
    return K.resize_images(x, *factors, data_format, **keywords)


def resize_volumes(x, *factors, data_format):
    return K.resize_volumes(x, *factors, data_format)


def test_padding():
    both_formats(K.spatial_2d_padding, IMAGE, np.pad(IMAGE, [(0, 0), (1, 2), (0, 3), (0, 0)]), padding=((1, 2), (0, 3)))
    volume = R.normal(size=(2, 2, 3, 4, 2))
    wide = np.pad(volume, [(0, 0), (1, 0), (2, 1), (0, 3), (0, 0)])
    both_formats(K.spatial_3d_padding, volume, wide, padding=((1, 0), (2, 1), (0, 3)))
    x = R.normal(size=(2, 5, 3))
    np.testing.assert_array_equal(
        K.eval(K.temporal_padding(K.variable(x), (2, 1))), np.pad(x, [(0, 0), (2, 1), (0, 0)])
    )


def test_bias_add_in_both_formats_and_ranks():
    for rank in (3, 4, 5):
        x = R.normal(size=(2, 3, 4, 5, 6)[:rank])
        bias = R.normal(size=x.shape[-1])
        both_formats(K.bias_add, x, x + bias, K.variable(bias))
    with pytest.raises(ValueError, match="bias"):
        K.bias_add(K.variable(IMAGE), K.variable(np.ones((2, 2))))
