"""Wrong use is told: the layer, what was expected, what came."""

import warnings

import pytest

from polykeras import backend as K
from polykeras import initializers, layers, regularizers
from polykeras.layers import Input


def call(layer, *shapes, **arguments):
    inputs = [Input(shape=shape) for shape in shapes]
    return layer(inputs[0] if len(inputs) == 1 else inputs, **arguments)


def make(name, *args, **kwargs):
    return getattr(layers, name)(*args, name="culprit", **kwargs)


WRONG_INPUTS = {
    "Dense, rank": (("Dense", 2), [()], ["min_ndim=2", "ndim=1"]),
    "Dense, unknown features": (("Dense", 2), [(None,)], ["known last axis", "(None, None)"]),
    "Flatten, rank": (("Flatten",), [(3,)], ["min_ndim=3", "ndim=2"]),
    "Flatten, unknown size": (("Flatten",), [(None, 3)], ["not fully defined", "(None, 3)"]),
    "Reshape, size": (("Reshape", (4,)), [(2, 3)], ["total size of new array must be unchanged", "(2, 3)", "(4,)"]),
    "Reshape, no fit for -1": (("Reshape", (-1, 4)), [(2, 3)], ["total size", "(-1, 4)"]),
    "Reshape, two unknown": (("Reshape", (-1, -1)), [(2, 3)], ["one unknown dimension", "(-1, -1)"]),
    "Conv2D, rank": (("Conv2D", 2, 3), [(8, 9)], ["ndim=4", "ndim=3"]),
    "Conv2D, unknown channels": (("Conv2D", 2, 3), [(8, 9, None)], ["channel dimension", "(None, 8, 9, None)"]),
    "MaxPooling2D, rank": (("MaxPooling2D",), [(8, 9)], ["ndim=4", "ndim=3"]),
    "GlobalAveragePooling2D, rank": (("GlobalAveragePooling2D",), [(8,)], ["ndim=4", "ndim=2"]),
    "BatchNormalization, unknown features": (
        ("BatchNormalization",), [(4, None)], ["defined dimension", "(None, 4, None)"]
    ),
    "BatchNormalization, no such axis": (("BatchNormalization", 3), [(4,)], ["axis 3", "(None, 4)"]),
    "Add, one tensor": (("Add",), [(3,)], ["list of inputs", "(None, 3)"]),
    "Add, shapes": (("Add",), [(3,), (4,)], ["broadcast", "(3,)", "(4,)"]),
    "Subtract, three": (("Subtract",), [(3,), (3,), (3,)], ["exactly 2", "3"]),
    "Concatenate, shapes": (
        ("Concatenate", 1), [(2, 3), (3, 4)], ["matching shapes", "concat axis 1", "(None, 2, 3)", "(None, 3, 4)"]
    ),
    "Concatenate, ranks": (("Concatenate",), [(2, 3), (3,)], ["matching shapes", "(None, 2, 3)", "(None, 3)"]),
    "Dot, sizes": (("Dot", 1), [(3,), (4,)], ["3 != 4", "(None, 3)", "(None, 4)"]),
    "Dot, one tensor": (("Dot", 1), [(3,)], ["list of 2", "(None, 3)"]),
    "Permute, rank": (("Permute", (2, 1)), [(2, 3, 4)], ["ndim=3", "ndim=4"]),
    "RepeatVector, rank": (("RepeatVector", 2), [(2, 3)], ["ndim=2", "ndim=3"]),
    "PReLU, unknown size": (("PReLU",), [(None, 3)], ["must be known", "(None, None, 3)"]),
    "Cropping1D, too much": (("Cropping1D", 4), [(7, 3)], ["cannot crop 4 + 4 of 7"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_INPUTS)
def test_wrong_input(case):
    (name, *args), shapes, words = WRONG_INPUTS[case]
    with pytest.raises(ValueError) as caught:
        call(make(name, *args), *shapes)
    for word in ["culprit", *words]:
        assert word in str(caught.value)


def test_another_input_later():
    dense = make("Dense", 2)
    call(dense, (3,))
    with pytest.raises(ValueError, match="culprit.*axis -1.*3"):
        call(dense, (4,))
    conv = make("Conv2D", 2, 3, data_format="channels_first")
    call(conv, (3, 8, 9))
    with pytest.raises(ValueError, match="culprit.*axis 1"):
        call(conv, (4, 8, 9))


WRONG_ARGUMENTS = {
    "activation": (lambda: make("Activation", "nope"), ["Unknown activation function", "nope"]),
    "near activation": (lambda: make("Dense", 2, activation="reluu"), ["reluu", "'relu'"]),
    "activation of another kind": (lambda: make("Dense", 2, activation=3), ["activation", "3"]),
    "initializer": (lambda: make("Dense", 2, kernel_initializer="nope"), ["Unknown initializer", "nope"]),
    "initializer of another kind": (lambda: make("Dense", 2, kernel_initializer=3), ["initializer", "3", "int"]),
    "regularizer": (lambda: make("Dense", 2, kernel_regularizer="nope"), ["Unknown regularizer", "nope"]),
    "constraint": (lambda: make("Dense", 2, kernel_constraint="nope"), ["Unknown constraint", "nope"]),
    "padding": (lambda: make("Conv2D", 2, 3, padding="x"), ["`padding`", '"valid"', '"same"', "'x'"]),
    "causal image": (lambda: make("Conv2D", 2, 3, padding="causal"), ["culprit", "Conv1D", '"valid"', '"same"']),
    "causal pooling": (lambda: make("MaxPooling1D", padding="causal"), ["culprit", '"valid"', '"same"']),
    "kernel_size": (lambda: make("Conv2D", 2, (3, 3, 3)), ["`kernel_size`", "2 integers", "(3, 3, 3)"]),
    "strides": (lambda: make("Conv2D", 2, 3, strides="a"), ["`strides`", "2 integers", "'a'"]),
    "data_format": (lambda: make("Conv2D", 2, 3, data_format="first"), ["data_format", "channels_last", "first"]),
    "dims": (lambda: make("Permute", (0, 1)), ["culprit", "`dims`", "(0, 1)"]),
    "dims twice": (lambda: make("Permute", (1, 1)), ["culprit", "`dims`", "(1, 1)"]),
    "cropping": (lambda: make("Cropping2D", (1, 2, 3)), ["`cropping`", "(1, 2, 3)"]),
    "padding of an image": (lambda: make("ZeroPadding2D", "ab"), ["`padding`", "'ab'"]),
    "interpolation": (lambda: make("UpSampling2D", interpolation="cubic"), ["nearest", "bilinear", "cubic"]),
    "axes": (lambda: make("Dot", (1, 2, 3)), ["culprit", "`axes`", "(1, 2, 3)"]),
    "max_value": (lambda: make("ReLU", max_value=-1.0), ["culprit", "`max_value`", "-1"]),
    "scale": (lambda: initializers.VarianceScaling(scale=0), ["`scale`", "positive", "0"]),
    "mode": (lambda: initializers.VarianceScaling(mode="fan"), ["`mode`", "fan_avg", "'fan'"]),
    "regularizer of another kind": (lambda: regularizers.get(0.1), ["regularizer", "0.1"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
def test_wrong_argument(case):
    faulty, words = WRONG_ARGUMENTS[case]
    with pytest.raises(ValueError) as caught:
        faulty()
    for word in words:
        assert word in str(caught.value)


def test_strides_and_dilation_exclude_each_other():
    with pytest.raises(ValueError, match="culprit.*strides.*dilation_rate"):
        call(make("Conv2D", 2, 3, strides=2, dilation_rate=2), (8, 9, 3))


def test_unknown_keyword():
    with pytest.raises(TypeError, match=r"not understood.*(unitz|foo)"):
        make("Dense", 2, foo=1)


def test_input_dim_against_input_shape():
    with pytest.raises(TypeError, match=r"input_dim=4 contradicts input_shape=\(5,\)"):
        make("Dense", 2, input_dim=4, input_shape=(5,))
    assert make("Dense", 2, input_dim=4, input_shape=(4,)).batch_input_shape == (None, 4)


def test_masks_where_there_is_no_use_for_them():
    masked = layers.Masking()(Input((3, 2)))
    for name, *args in (("Flatten",), ("Conv1D", 2, 2), ("MaxPooling1D",), ("Reshape", (6,))):
        with pytest.raises(TypeError, match="culprit.*masking"):
            make(name, *args)(masked)


def test_dropout_rate_beyond_its_range_is_cut_with_a_warning():
    for given, used in ((-1, 0), (100, 1)):
        with pytest.warns(UserWarning, match=rf"culprit.*{given}.*\[0, 1\]"):
            assert make("Dropout", given).rate == used
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make("Dropout", 0.3).rate == 0.3


def test_noise_shape_of_another_rank():
    with pytest.raises(ValueError, match=r"culprit.*noise_shape \(None, 1\).*\(None, 3, 4\)"):
        call(make("Dropout", 0.5, noise_shape=(None, 1)), (3, 4))


def test_embedding_length():
    with pytest.raises(ValueError, match=r'culprit.*"input_length" is 3.*\(None, 4\)'):
        make("Embedding", 10, 4, input_length=3)(Input((4,)))


def test_keras1_modes_that_are_gone():
    with pytest.raises(TypeError, match="`mode`.*mode=1"):
        make("BatchNormalization", mode=1)
    with pytest.raises(TypeError, match=r"SpatialDropout1D\(0.2\)"):
        make("Embedding", 10, 4, dropout=0.2)


@pytest.mark.parametrize("shape", [(2, 2, 2), (2,)])
def test_identity_is_a_matrix(shape):
    with pytest.raises(ValueError, match="2D"):
        initializers.Identity()(shape)


def test_identity_of_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"multiple of short side.*\(2, 3\)"):
        initializers.Identity()((2, 3))


def test_orthogonal_vector():
    with pytest.raises(ValueError, match=r"rank 2.*\(3,\)"):
        initializers.Orthogonal()((3,))


def test_softmax_of_a_vector():
    with pytest.raises(ValueError, match=r"1D.*\(3,\)"):
        layers.Activation("softmax").activation(K.constant([1.0, 2.0, 3.0]))
