"""Both data formats give the same numbers, moved."""

import numpy as np
import pytest

from polykeras import layers
from tests.layers.arrays import channels_first, channels_last, random, run

SHAPES = {1: (2, 6, 3), 2: (2, 6, 4, 3), 3: (2, 6, 4, 5, 3)}
CASES = [
    ("GlobalMaxPooling1D", {}, 1), ("GlobalAveragePooling1D", {}, 1),
    ("GlobalMaxPooling2D", {}, 2), ("GlobalAveragePooling2D", {}, 2),
    ("GlobalMaxPooling3D", {}, 3), ("GlobalAveragePooling3D", {}, 3),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, 2), ("ZeroPadding3D", {"padding": ((1, 0), (0, 2), (1, 1))}, 3),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}, 2), ("Cropping3D", {"cropping": ((1, 0), (0, 2), (1, 1))}, 3),
    ("UpSampling2D", {"size": (2, 3)}, 2), ("UpSampling2D", {"interpolation": "bilinear"}, 2),
    ("UpSampling3D", {"size": (1, 2, 3)}, 3),
    ("Flatten", {}, 2), ("Flatten", {}, 3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "rank"), CASES)
def test_formats_agree(name, arguments, rank):
    make = getattr(layers, name)
    x = random(*SHAPES[rank]).astype("float32")
    last = run(make(data_format="channels_last", **arguments), x)
    first = run(make(data_format="channels_first", **arguments), channels_first(x))
    np.testing.assert_allclose(channels_last(first) if first.ndim > 2 else first, last, rtol=1e-6)


@pytest.mark.parametrize("name", ["SpatialDropout2D", "SpatialDropout3D"])
def test_spatial_dropout_shares_its_mask_in_both_formats(name):
    rank = int(name[-2])
    x = np.ones((8, *range(3, 3 + rank), 6), "float32")
    last = run(getattr(layers, name)(0.5, data_format="channels_last"), x, training=1)
    first = run(getattr(layers, name)(0.5, data_format="channels_first"), channels_first(x), training=1)
    for masks in (last, channels_last(first)):
        per_channel = masks.reshape(8, -1, 6)
        assert (per_channel == per_channel[:, :1]).all()
        assert set(np.unique(per_channel)) == {0, 2}


def test_masked_average_in_both_formats():
    x = random(2, 4, 3).astype("float32")
    mask = np.array([[True, True, False, False], [True, False, True, True]])
    expected = np.stack([x[0, :2].mean(0), x[1, [0, 2, 3]].mean(0)])
    last = run(layers.GlobalAveragePooling1D(), x, mask=mask)
    first = run(layers.GlobalAveragePooling1D(data_format="channels_first"), channels_first(x), mask=mask)
    np.testing.assert_allclose(last, expected, rtol=1e-5)
    np.testing.assert_allclose(first, expected, rtol=1e-5)
