"""`python -m benchmarks.cold`: from the start of a process to the end of its first step.

Each workload three times, in processes that follow each other: on numba with an empty cache of kernels, on numba with
what the first one left there, and on numpy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, table, write_json
from benchmarks.workloads import WORKLOADS

# Seconds that a first step may take with an empty cache; and how many more than numpy's with a warm one.
COLD, WARM = 10.0, 1.0

_STEP = "import sys; from benchmarks.cold import first_step; first_step(sys.argv[1])"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workloads", nargs="+", choices=WORKLOADS, default=["cnn", "resnet"], metavar="NAME",
        help="default: cnn resnet",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="medians of N; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": machine()}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()))
    rows = [["first step, s", "cold", "warm", "numpy", "warm - numpy"]]
    results["seconds"] = {}
    for name in options.workloads:
        found = results["seconds"][name] = measure(name, options.repeats)
        cold, warm, numpy = (median(found[kind]) for kind in ("cold", "warm", "numpy"))
        rows.append([name, f"{cold:.2f}", f"{warm:.2f}", f"{numpy:.2f}", f"{warm - numpy:+.2f}"])
    print(f"\n{table(rows)}\n\nAt most {COLD:g} cold, and {WARM:g} more than numpy when warm.")
    write_json(options.json, results)
    return 0


def measure(workload: str, repeats: int) -> dict[str, list[float]]:
    """The seconds of each process."""
    seconds: dict[str, list[float]] = {"cold": [], "warm": [], "numpy": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            for kind, backend in (("cold", "numba"), ("warm", "numba"), ("numpy", "numpy")):
                environment = {**os.environ, "POLYKERAS_BACKEND": backend, "POLYKERAS_CACHE": cache}
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", _STEP, workload], env=environment, check=True, timeout=600)
                seconds[kind].append(time.perf_counter() - start)
    return seconds


def first_step(workload: str) -> None:
    """Build the workload and take one step, in this process."""
    from benchmarks.frameworks import adapter

    frame = adapter("polykeras_adapter")
    frame.prepare(None)
    frame.build(WORKLOADS[workload]).step()


def median(numbers: list[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


if __name__ == "__main__":
    sys.exit(main())
