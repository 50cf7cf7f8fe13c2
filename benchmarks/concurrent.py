"""`python -m benchmarks.concurrent`: two models predict in 1, 2, 4 and 8 threads of Python at once.

Every result is compared, to the bit, with what one thread computed alone. Memory is what the process has before and
after. The exit status is 1 where a bit differs or a call fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import polykeras
from benchmarks.callers import at_once
from benchmarks.frameworks.functional import functional
from benchmarks.harness import machine, table, write_json
from benchmarks.memory import resident_bytes
from benchmarks.workloads import Network
from benchmarks.workloads.layers import Conv, Dense, Flatten, MaxPool
from polykeras.runtime import select

THREADS = (1, 2, 4, 8)
BATCHES = 8


@dataclass
class Predicted:
    """A model, batches, and their predictions by one thread alone."""

    model: Any
    batches: list[np.ndarray]
    expected: list[np.ndarray]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.concurrent",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="with the most threads; default: %(default)s"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": {**machine(), "backend": str(select.why())}}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()))
    rows = [["threads", "s", "calls", "calls per s", "differing", "failures", "before MB", "after MB", "growth MB"]]
    results["threads"] = {}
    for count in THREADS:
        seconds = options.seconds if count == THREADS[-1] else min(options.seconds, 5.0)
        found = results["threads"][str(count)] = measure(seconds, count)
        rows.append(
            [
                str(count),
                f"{found['seconds']:.1f}",
                str(found["calls"]),
                f"{found['calls'] / found['seconds']:.0f}",
                str(found["differing"]),
                str(len(found["failures"])),
                f"{found['before'] / 1e6:.1f}",
                f"{found['after'] / 1e6:.1f}",
                f"{(found['after'] - found['before']) / 1e6:.1f}",
            ]
        )
    print(f"\n{table(rows)}")
    write_json(options.json, results)
    return int(any(one["differing"] or one["failures"] for one in results["threads"].values()))


def models() -> list[Predicted]:
    """A dense and a convolutional model with weights that are always the same."""
    dense = Network((64,))
    dense.add(Dense(256, "relu"))
    dense.add(Dense(10, "softmax"))
    images = Network((14, 14, 3))
    images.add(Conv(16, 3, activation="relu"))
    images.add(Conv(32, 3, activation="relu"))
    images.add(MaxPool(2))
    images.add(Flatten())
    images.add(Dense(10, "softmax"))
    return [_predicted(dense, 32), _predicted(images, 8)]


def _predicted(network: Network, batch: int) -> Predicted:
    model, weighted = functional(network, polykeras)
    for layer, weights in zip(weighted, network.weights(), strict=True):
        if weights:
            layer.set_weights(weights)
    random = np.random.default_rng(0)
    batches = [random.random((batch, *network.shapes[0])).astype("float32") for _ in range(BATCHES)]
    return Predicted(model, batches, [model.predict(x, batch_size=batch) for x in batches])


def measure(seconds: float, threads: int) -> dict[str, Any]:
    """Each thread goes through the models and batches, beginning with its own, until the time is over."""
    both = models()
    _together(both, seconds / 10, threads)  # what is allocated once for every thread
    before = resident_bytes()
    found = _together(both, seconds, threads)
    return {**found, "before": before, "after": resident_bytes()}


def _together(both: list[Predicted], seconds: float, threads: int) -> dict[str, Any]:
    calls, differing = [0] * threads, [0] * threads
    failures: list[str] = []

    def work(own: int) -> None:
        end = time.perf_counter() + seconds
        try:
            while time.perf_counter() < end:
                turn = own + calls[own]
                one, which = both[turn % len(both)], turn // len(both) % BATCHES
                got = one.model.predict(one.batches[which], batch_size=len(one.batches[which]))
                calls[own] += 1
                differing[own] += got.tobytes() != one.expected[which].tobytes()
        except Exception as error:  # noqa: BLE001  the others go on; it is told in the end
            failures.append(f"{type(error).__name__}: {error}")

    taken = at_once(work, threads)
    return {
        "seconds": taken,
        "calls": sum(calls),
        "differing": sum(differing),
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main())
