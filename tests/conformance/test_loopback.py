"""Core and layers never touch an array: they work on a backend whose arrays cannot be touched."""

import inspect

import numpy as np
import pytest

from polykeras import losses, registry
from polykeras.layers import Dense, Embedding, Flatten
from polykeras.models import Sequential
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


@pytest.mark.filterwarnings("ignore:the op .* runs on the host:UserWarning")
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


def test_loops_and_branches_run_on_it(loopback):
    """Scan, its gradient, cond: with NumPy's values."""
    from polykeras import backend as K

    rng = np.random.RandomState(0)
    x = K.placeholder((2, None, 3))
    w = K.variable(rng.normal(size=(4, 4)))
    u = K.variable(rng.normal(size=(3, 4)))
    flag = K.placeholder((), dtype="bool")

    def step(at, states):
        new = K.tanh(K.dot(at, u) + K.dot(states[0], w))
        return new, [new]

    last, outputs, states = K.rnn(step, x, [K.zeros((2, 4))], mask=K.any(K.not_equal(x, 0), axis=-1))
    loss = K.sum(last) + K.sum(K.square(outputs))
    chosen = K.switch(flag, lambda: K.sum(outputs), lambda: loss)
    results = [last, outputs, states[0], *K.gradients(loss, [w, u]), chosen]
    feeds = rng.normal(size=(2, 5, 3)).astype("float32")
    feeds[1, 3:] = 0
    for value in (True, False):
        expected = K.function([x, flag], results)([feeds, value])
        got = K.function([x, flag], results, backend=loopback)([feeds, value])
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


NEEDED = {
    "num_classes": 4, "target_class_ids": [1, 2], "fn": losses.mean_squared_error, "recall": 0.5, "precision": 0.5,
    "specificity": 0.5, "sensitivity": 0.5,
}  # fmt: skip
"""Values of the arguments that some metrics cannot do without."""


def ready(metric):
    """A registered metric as `compile` takes it: a function, or an object."""
    if not isinstance(metric, type):
        return metric
    parameters = inspect.signature(metric).parameters.values()
    return metric(**{p.name: NEEDED[p.name] for p in parameters if p.default is p.empty and p.name in NEEDED})


def test_every_standard_optimizer_and_metric_runs_on_it():
    rng = np.random.RandomState(0)
    x, y = rng.randint(0, 9, (12, 3)), np.eye(4, dtype="float32")[rng.randint(0, 4, 12)]
    names = [name for name in registry.metrics.names() if "sparse" not in name.lower()]
    with backend_scope("tests.conformance.loopback:LoopBack"):
        for optimizer in sorted({registry.optimizers.get(name).__name__ for name in registry.optimizers.names()}):
            model = Sequential([Embedding(9, 5, input_length=3), Flatten(), Dense(4, activation="softmax")])
            model.compile(optimizer, "categorical_crossentropy", [ready(registry.metrics.get(name)) for name in names])
            before = model.get_weights()
            results = model.train_on_batch(x, y)
            assert len(results) == 1 + len(names)
            assert all(np.isfinite(result).all() for result in results), optimizer
            assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True)), optimizer
