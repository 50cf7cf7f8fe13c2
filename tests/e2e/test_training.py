"""Small models train to a known accuracy, from raw arrays to the test set, on the backend in use."""

import numpy as np
import pytest

from polykeras.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from polykeras.models import Model, Sequential


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(7)


def rings(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two concentric rings, and which ring each is on; no straight line parts them."""
    outer = np.random.rand(count) < 0.5
    angle = np.random.uniform(0, 2 * np.pi, count)
    radius = np.where(outer, 2.0, 1.0) + 0.15 * np.random.randn(count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), outer.astype("float32")


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8×8 images with one bar, one-hot: horizontal or vertical. Where the bar lies tells nothing."""
    images = 0.2 * np.random.randn(count, 8, 8, 1)
    vertical = np.random.randint(2, size=count)
    for image, place, kind in zip(images, np.random.randint(8, size=count), vertical, strict=True):
        (image[:, place] if kind else image[place])[:] += 1.0
    return images.astype("float32"), np.eye(2, dtype="float32")[vertical]


def test_dense_net_parts_two_rings():
    x, y = rings(600)
    model = Sequential(
        [Dense(32, activation="relu", input_shape=(2,)), Dense(16, activation="relu"), Dense(1, activation="sigmoid")]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=40, validation_split=0.2, verbose=0)
    _, accuracy = model.evaluate(*rings(400), verbose=0)
    assert accuracy > 0.97
    losses = history.history["loss"]
    assert losses[-1] < 0.2 * losses[0]


def test_convolutional_net_tells_bars_apart():
    x, y = bars(400)
    inputs = Input(shape=(8, 8, 1))
    features = Conv2D(8, (3, 3), use_bias=False)(inputs)
    features = Activation("relu")(BatchNormalization(momentum=0.9)(features))
    features = Dropout(0.25)(Flatten()(MaxPooling2D((6, 6))(features)))
    model = Model(inputs, Dense(2, activation="softmax")(features))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=20, epochs=12, verbose=0)
    x_test, y_test = bars(300)
    assert model.evaluate(x_test, y_test, verbose=0)[1] > 0.95
    assert (model.predict(x_test).argmax(axis=1) == y_test.argmax(axis=1)).mean() > 0.95


def test_the_same_seed_trains_the_same_model():
    def train() -> list[np.ndarray]:
        np.random.seed(3)
        x, y = rings(64)
        model = Sequential([Dense(8, activation="tanh", input_shape=(2,)), Dropout(0.3), Dense(1)])
        model.compile(optimizer="sgd", loss="mse")
        model.fit(x, y, epochs=3, verbose=0)
        return model.get_weights()

    for first, second in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(first, second)
