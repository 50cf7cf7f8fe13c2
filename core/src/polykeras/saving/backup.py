"""Training that survives its process: backups while it runs, and going on from the last one, to the bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from polykeras.callbacks.base import Logs, RunKeeper
from polykeras.saving import plain_data
from polykeras.saving.atomic import replacing
from polykeras.saving.gate import open_checked

FORMAT = "polykeras_backup"
VERSION = 1


class BackupAndRestore(RunKeeper):
    """Backs training up while it runs; when the same script runs again, it goes on from the last backup.

        model.fit(x, y, epochs=100, callbacks=[BackupAndRestore("backup"), ...])

    backup_dir: a folder for the backup, made if need be. Each training wants a folder of its own.
    save_freq: "epoch", or a number of batches between two backups.
    delete_checkpoint: delete the backup when training ends; else `fit` with it trains no more than what was missing.

    A training that is killed and resumed ends with the weights and the history, to the bit, of one that was not: the
    backup holds weights, the optimizer's state, metrics, the counters of random ops, Python's and NumPy's random
    generators, the place in the epoch and in the data, and what the other callbacks remember. Callbacks of one's own
    take part by `get_state` and `set_state`; `on_epoch_begin` is not called again where training goes on within an
    epoch.

    Where there is a backup it says where training goes on, whatever `initial_epoch` is.

    A backup is written beside the last one, which it then replaces: one of them is whole at every moment.

    Raises ValueError where the backup belongs to another model or to other data.
    """

    def __init__(
        self, backup_dir: str | os.PathLike[str], save_freq: str | int = "epoch", delete_checkpoint: bool = True
    ):
        super().__init__()
        is_count = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq >= 1
        if save_freq != "epoch" and not is_count:
            raise ValueError(f'`save_freq` should be "epoch" or a number of batches, at least 1; got {save_freq!r}')
        self.backup_dir = backup_dir
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self._batches = 0  # since the last backup

    @property
    def path(self) -> Path:
        """The file that holds the backup."""
        return Path(self.backup_dir) / "backup.h5"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        for unfinished in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            unfinished.unlink(missing_ok=True)  # what a killed process was writing

    def resume(self, run: Any) -> None:
        self._batches = 0
        if self.path.exists():
            run.set_state(load_state(self.path))

    def keep_batch(self, run: Any) -> None:
        if self.save_freq != "epoch":
            self._batches += 1
            if self._batches >= int(self.save_freq):
                self._save(run)

    def keep_epoch(self, run: Any) -> None:
        if self.save_freq == "epoch":
            self._save(run)

    def finish(self, run: Any) -> None:
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)
        else:
            self._save(run)

    def _save(self, run: Any) -> None:
        self._batches = 0
        save_state(self.path, run.get_state())


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a run's state; the file at `path` is replaced when the new one is complete."""
    import h5py

    with replacing(path) as temporary, h5py.File(temporary, "w", locking="best-effort") as file:
        file.attrs[FORMAT] = VERSION
        plain_data.write(file, state)


def load_state(path: Path) -> dict[str, Any]:
    """What `save_state` wrote.   Raises OSError or ValueError for a file that is no backup."""
    with open_checked(path) as file:
        if not file.has_attribute(FORMAT):
            raise ValueError(f"{path} is no backup that BackupAndRestore made.")
        state: dict[str, Any] = plain_data.read(file)
    return state
