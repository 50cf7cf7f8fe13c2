"""The one door for what plugs in: the kill switch, the import, the API handshake, and the memory of what failed.

Third-party, core's own and every other claim pass through `admit`. A claim that fails is a *kept failure*: it is
remembered, listed by `polykeras plugins`, raised again whenever it is asked for, and disturbs nothing else.
"""

from __future__ import annotations

import importlib
import sys
import threading
from dataclasses import dataclass

from polykeras import api_version, distributions, entrypoints
from polykeras.entrypoints import Claim

__all__ = ["Failure", "PluginError", "admit", "declared_api", "failures", "keep_failure", "rivalry"]


class PluginError(ImportError):
    """A plugin was asked for and cannot be used. Says which distribution it is of, why, and what to do.

    `failure` holds the same in parts; it is None for a circular import.
    """

    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A kept failure: the claims that failed (several when they contradict each other), why, and the cause."""

    claims: tuple[Claim, ...]
    reason: str
    advice: str
    cause: BaseException | None = None

    @property
    def origins(self) -> str:
        return " and ".join(dict.fromkeys(claim.origin for claim in self.claims))

    def text(self) -> str:
        first = self.claims[0]
        return f"{first.name!r} ({first.group}) of {self.origins} cannot be used: {self.reason}. {self.advice}"

    def error(self) -> PluginError:
        """A fresh exception for this failure, with its cause chained."""
        error = PluginError(self.text())
        error.__cause__ = self.cause
        error.failure = self
        return error


class _Memory:
    """Objects and failures by claim, valid for one index of entry points."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.objects: dict[Claim, object] = {}
        self.failures: dict[tuple[Claim, ...], Failure] = {}


_lock = threading.Lock()
_memory = _Memory(0)


def admit(claim: Claim) -> object:
    """The object that a claim names, imported at the first call.

    Raises PluginError, with the cause chained, for a claim that cannot be used. No lock is held while importing, for
    the imported module may itself ask for registered names: two threads may both import, and get the same object.
    """
    if not distributions.is_enabled(claim.distribution):
        raise _disabled(claim).error()
    memory = _current()
    if claim in memory.objects:
        return memory.objects[claim]
    failure = memory.failures.get((claim,))
    if failure is None:
        try:
            return memory.objects.setdefault(claim, _load(claim))
        except _StillImporting as error:
            raise PluginError(str(error)) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  (a plugin may raise anything)
            failure = _failure(claim, error)
            keep_failure(failure)
    raise failure.error()


def rivalry(claims: tuple[Claim, ...]) -> Failure:
    """The failure of several claims on one name; kept, so that `polykeras plugins` lists it."""
    stated = " and ".join(f"{claim.value} by {claim.distribution}" for claim in claims)
    failure = Failure(
        claims,
        f"the name is claimed more than once ({stated})",
        "Uninstall one of them, or list in POLYKERAS_PLUGINS only the distributions to be used.",
    )
    keep_failure(failure)
    return failure


def keep_failure(failure: Failure) -> None:
    """Remember a failure until the next `entrypoints.refresh()`."""
    _current().failures.setdefault(failure.claims, failure)


def failures() -> list[Failure]:
    """The failures kept so far, in the order of their occurrence."""
    return list(_current().failures.values())


def declared_api(found: object) -> object:
    """What a class outside core declares; core's own base classes speak for nobody else."""
    for base in getattr(found, "__mro__", ()):
        if "polykeras_api" in vars(base) and base.__module__.partition(".")[0] != "polykeras":
            return vars(base)["polykeras_api"]
    return None


def _current() -> _Memory:
    global _memory
    if _memory.generation != entrypoints.generation():
        with _lock:
            if _memory.generation != entrypoints.generation():
                _memory = _Memory(entrypoints.generation())
    return _memory


# -- loading one claim -------------------------------------------------------------------------------------------------


class _ApiMismatch(Exception):
    """The plugin declares an interface that core does not offer."""


class _StillImporting(Exception):
    """The module is being imported right now and does not hold the object yet: no verdict on the plugin."""


def _load(claim: Claim) -> object:
    top = claim.module.partition(".")[0]
    if top != "polykeras":  # the handshake comes before the rest of the plugin is imported
        _check_api(vars(importlib.import_module(top)).get("polykeras_api", (1, 0)))
    try:
        found = claim.load()
    except AttributeError:
        module = sys.modules.get(claim.module)
        if getattr(getattr(module, "__spec__", None), "_initializing", False):
            raise _StillImporting(
                f"{claim.name!r} was asked for while its module {claim.module} is being imported (a circular import): "
                f"import it from {claim.module} inside a function, or use the defining module directly."
            ) from None
        raise
    declared = declared_api(found)
    if declared is not None:
        _check_api(declared)
    return found


def _check_api(declared: object) -> None:
    reason = api_version.mismatch(declared)
    if reason is not None:
        raise _ApiMismatch(reason)


def _failure(claim: Claim, error: BaseException) -> Failure:
    if isinstance(error, _ApiMismatch):
        advice = f"Bring both to versions that match: pip install --upgrade {claim.distribution} polykeras-core"
        return Failure((claim,), str(error), advice)
    return Failure(
        (claim,),
        f"loading {claim.value} failed with {type(error).__name__}: {error}",
        f"Repair or remove it: pip install --force-reinstall {claim.distribution}",
        error,
    )


def _disabled(claim: Claim) -> Failure:
    return Failure(
        (claim,),
        "the environment variable POLYKERAS_PLUGINS does not list this distribution",
        f"Add {claim.distribution} to POLYKERAS_PLUGINS, or unset it.",
    )
