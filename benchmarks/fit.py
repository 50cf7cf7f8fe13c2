"""`python -m benchmarks.fit`: what the loop of `fit` costs beside the training steps that it runs.

The workload `tiny`, on each backend. The bare step is the model's own training function on one batch, over and over; an
epoch of `fit` is timed from its beginning to its end, with all samples shuffled, silent and with a progress bar.
Both are timed in turns, many short ones: the least of them is what counts, as whatever else the machine does only adds.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import polykeras
from benchmarks.frameworks.polykeras_adapter import Model
from benchmarks.harness import machine, table, write_json
from benchmarks.workloads import WORKLOADS
from polykeras.callbacks import Callback
from polykeras.engine.functions import step_function

BATCHES = 64  # in an epoch
EPOCHS = 20  # in a turn
LIMIT = 0.30  # of the bare step's time


class Epochs(Callback):
    """The seconds of each epoch's batches."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", default="numpy,numba", metavar="NAME,...", help="default: %(default)s")
    parser.add_argument("--turns", type=int, default=40, metavar="N", help="of each; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": machine()}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()))
    rows = [["tiny", "bare step us", "fit, a step us", "over", "medians: over", "with a bar: over"]]
    results["backends"] = {}
    for name in options.backend.split(","):
        with polykeras.backend_scope(name):
            found = results["backends"][name] = measure(options.turns)
        bare, silent, bar = (found[kind] for kind in ("bare", "fit", "bar"))
        rows.append(
            [
                name,
                f"{1e6 * min(bare):.1f}",
                f"{1e6 * min(silent):.1f}",
                f"{min(silent) / min(bare) - 1:.0%}",
                f"{statistics.median(silent) / statistics.median(bare) - 1:.0%}",
                f"{min(bar) / min(bare) - 1:.0%}",
            ]
        )
    print(f"\n{table(rows)}")
    write_json(options.json, results)
    over = [name for name, one in results["backends"].items() if min(one["fit"]) > (1 + LIMIT) * min(one["bare"])]
    if over:
        print(f"more than {LIMIT:.0%} over the bare step: {', '.join(over)}")
    return 1 if over else 0


def measure(turns: int) -> dict[str, list[float]]:
    """Seconds of a step: bare, in a silent `fit`, and in one with a progress bar."""
    trained = Model(WORKLOADS["tiny"])
    step = step_function(trained.model, "train")
    arrays = [trained.x, trained.y]
    x, y = (np.tile(array, (BATCHES, 1)) for array in arrays)

    def bare() -> list[float]:
        seconds = []
        for _ in range(EPOCHS):
            start = time.perf_counter()
            for _ in range(BATCHES):
                step(arrays)
            seconds.append(time.perf_counter() - start)
        return seconds

    def fit(verbose: int) -> list[float]:
        epochs = Epochs()
        with contextlib.redirect_stdout(io.StringIO()):
            trained.model.fit(x, y, len(trained.x), EPOCHS, verbose, callbacks=[epochs])
        return epochs.seconds

    found: dict[str, list[float]] = {"bare": [], "fit": [], "bar": []}
    bare()
    for _ in range(turns):
        found["bare"] += bare()
        found["fit"] += fit(verbose=0)
        found["bar"] += fit(verbose=1)
    return {kind: [one / BATCHES for one in seconds] for kind, seconds in found.items()}


if __name__ == "__main__":
    sys.exit(main())
