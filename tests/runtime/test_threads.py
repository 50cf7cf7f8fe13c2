"""Many threads call one model; memory stays where it is."""

from __future__ import annotations

import gc
import itertools
import threading

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.sequential import Sequential
from polykeras.layers import Dense, Dropout

CALLS = 40


def resident() -> float:
    """Resident memory in MB; None where the system does not tell."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * 4096 / 1e6
    except OSError:
        pytest.skip("the system does not tell how much memory a process has")


def in_threads(work, count=8):
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:  # noqa: BLE001  raised again below, in the main thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("widths, batch", [((16, 32, 10), 32), ((784, 512, 512, 10), 128)])
def test_eight_threads_predict_the_single_threads_bits(widths, batch):
    model = Sequential([Dense(n, activation="relu", input_shape=(m,)) for m, n in itertools.pairwise(widths)])
    batches = [np.random.RandomState(i).rand(batch, widths[0]).astype("float32") for i in range(8)]
    expected = [model.predict(x, batch_size=batch) for x in batches]

    def work(i):
        for _ in range(CALLS):
            assert np.array_equal(model.predict(batches[i], batch_size=batch), expected[i])

    in_threads(work)


def test_results_are_not_overwritten_by_later_calls():
    model = Sequential([Dense(8, input_shape=(4,))])
    first = model.predict(np.ones((2, 4)))
    kept = first.copy()
    model.predict(np.zeros((2, 4)))
    assert np.array_equal(first, kept)


def test_random_counters_advance_once_for_every_call_of_every_thread():
    x = K.placeholder((None, 100))
    f = K.function([x], [K.dropout(x, 0.5, seed=3)])
    drawn = [[] for _ in range(4)]

    def work(i):
        for _ in range(25):
            drawn[i].append(f([np.ones((1, 100))])[0].tobytes())

    in_threads(work, 4)
    everything = [d for ds in drawn for d in ds]
    assert len(set(everything)) == 100  # no two calls share a draw
    x = K.placeholder((None, 100))
    g = K.function([x], [K.dropout(x, 0.5, seed=3)])
    assert {g([np.ones((1, 100))])[0].tobytes() for _ in range(100)} == set(everything)


def test_first_calls_from_many_threads_at_once():
    model = Sequential([Dense(16, activation="tanh", input_shape=(8,)), Dropout(0.5), Dense(2)])
    x = np.random.RandomState(0).rand(5, 8).astype("float32")
    results = [None] * 8

    def work(i):
        results[i] = model.predict(x)

    in_threads(work)
    assert all(np.array_equal(r, results[0]) for r in results)


def test_memory_is_flat_over_many_predicts():
    model = Sequential([Dense(32, activation="relu", input_shape=(16,)), Dense(10)])
    x = np.random.rand(32, 16).astype("float32")
    for _ in range(200):
        model.predict(x)
    gc.collect()
    before = resident()
    for _ in range(10_000):
        model.predict(x)
    assert resident() - before <= 5


def test_models_that_are_dropped_go_away():
    def make():
        model = Sequential([Dense(64, activation="relu", input_shape=(32,)), Dense(10)])
        model.compile("adam", "mse")
        model.train_on_batch(np.zeros((4, 32)), np.zeros((4, 10)))

    for _ in range(20):
        make()
    gc.collect()
    before = resident()
    for _ in range(300):
        make()
    gc.collect()
    assert resident() - before <= 40
