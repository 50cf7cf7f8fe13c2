"""`python -m benchmarks.feeding`: one network trained from arrays, and from batches that workers make.

Arrays are shuffled by `fit`; the generator and the Sequence pick as many random rows for each batch. All ways
take turns of one epoch on one model, so a slow minute of the machine is everybody's. Workers are started within the
turn, as in each call of `fit`; processes need half a second for it, so the speed of the epoch's second half is told
too. CPU is what the training process used, its threads included: a figure that other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frameworks import polykeras_adapter
from benchmarks.harness import machine, table, write_json
from benchmarks.workloads import WORKLOADS
from polykeras.callbacks import Callback
from polykeras.runtime import select
from polykeras.utils import Sequence

TRAINED = sorted(name for name, workload in WORKLOADS.items() if workload.trains)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.feeding", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workload", choices=TRAINED, default="cnn", help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=40, metavar="N", help="batches of an epoch; default: %(default)s")
    parser.add_argument("--turns", type=int, default=7, metavar="N", help="epochs of each way; default: %(default)s")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    about = {**machine(), "backend": str(select.why())}
    print("\n".join(f"{name}: {value}" for name, value in about.items()))
    times = measure(WORKLOADS[options.workload], options.steps, options.turns, options.workers)
    rows = [["fed by", "ms/step", "least", "speed ÷ arrays", "steady ms/step", "steady ÷ arrays", "CPU ms/step"]]
    for name, one in times.items():
        rows.append([name, *_figures(one, times["arrays"])])
    print(
        f"\n{options.workload}, {options.steps} steps an epoch, {options.workers} workers, medians of {options.turns}"
    )
    print(table(rows))
    write_json(options.json, {"machine": about, "options": {**vars(options), "json": None}, "times": times})
    return 0


def _figures(one: dict[str, list[float]], arrays: dict[str, list[float]]) -> list[str]:
    whole, steady = (statistics.median(one[kind]) for kind in ("whole", "steady"))
    return [
        f"{whole:.3f}",
        f"{min(one['whole']):.3f}",
        f"{statistics.median(arrays['whole']) / whole:.3f}",
        f"{steady:.3f}",
        f"{statistics.median(arrays['steady']) / steady:.3f}",
        f"{statistics.median(one['cpu']):.3f}",
    ]


def measure(workload: Any, steps: int, turns: int, workers: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds per step by the way of feeding: of whole epochs, of their second halves, and of the CPU."""
    built = polykeras_adapter.build(workload)
    model = built.model
    x, y = np.concatenate([built.x] * steps), np.concatenate([built.y] * steps)
    clock = Clock(steps)

    def from_arrays() -> None:
        model.fit(x, y, batch_size=workload.batch, verbose=0, callbacks=[clock])

    def from_generator() -> None:
        batches = endless(x, y, workload.batch)
        model.fit_generator(batches, steps, verbose=0, workers=workers, callbacks=[clock])

    def from_threads() -> None:
        model.fit_generator(Rows(x, y, workload.batch), verbose=0, workers=workers, callbacks=[clock])

    def from_processes() -> None:
        rows = Rows(x, y, workload.batch)
        model.fit_generator(rows, verbose=0, workers=workers, use_multiprocessing=True, callbacks=[clock])

    ways: dict[str, Callable[[], None]] = {
        "arrays": from_arrays,
        "a generator, threads": from_generator,
        "a Sequence, threads": from_threads,
        "a Sequence, processes": from_processes,
    }
    times: dict[str, dict[str, list[float]]] = {name: {"whole": [], "steady": [], "cpu": []} for name in ways}
    for turn in range(turns + 1):  # the first warms up
        for name, train in ways.items():
            start, cpu = time.perf_counter(), time.process_time()
            train()
            if turn:
                times[name]["whole"].append((time.perf_counter() - start) / steps * 1e3)
                times[name]["cpu"].append((time.process_time() - cpu) / steps * 1e3)
                times[name]["steady"].append(clock.second_half * 1e3)
    return times


class Clock(Callback):
    """The seconds of a step in the second half of an epoch."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.half = steps // 2
        self.steps = steps - self.half
        self.second_half = 0.0
        self._start = 0.0

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == self.half:
            self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.second_half = (time.perf_counter() - self._start) / self.steps


class Rows(Sequence):
    """Batches of random rows."""

    def __init__(self, x: np.ndarray, y: np.ndarray, size: int) -> None:
        self.x, self.y, self.size = x, y, size

    def __len__(self) -> int:
        return len(self.x) // self.size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.random.randint(len(self.x), size=self.size)
        return self.x[rows], self.y[rows]


def endless(x: np.ndarray, y: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same batches, from a generator."""
    rows = Rows(x, y, size)
    while True:
        yield rows[0]


if __name__ == "__main__":
    sys.exit(main())
