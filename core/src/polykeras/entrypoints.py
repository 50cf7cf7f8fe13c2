"""What installed distributions offer: an index of the entry points of polykeras's groups.

The only reader of `importlib.metadata`. The index is made at the first question, in one walk over the installed
distributions, and kept; `refresh()` drops it. Making it imports none of them: `Claim.load` imports one object.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["Claim", "claims", "generation", "group_claims", "normalized", "refresh", "version_of"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One distribution's word that `name` in `group` is the object `value` (`module` or `module:object`)."""

    group: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def module(self) -> str:
        return self.value.partition(":")[0].strip()

    @property
    def attribute(self) -> str:
        """The dotted path within the module; empty where the module itself is meant."""
        return self.value.partition(":")[2].partition("[")[0].strip()

    @property
    def origin(self) -> str:
        """The distribution and its version, for people: `polykeras-gates 0.3`."""
        return f"{self.distribution} {self.version}"

    def load(self) -> object:
        """Import the object. Raises whatever the import raises, or AttributeError where the module lacks it."""
        found: object = importlib.import_module(self.module)
        for part in filter(None, self.attribute.split(".")):
            found = getattr(found, part)
        return found


Index = Mapping[str, Mapping[str, tuple[Claim, ...]]]

_lock = threading.Lock()
_index: Index | None = None
_generation = 0


def group_claims(group: str) -> Mapping[str, tuple[Claim, ...]]:
    """All claims of a group, by name. More than one claim on a name means that distributions disagree."""
    return _get_index().get(group, _NO_CLAIMS)


def claims(group: str, name: str) -> tuple[Claim, ...]:
    """The claims on one name."""
    return group_claims(group).get(name, ())


def refresh() -> None:
    """Forget the index: what was installed or removed since is seen at the next question."""
    global _index, _generation
    with _lock:
        importlib.invalidate_caches()
        _index = None
        _generation += 1


def generation() -> int:
    """How often `refresh` was called: what was derived from an older index is stale."""
    return _generation


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution; None where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def normalized(distribution: str) -> str:
    """A distribution's name as package indexes compare it: lower case, runs of `-`, `_` and `.` as one `-`."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


_NO_CLAIMS: Mapping[str, tuple[Claim, ...]] = MappingProxyType({})


def _get_index() -> Index:
    global _index
    index = _index
    if index is None:
        with _lock:
            if _index is None:
                _index = _read_installed()
            index = _index
    return index


def _read_installed() -> Index:
    """Walk over the installed distributions; the first of several with one name shadows the others, as for imports."""
    from importlib import metadata

    index: dict[str, dict[str, list[Claim]]] = {}
    seen = set()
    for distribution in metadata.distributions():
        text = distribution.read_text("entry_points.txt")
        if not text or "polykeras" not in text:  # parsing the others would cost more than all the rest
            continue
        name, version = distribution.metadata["Name"], distribution.version
        if not name or normalized(name) in seen:
            continue
        seen.add(normalized(name))
        for point in distribution.entry_points:
            if point.group == "polykeras" or point.group.startswith("polykeras."):
                claim = Claim(point.group, point.name, point.value, name, version)
                rivals = index.setdefault(point.group, {}).setdefault(point.name, [])
                if claim not in rivals:
                    rivals.append(claim)
    return {
        group: {name: tuple(sorted(rivals, key=_origin)) for name, rivals in names.items()}
        for group, names in index.items()
    }


def _origin(claim: Claim) -> tuple[str, str]:
    return claim.distribution, claim.value
