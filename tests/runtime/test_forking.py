"""What threads of the parent held when it forked does not stop the child."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import polykeras.backend as K
from polykeras.runtime import forking, variables
from polykeras_numpy import NumpyBackend, threads

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def forked(check):
    """The exit code of a child that ends with 0 if check() is true within 20 seconds."""
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Holder:
    """Enters contexts in a thread of its own and stays in them."""

    def __init__(self, *contexts):
        self.contexts = contexts
        self.inside, self.leave = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.hold)

    def hold(self):
        for context in self.contexts:
            context.__enter__()
        self.inside.set()
        self.leave.wait()
        for context in reversed(self.contexts):
            context.__exit__(None, None, None)

    def __enter__(self):
        self.thread.start()
        self.inside.wait()

    def __exit__(self, *exception):
        self.leave.set()
        self.thread.join()


@pytest.mark.parametrize("held", ["arenas", "gate", "inside", "storages", "writing", "function"])
def test_a_child_computes_whatever_other_threads_held(held):
    backend = NumpyBackend()
    x, v = K.placeholder((2,)), K.variable(np.ones(2))
    function = K.function([x], [x * 2 + v], updates=[(v, v + 1)], backend=backend)
    function([np.ones(2)])
    contexts = {
        "arenas": [backend.arenas.hold() for _ in range(4)],  # all that there may be
        "gate": [threads._gate.condition],
        "inside": [threads.Running(99)],
        "storages": [variables._guard],
        "writing": [backend.writing],
        "function": [function.guard],
    }

    def computes():
        again = K.function([x], [x * 2 + v], backend=backend)
        return function([np.ones(2)])[0][0] == 4.0 and again([np.ones(2)])[0][0] == 5.0

    with Holder(*contexts[held]):
        assert forked(computes) == 0
    assert computes()  # and the parent goes on


def test_who_forks_inside_a_lock_still_holds_it():
    lock = forking.reentrant_lock()

    def leaves():
        lock.release()
        return not lock._is_owned()

    with lock:
        assert forked(leaves) == 0
        assert lock._is_owned()


def test_who_forks_in_a_run_goes_on_and_leaves():
    running = threads.Running(1)

    def leaves():
        running.__exit__(None, None, None)
        return threads._gate.inside == 0

    with running:
        assert forked(leaves) == 0
