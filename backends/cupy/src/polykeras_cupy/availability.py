"""Why CuPy cannot compute on this machine, and what to do: asked when the backend is chosen, and never before."""

from __future__ import annotations

import importlib
import os
from importlib import metadata
from importlib.util import find_spec
from typing import Any

__all__ = ["cause"]

INSTALL = (
    'pip install "polykeras-cupy[cuda13]" for drivers of the CUDA 13 series, '
    '"polykeras-cupy[cuda12]" for those of the CUDA 12 series'
)
OLDEST = (14, 0, 1)
BROKEN = ("14.1.0",)


def cause() -> str | None:
    """The first thing that is in the way, with the command that removes it; None where CuPy computes."""
    wheels = installed_wheels()
    if len(wheels) > 1:
        return (
            f"{' and '.join(wheels)} are both installed, and break each other: "
            f"pip uninstall {' '.join(wheels)}, then {INSTALL}"
        )
    if find_spec("cupy") is None:
        return f"CuPy is not installed: {INSTALL}"
    try:
        cupy = importlib.import_module("cupy")
    except Exception as error:  # noqa: BLE001  (CuPy and the CUDA libraries raise many kinds)
        return f"importing CuPy failed with {type(error).__name__}: {_first_line(error)}"
    return _version_cause(cupy.__version__) or _device_cause(cupy.cuda.runtime) or _compute_cause(cupy)


def installed_wheels() -> list[str]:
    """The distributions that bring a module `cupy`: they write over each other's files."""
    names = {str(found.metadata["Name"]).lower() for found in metadata.distributions()}
    return sorted(name for name in names if name == "cupy" or name.startswith(("cupy-cuda", "cupy-rocm", "amd-cupy")))


def _version_cause(version: str) -> str | None:
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers >= OLDEST and version not in BROKEN:
        return None
    oldest = ".".join(map(str, OLDEST))
    return f"it needs CuPy {oldest} or later, and not {', '.join(BROKEN)}; installed is {version}: {INSTALL}"


def _device_cause(runtime: Any) -> str | None:
    """What keeps CUDA from finding a GPU: the driver, or that there is none."""
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if driver == 0:
        return "no NVIDIA driver is installed (`nvidia-smi` shows it where there is one)"
    if driver // 1000 < needed // 1000:
        return (
            f"the NVIDIA driver supports CUDA {_cuda(driver)} at most, and this CuPy was made for CUDA "
            f"{_cuda(needed)}: update the driver, or install the CuPy of its series: {INSTALL}"
        )
    try:
        count = runtime.getDeviceCount()
    except Exception as error:  # noqa: BLE001  (a CUDARuntimeError, of a module that may be broken)
        return f"CUDA finds no GPU ({_first_line(error)}){_hidden()}"
    return None if count else f"CUDA finds no GPU{_hidden()}"


def _compute_cause(cupy: Any) -> str | None:
    """Compiling a kernel and a product show whether the CUDA libraries are there and fit."""
    try:
        ones = cupy.ones((2, 2), "float32")
        if float((ones @ ones + 1).sum()) != 12:
            return "CuPy computes wrong numbers on this GPU"
    except Exception as error:  # noqa: BLE001  (whatever CUDA libraries raise)
        series = cupy.cuda.runtime.runtimeGetVersion() // 1000
        return (
            f"CuPy cannot compute on this GPU ({type(error).__name__}: {_first_line(error)}). Where CUDA's libraries "
            f'are missing: pip install "cupy-cuda{series}x[ctk]"'
        )
    return None


def _cuda(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"


def _hidden() -> str:
    """The environment variable that may hide GPUs, where it is set."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if visible is None else f": CUDA_VISIBLE_DEVICES={visible!r} lists those that may be seen"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
