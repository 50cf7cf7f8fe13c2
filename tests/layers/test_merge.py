"""Merging: masks, ranks, unknown sizes."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import layers
from polykeras.layers import Add, Concatenate, Dot, Input, Masking
from tests.layers.arrays import random, run


def test_a_step_is_kept_where_every_mask_keeps_it():
    x, y = Input((3, 2)), Input((3, 2))
    mask = Add()([Masking()(x), Masking()(y)])._keras_mask
    values = np.array([[[0, 0], [1, 1], [1, 1.0]]]), np.array([[[1, 1], [0, 0], [1, 1.0]]])
    assert K.function([x, y], [mask])(list(values))[0].tolist() == [[False, False, True]]


def test_a_mask_among_inputs_without():
    x, y = Input((3, 2)), Input((3, 2))
    mask = Add()([Masking()(x), y])._keras_mask
    values = np.array([[[0, 0], [1, 1], [1, 1.0]]]), np.zeros((1, 3, 2))
    assert K.function([x, y], [mask])(list(values))[0].tolist() == [[False, True, True]]
    assert Add()([x, y])._keras_mask is None


@pytest.mark.parametrize(("axis", "expected"), [(1, [False, True, True, True]), (-1, [False, True])])
def test_concatenation_joins_masks_or_keeps_what_all_keep(axis, expected):
    x, y = Input((2, 3)), Input((2, 3))
    mask = Concatenate(axis=axis)([Masking()(x), y])._keras_mask
    values = np.array([[[0, 0, 0], [1, 1, 1.0]]]), np.ones((1, 2, 3))
    assert K.function([x, y], [mask])(list(values))[0].tolist() == [expected]


def test_lower_ranks_gain_axes_after_the_batch():
    x, y = random(2, 4).astype("float32"), random(2, 3, 4, seed=1).astype("float32")
    np.testing.assert_allclose(run(Add(), x, y), x[:, None] + y, rtol=1e-6)


def test_unknown_sizes_stay_unknown():
    assert Add().compute_output_shape([(None, None, 4), (None, 1, 4)]) == (None, None, 4)
    assert Concatenate(1).compute_output_shape([(None, None, 4), (None, 2, 4)]) == (None, None, 4)
    assert Concatenate(-1).compute_output_shape([(None, None, 4), (None, 2, 3)]) == (None, 2, 7)
    assert Dot((2, 1)).compute_output_shape([(None, None, 4), (None, 4, 5)]) == (None, None, 5)


@pytest.mark.parametrize(("axes", "subscripts", "shapes"), [
    (1, "bi,bi->b", [(2, 3), (2, 3)]),
    ((2, 1), "bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ((1, 2), "bij,bki->bjk", [(2, 3, 4), (2, 5, 3)]),
    (-1, "bij,bkj->bik", [(2, 3, 4), (2, 5, 4)]),
    ((1, 1), "bi,bij->bj", [(2, 3), (2, 3, 4)]),
])  # fmt: skip
def test_dot_is_a_sum_of_products(axes, subscripts, shapes):
    x, y = (random(*shape, seed=i).astype("float32") for i, shape in enumerate(shapes))
    found = run(Dot(axes=axes), x, y)
    np.testing.assert_allclose(found.squeeze(), np.einsum(subscripts, x, y), rtol=1e-5, atol=1e-6)
    assert found.shape[1:] == Dot(axes=axes).compute_output_shape([x.shape, y.shape])[1:]


def test_functions_name_their_layers():
    x, y = Input((3,)), Input((3,))
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"):
        merged = getattr(layers, name)([x, y], name=f"by_{name}")
        assert merged._keras_history[0].name == f"by_{name}"
    assert K.int_shape(layers.dot([x, y], axes=1)) == (None, 1)
