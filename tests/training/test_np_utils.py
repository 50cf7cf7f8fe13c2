"""to_categorical and normalize."""

import numpy as np
import pytest

from polykeras.utils import normalize, to_categorical


def test_one_hot_rows():
    got = to_categorical([0, 2, 1])
    assert got.dtype == "float32"
    assert got.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((4,), (4, 5)), ((4, 1), (4, 5)), ((2, 3), (2, 3, 5)), ((2, 3, 1), (2, 3, 5)), ((1,), (1, 5))],
)
def test_shapes(shape, expected):
    assert to_categorical(np.zeros(shape, int), 5).shape == expected


def test_dtype():
    assert to_categorical([1], dtype="int8").dtype == "int8"


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_class_numbers_out_of_range(labels):
    with pytest.raises(IndexError, match=r"outside 0 \.\. 2"):
        to_categorical(labels, 3)


@pytest.mark.parametrize("order", [1, 2])
def test_normalize(order):
    x = np.random.RandomState(0).randn(3, 4)
    np.testing.assert_allclose(np.linalg.norm(normalize(x, order=order), order, axis=-1), np.ones(3))
    np.testing.assert_allclose(np.linalg.norm(normalize(x, axis=0, order=order), order, axis=0), np.ones(4))


def test_normalize_leaves_zeros():
    assert normalize(np.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()
