"""Write the epochs' logs to a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from polykeras.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Writes one line per epoch: its number (from 0), then the logs' values by name.

    filename: of the CSV file.
    separator: between the columns.
    append: go on with an existing file, without a second header; else start anew, with the first epoch's line.

    Training that is resumed from a backup goes on with the file as it was when the backup was made.
    """

    def __init__(self, filename: str, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = filename
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self.writer: csv.DictWriter[str] | None = None
        self.csv_file: TextIO | None = None
        self._needs_header = True
        self._keep: int | None = None  # how many bytes stay of the file that is there, if not all

    def on_train_begin(self, logs: Logs | None = None) -> None:
        path = Path(self.filename)
        self._needs_header = not (self.append and path.exists() and path.stat().st_size)
        # What is there stays until the first line is written: training may turn out to go on from a backup.
        self._keep = None if self.append else 0
        self.csv_file = path.open("a", newline="", encoding="utf-8")
        self.writer = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self.csv_file is None:
            raise RuntimeError("CSVLogger.on_epoch_end was called before on_train_begin")
        if self.keys is None:
            self.keys = sorted({*logs, *self.params.get("metrics", ())})  # not every epoch is validated
        if self._keep is not None:
            self.csv_file.truncate(self._keep)
            self._keep = None
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep, lineterminator="\n")
            if self._needs_header:
                self.writer.writeheader()
                self._needs_header = False
        # An epoch that was stopped early, or is not validated, lacks values.
        self.writer.writerow({"epoch": epoch, **{key: _cell(logs.get(key, "NA")) for key in self.keys}})
        self.csv_file.flush()

    def get_state(self) -> dict[str, Any]:
        """The columns, and how much of the file is written."""
        if self.csv_file is not None:
            os.fsync(self.csv_file.fileno())  # the backup must not be ahead of the file
        size = Path(self.filename).stat().st_size if self._keep is None else self._keep
        return {"keys": self.keys, "size": size, "needs_header": self._needs_header}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on after the first `size` bytes: what was written after the backup will be written again."""
        self.keys = state["keys"]
        self._needs_header = state["needs_header"]
        self._keep = min(state["size"], Path(self.filename).stat().st_size)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None


def _cell(value: Any) -> Any:
    """A value as it stands in a cell; several in quotes and brackets."""
    several = isinstance(value, Iterable) and not isinstance(value, str) and getattr(value, "ndim", 1) > 0
    return f"[{', '.join(map(str, value))}]" if several else value
