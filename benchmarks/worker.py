"""One framework with one workload in a process of its own: `python -m benchmarks.worker ADAPTER WORKLOAD [THREADS]`.

It reads one JSON object a line from standard input and answers each with one on what was standard output; what the
framework prints goes to standard error. The orders:

    {"do": "losses", "count": n}  the loss without dropout, then those of n training steps
    {"do": "steps", "for": s}     train for s seconds, one step at least: the seconds of each, after a few not timed
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

# At most so many steps, and so many seconds of them, are not timed in each turn: caches and sleeping threads are woken.
WAKE_STEPS, WAKE_SECONDS = 3, 0.05


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
                return {"seconds": self._steps(order["for"])}
            case "memory":
                return {"peak": peak_bytes()}
            case unknown:
                raise ValueError(f"unknown order {unknown!r}")

    def _steps(self, duration: float) -> list[float]:
        self._timed(WAKE_SECONDS, WAKE_STEPS)
        return self._timed(duration, most=sys.maxsize)

    def _timed(self, duration: float, most: int) -> list[float]:
        step, clock = self.trainer.step, time.perf_counter
        seconds: list[float] = []
        begun = end = clock()
        while end - begun < duration and len(seconds) < most:
            start = clock()
            step()
            end = clock()
            seconds.append(end - start)
        return seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
