"""One framework with one workload in a process of its own: `python -m benchmarks.worker ADAPTER WORKLOAD [THREADS]`.

It reads one JSON object a line from standard input and answers each with one on what was standard output; what the
framework prints goes to standard error. The orders:

    {"do": "losses", "count": n}  the loss without dropout, then those of n training steps
    {"do": "steps", "count": n}   train n steps: the seconds of each, after a few that are not timed, and the last loss
    {"do": "memory"}              peak memory of the process in bytes
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from benchmarks.frameworks import adapter
from benchmarks.memory import peak_bytes
from benchmarks.workloads import WORKLOADS

WAKE = 3  # steps of each turn that are not timed: caches and sleeping threads are woken


def main(module: str, workload: str, threads: str = "") -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = _Worker(module, workload, int(threads) if threads else None)
    print(json.dumps({"ready": True, "seconds": worker.seconds}), file=answers)
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=answers)


class _Worker:
    def __init__(self, module: str, workload: str, threads: int | None) -> None:
        start = time.perf_counter()
        frame = adapter(module)
        frame.prepare(threads)
        self.trainer = frame.build(WORKLOADS[workload])
        self.seconds = time.perf_counter() - start

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        match order["do"]:
            case "losses":
                return {"losses": [self.trainer.evaluate(), *(self.trainer.step() for _ in range(order["count"]))]}
            case "steps":
                return self._steps(order["count"])
            case "memory":
                return {"peak": peak_bytes()}
            case unknown:
                raise ValueError(f"unknown order {unknown!r}")

    def _steps(self, count: int) -> dict[str, Any]:
        step, clock = self.trainer.step, time.perf_counter
        for _ in range(WAKE):
            loss = step()
        seconds = []
        for _ in range(count):
            start = clock()
            loss = step()
            seconds.append(clock() - start)
        return {"seconds": seconds, "loss": loss}


if __name__ == "__main__":
    main(*sys.argv[1:])
