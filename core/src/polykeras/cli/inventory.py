"""Everything that installed distributions plug in, tried: what works, what does not, and why."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from polykeras import admission, distributions, entrypoints, plugins, registry
from polykeras.admission import Failure
from polykeras.entrypoints import Claim

__all__ = ["Entry", "groups", "take"]

Status = Literal["works", "failed", "disabled"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One claim and what came of trying it."""

    claim: Claim
    status: Status
    reason: str = ""


def groups() -> list[str]:
    """The entry-point groups, that of the hooks last."""
    return [one.group for one in registry.EVERY_REGISTRY] + [plugins.GROUP]


def take() -> list[Entry]:
    """Try every claim, and say of each what came of it. Loads all enabled plugins."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what is left out is in the result
        if entrypoints.group_claims(plugins.GROUP):
            plugins.manager()
    for one in registry.EVERY_REGISTRY:
        one.usable_names()
    failed = {claim: failure for failure in admission.failures() for claim in failure.claims}
    return [_entry(claim, failed.get(claim)) for group in groups() for claim in _claims(group)]


def _claims(group: str) -> Iterator[Claim]:
    for _, rivals in sorted(entrypoints.group_claims(group).items()):
        yield from rivals


def _entry(claim: Claim, failure: Failure | None) -> Entry:
    if not distributions.is_enabled(claim.distribution):
        return Entry(claim, "disabled", "not listed in POLYKERAS_PLUGINS")
    if failure is not None:
        return Entry(claim, "failed", f"{failure.reason}. {failure.advice}")
    return Entry(claim, "works")
