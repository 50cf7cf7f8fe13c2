"""ConvLSTM2D against LSTM and in both data formats."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import LSTM, ConvLSTM2D, ConvLSTM2DCell, ConvRNN2D, Input
from tests.layers.arrays import float64, random, run


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_on_images_of_one_point_it_is_an_lstm(backwards, masked):
    options = {"return_sequences": True, "go_backwards": backwards}
    with float64():
        x = random(3, 5, 2)
        mask = random(3, 5, seed=1) > 0 if masked else None
        plain = LSTM(4, **options)
        wanted = run(plain, x, mask=mask)
        weights = [weight[None, None] if weight.ndim == 2 else weight for weight in plain.get_weights()]
        layer = ConvLSTM2D(4, 1, weights=weights, **options)
        found = run(layer, x[:, :, None, None], mask=mask)
    np.testing.assert_allclose(found[:, :, 0, 0], wanted, rtol=1e-10)


def test_data_formats_agree():
    x = random(2, 3, 5, 6, 2).astype("float32")
    options = {"strides": 2, "padding": "same", "return_sequences": True}
    last = ConvLSTM2D(3, (3, 2), **options)
    wanted = run(last, x)
    first = ConvLSTM2D(3, (3, 2), data_format="channels_first", weights=last.get_weights(), **options)
    found = run(first, np.moveaxis(x, -1, 2))
    np.testing.assert_allclose(np.moveaxis(found, 2, -1), wanted, rtol=1e-5, atol=1e-6)
    assert first.compute_output_shape((None, None, 2, 5, 6)) == (None, None, 3, 3, 3)


def test_stateful_and_its_errors():
    layer = ConvLSTM2D(2, 3, padding="same", stateful=True)
    i = Input(batch_shape=(2, 3, 4, 5, 1))
    step = K.function([i], [layer(i)], updates=layer.get_updates_for(i))
    x = random(2, 6, 4, 5, 1).astype("float32")
    step([x[:, :3]])
    (halves,) = step([x[:, 3:]])
    plain = ConvLSTM2D(2, 3, padding="same", weights=layer.get_weights())
    np.testing.assert_allclose(halves, run(plain, x), rtol=1e-4, atol=1e-6)
    layer.reset_states([np.ones((2, 4, 5, 2)), np.ones((2, 4, 5, 2))])
    with pytest.raises(ValueError, match=r"\(2, 4, 5, 2\).*\(2, 4, 5, 3\)"):
        layer.reset_states([np.ones((2, 4, 5, 3)), np.ones((2, 4, 5, 2))])
    with pytest.raises(ValueError, match="batch size and the size of the images"):
        ConvLSTM2D(2, 3, stateful=True)(Input(batch_shape=(2, 3, None, 5, 1)))


def test_initial_states():
    i, h, c = Input((3, 4, 5, 1)), Input((4, 5, 2)), Input((4, 5, 2))
    layer = ConvLSTM2D(2, 3, padding="same", return_state=True)
    outputs = layer(i, initial_state=[h, c])
    x, states = random(2, 6, 4, 5, 1), [np.zeros((2, 4, 5, 2))] * 2
    step = K.function([i, h, c], outputs)
    _, *states = step([x[:, :3], *states])
    found = step([x[:, 3:], *states])[0]
    plain = ConvLSTM2D(2, 3, padding="same", weights=layer.get_weights())
    np.testing.assert_allclose(found, run(plain, x.astype("float32")), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="culprit.*channels"):
        ConvLSTM2D(2, 3, name="culprit")(i, initial_state=[Input((2, 3, 7)), Input((2, 3, 7))])


def test_dropout_is_the_same_at_every_step():
    layer = ConvLSTM2D(2, 3, padding="same", dropout=0.5, recurrent_dropout=0.5)
    i = Input((3, 4, 5, 1))
    y = layer(i)
    assert y._uses_learning_phase
    masks = layer.cell._dropout_mask
    x = random(2, 3, 4, 5, 1)
    found = K.function([i, K.learning_phase()], [*masks, *layer.cell._recurrent_dropout_mask])([x, 1])
    assert [mask.shape for mask in found] == [(2, 4, 5, 1)] * 4 + [(2, 4, 5, 2)] * 4
    function = K.function([i, K.learning_phase()], [y])
    assert (function([x, 1])[0] != function([x, 1])[0]).any()
    plain = ConvLSTM2D(2, 3, padding="same", weights=layer.get_weights())
    np.testing.assert_allclose(function([x, 0])[0], run(plain, x.astype("float32")), rtol=1e-5, atol=1e-6)


def test_around_a_cell():
    x = random(2, 3, 4, 5, 1).astype("float32")
    layer = ConvLSTM2D(2, 3)
    wanted = run(layer, x)
    found = run(ConvRNN2D(ConvLSTM2DCell(2, 3), weights=layer.get_weights()), x)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    unrolled = ConvRNN2D(ConvLSTM2DCell(2, 3), weights=layer.get_weights(), unroll=True)
    np.testing.assert_allclose(run(unrolled, x), wanted, rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match="stacked"):
        ConvRNN2D([ConvLSTM2DCell(2, 3), ConvLSTM2DCell(2, 3)])
