"""Save the model while it trains."""

from __future__ import annotations

import errno
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from polykeras.callbacks.base import Callback, Logs
from polykeras.callbacks.monitor import better, worst
from polykeras.utils.progbar import say


class ModelCheckpoint(Callback):
    """Saves the model at the end of epochs.

    filepath: where to; may hold `{epoch}` (from 1) and names of the epoch's logs:
        `weights.{epoch:02d}-{val_loss:.2f}.h5`.
    monitor: name in the epoch's logs, for `save_best_only`.
    verbose: 1 says each saving.
    save_best_only: save only where the monitored value is better than all before.
    save_weights_only: `model.save_weights`, not `model.save`.
    mode: "min", "max", or "auto" (max where the name holds `acc` or starts with `fmeasure`).
    period: epochs between two savings.

    A place that cannot be written to is an OSError before training starts.
    """

    def __init__(
        self,
        filepath: str,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        period: int = 1,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.verbose = verbose
        self.filepath = filepath
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0
        self.monitor_op = better("ModelCheckpoint", monitor, mode, grows=("fmeasure",))
        self.best: Any = worst(self.monitor_op)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        check_writable(os.fspath(self.filepath))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        filepath = self._path(epoch, logs)
        if not self.save_best_only:
            self._say(f"\nEpoch {epoch + 1:05d}: saving model to {filepath}")
            self._save(filepath)
            return
        current = logs.get(self.monitor)
        if current is None:
            available = ", ".join(sorted(logs)) or "none"
            warnings.warn(
                f"Can save best model only with {self.monitor} available, skipping. Available metrics are: {available}",
                RuntimeWarning,
                stacklevel=2,
            )
        elif self.monitor_op(current, self.best):
            self._say(
                f"\nEpoch {epoch + 1:05d}: {self.monitor} improved from {self.best:0.5f} to {current:0.5f}, "
                f"saving model to {filepath}"
            )
            self.best = current
            self._save(filepath)
        else:
            self._say(f"\nEpoch {epoch + 1:05d}: {self.monitor} did not improve from {self.best:0.5f}")

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "epochs_since_last_save": self.epochs_since_last_save}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self.epochs_since_last_save = state["epochs_since_last_save"]

    def _path(self, epoch: int, logs: Logs) -> str:
        template = os.fspath(self.filepath)
        try:
            return template.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            available = ", ".join(sorted(logs)) or "none"
            raise KeyError(
                f"ModelCheckpoint's filepath {template!r} asks for {error.args[0]!r}; there are: epoch, {available}"
            ) from None

    def _save(self, filepath: str) -> None:
        if self.save_weights_only:
            self.model.save_weights(filepath, overwrite=True)
        else:
            self.model.save(filepath, overwrite=True)

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            say(text)


def check_writable(filepath: str) -> None:
    """Raise an OSError that names the path if no file can be made there. Looks at the folder, makes no file.

    A folder whose name depends on the logs (`runs/{epoch}/model.h5`) can be looked at only when it is known.
    """
    folder = Path(filepath).parent
    if "{" in str(folder):
        return
    if not folder.exists():
        code, cause = errno.ENOENT, f"its folder '{folder}' does not exist; create it first"
    elif not folder.is_dir():
        code, cause = errno.ENOTDIR, f"'{folder}' is a file, not a folder"
    elif Path(filepath).is_dir():
        code, cause = errno.EISDIR, "it is a folder; give the name of a file in it"
    else:
        try:
            with tempfile.TemporaryFile(dir=folder):
                return
        except OSError as error:
            code, cause = error.errno or errno.EACCES, f"no file can be made in '{folder}': {error.strerror or error}"
    raise OSError(code, f"ModelCheckpoint cannot write to '{filepath}': {cause}", filepath)
