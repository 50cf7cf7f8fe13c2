"""`python -m benchmarks`: steps of polykeras and its peers, interleaved; import time; peak memory."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.flops import step_flops
from benchmarks.frameworks import FRAMEWORKS, REFEREE
from benchmarks.harness import (
    Contender,
    Worker,
    WorkerError,
    contenders,
    machine,
    measured_peak,
    rotate,
    summary,
    table,
    time_imports,
    write_json,
)
from benchmarks.workloads import WORKLOADS, Workload

_QUICK = ["tiny", "mlp", "cnn"]
_LOSSES = 3  # steps compared before timing
_TOLERANCE = 1e-3  # of losses, and of predictions, relative
_IMPORTS = {True: 7, False: 3}  # fresh processes: ours, a peer's


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where results disagree or nothing could be measured."""
    options = _parser().parse_args(arguments)
    start = time.perf_counter()
    print("\n".join(f"{name}: {value}" for name, value in machine().items()))
    everyone = contenders(options.backend, options.peers, options.peer_python)
    for one in everyone:
        if one.absent:
            print(f"{one.framework.title}: {one.absent}")
    present = [one for one in everyone if not one.absent]
    peak = measured_peak(options.threads)
    print(f"measured peak: {peak / 1e9:.1f} GFLOP/s, float32")
    results: dict[str, Any] = {
        "machine": machine(),
        "threads": options.threads,
        "peak_flops": peak,
        "absent": {one.name: one.absent for one in everyone if one.absent},
        "workloads": {name: _workload(WORKLOADS[name], present, options, peak) for name in options.workloads},
    }
    if not options.no_imports:
        results["imports"] = _imports(present, options.threads)
    results["minutes"] = round((time.perf_counter() - start) / 60, 2)
    print(f"\n{results['minutes']} minutes")
    write_json(options.json, results)
    measured = [found for found in results["workloads"].values() if found["times"]]
    disagree = [name for name, found in results["workloads"].items() if found["disagree"]]
    return 1 if disagree or len(measured) < len(options.workloads) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--workloads",
        type=_names(WORKLOADS),
        default=_QUICK,
        metavar="NAME,...",
        help=f"of {', '.join(WORKLOADS)}, or 'all'; default: {','.join(_QUICK)}",
    )
    parser.add_argument(
        "--backend",
        type=_words,
        default=["numpy", "numba"],
        metavar="NAME,...",
        help="polykeras's backends; default: numpy,numba",
    )
    parser.add_argument(
        "--peers",
        type=_names(FRAMEWORKS),
        default=list(FRAMEWORKS),
        metavar="NAME,...",
        help=f"of {', '.join(FRAMEWORKS)}, or nothing: ''; default: all",
    )
    parser.add_argument(
        "--peer-python",
        default=sys.executable,
        metavar="PATH",
        help="the interpreter of the environment that the peers are installed in; default: this one",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPUs and threads for each; default: all")
    parser.add_argument(
        "--seconds",
        type=float,
        default=4.0,
        metavar="S",
        help="training by each framework on each workload; default: %(default)s",
    )
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="turns of each; default: %(default)s")
    parser.add_argument("--no-imports", action="store_true", help="do not time imports")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    return parser


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _names(known: Any) -> Any:
    def parse(text: str) -> list[str]:
        if text == "all":
            return list(known)
        unknown = [word for word in _words(text) if word not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return _words(text)

    return parse


# -- one workload ------------------------------------------------------------------------------------------------------


def _workload(workload: Workload, present: list[Contender], options: argparse.Namespace, peak: float) -> dict[str, Any]:
    failed: dict[str, str] = {}
    losses: dict[str, list[float]] = {}
    truth = _truth(workload)
    started: dict[str, float] = {}
    peaks: dict[str, int] = {}
    with ExitStack() as stack:
        workers = []
        for one in present:
            worker = stack.enter_context(Worker(one, workload.name, options.threads))
            try:
                worker.ready()
                losses[one.name] = worker.ask(do="losses", count=_LOSSES)["losses"]
                started[one.name] = time.perf_counter() - worker.start
                workers.append(worker)
            except WorkerError as error:
                failed[one.name] = str(error)
        times, dropped = rotate(workers, options.seconds, options.rounds)
        for worker in workers:
            if worker.name in times:
                peaks[worker.name] = worker.ask(do="memory")["peak"]
    failed.update(dropped)
    summaries = {name: summary(turns) for name, turns in times.items()}
    flops = step_flops(workload)
    found = {
        "times": summaries,
        "flops": flops,
        "shares_of_peak": {name: flops / (one["median"] / 1e3) / peak for name, one in summaries.items()},
        "turn_medians": {name: [1e3 * statistics.median(turn) for turn in turns] for name, turns in times.items()},
        "losses": {**losses, "float64": truth},
        "started": started,
        "peaks": peaks,
        "failed": failed,
        "disagree": _disagreements(workload, losses, truth),
    }
    titles = {one.name: one.framework.title for one in present}
    print(_workload_text(workload, found, titles))
    return found


def _truth(workload: Workload) -> list[float]:
    """The losses in float64."""
    with Worker(Contender("float64", REFEREE, sys.executable), workload.name, None) as worker:
        worker.ready()
        found: list[float] = worker.ask(do="losses", count=_LOSSES)["losses"]
    return found


def _disagreements(workload: Workload, losses: dict[str, list[float]], truth: list[float]) -> list[str]:
    """Who has another loss than in float64: without dropout before training, and in steps that draw nothing."""
    compared = _LOSSES + 1 if workload.deterministic else 1
    wrong = [
        f"{name}: loss {i} is {found[i]:.6f}, in float64 {truth[i]:.6f}"
        for name, found in losses.items()
        for i in range(compared)
        if not abs(found[i] - truth[i]) <= _TOLERANCE * abs(truth[i])
    ]
    if workload.trains:
        wrong += [
            f"{name}: training does not lower the loss: {found}"
            for name, found in losses.items()
            if not min(found[2:]) < found[1] * 1.5
        ]
    return wrong


def _workload_text(workload: Workload, found: dict[str, Any], titles: dict[str, str]) -> str:
    times = found["times"]
    peers = {name: one for name, one in times.items() if not name.startswith("polykeras:")}
    fastest = {kind: min((one[kind] for one in peers.values()), default=None) for kind in ("median", "minimum")}
    least = min((found["peaks"][name] for name in peers), default=None)
    head = ["median ms", "minimum ms", "quartiles ms", "÷ fastest peer", "minima ÷", "of peak", "first step s"]
    rows = [[workload.name, *head, "memory MB", "÷ least peer's"]]
    for name, one in times.items():
        memory = found["peaks"][name]
        rows.append(
            [
                titles[name],
                f"{one['median']:.3f}",
                f"{one['minimum']:.3f}",
                f"{one['quartile1']:.3f} to {one['quartile3']:.3f}",
                *(f"{one[kind] / best:.2f}" if best else "-" for kind, best in fastest.items()),
                f"{found['shares_of_peak'][name]:.0%}",
                f"{found['started'][name]:.1f}",
                f"{memory / 1e6:.0f}",
                f"{memory / least:.2f}" if least else "-",
            ]
        )
    lines = ["", table(rows)]
    lines += [f"{name} dropped out: {reason}" for name, reason in found["failed"].items()]
    lines += [f"RESULTS DISAGREE: {text}" for text in found["disagree"]]
    return "\n".join(lines)


# -- imports -----------------------------------------------------------------------------------------------------------


def _imports(present: list[Contender], threads: int | None) -> dict[str, Any]:
    rows = [["import", "median s", "minimum s", "statement"]]
    found: dict[str, Any] = {}
    seen = set()
    for one in present:
        key = "polykeras" if one.ours else one.name
        if (one.python, one.framework.imports) in seen:
            continue
        seen.add((one.python, one.framework.imports))
        try:
            seconds = time_imports(one, threads, _IMPORTS[one.ours])
        except WorkerError as error:
            print(f"import: {error}")
            continue
        found[key] = {"median": statistics.median(seconds), "seconds": seconds}
        title = "polykeras" if one.ours else one.framework.title
        rows.append([title, f"{statistics.median(seconds):.3f}", f"{min(seconds):.3f}", one.framework.imports])
    print(f"\n{table(rows)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
