"""`python -m benchmarks.spinning`: a step beside a process that spins on one of the cores, over one on quiet cores.

Who waits for all threads at a barrier waits for the one whose core another process has half of; who hands work out in
small shares does not. All contenders take turns on quiet cores, then beside the spinning process, and again. The exit
status is 1 where polykeras on Numba takes more than 1.8 times its quiet time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.frameworks import FRAMEWORKS
from benchmarks.harness import Turns, Worker, WorkerError, contenders, machine, rotate, summary, table, write_json
from benchmarks.workloads import WORKLOADS

LIMIT = 1.8
JUDGED = "polykeras:numba"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not hasattr(os, "sched_setaffinity"):
        print("This system cannot tie a process to a core.")
        return 1
    results: dict[str, Any] = {"machine": machine(), "threads": options.threads, "workload": options.workload}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()))
    everyone = contenders(["numba"], [name for name in options.peers.split(",") if name], options.peer_python)
    titles = {one.name: one.framework.title for one in everyone}
    for one in everyone:
        if one.absent:
            print(f"{one.framework.title}: {one.absent}")
    with ExitStack() as stack:
        workers = []
        for one in everyone:
            if one.absent:
                continue
            worker = stack.enter_context(Worker(one, options.workload, options.threads))
            try:
                worker.ready()
                worker.ask(do="losses", count=3)  # compiles, and warms up
                workers.append(worker)
            except WorkerError as error:
                print(f"{titles[worker.name]} dropped out: {error}")
        quiet: dict[str, Turns] = {worker.name: [] for worker in workers}
        beside: dict[str, Turns] = {worker.name: [] for worker in workers}
        for _ in range(options.rounds):
            workers = _turns(workers, options.seconds / options.rounds, quiet, titles)
            with spinning(options.threads):
                workers = _turns(workers, options.seconds / options.rounds, beside, titles)
    left = [worker.name for worker in workers]
    results["quiet"] = {name: summary(quiet[name]) for name in left}
    results["spinning"] = {name: summary(beside[name]) for name in left}
    results["ratios"] = {name: results["spinning"][name]["median"] / results["quiet"][name]["median"] for name in left}
    rows = [[options.workload, "quiet, median ms", "spinning, median ms", "ratio"]]
    for name, ratio in results["ratios"].items():
        medians = [f"{results[kind][name]['median']:.3f}" for kind in ("quiet", "spinning")]
        rows.append([titles[name], *medians, f"{ratio:.2f}"])
    print(f"\n{table(rows)}")
    write_json(options.json, results)
    return 0 if results["ratios"].get(JUDGED, LIMIT + 1) <= LIMIT else 1


def _turns(workers: list[Worker], seconds: float, times: dict[str, Turns], titles: dict[str, str]) -> list[Worker]:
    """A turn of each, added to its times; who is still there."""
    found, failed = rotate(workers, seconds, 1)
    for name, turns in found.items():
        times[name] += turns
    for name, reason in failed.items():
        print(f"{titles[name]} dropped out: {reason}")
    return [worker for worker in workers if worker.name in found]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spinning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workload", choices=WORKLOADS, default="resnet", help="default: %(default)s")
    parser.add_argument("--peers", default=",".join(FRAMEWORKS), metavar="NAME,...", help="default: all that there are")
    parser.add_argument(
        "--peer-python", default=sys.executable, metavar="PATH", help="the interpreter that has them; default: this one"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPUs and threads for each; default: all")
    parser.add_argument("--seconds", type=float, default=6.0, metavar="S", help="for each, twice; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=6, metavar="N", help="turns of each; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    return parser


@contextlib.contextmanager
def spinning(threads: int | None) -> Iterator[None]:
    """A process that computes without a pause on the last of the cores that the contenders have."""
    core = sorted(os.sched_getaffinity(0))[:threads][-1]
    code = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
