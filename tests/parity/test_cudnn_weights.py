"""Weights of CuDNN layers and of the plain ones, loaded into each other, against those that real Keras converted."""

import numpy as np
import pytest

from polykeras import layers
from polykeras.layers import Input
from polykeras.models import Sequential
from polykeras.saving.conversion import preprocess_weights_for_loading
from tests.parity.golden import Golden, paths


def recorded():
    return [path for path in paths("layer") if "cudnn" in path.id]


@pytest.mark.parametrize("path", recorded())
def test_both_ways(path):
    golden = Golden(path)
    config = golden.config
    cudnn = layers.deserialize({"class_name": config["class_name"], "config": config["config"]})
    plain = layers.deserialize(config["equivalent"])
    i = Input(batch_shape=(None, *config["batch_shapes"][0][1:]))
    cudnn(i), plain(i)
    packed, unpacked = golden.numbered("w"), golden.numbered("equiv_w")
    for got, wanted in zip(preprocess_weights_for_loading(plain, packed, "2.2.4"), unpacked, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    back = preprocess_weights_for_loading(cudnn, unpacked, "2.2.4")
    for got, wanted in zip(back[:2], packed[:2], strict=True):
        np.testing.assert_array_equal(got, wanted)
    again = preprocess_weights_for_loading(plain, back, "2.2.4")
    for got, wanted in zip(again, unpacked, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    assert back[2].shape == packed[2].shape


EQUAL = {
    "LSTM": {"recurrent_activation": "sigmoid"},
    "GRU": {"recurrent_activation": "sigmoid", "reset_after": True},
}


@pytest.mark.parametrize("names", [("CuDNNLSTM", "LSTM"), ("CuDNNGRU", "GRU")])
@pytest.mark.parametrize("turn", [1, -1])
def test_files(names, turn, tmp_path):
    names = names[::turn]
    source, target = (Sequential([getattr(layers, n)(3, input_shape=(4, 2), **EQUAL.get(n, {}))]) for n in names)
    source.set_weights([w + 0.1 * n for n, w in enumerate(source.get_weights())])
    source.save_weights(tmp_path / "weights.h5")
    target.load_weights(tmp_path / "weights.h5")
    x = np.random.RandomState(0).normal(size=(2, 4, 2))
    np.testing.assert_allclose(target.predict(x), source.predict(x), rtol=1e-5, atol=1e-6)


def test_a_gru_that_resets_before_is_refused(tmp_path):
    Sequential([layers.GRU(3, input_shape=(4, 2))]).save_weights(tmp_path / "weights.h5")
    with pytest.raises(ValueError, match="reset_after=False"):
        Sequential([layers.CuDNNGRU(3, input_shape=(4, 2))]).load_weights(tmp_path / "weights.h5")
