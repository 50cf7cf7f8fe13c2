"""Noise: its share, its shape, its seed, its gradient."""

import numpy as np

from polykeras import backend as K
from polykeras.layers import AlphaDropout, Dropout, GaussianDropout, GaussianNoise, Input
from tests.layers.arrays import random, run


def test_the_gradient_goes_through_the_same_mask():
    x = Input((50,))
    y = Dropout(0.4)(x)
    value, slope = K.function([x, K.learning_phase()], [y, K.gradients(K.sum(y), x)[0]])([np.ones((20, 50)), 1])
    np.testing.assert_allclose(slope, value, rtol=1e-6)
    assert 0.3 < (value == 0).mean() < 0.5


def test_a_seed_fixes_the_sequence_and_calls_differ():
    x = np.ones((4, 50), "float32")
    sequences = []
    for _ in range(2):
        inputs = Input((50,))
        call = K.function([inputs, K.learning_phase()], [Dropout(0.5, seed=7)(inputs)])
        sequences.append([call([x, 1])[0] for _ in range(2)])
    np.testing.assert_array_equal(sequences[0], sequences[1])
    assert (sequences[0][0] != sequences[0][1]).any()


def test_noise_shape_with_sizes_from_the_data():
    layer = Dropout(0.5, noise_shape=(None, 1, None))
    inputs = Input((None, 8))
    call = K.function([inputs, K.learning_phase()], [layer(inputs)])
    for steps in (3, 5):
        noise = call([np.ones((6, steps, 8), "float32"), 1])[0]
        assert noise.shape == (6, steps, 8)
        assert (noise == noise[:, :1]).all()
        assert set(np.unique(noise)) == {0, 2}


def test_nothing_happens_at_the_ends_of_the_range_or_in_inference():
    x = random(3, 4).astype("float32")
    for layer in (Dropout(0.0), Dropout(1.0), GaussianDropout(0.0), AlphaDropout(0.0)):
        np.testing.assert_array_equal(run(layer, x, training=1), x)
    for layer in (Dropout(0.5), GaussianDropout(0.5), AlphaDropout(0.5), GaussianNoise(0.5)):
        np.testing.assert_array_equal(run(layer, x), x)


def test_training_can_be_asked_for_whatever_the_phase():
    x = Input((100,))
    forced, never = Dropout(0.5)(x, training=True), Dropout(0.5)(x, training=False)
    call = K.function([x, K.learning_phase()], [forced, never])
    value = np.ones((2, 100), "float32")
    assert (call([value, 0])[0] == 0).any()
    np.testing.assert_array_equal(call([value, 1])[1], value)


def test_alpha_dropout_shares_its_mask_along_axes_of_noise_shape():
    noise = run(AlphaDropout(0.5, noise_shape=(6, 1, 8)), np.ones((6, 5, 8), "float32"), training=1)
    assert (noise == noise[:, :1]).all()
    assert len(np.unique(noise)) == 2
