"""The backend's kernels, in a process without a GPU: its own code on a stand-in for CuPy, and CuPy's real names."""

import sys

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.testing import checks
from polykeras_cupy import CupyBackend
from tests.cupy import namespace, standin

OPS = checks.all_ops()


@pytest.fixture(scope="module")
def backend():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", standin.Module())
        return CupyBackend()


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
@pytest.mark.filterwarnings("ignore:the op .* runs on the host:UserWarning")
def test_every_op_computes_the_referees_values(op, backend):
    checks.check_signature(op, backend)
    for sample in checks.samples(op):
        for dtype in ("float32", "float64"):
            checks.check_forward(sample, backend, dtype)
        checks.check_pure(sample, backend)
        checks.check_dtypes(sample, backend)


def test_public_methods_are_ops(backend):
    checks.check_methods(backend)


def test_limits_name_ops_and_are_met(backend):
    for limit in backend.limits:
        method = getattr(backend, limit.op)
        g, indices = (backend.asarray(value, "int64") for value in ([[1, 2]], [[0, 0]]))
        with pytest.raises(TypeError, match=limit.dtype):
            method(g, indices, (1, 2), axis=1)


def test_results_are_arrays_of_the_host_and_memory_is_the_devices(backend):
    x = K.placeholder((None, 3))
    w = K.variable(np.ones((3, 2)))
    [y] = K.function([x], [K.dot(x, w)], backend=backend)([np.ones((4, 3))])
    assert type(y) is np.ndarray
    assert isinstance(w.storage.array, standin.DeviceArray)
    assert isinstance(backend.arenas.all[0].block, standin.DeviceArray)
    np.testing.assert_array_equal(K.get_value(w), np.ones((3, 2)))


def test_a_model_trains_as_it_does_on_numpy(backend, monkeypatch):
    from polykeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
    from polykeras.models import Sequential
    from polykeras.runtime import select

    monkeypatch.setitem(select._instances, "cupy", backend)
    rng = np.random.RandomState(0)
    x, y = rng.normal(size=(32, 8, 8, 1)).astype("float32"), rng.randint(0, 3, (32, 1))
    histories = {}
    for name in ("numpy", "cupy"):
        with select.backend_scope(name):
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
            histories[name] = model.fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(histories["cupy"], histories["numpy"], rtol=1e-4)


def test_loops_and_branches_run(backend):
    x, w = K.placeholder((2, 4, 3)), K.variable(np.eye(3))
    flag = K.placeholder((), dtype="bool")

    def step(at, states):
        new = K.tanh(at + K.dot(states[0], w))
        return new, [new]

    last, outputs, _ = K.rnn(step, x, [K.zeros((2, 3))])
    chosen = K.switch(flag, lambda: K.sum(outputs), lambda: K.sum(last))
    results = [last, outputs, *K.gradients(chosen, [w])]
    feeds = np.random.RandomState(0).normal(size=(2, 4, 3))
    for value in (True, False):
        expected = K.function([x, flag], results, backend="numpy")([feeds, value])
        for a, b in zip(K.function([x, flag], results, backend=backend)([feeds, value]), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


# -- the stand-in ------------------------------------------------------------------------------------------------------


def test_the_stand_in_is_as_strict_as_cupy():
    xp, host = standin.Module(), np.ones(3, "float32")
    device = xp.asarray(host)
    for touch in (np.asarray, np.sum, lambda x: x + host, lambda x: xp.add(x, host), lambda x: xp.exp(host)):
        with pytest.raises(TypeError):
            touch(device)
    with pytest.raises(TypeError, match="where"):
        xp.exp(device, where=device > 0)
    with pytest.raises(AttributeError):
        _ = xp.errstate
    with pytest.raises(AttributeError):
        _ = device.ctypes
    assert device.sum().shape == device[0].shape == ()
    assert isinstance(device.sum(), standin.DeviceArray)


def test_cupy_has_the_names_of_the_stand_in():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed; tox runs this with its wheel")
    missing = {name for name in namespace.MODULE if not hasattr(cupy, name)}
    missing |= {name for name in namespace.ARRAY if not hasattr(cupy.ndarray, name)}
    assert not missing
    assert hasattr(cupy.add, "at")
    assert hasattr(cupy.lib.stride_tricks, "as_strided")
