"""BLAS threads: chosen by the program alone, set only while programs run, and never changed under one that runs."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from polykeras import backend as K
from polykeras_numpy import NumpyBackend, blocked, helper, threads

RUN_BOTH = helper.run_both


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


# -- elementwise work on two threads -----------------------------------------------------------------------------------


def adam_like(shared):
    """Two steps of an update of a large variable; how many threads shared its blocks."""
    K.clear_session()
    x, m = K.variable(np.linspace(-1, 1, 600 * 700).reshape(600, 700)), K.variable(np.zeros((600, 700)))
    new_m = 0.9 * m + 0.1 * K.square(x) / (K.abs(x) + 1e-3)
    f = K.function([], [], [(m, new_m), (x, x - 0.1 * new_m / (K.sqrt(K.abs(new_m)) + 1e-7))], backend=shared)
    f([])
    f([])
    return K.get_value(x), K.get_value(m)


def test_two_threads_give_the_bits_of_one(monkeypatch):
    results = {}
    for both in (False, True):
        used = []
        monkeypatch.setattr(helper, "available", lambda both=both: both)
        monkeypatch.setattr(blocked.helper, "run_both", lambda a, b, used=used: (used.append(1), RUN_BOTH(a, b)))
        results[both] = adam_like(NumpyBackend())
        assert bool(used) == both
    for one, two in zip(results[False], results[True], strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_error_in_the_second_thread_is_raised_and_the_thread_is_free_again():
    def fail():
        raise ArithmeticError("second")

    with pytest.raises(ArithmeticError, match="second"):
        helper.run_both(lambda: None, fail)
    seen = []
    helper.run_both(lambda: seen.append(threading.get_ident()), lambda: seen.append(threading.get_ident()))
    assert len(set(seen)) == 2


def test_while_the_second_thread_is_taken_both_parts_run_here():
    seen = []

    def inner():
        helper.run_both(lambda: seen.append(threading.get_ident()), lambda: seen.append(threading.get_ident()))

    helper.run_both(inner, lambda: None)
    assert seen == [threading.get_ident()] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_process_has_a_second_thread_of_its_own():
    helper.run_both(lambda: None, lambda: None)
    child = os.fork()
    if not child:
        helper.run_both(lambda: None, lambda: None)
        os._exit(7)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 7
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the forked process hangs")
