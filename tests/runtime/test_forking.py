"""Locks after `fork`: free in the child, whoever held them in the parent."""

import os
import threading

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.runtime import forking, select
from polykeras_numpy import threads

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def child_says(question):
    """What a child answers, True or False; a child that hangs is ended by an alarm."""
    import signal

    child = os.fork()
    if not child:
        signal.alarm(20)
        os._exit(int(question()))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


class Holding:
    """Another thread that is within a context."""

    def __init__(self, context):
        self.entered, self.leave = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold, args=(context,))

    def _hold(self, context):
        with context:
            self.entered.set()
            self.leave.wait(60)

    def __enter__(self):
        self.thread.start()
        self.entered.wait(60)

    def __exit__(self, *exc):
        self.leave.set()
        self.thread.join()


def test_a_lock_that_another_thread_holds_is_free():
    lock = forking.Lock()

    def locks():
        with lock:
            return True

    with Holding(lock):
        assert child_says(locks)
    with lock:
        pass


def test_a_lock_that_the_forking_thread_holds_stays_its_own():
    lock = forking.Lock()
    with lock:
        assert child_says(lock._lock._is_owned)


def test_arenas_and_the_gate_do_not_wait_for_threads_that_are_gone():
    x = K.placeholder((None, 3))
    function = K.function([x], [K.sum(x, axis=1)])
    expected = function([np.ones((2, 3), "float32")])[0]
    backend = select.current()

    def predicts():
        return np.array_equal(function([np.ones((2, 3), "float32")])[0], expected)

    holders = [Holding(backend.arenas.hold()) for _ in range(4)] + [Holding(threads.Running(7))]
    for holder in holders:
        holder.__enter__()
    try:
        assert child_says(predicts)
    finally:
        for holder in holders:
            holder.__exit__()
    assert predicts()
