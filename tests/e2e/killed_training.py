"""Runs trainings in forked processes, some of which kill themselves. Orders and answers are lines of JSON.

Order: {"folder": where to train, "kill": null | ["anywhere", n] | ["backup", m, n], "backup": whether to make backups}.
    "anywhere": at the n-th call or return of a Python or C function within `fit`;
    "backup":   at the n-th of these within the writing of the m-th backup.
Answer: the exit status, negative for a signal. A training that ended has left `result.npz` and `events.json` there.
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

from polykeras import backend as K
from polykeras import callbacks, metrics
from polykeras.layers import BatchNormalization, Dense, Dropout, GaussianNoise
from polykeras.models import Sequential
from polykeras.saving import backup
from polykeras.saving.atomic import replacing
from polykeras.utils import set_random_seed

EPOCHS, BATCH = 5, 8


class Hits(metrics.Metric):
    """Predictions within 0.5 of the target, over the whole epoch."""

    def __init__(self):
        super().__init__("hits")
        self.count = self.add_state("count")

    def __call__(self, y_true, y_pred):
        hits = K.sum(K.cast(K.less(K.abs(y_true - y_pred), 0.5), K.floatx()))
        self.add_update(K.update_add(self.count, hits))
        return self.count + hits


class Smoothed(callbacks.Callback):
    """A user's callback with a memory: a running average of the losses of all batches."""

    value = 0.0

    def on_batch_end(self, batch, logs=None):
        self.value = 0.9 * self.value + 0.1 * float(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        logs["smoothed"] = self.value

    def get_state(self):
        return self.value

    def set_state(self, state):
        self.value = state


class Death:
    """A profile function that counts events and ends the process at one of them."""

    def __init__(self, at):
        self.at = at
        self.count = 0

    def __call__(self, frame, event, argument):
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def model():
    layers = [
        Dense(8, activation="relu", input_shape=(5,)),
        BatchNormalization(),
        Dropout(0.3),
        GaussianNoise(0.1),
        Dense(1),
    ]
    made = Sequential(layers)
    made.compile("adam", "mse", metrics=["mae", Hits()])
    return made


def train(folder, kill, with_backup):
    os.chdir(folder)
    set_random_seed(11)
    x = np.random.rand(46, 5)
    y = np.sin(x.sum(axis=1, keepdims=True) * 3)
    net = model()
    listeners = [
        callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.02),
        callbacks.ModelCheckpoint("best.h5", "loss", save_best_only=True),
        callbacks.ModelCheckpoint("last.h5", save_weights_only=True),
        callbacks.CSVLogger("log.csv"),
        Smoothed(),
    ]
    if with_backup:
        listeners.append(callbacks.BackupAndRestore("backup", save_freq=3))
    death = Death(kill[-1] if kill else 0)
    if kill and kill[0] == "backup":
        listeners[-1]._save = dying_save(listeners[-1]._save, kill[1], death)
    elif with_backup:
        sys.setprofile(death)
    history = net.fit(
        x, y, BATCH, epochs=EPOCHS, verbose=0, validation_split=0.13, callbacks=listeners, validation_freq=2
    )
    sys.setprofile(None)
    with replacing("result.npz") as temporary, temporary.open("wb") as file:
        arrays = [*net.get_weights(), *net.optimizer.get_weights()]
        np.savez(file, *arrays, history=json.dumps([history.epoch, history.history], default=float))
    Path("events.json").write_text(json.dumps(death.count))


def dying_save(save, number, death):
    """`save`, in whose `number`-th call the process dies."""
    calls = 0

    def saved(run):
        nonlocal calls
        calls += 1
        if calls == number:
            sys.setprofile(death)
        save(run)
        sys.setprofile(None)

    return saved


def events_of_a_save(folder):
    """How many events there are within one call of `_save`, at least."""
    state = {"epoch": 1, "variables": [["name", np.zeros(3)]] * 10}
    death = Death(0)
    sys.setprofile(death)
    backup.save_state(Path(folder) / "probe.h5", state)
    sys.setprofile(None)
    (Path(folder) / "probe.h5").unlink()
    return death.count


def main():
    # Modules and kernels are loaded once, for all children.
    with tempfile.TemporaryDirectory() as folder:
        train(folder, None, True)
        os.chdir("/")
    K.clear_session()
    for line in sys.stdin:
        order = json.loads(line)
        if "probe" in order:
            print(events_of_a_save(order["probe"]), flush=True)
            continue
        child = os.fork()
        if not child:
            try:
                train(order["folder"], order["kill"], order["backup"])
            except BaseException:  # noqa: BLE001  the child must not return into the parent's loop
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
