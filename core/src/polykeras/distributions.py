"""Which distributions are ours, which of the others are enabled, and which one brings a missing name.

`POLYKERAS_PLUGINS` is the kill switch: a comma-separated list of the distributions that may be loaded beside our own.
Empty: none but ours. Not set: all that are installed.
"""

from __future__ import annotations

import functools
import os

from polykeras.entrypoints import normalized

__all__ = ["FIRST_PARTY", "bringer", "install_line", "is_enabled", "known_names"]

FIRST_PARTY = frozenset(
    {
        "polykeras",
        "polykeras-core",
        "polykeras-numpy",
        "polykeras-numba",
        "polykeras-cupy",
        "polykeras-layers",
        "polykeras-optimizers",
        "polykeras-metrics",
        "polykeras-applications",
        "polykeras-tensorboard",
        "pytest-polykeras",
    }
)

_EXTRA_NEEDED = {"polykeras-cupy": "cuda13"}  # distributions that do nothing without one of their extras


def is_enabled(distribution: str) -> bool:
    """Whether the kill switch lets this distribution's plugins load."""
    allowed = os.environ.get("POLYKERAS_PLUGINS")
    if allowed is None or normalized(distribution) in FIRST_PARTY:
        return True
    return normalized(distribution) in {normalized(name) for name in allowed.split(",")}


def known_names(group: str) -> dict[str, str]:
    """The standard names of a group and the distribution that brings each. For error texts only."""
    return _known().get(group, {})


def bringer(group: str, name: str) -> str | None:
    """The distribution known to bring this name, or None."""
    return known_names(group).get(name)


def install_line(distribution: str) -> str:
    """The command that installs a distribution."""
    extra = _EXTRA_NEEDED.get(normalized(distribution))
    return f'pip install "{distribution}[{extra}]"' if extra else f"pip install {distribution}"


@functools.cache
def _known() -> dict[str, dict[str, str]]:
    import json
    from importlib import resources

    text = resources.files("polykeras").joinpath("known.json").read_text(encoding="utf-8")
    return {
        group: {name: distribution for distribution, names in bringers.items() for name in names}
        for group, bringers in json.loads(text).items()
    }
