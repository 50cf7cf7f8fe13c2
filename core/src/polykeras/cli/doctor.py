"""`polykeras doctor`: looks for what is wrong with an installation."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable

from polykeras.cli.tables import columns

__all__ = ["add_parser", "run"]

_REPORTED = ("numpy", "h5py", "pluggy", "numba", "cuda-python")
_CUPY_WHEELS = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x", "cupy-rocm-5-0", "cupy-rocm-7-0")
_VARIABLES = (
    "KERAS_BACKEND",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMBA_THREADING_LAYER",
    "NUMBA_CACHE_DIR",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_PATH",
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `doctor`."""
    parser = commands.add_parser("doctor", help="look for what is wrong with this installation")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what matters about the installation, then its problems; 1 where there are any."""
    for title, rows in (("Versions", _versions()), ("Computing", _computing()), ("Environment", _environment())):
        print(f"{title}\n{columns(rows, indent='  ')}\n" if rows else f"{title}\n  nothing set\n")
    problems = [problem for check in _CHECKS for problem in check()]
    if not problems:
        print("No problem found.")
        return 0
    print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
    for problem in problems:
        print(f"  - {problem}")
    return 1


# -- facts -------------------------------------------------------------------------------------------------------------


def _versions() -> list[tuple[str, str]]:
    from polykeras import distributions, entrypoints

    asked = [*sorted(distributions.FIRST_PARTY), *_REPORTED, *_CUPY_WHEELS]
    found = [(name, entrypoints.version_of(name)) for name in asked]
    return [("python", f"{platform.python_version()} ({sys.executable})"), *((n, v) for n, v in found if v is not None)]


def _computing() -> list[tuple[str, str]]:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [("platform", platform.platform()), ("CPUs for this process", str(cpus)), ("NumPy's BLAS", _blas())]


def _blas() -> str:
    try:
        import numpy
    except Exception as error:  # noqa: BLE001  (a broken installation may raise anything)
        return f"unknown: importing NumPy failed with {type(error).__name__}: {error}"
    built = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()


def _environment() -> list[tuple[str, str]]:
    """The variables that are set and matter here. Every `POLYKERAS_...` one, so that a misspelt name is seen."""
    names = sorted(name for name in os.environ if name.startswith("POLYKERAS_") or name in _VARIABLES)
    return [(name, repr(os.environ[name])) for name in names]


# -- checks: each returns its problems ---------------------------------------------------------------------------------


def _check_config() -> list[str]:
    from polykeras import config

    try:
        config.floatx()
    except ValueError as error:
        return [str(error)]
    return []


def _check_backend() -> list[str]:
    from polykeras.runtime import select

    try:
        select.current()
    except (select.BackendError, ValueError) as error:
        return [str(error)]
    return []


def _check_kernel_cache() -> list[str]:
    from polykeras.cli.cache import kernel_cache_of
    from polykeras.runtime import select

    try:
        cache = kernel_cache_of(select.current())
    except (select.BackendError, ValueError):  # which `_check_backend` tells
        return []
    problem = None if cache is None else cache.problem()
    return [] if problem is None else [problem]


def _check_cupy_wheels() -> list[str]:
    from polykeras import entrypoints

    wheels = [name for name in _CUPY_WHEELS if entrypoints.version_of(name) is not None]
    if len(wheels) < 2:
        return []
    return [
        f"Several CuPy wheels are installed and overwrite each other's files: {', '.join(wheels)}. "
        f"Uninstall all of them (pip uninstall {' '.join(wheels)}), then install one."
    ]


def _check_plugins() -> list[str]:
    from polykeras import admission
    from polykeras.cli import inventory

    inventory.take()
    return [failure.text() for failure in admission.failures()]


_CHECKS: tuple[Callable[[], list[str]], ...] = (
    _check_config,
    _check_backend,
    _check_kernel_cache,
    _check_cupy_wheels,
    _check_plugins,
)
