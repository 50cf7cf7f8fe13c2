"""Sources of batches for tests, importable by worker processes."""

import os
import random
import signal
import threading
import time

import numpy as np

from polykeras.utils import Sequence


class Rows(Sequence):
    """Batches `(x, y)` of a line y = 2x, four rows each."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        x = np.arange(4 * index, 4 * index + 4, dtype="float32")[:, None] / (4 * self.count)
        return x, 2 * x


class Passes(Sequence):
    """Batches `(pass, index, process)`."""

    def __init__(self, count):
        self.count = count
        self.passes = 0

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.passes, index, os.getpid()

    def on_epoch_end(self):
        self.passes += 1


class Large(Sequence):
    """Arrays of several megabytes, of none, and one that is not contiguous."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.arange(1_200_000.0).reshape(3, -1), np.empty((0, 5)), np.arange(6, dtype="int8").reshape(3, 2).T


class Random(Passes):
    """Batches of random numbers."""

    def __getitem__(self, index):
        return index, random.random(), np.random.rand()


class Dying(Passes):
    """Dies, in its process, in the way it is told, when batch 2 is asked for."""

    def __init__(self, how):
        super().__init__(5)
        self.how = how

    def __getitem__(self, index):
        if index == 2:
            die(self.how)
        return super().__getitem__(index)


class DyingRows(Rows):
    """Rows, until batch 2 is asked for."""

    def __init__(self, how):
        super().__init__(5)
        self.how = how

    def __getitem__(self, index):
        if index == 2:
            die(self.how)
        return super().__getitem__(index)


class Count:
    """An iterator that can be pickled; it may die, raise or end at batch 2."""

    def __init__(self, how=None):
        self.number = 0
        self.how = how

    def __iter__(self):
        return self

    def __next__(self):
        if self.number == 2 and self.how:
            die(self.how)
        self.number += 1
        return self.number - 1


class Draws(Count):
    """An iterator over random numbers."""

    def __next__(self):
        return random.random(), np.random.rand()


class OwnError(Exception):
    """An error that can be pickled, but not made again."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")


def die(how):
    """End, or be ended, in one of many ways."""
    if how == "_exit":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise":
        raise KeyError("row 7")
    if how == "own":
        raise OwnError(7, "row")
    if how == "exit":
        raise SystemExit(4)
    if how == "end":
        raise StopIteration
    if how == "sleep":
        time.sleep(60)
    assert how == "lock"


class Unpicklable(Passes):
    """Holds what no process can be sent, or gives it."""

    def __init__(self, inside):
        super().__init__(3)
        if inside:
            self.guard = threading.Lock()

    def __getitem__(self, index):
        return threading.Lock()
