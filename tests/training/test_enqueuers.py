"""Keras's enqueuers, and the helpers of its worker pools."""

import itertools
import random
import threading
from multiprocessing import active_children, get_context

import numpy as np
import pytest

from polykeras.utils import GeneratorEnqueuer, OrderedEnqueuer
from polykeras.utils.data_utils import SequenceEnqueuer, get_index, init_pool, init_pool_generator, next_sample
from tests.training.streamed import Count, Draws, Dying, Passes


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")] == []
    assert active_children() == []


def taken(enqueuer, count, **start):
    enqueuer.start(**start)
    try:
        return list(itertools.islice(enqueuer.get(), count))
    finally:
        enqueuer.stop()


@pytest.mark.parametrize("processes", [False, True])
def test_ordered(processes):
    got = taken(OrderedEnqueuer(Passes(4), use_multiprocessing=processes), 9, workers=2, max_queue_size=3)
    assert [batch[:2] for batch in got] == [(0, i) for i in range(4)] + [(1, i) for i in range(4)] + [(2, 0)]


def test_shuffled():
    np.random.seed(0)
    got = [index for _, index, _ in taken(OrderedEnqueuer(Passes(20), shuffle=True), 20, workers=2)]
    assert sorted(got) == list(range(20)) != got


def test_it_runs_from_start_to_stop():
    enqueuer = OrderedEnqueuer(Passes(3))
    assert not enqueuer.is_running()
    enqueuer.start()
    batches = enqueuer.get()
    next(batches)
    assert enqueuer.is_running()
    with pytest.raises(RuntimeError, match="OrderedEnqueuer runs already"):
        enqueuer.start()
    enqueuer.stop(timeout=1)
    assert not enqueuer.is_running() and list(batches) == []
    enqueuer.stop()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_generator_ends_where_it_ends(workers):
    assert taken(GeneratorEnqueuer(iter(range(3))), 9, workers=workers) == [0, 1, 2]


def test_an_error_stops_it():
    enqueuer = GeneratorEnqueuer(Count("raise"))
    enqueuer.start()
    with pytest.raises(KeyError):
        list(enqueuer.get())
    assert not enqueuer.is_running()


def test_a_seed_for_the_process():
    first, second = (taken(GeneratorEnqueuer(Draws(), use_multiprocessing=True, random_seed=5), 3) for _ in range(2))
    assert first == second and len(set(first)) == 3


def test_wait_time_is_not_used():
    with pytest.warns(DeprecationWarning, match="wait_time"):
        GeneratorEnqueuer(Count(), wait_time=0.1)


def test_the_base_class_gives_nothing():
    with pytest.raises(NotImplementedError, match="get"):
        SequenceEnqueuer(Dying("raise")).get()


def test_pools_of_ones_own():
    with get_context("spawn").Pool(1, initializer=init_pool, initargs=({0: Passes(3), 1: Count()},)) as pool:
        assert pool.apply(get_index, (0, 2))[1] == 2
        assert [pool.apply(next_sample, (1,)) for _ in range(2)] == [0, 1]
        pool.close()
        pool.join()


def test_seeds_of_a_pool():
    states = random.getstate(), np.random.get_state()
    drawn = []
    for _ in range(2):
        init_pool_generator({0: iter("ab")}, random_seed=3)
        drawn.append((random.random(), np.random.rand(), next_sample(0)))
    random.setstate(states[0])
    np.random.set_state(states[1])
    assert drawn[0] == drawn[1] and drawn[0][2] == "a"
