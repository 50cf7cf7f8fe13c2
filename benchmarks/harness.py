"""The coordinator's side: processes that take turns, statistics, tables. Imports no framework, and not NumPy."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from benchmarks.frameworks import FRAMEWORKS, Framework

__all__ = [
    "Contender",
    "Worker",
    "WorkerError",
    "contenders",
    "environment",
    "machine",
    "measured_peak",
    "rotate",
    "summary",
    "table",
    "time_imports",
    "write_json",
]

Turns = list[list[float]]  # seconds of the steps of each turn

ROOT = Path(__file__).resolve().parent.parent
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "POLYKERAS_NUM_THREADS",
)
_PAUSE = 0.02  # seconds between turns, in which the last one's threads stop spinning
_PATIENCE, _LEAST_TURNS = 2.0, 3


class WorkerError(Exception):
    """A worker could not do what it was asked; the message ends with the last lines it wrote."""


# -- who takes part ----------------------------------------------------------------------------------------------------


class Contender:
    """A framework with the interpreter and environment that it runs in.

    absent: why it cannot take part, or None.
    """

    def __init__(self, name: str, framework: Framework, python: str) -> None:
        self.name = name
        self.framework = framework
        self.python = python
        self.ours = name.startswith("polykeras:")
        self.absent = self._missing()

    def _missing(self) -> str | None:
        code = "import importlib.util, sys; print(*[m for m in sys.argv[1:] if importlib.util.find_spec(m) is None])"
        command = [self.python, "-c", code, *self.framework.requires]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
        except OSError as error:
            return f"the interpreter {self.python} cannot be run: {error}"
        if found.returncode:
            return f"the interpreter {self.python} failed: {found.stderr.strip()[-200:]}"
        missing = found.stdout.split()
        return f"not installed: {', '.join(missing)}" if missing else None


def contenders(backends: Iterable[str], peers: Iterable[str], peer_python: str) -> list[Contender]:
    """Polykeras on each backend, then the peers; the absent ones too."""
    ours = [
        Contender(
            f"polykeras:{backend}",
            Framework(
                f"polykeras, {backend}",
                "polykeras_adapter",
                ("polykeras", f"polykeras_{backend}"),
                "import polykeras",
                {"POLYKERAS_BACKEND": backend},
            ),
            sys.executable,
        )
        for backend in backends
    ]
    return ours + [Contender(name, FRAMEWORKS[name], peer_python) for name in peers]


def environment(framework: Framework, threads: int | None) -> dict[str, str]:
    """The environment variables of its process."""
    limits = {} if threads is None else dict.fromkeys(_THREAD_VARIABLES, str(threads))
    if threads == 1:
        limits["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {**os.environ, **framework.environment, **limits}


# -- a process that does as it is told ---------------------------------------------------------------------------------


class Worker:
    """A process running `benchmarks.worker`. A context manager; leaving it ends the process."""

    def __init__(self, contender: Contender, workload: str, threads: int | None, timeout: float = 180.0) -> None:
        self.name = contender.name
        self.timeout = timeout
        self.errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed with the worker
        command = [contender.python, "-m", "benchmarks.worker", contender.framework.module, workload]
        self.process = subprocess.Popen(
            [*command, str(threads)] if threads else command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env=environment(contender.framework, threads),
            preexec_fn=_pinning(threads),
        )
        self.start = time.perf_counter()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.errors.close()

    def ready(self) -> float:
        """Wait until the network is built; seconds since the process was started."""
        self._read()
        return time.perf_counter() - self.start

    def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], self.timeout)
        if not ready:
            raise WorkerError(f"{self.name} gave no answer within {self.timeout:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self.errors.seek(0)
        lines = [line for line in self.errors.read().splitlines() if line.strip()]
        return f"{self.name} ended: {' | '.join(lines[-3:]) or 'it wrote nothing'}"


def _pinning(threads: int | None) -> Callable[[], None] | None:
    """With a limit, the process may only use that many CPUs: whatever a library thinks, it cannot have more."""
    if threads is None or not hasattr(os, "sched_setaffinity"):
        return None
    chosen = set(sorted(os.sched_getaffinity(0))[:threads])

    def pin() -> None:
        os.sched_setaffinity(0, chosen)

    return pin


# -- turns -------------------------------------------------------------------------------------------------------------


def rotate(workers: Sequence[Worker], seconds: float, rounds: int) -> tuple[dict[str, Turns], dict[str, str]]:
    """Let the workers train in turns, each for about `seconds` in all: step times by worker and turn, and failures.

    All are alive at the same time and only one computes, so that a slower minute of the machine is everybody's. A
    worker that fails drops out. Where steps are so slow that the turns take several times as long as they should, there
    are fewer of them.
    """
    times: dict[str, Turns] = {worker.name: [] for worker in workers}
    failed: dict[str, str] = {}
    end = time.perf_counter() + _PATIENCE * seconds * len(workers)
    for turn in range(rounds):
        if turn >= _LEAST_TURNS and time.perf_counter() > end:
            break
        for worker in workers:
            if worker.name in failed:
                continue
            time.sleep(_PAUSE)
            try:
                times[worker.name].append(worker.ask(**{"do": "steps", "for": seconds / rounds})["seconds"])
            except WorkerError as error:
                failed[worker.name] = str(error)
    return {name: found for name, found in times.items() if name not in failed}, failed


def summary(turns: Sequence[Sequence[float]]) -> dict[str, float]:
    """Median, minimum and quartiles of all steps, in milliseconds."""
    steps = sorted(1e3 * step for turn in turns for step in turn)
    low, median, high = statistics.quantiles(steps, n=4)
    return {"median": median, "minimum": steps[0], "quartile1": low, "quartile3": high, "steps": len(steps)}


def measured_peak(threads: int | None) -> float:
    """Float32 operations that the machine does in a second with so many threads, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.flops"],
        capture_output=True,
        text=True,
        timeout=180,
        cwd=ROOT,
        env=environment(Framework("", "", (), ""), threads),
        preexec_fn=_pinning(threads),
        check=True,
    )
    return float(ended.stdout)


def time_imports(contender: Contender, threads: int | None, times: int) -> list[float]:
    """Seconds that the framework's first import takes, in fresh processes; one more is started first, untimed."""
    code = f"import time; t = time.perf_counter(); {contender.framework.imports}; print(time.perf_counter() - t)"
    found = []
    for _ in range(times + 1):
        ended = subprocess.run(
            [contender.python, "-c", code],
            capture_output=True,
            text=True,
            timeout=180,
            cwd=ROOT,
            env=environment(contender.framework, threads),
        )
        if ended.returncode:
            raise WorkerError(f"{contender.name}: {contender.framework.imports}: {ended.stderr.strip()[-300:]}")
        found.append(float(ended.stdout.split()[-1]))
    return found[1:]


# -- what is said ------------------------------------------------------------------------------------------------------


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head, columns but the first are right-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """What the numbers depend on, the load at this moment included."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    info = Path("/proc/cpuinfo")
    models = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.processor(),
        "cpus": cpus,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def write_json(file: Path | None, data: Any) -> None:
    """Write the results, if a file was named."""
    if file is not None:
        file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        print(f"\nWritten: {file}")
