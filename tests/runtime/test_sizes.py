"""Size arithmetic: what is known of shapes before any array is."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.symbolic.ops import indexing


@pytest.fixture
def x():
    return K.placeholder((None, 4, 6))


def test_a_stack_of_sizes_keeps_what_is_known(x):
    n = K.shape(x)[0]
    assert K.int_shape(K.reshape(x, K.stack([n, 2, 12]))) == (None, 2, 12)
    assert K.int_shape(K.reshape(x, (n, 2, 12))) == (None, 2, 12)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x: K.shape(x)[1] * 2 + 1, 9),
        (lambda x: K.shape(x)[1:], (4, 6)),
        (lambda x: K.shape(x)[-1] // K.shape(x)[1], 1),
        (lambda x: K.concatenate([K.shape(x), [7]]), (None, 4, 6, 7)),
        (lambda x: K.stack([K.shape(x)[0], K.shape(x)[2]]), (None, 6)),
        (lambda x: K.prod(K.shape(x)[1:]), 24),
        (lambda x: K.sum(K.shape(x)[1:]), 10),
        (lambda x: K.max(K.shape(x)[1:]), 6),
        (lambda x: K.min(K.shape(x)[1:]), 4),
        (lambda x: K.gather(K.shape(x), np.array([2, 0])), (6, None)),
        (lambda x: K.reverse(K.shape(x), 0), (6, 4, None)),
        (lambda x: K.cast(K.shape(x)[1], "int64"), 4),
        (lambda x: K.maximum(K.shape(x)[1], 5), 5),
        (lambda x: K.reshape(K.shape(x)[1], (1,)), (4,)),
        (lambda x: K.arange(K.shape(x)[1]), (0, 1, 2, 3)),
        (lambda x: K.expand_dims(K.shape(x)[1], 0), (4,)),
        (lambda x: K.prod(K.shape(x)), None),
    ],
)
def test_known_values(x, make, expected):
    made = make(x)
    assert made.spec.value == expected
    got = K.function([x], [made])([np.zeros((3, 4, 6))])[0]
    values = np.atleast_1d(got).tolist()
    known = [None] * len(values) if expected is None else [expected] if isinstance(expected, int) else expected
    assert all(k in (None, v) for k, v in zip(known, values, strict=True))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (K.flatten, (None,)),
        (K.batch_flatten, (None, 24)),
        (lambda x: K.expand_dims(x, 1), (None, 1, 4, 6)),
        (lambda x: K.expand_dims(x), (None, 4, 6, 1)),
        (lambda x: K.squeeze(x[:, :, :1], 2), (None, 4)),
        (lambda x: K.tile(x, (1, 2, 3)), (None, 8, 18)),
        (lambda x: K.tile(x, K.stack([K.shape(x)[1], 1, 1])), (None, 4, 6)),
        (lambda x: K.repeat_elements(x, 3, 1), (None, 12, 6)),
        (lambda x: K.concatenate([x, x], axis=0), (None, 4, 6)),
        (lambda x: K.concatenate([x, x], axis=-2), (None, 8, 6)),
        (lambda x: K.reshape(x, (-1, 3, 8)), (None, 3, 8)),
        (lambda x: K.permute_dimensions(x, (2, 0, 1)), (6, None, 4)),
        (lambda x: K.dot(x, K.zeros((6, 2))), (None, 4, 2)),
        (lambda x: K.slice(x, (0, 1, 2), (-1, 3, 2)), (None, 3, 2)),
        (lambda x: K.slice(x, (0, 1, 2), (2, 3, 2)), (2, 3, 2)),
        (lambda x: K.zeros_like(x), (None, 4, 6)),
        (lambda x: K.one_hot(K.argmax(x), 5), (None, 4, 5)),
        (lambda x: K.spatial_2d_padding(K.expand_dims(x)), (None, 6, 8, 1)),
    ],
)
def test_static_and_actual_shapes(x, make, expected):
    made = make(x)
    assert K.int_shape(made) == expected
    got = K.function([x], [made])([np.zeros((3, 4, 6))])[0]
    assert all(dim in (None, size) for dim, size in zip(expected, got.shape, strict=True))


def test_the_one_unknown_size_follows_from_the_count():
    x = K.placeholder((6, 4))
    n = K.shape(K.placeholder((None,)))[0]
    assert K.int_shape(K.reshape(x, (n, 8))) == (3, 8)


def test_an_empty_batch_keeps_its_shape(x):
    outputs = [
        K.batch_flatten(x),
        K.expand_dims(x, 1),
        K.reshape(x, (-1, 24)),
        K.sum(x, axis=0),
        K.dot(x, K.ones((6, 2))),
    ]
    got = K.function([x], outputs)([np.zeros((0, 4, 6))])
    assert [g.shape for g in got] == [(0, 24), (0, 1, 4, 6), (0, 24), (4, 6), (0, 4, 2)]
    assert not got[3].any()


def test_sizes_that_depend_on_data_stay_unknown_and_flow_on():
    x = K.placeholder((None, 3))
    kept = x[x[:, 0] > 0]
    outputs = [kept, K.sum(kept, axis=0), K.shape(kept), K.reshape(kept, (-1,)), K.gradients(K.sum(kept**2), x)[0]]
    data = np.array([[1.0, 2, 3], [-1, 5, 6], [2, 8, 9]])
    got = K.function([x], outputs)([data])
    assert K.int_shape(kept) == (None, 3)
    np.testing.assert_array_equal(got[0], data[[0, 2]])
    np.testing.assert_array_equal(got[1], data[[0, 2]].sum(0))
    assert got[2].tolist() == [2, 3]
    assert got[3].shape == (6,)
    np.testing.assert_array_equal(got[4], 2 * data * [[1], [0], [1]])


def test_top_k_takes_the_first_of_equal_elements():
    values, places = indexing.top_k(K.constant([[3.0, 5, 1, 5], [2, 2, 2, 2]]), 2)
    assert K.eval(values).tolist() == [[5, 5], [2, 2]]
    assert K.eval(places).tolist() == [[1, 3], [0, 1]]
    assert K.eval(indexing.sort(K.constant([3.0, 1, 2]), descending=True)).tolist() == [3, 2, 1]


def test_shapes_that_do_not_fit_are_refused_with_both(x):
    with pytest.raises(ValueError, match=r"reshape.*6 elements of shape \(2, 3\) do not fit the shape \(4, 2\)"):
        K.reshape(K.placeholder((2, 3)), (4, 2))
    with pytest.raises(ValueError, match=r"only one size may be -1"):
        K.reshape(x, (-1, -1))
    with pytest.raises(ValueError, match=r"axis 1 .* has size 4 and not 1"):
        K.squeeze(x, 1)
    with pytest.raises(ValueError, match=r"differ besides axis 1"):
        K.concatenate([K.zeros((2, 3)), K.zeros((3, 3))], axis=1)
    with pytest.raises(ValueError, match=r"`ndim=`"):
        K.expand_dims(K.placeholder())
