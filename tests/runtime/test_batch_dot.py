"""batch_dot for all ranks and axes against sums written out, values and gradients."""

import itertools

import numpy as np
import pytest

from polykeras import backend as K

BATCH, INNER = 3, 4
SIZES = {"x": (2, 5, 6), "y": (7, 8, 9)}


def shape(side, rank, axis):
    """Sizes for a rank, with INNER at the axis that is summed over; the others are all different."""
    outer = iter(SIZES[side])
    return (BATCH, *[INNER if i == axis else next(outer) for i in range(1, rank)])


def expected(x, y, a, b):
    rows = []
    for one, other in zip(x, y, strict=True):
        rows.append(np.tensordot(one, other, axes=(a - 1, b - 1)))
    result = np.stack(rows)
    return result if result.ndim > 1 else result[:, None]


CASES = [(i, j, a, b) for i, j in itertools.product((2, 3), repeat=2) for a in range(1, i) for b in range(1, j)]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("ranks_and_axes", CASES, ids=str)
def test_low_ranks_multiply_out(ranks_and_axes, known):
    i, j, a, b = ranks_and_axes
    r = np.random.RandomState(0)
    x, y = r.normal(size=shape("x", i, a)), r.normal(size=shape("y", j, b))
    tx, ty = (K.placeholder(v.shape if known else (None, *v.shape[1:]), dtype="float64") for v in (x, y))
    product = K.batch_dot(tx, ty, axes=(a, b))
    weights = r.normal(size=expected(x, y, a, b).shape)
    values = K.function([tx, ty], [product, *K.gradients(K.sum(product * K.constant(weights, "float64")), [tx, ty])])(
        [x, y]
    )
    np.testing.assert_allclose(values[0], expected(x, y, a, b), rtol=1e-12)
    assert K.int_shape(product)[1:] == values[0].shape[1:]
    for value, moved in zip(values[1:], (0, 1), strict=True):
        assert value.shape == (x, y)[moved].shape
        direction = r.normal(size=value.shape)
        ends = [(x + direction, y), (x - direction, y)] if moved == 0 else [(x, y + direction), (x, y - direction)]
        slope = sum(s * np.sum(weights * expected(*e, a, b)) for s, e in zip((0.5, -0.5), ends, strict=True))
        assert np.sum(value * direction) == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize(
    "axes, equation", [(None, "bcij,bcjk->bcik"), ((3, 3), "bcij,bckj->bcik"), ((2, 2), "bcji,bcjk->bcik")]
)
def test_rank_4_pairs_the_leading_axes(axes, equation):
    r = np.random.RandomState(1)
    sizes = {"b": 3, "c": 2, "i": 4, "j": 5, "k": 6}
    left, right = equation.split("->")[0].split(",")
    x, y = (r.normal(size=[sizes[label] for label in part]) for part in (left, right))
    got = K.eval(K.batch_dot(K.constant(x, "float64"), K.constant(y, "float64"), axes=axes))
    np.testing.assert_allclose(got, np.einsum(equation, x, y), rtol=1e-12)


def test_negative_axes_and_defaults():
    r = np.random.RandomState(2)
    x, y = r.normal(size=(3, 2, 4)), r.normal(size=(3, 4, 5))
    tx, ty = K.constant(x, "float64"), K.constant(y, "float64")
    for axes in (None, (-1, -2), (2, 1), [2, 1]):
        np.testing.assert_allclose(K.eval(K.batch_dot(tx, ty, axes=axes)), x @ y, rtol=1e-12)


@pytest.mark.parametrize(
    "shapes, axes, words",
    [
        (((3, 4), (3, 4)), None, "needs `axes`"),
        (((3, 4), (3, 5)), 1, "differ in size, 4 and 5"),
        (((3, 4), (3, 4)), 0, "axis 0"),
        (((3,), (3, 4)), 1, "two axes"),
        (((3, 4), (3, 4)), (1, 2, 3), "pair"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, axes, words):
    with pytest.raises(ValueError, match=words):
        K.batch_dot(*[K.placeholder(s) for s in shapes], axes=axes)
