"""Predictions of two models from eight threads at once, after a fork, and in processes of workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("polykeras_numba", reason="polykeras-numba is not installed")

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 180  # seconds for a process of its own, which may have to compile its kernels

MODEL = """
import json, multiprocessing, os, signal, sys, threading, time
import numpy as np
from benchmarks.concurrent import measure, models

def predictions():
    return [one.model.predict(one.batches[0]).tobytes() for one in models()]
"""

TOGETHER = """
print(json.dumps(measure(seconds=3.0, threads=8)))
"""

FORKED = """
signal.alarm(150)  # a hang ends here, in the parent and in the child
both = models()
def predicted():
    return [one.model.predict(one.batches[0]).tobytes() for one in both]
expected = predicted()
stop = threading.Event()
def busy():
    while not stop.is_set():
        predicted()
holders = [threading.Thread(target=busy) for _ in range(5)]
for thread in holders:
    thread.start()
children = []
for _ in range(30):
    time.sleep(0.003)
    child = os.fork()
    if not child:
        signal.alarm(30)
        right = all(predicted() == expected for _ in range(2))
        again = models()  # and what is compiled after the fork
        right = right and [one.model.predict(one.batches[0]).tobytes() for one in again] == expected
        os._exit(0 if right else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
for thread in holders:
    thread.join()
assert predicted() == expected
print(set(codes))
"""

POOLED = """
if __name__ == "__main__":
    signal.alarm(150)
    expected = predictions()
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        waiting = [pool.apply_async(predictions) for _ in range(4)]
        print([one.get(120) == expected for one in waiting])
"""


def printed(tmp_path, program, *arguments):
    """What the program prints in a process of its own."""
    file = tmp_path / "program.py"
    file.write_text(MODEL + program)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, str(file), *arguments],
        env={**os.environ, "POLYKERAS_BACKEND": "numba", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout.strip()


def test_eight_threads_on_two_models_get_what_one_gets(tmp_path):
    found = json.loads(printed(tmp_path, TOGETHER))
    assert found["differing"] == 0 and found["failures"] == []
    assert found["calls"] > 100
    assert found["after"] - found["before"] < 30e6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_predictions_after_a_fork_of_a_process_whose_threads_predict(tmp_path):
    assert printed(tmp_path, FORKED) == "{0}"


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_predictions_in_processes_of_workers(method, tmp_path):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    assert printed(tmp_path, POOLED, method) == "[True, True, True, True]"
