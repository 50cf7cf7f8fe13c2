"""Work in parts, the region in which threads share it, and the pool of threads."""

import os
import threading

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import config

pytest.importorskip("numba", reason="polykeras-numba is not installed")

from polykeras_numba import executable, item, pool
from polykeras_numba.item import Item, Together, divided, ranges
from tests.backends.test_numba_programs import batch, small_model


@pytest.fixture(autouse=True)
def threads_as_before():
    yield
    config.reload()


# -- parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 64, 100, 1000])
@pytest.mark.parametrize("unit", [1, 6, 64])
@pytest.mark.parametrize("work", [0.2, 1.0, 2.0, 3.9, 5.0, 100.0])
def test_ranges_cover_everything_once_in_whole_units(count, unit, work):
    parts = ranges(count, operations=work * item.OPERATIONS, unit=unit)
    assert parts == ranges(count, nbytes=work * item.BYTES, unit=unit)
    assert [i for first, length in parts for i in range(first, first + length)] == list(range(count))
    assert all(length > 0 for _, length in parts)
    assert all(first % unit == 0 for first, _ in parts)
    assert len(parts) in (1, 2, 4, 8)
    assert len(parts) <= max(1, work)


def test_parts_move_addresses_tables_and_memory_of_their_own():
    whole = Item(99, [10, 0, 0, 80, 0], [(1, 0, 16), (2, 3, 0)])
    first, second = divided(whole, 0, [(0, 4), (4, 6)], {1: 8}, {3: 2}, {2: 1024}, start=4)
    assert first.words.tolist() == [4, 0, 0, 80, 0]
    assert first.addresses == [(1, 0, 16), (2, 3, 0)]
    assert second.words.tolist() == [6, 0, 0, 80 + 8 * 2 * 4, 4]
    assert second.addresses == [(1, 0, 16 + 8 * 4), (2, 3, 1024)]


def test_one_part_is_the_item_itself():
    whole = Item(99, [10, 0], [(1, 0, 16)])
    assert divided(whole, 0, [(0, 10)], {1: 8}) is whole


def test_what_runs_alone_is_one_share():
    phases = []
    for first, count in ((0, 1), (1, 1), (2, 4), (6, 1), (7, 2), (9, 1), (10, 1)):
        executable._add_phase(phases, first, count)
    assert phases == [[(0, 2)], [(2, 1), (3, 1), (4, 1), (5, 1)], [(6, 1)], [(7, 1), (8, 1)], [(9, 2)]]


# -- programs ----------------------------------------------------------------------------------------------------------


def _wide(backend, seed=0):
    """A function whose steps are large enough for parts, arrays for it, and the matrix w of its product."""
    r = np.random.default_rng(seed)
    x = K.placeholder((None, 400))
    w = r.normal(size=(400, 640)).astype("float32")
    h = K.relu(K.dot(x, K.variable(w)))
    outputs = [h, K.sum(h, axis=0), K.sum(h, axis=1), K.exp(-h) * 2]
    return K.function([x], outputs, backend=backend), [r.normal(size=(640, 400)).astype("float32")], w


def _with_threads(count, function, arrays):
    config.set_num_threads(count)
    return [a.copy() for a in function(arrays)]


def test_a_large_program_has_parts_and_a_small_one_has_none(numba_backend, monkeypatch):
    found = []
    inner = executable._Run.__init__

    def watched(run, words, given, wide, kept):
        found.append(wide)
        inner(run, words, given, wide, kept)

    monkeypatch.setattr(executable._Run, "__init__", watched)
    function, arrays, _ = _wide(numba_backend)
    function(arrays)
    assert found == [True]
    function([arrays[0][:2]])
    assert found == [True, False]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_threads_do_not_change_a_bit(count, numba_backend):
    function, arrays, _ = _wide(numba_backend)
    alone = _with_threads(1, function, arrays)
    for _ in range(30):
        for a, b in zip(alone, _with_threads(count, function, arrays), strict=True):
            np.testing.assert_array_equal(a, b)


def test_results_are_those_of_numpy_in_float64(numba_backend):
    function, arrays, w = _wide(numba_backend)
    found = _with_threads(3, function, arrays)
    h = np.maximum(arrays[0].astype("float64") @ w, 0)
    for a, b in zip(found, [h, h.sum(0), h.sum(1), np.exp(-h) * 2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3)


def test_training_with_threads_is_training_without(numba_backend):
    results = []
    for count in (1, 3):
        config.set_num_threads(count)
        inputs, loss, updates, weights = small_model(sizes=(16, 900, 10))
        train = K.function(inputs, [loss], updates=updates, backend=numba_backend)
        losses = [train(batch(256, seed))[0] for seed in range(5)]
        results.append([np.array(losses), *[K.get_value(w) for w in weights]])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


# -- the pool ----------------------------------------------------------------------------------------------------------


def test_helpers_are_hired_and_let_go_as_the_user_says(numba_backend):
    function, arrays, _ = _wide(numba_backend)
    _with_threads(4, function, arrays)
    assert len(pool.POOL.helpers) == 3
    kept, *others = [helper.thread for helper in pool.POOL.helpers]
    _with_threads(2, function, arrays)
    assert [helper.thread for helper in pool.POOL.helpers] == [kept]
    for thread in others:
        thread.join(timeout=10)
    assert kept.is_alive()
    assert not any(thread.is_alive() for thread in others)


def test_one_thread_works_without_helpers(numba_backend, monkeypatch):
    monkeypatch.setattr(executable, "POOL", pool.Pool())
    function, arrays, w = _wide(numba_backend)
    found = _with_threads(1, function, arrays)
    np.testing.assert_allclose(found[0], np.maximum(arrays[0].astype("float64") @ w, 0), rtol=1e-4, atol=1e-3)
    assert executable.POOL.helpers == []


def test_callers_at_once_get_the_bits_of_one(numba_backend):
    function, arrays, _ = _wide(numba_backend)
    alone = _with_threads(1, function, arrays)
    config.set_num_threads(3)
    equal = []

    def call():
        for _ in range(40):
            equal.append(all(map(np.array_equal, alone, function(arrays))))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=120)
    assert not any(caller.is_alive() for caller in callers)
    assert equal == [True] * 160


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(numba_backend):
    function, arrays, _ = _wide(numba_backend)
    expected = _with_threads(3, function, arrays)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            same = all(np.array_equal(a, b) for a, b in zip(expected, function(arrays), strict=True))
            os.write(writing, b"same" if same and len(pool.POOL.helpers) == 2 else b"other")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        assert answer.read() == b"same"
    assert os.waitpid(child, 0)[1] == 0


def test_parts_do_not_depend_on_the_number_of_threads():
    """What decides them is in this module alone, and it knows nothing of threads."""
    assert not {"config", "threading", "os"} & set(vars(item))
    assert issubclass(Together, tuple)
