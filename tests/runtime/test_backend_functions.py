"""What K's shape, reduction and elementwise functions do where Keras has a way of its own."""

import numpy as np
import pytest

from polykeras import backend as K


def value(tensor):
    return K.eval(tensor)


def same(tensor, expected, dtype="float32"):
    assert K.dtype(tensor) == dtype
    got = value(tensor)
    assert str(got.dtype) == dtype
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert K.int_shape(tensor) == np.shape(expected)


X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], "float32")
INTEGERS = np.array([[1, -2, 4], [3, 5, 6]], "int32")
BOOLS = X > 0


@pytest.mark.parametrize("axis", [None, 0, -1, [0, 1], (1,), np.int64(1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std", "any", "all"])
def test_reductions_take_any_axis(name, axis, keepdims):
    x = BOOLS if name in ("any", "all") else X
    expected = getattr(np, name)(x, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)
    same(getattr(K, name)(x, axis=axis, keepdims=keepdims), expected, str(x.dtype))


def test_means_of_bools_are_shares_and_of_integers_integers():
    same(K.mean(BOOLS, axis=1), [2 / 3, 2 / 3])
    same(K.mean(INTEGERS, axis=0), [2, 1, 5], "int32")
    same(K.mean(np.array([-3, -4], "int32")), -3, "int32")
    same(K.var(BOOLS), np.var(BOOLS))


def test_any_and_all_take_numbers():
    same(K.any(K.constant(X), axis=0), [True] * 3, "bool")
    same(K.all(K.constant([[0.0, 1.0], [2.0, 3.0]]), axis=0), [False, True], "bool")


def test_positions_are_int64_along_the_last_axis():
    same(K.argmax(X), [2, 1], "int64")
    same(K.argmin(X, axis=0), [0, 0, 1], "int64")


def test_reductions_of_nothing():
    empty = K.placeholder((None, 3))
    outputs = [K.sum(empty, 0), K.prod(empty, 0), K.mean(empty, 0), K.logsumexp(empty, 0), K.any(empty > 0, 0)]
    got = K.function([empty], outputs[:3] + outputs[4:])([np.zeros((0, 3))])
    assert got[0].tolist() == [0, 0, 0]
    assert got[1].tolist() == [1, 1, 1]
    assert np.isnan(got[2]).all()
    assert not got[3].any()


def test_reductions_over_everything_need_no_rank():
    x = K.placeholder()
    mean = K.mean(x * x)
    got = K.function([x], [mean, K.gradients(mean, x)[0]])([X])
    np.testing.assert_allclose(got[0], np.mean(X * X), rtol=1e-6)
    np.testing.assert_allclose(got[1], 2 * X / X.size, rtol=1e-6)


def test_logsumexp_does_not_overflow():
    same(K.logsumexp([[1000.0, 1000.0], [-1000.0, -1000.0]], axis=1), [1000 + np.log(2), -1000 + np.log(2)])
    assert value(K.logsumexp(K.constant([-np.inf, -np.inf]))) == -np.inf


def test_equal_extremes_share_the_gradient():
    x = K.variable([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    np.testing.assert_allclose(value(K.gradients(K.max(x, axis=1), x)[0]), [[0, 0.5, 0.5], [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(value(K.gradients(K.min(x), x)[0]), [[1, 0, 0], [0, 0, 0]])


def test_product_has_its_gradient_where_elements_are_zero():
    x = K.variable([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [2.0, 3.0, 4.0]])
    expected = [[0, 6, 0], [0, 0, 0], [12, 8, 6]]
    np.testing.assert_allclose(value(K.gradients(K.prod(x, axis=1), x)[0]), expected)


def test_cumulative_functions():
    same(K.cumsum(X), np.cumsum(X, 0))
    same(K.cumprod(X, axis=1), np.cumprod(X, 1))


def test_sqrt_of_negative_numbers_is_zero():
    same(K.sqrt([-4.0, 4.0]), [0, 2])


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((-1, 1), [-1, 0.5, 1]),
        ((1, -1), [1, 1, 1]),
        ((None, 0.0), [-2, 0, 0]),
        ((0.0, None), [0, 0.5, 3]),
        ((np.float32(-1), K.constant(1.0)), [-1, 0.5, 1]),
    ],
)
def test_clip(ends, expected):
    same(K.clip([-2.0, 0.5, 3.0], *ends), expected)


def test_pow_and_comparisons_take_lists():
    same(K.pow([1.0, 2.0], 3), [1, 8])
    same(K.pow(2.0, K.constant([1.0, 2.0])), [2, 4])
    same(K.equal([1, 2], [1, 3]), [True, False], "bool")
    same(K.maximum(K.constant([1.0, 5.0]), [2, 2]), [2, 5])
    same(K.stack([1.0, K.constant(2.0)]), [1, 2])


def test_casts():
    same(K.cast(X, "int32"), X.astype("int32"), "int32")
    same(K.cast(BOOLS, "float64"), BOOLS, "float64")
    assert K.cast_to_floatx([1, 2]).dtype == "float32"
    with pytest.raises(ValueError, match="unknown dtype 'float99'"):
        K.cast(X, "float99")


def test_filled_like():
    same(K.ones_like(INTEGERS), np.ones((2, 3)), "int32")
    same(K.zeros_like(INTEGERS, dtype="float64"), np.zeros((2, 3)), "float64")
    assert K.zeros_like(X, name="nothing").name == "nothing:0"


@pytest.mark.parametrize(
    ("arguments", "expected", "dtype"),
    [
        ((4,), [0, 1, 2, 3], "int32"),
        ((2, 5), [2, 3, 4], "int32"),
        ((5, 0, -2), [5, 3, 1], "int32"),
        ((0.0, 1.0, 0.25, "float32"), [0, 0.25, 0.5, 0.75], "float32"),
        ((3, None, 1, "float32"), [0, 1, 2], "float32"),
    ],
)
def test_arange(arguments, expected, dtype):
    same(K.arange(*arguments), expected, dtype)


def test_arange_to_a_size():
    x = K.placeholder((None, 2))
    assert K.function([x], [K.arange(K.shape(x)[0])])([np.zeros((3, 2))])[0].tolist() == [0, 1, 2]


def test_repetitions():
    same(K.repeat(X, 2), np.stack([X, X], 1))
    same(K.repeat_elements(X, 2, axis=1), np.repeat(X, 2, 1))
    same(K.tile(X, (2, 1)), np.tile(X, (2, 1)))
    same(K.tile([1.0, 2.0], 2), [1, 2, 1, 2])
    with pytest.raises(ValueError, match=r"K\.repeat takes a matrix"):
        K.repeat(K.zeros((2, 3, 4)), 2)
    with pytest.raises(ValueError, match="repeats needs 2 entries, got 1"):
        K.tile(X, 2)


def test_arrangements():
    same(K.transpose(X), X.T)
    same(K.permute_dimensions(X[None], (2, 0, 1)), X[None].transpose(2, 0, 1))
    same(K.reverse(X, 1), X[:, ::-1])
    same(K.reverse(X, [0, 1]), X[::-1, ::-1])
    same(K.concatenate([X, X]), np.concatenate([X, X], -1))
    same(K.slice(X, [0, 1], [2, -1]), X[:, 1:])
    same(K.slice(X, K.constant([0, 1], "int32"), K.constant([1, 2], "int32")), X[:1, 1:])
    same(K.gather(X, [[1, 0], [1, 1]]), X[[[1, 0], [1, 1]]])
    same(K.gather(X, K.constant([1.0])), X[[1]])
    same(K.one_hot([[0, 2], [5, 1]], 3), [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 1, 0]]])


def test_a_slice_beyond_the_end_is_refused():
    with pytest.raises(ValueError, match=r"does not fit in shape \(2, 3\)"):
        K.slice(X, [0, 1], [2, 3])


def test_padding():
    same(K.temporal_padding(X[None], (1, 2)), np.pad(X[None], ((0, 0), (1, 2), (0, 0))))
    volume = X[None, None, :, :, None]
    pairs = ((1, 0), (0, 2), (1, 1))
    same(K.spatial_3d_padding(volume, pairs), np.pad(volume, ((0, 0), *pairs, (0, 0))))
    first = K.spatial_3d_padding(volume, pairs, data_format="channels_first")
    same(first, np.pad(volume, ((0, 0), (0, 0), *pairs)))
    with pytest.raises(ValueError, match="needs 2 pairs"):
        K.spatial_2d_padding(X[None, :, :, None], ((1, 1),))
    with pytest.raises(ValueError, match="rank 4"):
        K.spatial_2d_padding(X)


def test_shapes_are_turned_for_channels_first():
    assert K.transpose_shape((2, 5, 6, 3), "channels_first", (1, 2)) == (2, 3, 5, 6)
    assert K.transpose_shape([2, 5, 6, 3], "channels_first", (1, 2)) == [2, 3, 5, 6]
    assert K.transpose_shape((2, 5, 6, 3), "channels_last", (1, 2)) == (2, 5, 6, 3)
    with pytest.raises(ValueError, match="data_format"):
        K.transpose_shape((2, 5), "sideways", (1,))


def test_dimension_ordering_is_the_data_format_in_old_words():
    assert K.image_dim_ordering() == "tf"
    K.set_image_dim_ordering("th")
    try:
        assert K.image_data_format() == "channels_first"
    finally:
        K.set_image_dim_ordering("tf")
    with pytest.raises(ValueError, match="dim_ordering"):
        K.set_image_dim_ordering("xx")


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="a nested list of numbers"):
        K.sum([object()])
    with pytest.raises(TypeError, match="expected a tensor"):
        K.exp("x")
    with pytest.raises(RuntimeError, match=r"K\.function"):
        K.get_session()
