"""LayerNormalization and GroupNormalization against arithmetic, in float64."""

import numpy as np
import pytest

from polykeras.layers import Conv2D, Conv2DTranspose, GroupNormalization, Input, LayerNormalization
from polykeras.testing.layers import check_layer
from tests.layers.arrays import channels_first, channels_last, float64, random, run


def normalized(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 0.001)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [-1, -2]])
def test_layer_normalization(axis):
    axes = tuple(a % 3 for a in (axis if isinstance(axis, (list, tuple)) else [axis]))
    with float64():
        x = random(5, 4, 3) * 2 + 1
        layer = LayerNormalization(axis)
        layer(Input((4, 3)))
        gamma, beta = (random(*w.shape, seed=i) for i, w in enumerate(layer.get_weights(), 1))
        layer.set_weights([gamma, beta])
        shape = [x.shape[a] if a in axes else 1 for a in range(3)]
        wanted = normalized(x, axes) * gamma.reshape(shape) + beta.reshape(shape)
        np.testing.assert_allclose(run(layer, x), wanted, rtol=1e-10)


@pytest.mark.parametrize("groups", [1, 2, 3, 6, -1])
@pytest.mark.parametrize("axis", [-1, 1])
def test_group_normalization(groups, axis):
    with float64():
        x = random(2, 4, 5, 6) * 2 + 1
        count = 6 if groups == -1 else groups
        wanted = normalized(x.reshape(2, 4, 5, count, -1), (1, 2, 4)).reshape(x.shape)
        layer = GroupNormalization(groups, axis)
        data = x if axis == -1 else channels_first(x)
        run(layer, data)
        gamma, beta = random(6, seed=1), random(6, seed=2)
        layer.set_weights([gamma, beta])
        found = run(layer, data)
    np.testing.assert_allclose(found if axis == -1 else channels_last(found), wanted * gamma + beta, rtol=1e-9)


def test_one_group_is_the_normalization_of_the_whole_sample():
    x = random(3, 4, 6).astype("float32")
    whole = LayerNormalization([1, 2], center=False, scale=False)
    np.testing.assert_allclose(run(GroupNormalization(1), x), run(whole, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer, arguments, shape", [
    (LayerNormalization, {}, (None, None, 4)),
    (LayerNormalization, {"axis": [1, 2], "center": False}, (None, 3, 4)),
    (GroupNormalization, {"groups": 2}, (None, None, 3, 4)),
    (GroupNormalization, {"groups": -1, "axis": 1}, (None, 4, 3)),
])  # fmt: skip
def test_kit(layer, arguments, shape):
    check_layer(layer, arguments, shape)


@pytest.mark.parametrize("make, words", [
    (lambda: LayerNormalization(2, name="culprit")(Input((4,))), "culprit.*axis 2.*2 axes"),
    (lambda: LayerNormalization(1, name="culprit")(Input((None, 4))), "culprit.*defined.*None, None, 4"),
    (lambda: GroupNormalization(4, name="culprit")(Input((3, 6))), "culprit.*4 groups.*6 channels"),
    (lambda: GroupNormalization(name="culprit")(Input((3, None))), "culprit.*channels.*defined"),
    (lambda: Conv2D(4, 3, groups=2, name="culprit")(Input((8, 8, 3))), "culprit.*2 groups.*3"),
])  # fmt: skip
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_groups_of_a_convolution_are_convolutions_side_by_side(data_format):
    x = random(2, 6, 7, 4).astype("float32")
    layer = Conv2D(6, 3, groups=2, strides=2, padding="same", bias_initializer="ones", data_format=data_format)
    found = run(layer, x if data_format == "channels_last" else channels_first(x))
    found = found if data_format == "channels_last" else channels_last(found)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (3, 3, 2, 6)
    parts = []
    for part in (slice(0, 3), slice(3, 6)):
        plain = Conv2D(3, 3, strides=2, padding="same", weights=[kernel[..., part], bias[part]])
        parts.append(run(plain, x[..., :2] if part.start == 0 else x[..., 2:]))
    np.testing.assert_allclose(found, np.concatenate(parts, -1), rtol=1e-4, atol=1e-5)
    assert layer.get_config()["groups"] == 2 and "groups" not in Conv2D(6, 3).get_config()
    check_layer(Conv2D, {"filters": 6, "kernel_size": 3, "groups": 2, "data_format": data_format}, (None, 4, 6, 4))
    with pytest.raises(TypeError, match="no `groups`"):
        Conv2DTranspose(4, 3, groups=2)
