"""A training that is killed at any moment and started again ends as one that was never killed, to the bit."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from polykeras.saving.backup import load_state

KILLS, KILLS_IN_A_BACKUP = 50, 10
EPOCHS = 5

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="trainings run in forked processes")


class Trainings:
    """The process that runs trainings as told."""

    def __init__(self):
        script = Path(__file__).with_name("killed_training.py")
        self.process = subprocess.Popen(
            [sys.executable, os.fspath(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the process that runs trainings has died"
        return int(answer)

    def run(self, folder, kill=None, backup=True):
        return self.ask(folder=os.fspath(folder), kill=kill, backup=backup)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=60)


@pytest.fixture
def trainings():
    running = Trainings()
    yield running
    running.close()


@pytest.mark.slow
def test_killed_at_fifty_moments(tmp_path, trainings):
    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    assert trainings.run(unbroken, backup=False) == 0
    counted = tmp_path / "counted"
    counted.mkdir()
    assert trainings.run(counted) == 0
    check_same(counted, unbroken)
    events = json.loads((counted / "events.json").read_text())
    events_of_a_save = trainings.ask(probe=os.fspath(tmp_path))

    draw = random.Random(5)
    moments = [["anywhere", draw.randrange(1, events * 9 // 10)] for _ in range(KILLS - KILLS_IN_A_BACKUP)]
    moments += [["backup", draw.randrange(1, 4), draw.randrange(1, events_of_a_save)] for _ in range(KILLS_IN_A_BACKUP)]
    draw.shuffle(moments)
    killed, trained = [], 0
    while moments:
        folder = tmp_path / f"training{trained}"
        folder.mkdir()
        trained += 1
        while trainings.run(folder, moments[-1] if moments else None) == -signal.SIGKILL:
            killed.append(moments.pop()[0])
            check_whole(folder)
        check_same(folder, unbroken)  # it ended, before the next moment came; the next training is to meet that
        assert trained <= KILLS, f"{len(killed)} of {trained} trainings were killed; left: {moments}"
    assert killed.count("anywhere") == KILLS - KILLS_IN_A_BACKUP
    assert killed.count("backup") == KILLS_IN_A_BACKUP
    assert trained > 3


def check_same(folder, unbroken):
    """All that the training left is the same: weights, optimizer, history, log, the saved models."""
    with np.load(folder / "result.npz") as mine, np.load(unbroken / "result.npz") as theirs:
        assert mine.files == theirs.files
        for name in theirs.files:
            assert mine[name].dtype == theirs[name].dtype
            assert mine[name].tobytes() == theirs[name].tobytes(), name
    assert (folder / "log.csv").read_bytes() == (unbroken / "log.csv").read_bytes()
    for name in ("best.h5", "last.h5"):
        mine, theirs = arrays_in(folder / name), arrays_in(unbroken / name)
        assert {path: value.tobytes() for path, value in mine.items()} == {
            path: value.tobytes() for path, value in theirs.items()
        }
    left = {path.name for path in folder.iterdir() if not path.name.endswith(".tmp")}
    assert left - {"backup"} == {path.name for path in unbroken.iterdir()}
    assert not (folder / "backup").exists() or not list((folder / "backup").iterdir())


def check_whole(folder):
    """Every file that has its name is complete, though its writer was killed."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.name.endswith(".tmp"):
            assert path.name.startswith(".")  # what was being written, under no name that anybody reads
        elif path.name == "backup.h5":
            assert 0 <= load_state(path)["epoch"] <= EPOCHS
        elif path.suffix == ".h5":
            assert arrays_in(path)
        elif path.suffix == ".csv":
            text = path.read_text()
            assert not text or text.endswith("\n")
            assert len({len(row) for row in csv.reader(text.splitlines())}) <= 1


def arrays_in(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found
