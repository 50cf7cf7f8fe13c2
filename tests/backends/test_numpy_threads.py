"""BLAS threads: chosen by the program alone, set only while programs run, and never changed under one that runs."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from polykeras import backend as K
from polykeras_numpy import threads


@pytest.fixture
def settings(monkeypatch):
    """A BLAS of four threads that notes what is set."""
    noted = []
    library = threads._Library(noted.append, 4)
    monkeypatch.setattr(threads, "_library", lambda: library)
    monkeypatch.setattr(threads, "_gate", threads._Gate())
    return noted


def wanted(rows, inner, columns, scan=False):
    x, w = K.placeholder((rows, inner)), K.variable(np.zeros((inner, columns)))
    y = K.map_fn(lambda e: K.dot(e, w), K.reshape(x, (1, rows, inner))) if scan else K.dot(x, w)
    return threads.wanted(K.function([x], [y]).program([np.zeros((rows, inner))]))


def test_large_products_want_all_threads_and_small_ones_one(settings):
    assert wanted(32, 16, 32) == 1
    assert wanted(128, 784, 512) == 4


def test_products_in_a_loop_count(settings):
    assert wanted(128, 784, 512, scan=True) == 4
    assert wanted(4, 4, 4, scan=True) == 1


def test_the_setting_holds_while_a_program_runs_and_not_longer(settings):
    with threads.Running(1):
        assert settings == [1]
        with threads.Running(4):  # a call within a call keeps the number
            assert settings == [1]
    assert settings == [1, 4]


def test_it_is_never_changed_under_a_program(settings):
    running, errors, lock = {1: 0, 4: 0}, [], threading.Lock()

    def work(count):
        for _ in range(300):
            with threads.Running(count):
                with lock:
                    running[count] += 1
                    if running[5 - count] or settings[-1] != count:
                        errors.append((dict(running), settings[-1]))
                with lock:
                    running[count] -= 1

    everyone = [threading.Thread(target=work, args=(count,)) for count in (1, 4, 1, 4, 1, 4)]
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join(60)
    assert not any(thread.is_alive() for thread in everyone)
    assert not errors


def test_a_steady_stream_of_small_programs_does_not_starve_a_large_one(settings):
    done = threading.Event()

    def small():
        while not done.is_set():
            with threads.Running(1):
                pass

    callers = [threading.Thread(target=small) for _ in range(3)]
    for thread in callers:
        thread.start()

    def large():
        for _ in range(20):
            with threads.Running(4):
                pass
        done.set()

    thread = threading.Thread(target=large)
    thread.start()
    thread.join(60)
    finished = done.is_set()
    done.set()
    for caller in callers:
        caller.join(60)
    assert finished
