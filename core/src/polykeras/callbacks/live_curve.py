"""Curves that grow while training runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polykeras.callbacks.base import Callback, Logs
from polykeras.utils.curves import curves
from polykeras.utils.notebook import Spot, in_notebook


class LiveCurve(Callback):
    """Draws the loss and the metrics over the epochs, redrawn after each epoch, in the cell of a notebook.

    names: which values of the epochs' logs to draw, `val_` ones with them; all where None.
    to_file: an SVG file that is kept up to date too; a browser shows it where there is no notebook.

        model.fit(x, y, validation_split=0.2, epochs=20, verbose=0, callbacks=[LiveCurve()])

    A further `fit` with the same object starts anew.
    """

    def __init__(self, names: Sequence[str] | None = None, to_file: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        self.names = None if names is None else list(names)
        self.to_file = to_file
        self.epochs: list[int] = []
        self.history: dict[str, list[float]] = {}
        self._spot: Spot | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epochs = []
        self.history = {}
        self._spot = Spot() if in_notebook() else None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items() if self._draws(name, value)}
        for name in values:
            self.history.setdefault(name, [np.nan] * len(self.epochs))
        self.epochs.append(epoch + 1)
        for name, series in self.history.items():
            series.append(values.get(name, np.nan))
        picture = curves(self.epochs, self.history)
        if self._spot is not None:
            self._spot.show(self._text(), svg=picture)
        if self.to_file is not None:
            path = Path(self.to_file)
            new = path.with_name(f".{path.name}.new")
            new.write_text(picture, encoding="utf-8")
            new.replace(path)  # at once: a browser that looks on sees no half picture

    def get_state(self) -> dict[str, Any]:
        return {"epochs": self.epochs, "history": self.history}

    def set_state(self, state: dict[str, Any]) -> None:
        self.epochs = state["epochs"]
        self.history = state["history"]

    def _draws(self, name: str, value: Any) -> bool:
        chosen = self.names is None or name in self.names or name.removeprefix("val_") in self.names
        return chosen and np.ndim(value) == 0

    def _text(self) -> str:
        last = " - ".join(f"{name}: {series[-1]:.4f}" for name, series in self.history.items())
        return f"epoch {self.epochs[-1]} - {last}"
