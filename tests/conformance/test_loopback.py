"""Core and layers never touch an array: they work on a backend whose arrays cannot be touched."""

import numpy as np
import pytest

from polykeras.runtime.select import backend_scope
from polykeras.testing import checks
from tests.conformance.loopback import Box, LoopBack

OPS = checks.all_ops()


@pytest.fixture(scope="module")
def loopback():
    return LoopBack()


def test_the_arrays_are_opaque():
    array = LoopBack().asarray([1.0, 2.0], "float32")
    for touch in (np.asarray, len, list, bool, float, lambda x: x + 1, lambda x: x[0]):
        with pytest.raises(TypeError):
            touch(array)


def test_it_has_the_methods_of_a_backend(loopback):
    checks.check_methods(loopback)


# a loop's steps are taken out of its sequences by indexing, which every array module has
LOOPS = {"ctc_loss"}


@pytest.mark.parametrize("declared", [op for op in OPS if op.name not in LOOPS], ids=lambda declared: declared.name)
def test_every_op_runs_on_it(declared, loopback):
    checks.check_signature(declared, loopback)
    for case in checks.samples(declared):
        checks.check_forward(case, loopback, "float64")


def test_a_model_trains_on_it():
    from polykeras import backend as K
    from polykeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
    from polykeras.models import Sequential

    rng = np.random.RandomState(0)
    x, y = rng.normal(size=(32, 8, 8, 1)).astype("float32"), rng.randint(0, 3, (32, 1))
    with backend_scope("tests.conformance.loopback:LoopBack"):
        np.random.seed(1)
        model = Sequential(
            [
                Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
                MaxPooling2D(),
                BatchNormalization(),
                Flatten(),
                Dropout(0.1),
                Dense(3, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        losses = model.fit(x, y, batch_size=8, epochs=10, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 1.2
        assert isinstance(model.layers[0].weights[0].storage.array, Box)
        assert model.predict(x).shape == (32, 3)
        assert isinstance(K.get_value(model.layers[0].weights[0]), np.ndarray)
