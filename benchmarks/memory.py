"""Memory of the process, in bytes."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["peak_bytes", "resident_bytes"]

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The most that the process has had in memory. Linux's VmHWM: unlike ru_maxrss it forgets the parent's."""
    if _STATUS.exists():
        return _field("VmHWM")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes() -> int:
    """What the process has in memory now; Linux only."""
    return _field("VmRSS")


def _field(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
