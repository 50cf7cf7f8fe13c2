"""`python -m benchmarks.threads`: one model in many threads, and memory over many calls and many models.

1. Eight threads call `predict` 1,000 times each: every result is compared, to the bit, with what one thread computed.
2. Memory before and after 10,000 `predict`s.
3. Memory before and after 300 models were made, trained one step, and dropped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.callers import at_once
from benchmarks.harness import machine, table, write_json
from benchmarks.memory import resident_bytes
from polykeras.layers import Dense
from polykeras.models import Sequential
from polykeras.runtime import select

NETWORKS = {"16-32-10, batch 32": ((16, 32, 10), 32), "784-512-512-10, batch 128": ((784, 512, 512, 10), 128)}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.threads", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=8, metavar="N", help="default: %(default)s")
    parser.add_argument("--calls", type=int, default=1000, metavar="N", help="of each thread; default: %(default)s")
    parser.add_argument("--predicts", type=int, default=10_000, metavar="N", help="default: %(default)s")
    parser.add_argument("--models", type=int, default=300, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": {**machine(), "backend": str(select.why())}}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()))
    results["threads"] = {
        name: many_threads(widths, batch, options.threads, options.calls) for name, (widths, batch) in NETWORKS.items()
    }
    rows = [["threads", "calls", "differing", "s", "alone, s"]]
    for name, one in results["threads"].items():
        rows.append([name, str(one["calls"]), str(one["differing"]), f"{one['seconds']:.1f}", f"{one['alone']:.1f}"])
    print(f"\n{table(rows)}")
    results["predicts"] = many_predicts(options.predicts)
    results["models"] = many_models(options.models)
    print(
        "\n"
        + table(
            [
                ["memory", "before MB", "after MB", "growth MB"],
                _memory_row(f"{options.predicts} predicts", results["predicts"]),
                _memory_row(f"{options.models} models", results["models"]),
            ]
        )
    )
    write_json(options.json, results)
    return 1 if any(one["differing"] for one in results["threads"].values()) else 0


def network(widths: tuple[int, ...]) -> Any:
    """A dense network with random weights, compiled."""
    model = Sequential()
    entering, *hidden, leaving = widths
    for units in hidden:
        model.add(Dense(units, activation="relu", input_shape=(entering,)))
    model.add(Dense(leaving, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model


def many_threads(widths: tuple[int, ...], batch: int, threads: int, calls: int) -> dict[str, Any]:
    """Each thread goes through all batches again and again, beginning with its own."""
    np.random.seed(0)
    model = network(widths)
    batches = np.random.rand(threads, batch, widths[0]).astype("float32")
    expected = [model.predict(x, batch_size=batch) for x in batches]
    differing = [0] * threads

    def work(own: int) -> None:
        for call in range(calls):
            which = (own + call) % threads
            got = model.predict(batches[which], batch_size=batch)
            differing[own] += not np.array_equal(got, expected[which])

    seconds = at_once(work, threads)
    start = time.perf_counter()
    for call in range(calls):
        model.predict(batches[call % threads], batch_size=batch)
    alone = (time.perf_counter() - start) * threads
    return {"calls": threads * calls, "differing": sum(differing), "seconds": seconds, "alone": alone}


def many_predicts(calls: int) -> dict[str, int]:
    """After a tenth as many that warm up."""
    model = network((16, 32, 10))
    x = np.random.rand(32, 16).astype("float32")
    for _ in range(calls // 10):
        model.predict(x)
    before = resident_bytes()
    for _ in range(calls):
        model.predict(x)
    return {"before": before, "after": resident_bytes()}


def many_models(count: int) -> dict[str, int]:
    """After a tenth as many that warm up. The session is never cleared."""
    x, y = np.random.rand(32, 16).astype("float32"), np.eye(10, dtype="float32")[np.arange(32) % 10]
    before = 0
    for i in range(count + count // 10):
        if i == count // 10:
            before = resident_bytes()
        model = network((16, 32, 10))
        model.train_on_batch(x, y)
        model.predict(x)
    return {"before": before, "after": resident_bytes()}


def _memory_row(name: str, found: dict[str, int]) -> list[str]:
    before, after = found["before"] / 1e6, found["after"] / 1e6
    return [name, f"{before:.1f}", f"{after:.1f}", f"{after - before:.1f}"]


if __name__ == "__main__":
    sys.exit(main())
