"""Streams of batches from generators and Sequences, made ahead in threads."""

import itertools
import threading
import time

import numpy as np
import pytest

from polykeras.utils.data_utils import Ahead, Sequence
from polykeras.utils.data_utils import stream as stream_of


class Numbers(Sequence):
    def __init__(self, count, delay=None):
        self.count = count
        self.delay = delay or (lambda index: 0)
        self.passes = 0
        self.threads = set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.threads.add(threading.get_ident())
        time.sleep(self.delay(index))
        return (self.passes, index)

    def on_epoch_end(self):
        self.passes += 1


def stream(source, shuffle=False, **ahead):
    return stream_of(source, shuffle=shuffle, ahead=Ahead(**ahead))


def take(source, count):
    return list(itertools.islice(source, count))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_sequence_keeps_its_order_pass_after_pass(workers):
    numbers = Numbers(5, delay=lambda index: 0.004 * (5 - index))
    source = stream(numbers, shuffle=False, workers=workers)
    got = take(source, 12)
    source.close()
    assert [index for _, index in got] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert [number for number, _ in got] == [0] * 5 + [1] * 5 + [2] * 2  # `on_epoch_end` comes between the passes
    if workers == 3:
        assert len(numbers.threads) > 1
    if workers == 0:
        assert numbers.threads == {threading.get_ident()}


def test_shuffled_sequence_gives_each_batch_once_per_pass():
    np.random.seed(1)
    source = stream(Numbers(20), shuffle=True, workers=2)
    first, second = take(source, 20), take(source, 20)
    source.close()
    orders = [[index for _, index in part] for part in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]
    assert orders[0] != list(range(20))


def test_sequence_can_be_set_back_to_its_start():
    source = stream(Numbers(5), shuffle=False, workers=2)
    take(source, 3)
    source.rewind()
    assert [index for _, index in take(source, 2)] == [0, 1]
    source.close()


def test_empty_sequence():
    with pytest.raises(ValueError, match="Numbers has no batches"):
        stream(Numbers(0), shuffle=False)


def test_a_sequence_is_iterable():
    assert [index for _, index in Numbers(3)] == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_generator_keeps_its_order(workers):
    source = stream(itertools.count(), shuffle=False, workers=workers, max_queue_size=3)
    assert take(source, 20) == list(range(20))
    source.close()


def test_generator_is_not_run_far_ahead():
    made = []

    def numbers():
        for number in itertools.count():
            made.append(number)
            yield number

    source = stream(numbers(), shuffle=False, workers=1, max_queue_size=4)
    take(source, 2)
    time.sleep(0.1)
    source.close()
    assert len(made) <= 2 + 4 + 2


@pytest.mark.parametrize("workers", [0, 1])
def test_ended_generator_says_after_how_many(workers):
    source = stream(iter(range(3)), shuffle=False, workers=workers)
    assert take(source, 3) == [0, 1, 2]
    with pytest.raises(ValueError, match="ended after 3 batches"):
        next(source)
    with pytest.raises(ValueError, match="ended after"):
        next(source)
    source.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_the_maker_reach_the_caller(workers):
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("row 7")

    def broken():
        yield 1
        raise KeyError("row 7")

    for source in (stream(Broken(3), shuffle=False, workers=workers), stream(broken(), shuffle=False, workers=workers)):
        with pytest.raises(KeyError, match="row 7"):
            take(source, 2)
        source.close()


def test_closing_ends_the_threads():
    before = threading.active_count()
    for _ in range(5):
        sources = [stream(Numbers(3), shuffle=False, workers=2), stream(itertools.count(), shuffle=False, workers=1)]
        for source in sources:
            next(source)
            source.close()
    assert threading.active_count() == before


def test_processes_are_not_used():
    with pytest.warns(UserWarning, match="in threads"):
        stream(Numbers(1), shuffle=False, use_multiprocessing=True).close()
