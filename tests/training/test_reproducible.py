"""One seed gives the same run, to the bit on one backend, within 1e-5 per step on another; which epochs validate."""

import warnings

import numpy as np
import pytest

import polykeras
from polykeras import backend as K
from polykeras import callbacks
from polykeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, GaussianNoise, MaxPooling2D
from polykeras.models import Sequential
from polykeras.utils import Sequence, set_random_seed


def dense():
    return Sequential(
        [
            Dense(8, activation="relu", input_shape=(6,)),
            BatchNormalization(),
            Dropout(0.3),
            GaussianNoise(0.05),
            Dense(4, activation="softmax"),
        ]
    )


def convolutional():
    return Sequential(
        [
            Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
            MaxPooling2D(),
            Dropout(0.25),
            Flatten(),
            Dense(4, activation="softmax"),
        ]
    )


def train(build, seed, backend, steps=12):
    """The weights after each step of a training from a seed, and its history."""
    K.clear_session()
    with polykeras.backend_scope(backend):
        set_random_seed(seed)
        model = build()
        model.compile("sgd", "categorical_crossentropy", metrics=["acc"])
        x = np.random.rand(48, *K.int_shape(model.input)[1:])
        y = np.eye(4)[np.random.randint(4, size=48)]
        weights = []

        class Watch(callbacks.Callback):
            def on_batch_end(self, batch, logs=None):
                weights.append(self.model.get_weights())

        history = model.fit(x, y, batch_size=8, epochs=steps // 6, validation_split=0, verbose=0, callbacks=[Watch()])
    return weights, history.history


@pytest.mark.parametrize("build", [dense, convolutional])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_one_seed_gives_the_same_run_to_the_bit(build, backend):
    pytest.importorskip("numba" if backend == "numba" else "numpy")
    (first, one), (second, two) = train(build, 5, backend), train(build, 5, backend)
    assert one == two
    for a, b in zip(first, second, strict=True):
        for x, y in zip(a, b, strict=True):
            assert x.tobytes() == y.tobytes()
    _, other = train(build, 6, backend)
    assert other["loss"] != one["loss"]


@pytest.mark.parametrize("build", [dense, convolutional])
def test_one_seed_gives_the_same_steps_on_another_backend(build):
    pytest.importorskip("numba")
    (first, one), (second, two) = train(build, 5, "numpy"), train(build, 5, "numba")
    for step, (a, b) in enumerate(zip(first, second, strict=True), 1):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=step * 1e-5)
    np.testing.assert_allclose(one["loss"], two["loss"], rtol=1e-4)


class TestValidationFrequency:
    @pytest.fixture
    def model(self):
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile("sgd", "mse")
        return model

    DATA = np.random.RandomState(0).rand(20, 3), np.ones(20)

    @pytest.mark.parametrize(
        ("frequency", "validated"),
        [(1, [0, 1, 2, 3, 4, 5]), (2, [1, 3, 5]), (4, [3]), (9, []), ([1, 6], [0, 5]), ((2,), [1]), ({3, 4}, [2, 3])],
    )
    @pytest.mark.parametrize("how", ["arrays", "sequence"])
    def test_which_epochs(self, model, frequency, validated, how):
        seen = []
        watch = callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(epoch) if "val_loss" in logs else 0
        )

        class Rows(Sequence):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return TestValidationFrequency.DATA

        arguments = {"validation_data": self.DATA, "epochs": 6, "verbose": 0, "callbacks": [watch]}
        if how == "arrays":
            history = model.fit(*self.DATA, validation_freq=frequency, **arguments)
        else:
            history = model.fit_generator(Rows(), validation_freq=frequency, **arguments)
        assert seen == validated
        assert len(history.history.get("val_loss", [])) == len(validated)
        assert len(history.history["loss"]) == 6

    def test_counts_from_the_first_epoch_not_the_initial_one(self, model):
        history = model.fit(*self.DATA, validation_split=0.5, validation_freq=3, initial_epoch=4, epochs=10, verbose=0)
        assert history.epoch == [4, 5, 6, 7, 8, 9]
        assert len(history.history["val_loss"]) == 2  # epochs 6 and 9, counted from 1

    def test_a_log_has_columns_for_all_values(self, model, tmp_path):
        log = callbacks.CSVLogger(tmp_path / "log.csv")
        model.fit(*self.DATA, validation_split=0.5, validation_freq=2, epochs=3, verbose=0, callbacks=[log])
        rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
        assert rows[0] == ["epoch", "loss", "val_loss"]
        assert [row[2] == "NA" for row in rows[1:]] == [True, False, True]

    @pytest.mark.parametrize("frequency", [0, -1, "2", 1.5, None, True])
    def test_what_is_no_frequency(self, model, frequency):
        with pytest.raises((TypeError, ValueError), match="`validation_freq` should be"):
            model.fit(*self.DATA, validation_split=0.5, validation_freq=frequency, verbose=0)

    def test_an_initial_epoch_past_the_last_trains_nothing(self, model):
        before = model.get_weights()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            history = model.fit(*self.DATA, initial_epoch=3, epochs=3, verbose=0)
        assert history.epoch == []
        assert history.history == {}
        np.testing.assert_array_equal(before[0], model.get_weights()[0])
