"""Which backend computes: chosen by name, decided at first use, made once.

The first of these that says something decides:

1. the argument: `K.function(..., backend=)`, `resolve(name)`
2. the innermost `with backend_scope(name):` of this thread or task
3. `set_backend(name)`
4. the environment variable POLYKERAS_BACKEND
5. the environment variable KERAS_BACKEND, if it names one of polykeras's backends (and not, say, `tensorflow`)
6. the key `backend` of the configuration file
7. the default, `numpy`

4 to 7 are read once, at the first question. A name is a registered one or `module:Class`. This is the only reader of
these two variables. No backend is imported until it is to compute.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polykeras import admission, api_version, config, distributions, entrypoints, registry, suggest

if TYPE_CHECKING:
    from polykeras.entrypoints import Claim
    from polykeras.runtime.backend import Backend

__all__ = [
    "BackendError",
    "BackendUnavailable",
    "Choice",
    "UnknownBackend",
    "backend_scope",
    "current",
    "installed",
    "load_class",
    "resolve",
    "set_backend",
    "why",
]

DEFAULT = "numpy"


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend that computes, by name, and what decided so; `str` gives both."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


class BackendError(Exception):
    """A backend that was asked for cannot be had."""


class UnknownBackend(BackendError, ValueError):
    """No installed distribution brings a backend of that name."""


class BackendUnavailable(BackendError, RuntimeError):
    """The backend is installed and cannot be used here: its import failed, it lacks a device, or it is disabled."""


_scope: ContextVar[Choice | None] = ContextVar("polykeras_backend_scope", default=None)
_set: Choice | None = None
_settled: Choice | None = None
_instances: dict[str, Backend] = {}
_lock = threading.RLock()


# -- the contract ------------------------------------------------------------------------------------------------------


def resolve(backend: str | Backend | None = None) -> Backend:
    """The backend to compute with: the current one for None, the one of that name, or the given one itself.

    Raises UnknownBackend or BackendUnavailable, both BackendErrors; TypeError for anything but these three.
    """
    if backend is None:
        return _instance(why())
    if isinstance(backend, str):
        return _instance(Choice(backend, "passed as an argument"))
    if isinstance(backend, type) or not hasattr(backend, "compile"):
        raise TypeError(f"A backend is named by a string or is an instance of one; got: {backend!r}")
    return backend


def current() -> Backend:
    """The backend that computes where none is named."""
    return resolve(None)


def set_backend(backend: str | None) -> None:
    """Make `backend` the one that computes where none is named, in all threads; None leaves it to the environment.

    A backend that cannot be had is an error here, and the one before stays. Models keep working: they are compiled
    anew, and their weights follow.
    """
    global _set
    if backend is None:
        _set = None
        return
    choice = _named(backend, "chosen by set_backend")
    _instance(choice)
    _set = choice


@contextmanager
def backend_scope(backend: str) -> Iterator[Backend]:
    """A context in which `backend` computes where none is named; in this thread (or asynchronous task) only.

    Yields the backend. One that cannot be had is an error at the beginning.
    """
    choice = _named(backend, "chosen by backend_scope")
    instance = _instance(choice)
    token = _scope.set(choice)
    try:
        yield instance
    finally:
        _scope.reset(token)


def why() -> Choice:
    """The backend that computes where none is named, by name, and why. Imports no backend."""
    return _scope.get() or _set or _settle()


def installed() -> dict[str, tuple[Claim, ...]]:
    """The backends of installed distributions: name -> claims. Imports none of them."""
    return dict(sorted(entrypoints.group_claims(registry.backends.group).items()))


def load_class(name: str) -> type[Backend]:
    """The class of a backend, after the API handshake; whether it can work here is not asked.

    Raises UnknownBackend or BackendUnavailable.
    """
    found: type[Backend] = _load_class(Choice(name, "passed as an argument"))
    return found


# -- deciding ----------------------------------------------------------------------------------------------------------


def _named(backend: str, reason: str) -> Choice:
    if not isinstance(backend, str) or not backend:
        raise TypeError(f"A backend is chosen by its name, such as 'numpy'; got: {backend!r}")
    return Choice(backend, reason)


def _settle() -> Choice:
    """What environment and configuration file say, asked once; two threads at once get equal answers."""
    global _settled
    if _settled is None:
        _settled = _decide()
    return _settled


def _decide() -> Choice:
    ours = os.environ.get("POLYKERAS_BACKEND", "").strip()
    if ours:
        return Choice(ours, "from the environment variable POLYKERAS_BACKEND")
    keras = os.environ.get("KERAS_BACKEND", "").strip()
    if keras and (keras in registry.backends or keras in distributions.known_names(registry.backends.group)):
        return Choice(keras, "from the environment variable KERAS_BACKEND")
    configured = config.configured_backend()
    if configured is not None:
        return Choice(configured, f"from the configuration file {config.config_file()}")
    return Choice(DEFAULT, "the default")


# -- making ------------------------------------------------------------------------------------------------------------


def _instance(choice: Choice) -> Backend:
    """The one instance of a name. Made under a lock, for a backend may take hold of a device; imported before that."""
    found = _instances.get(choice.name)
    if found is not None:
        return found
    made_by = _load_class(choice)
    with _lock:
        if choice.name not in _instances:
            _check_available(choice, made_by)
            try:
                _instances[choice.name] = made_by()
            except Exception as error:
                text = f"making its instance failed with {type(error).__name__}: {error}"
                raise BackendUnavailable(_unavailable_text(choice, text)) from error
        return _instances[choice.name]


def _check_available(choice: Choice, made_by: Any) -> None:
    unavailable = getattr(made_by, "unavailable", None)
    cause = unavailable() if unavailable is not None else None
    if cause is not None:
        raise BackendUnavailable(_unavailable_text(choice, f"it cannot work on this machine: {cause}"))


def _load_class(choice: Choice) -> Any:
    found = _import_path(choice) if ":" in choice.name else _from_registry(choice)
    if not isinstance(found, type):
        raise BackendUnavailable(_unavailable_text(choice, f"it should be a class; it is {found!r}"))
    return found


def _from_registry(choice: Choice) -> Any:
    try:
        found = registry.backends.find(choice.name)
    except admission.PluginError as error:
        failure = error.failure
        text = f"{failure.reason} ({failure.origins}). {failure.advice}" if failure is not None else str(error)
        raise BackendUnavailable(_unavailable_text(choice, text)) from error.__cause__
    if found is None:
        raise UnknownBackend(_unknown_text(choice))
    return _shaken_hands(choice, found)


def _import_path(choice: Choice) -> Any:
    """The class that `module:Class` names. The user wrote it, so the kill switch does not apply."""
    module, _, attribute = choice.name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        text = f"importing it failed with {type(error).__name__}: {error}"
        raise BackendUnavailable(_unavailable_text(choice, text)) from error
    return _shaken_hands(choice, found)


def _shaken_hands(choice: Choice, found: Any) -> Any:
    declared = admission.declared_api(found)
    mismatch = None if declared is None else api_version.mismatch(declared)
    if mismatch is not None:
        raise BackendUnavailable(_unavailable_text(choice, mismatch))
    return found


# -- words -------------------------------------------------------------------------------------------------------------


def _unknown_text(choice: Choice) -> str:
    """What was asked for and by whom, the nearest name, what is installed, and what could be installed."""
    here = registry.backends.names()
    known = distributions.known_names(registry.backends.group)
    text = f"Unknown backend {choice.name!r} ({choice.reason})."
    nearest = None if choice.name in known else suggest.nearest(choice.name, {*here, *known})
    if nearest is not None:
        text += f" Did you mean {nearest!r}?"
    text += " " + suggest.listing(here, "Installed")
    absent = [choice.name] if choice.name in known else sorted(set(known).difference(here))
    if absent:
        lines = "; ".join(f"{name}: {distributions.install_line(known[name])}" for name in absent)
        text += f" Known but not installed: {lines}"
    return text


def _unavailable_text(choice: Choice, cause: str) -> str:
    others = sorted(name for name in registry.backends.names() if name != choice.name)
    advice = f" Other backends here: {', '.join(others)}." if others else ""
    return f"The backend {choice.name!r} ({choice.reason}) cannot be used: {cause.rstrip('.')}.{advice}"
