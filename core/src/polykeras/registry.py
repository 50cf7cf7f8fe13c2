"""Registries: what a name stands for, found in explicit registrations and in installed distributions' entry points.

    from polykeras import registry
    registry.layers.get("Dense")            # loads that one entry point

    @registry.layers.register("Gate")       # a name of one's own, for this process
    class Gate(Layer): ...

A distribution registers a name by an entry point (here for layers; the groups are those of the instances below):

    [project.entry-points."polykeras.layers"]
    Gate = "polykeras_gates:Gate"

Names are looked up as they are written; capitals count. Looking a name up loads that name's object and no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

from polykeras import admission, distributions, entrypoints, suggest
from polykeras.admission import PluginError
from polykeras.entrypoints import Claim

__all__ = [
    "PluginError",
    "Registry",
    "UnknownName",
    "activations",
    "applications",
    "backends",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "modules",
    "optimizers",
    "regularizers",
    "schedules",
]

T = TypeVar("T")


class UnknownName(ValueError):
    """Nothing is registered under a name, and no installed distribution brings it."""


class Registry:
    """Names of one kind of object.

    `kind` is the word for it in error texts (`"layer"`); `group` is the entry-point group.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind = kind
        self.group = group
        self._registered: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<registry of {self.group}: {len(self.names())} names>"

    @overload
    def register(self, name: str, obj: None = None, *, replace: bool = False) -> Callable[[T], T]: ...
    @overload
    def register(self, name: str, obj: T, *, replace: bool = False) -> T: ...
    def register(self, name: str, obj: Any = None, *, replace: bool = False) -> Any:
        """Register `obj` under `name` in this process, and return it; without `obj`, a decorator that does.

        A name that is taken, by a registration or by an installed distribution, is an error unless `replace=True`.
        Defining the same class or function again, as in a notebook, replaces its earlier self.
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"A {self.kind} is registered under a name, a non-empty string; got: {name!r}")
        if obj is None:

            def decorate(decorated: T) -> T:
                return self.register(name, decorated, replace=replace)

            return decorate
        with self._lock:
            if not replace:
                self._check_free(name, obj)
            self._registered[name] = obj
        return obj

    def unregister(self, name: str) -> None:
        """Undo `register(name, ...)`; what installed distributions bring stays."""
        with self._lock:
            if self._registered.pop(name, None) is None:
                raise UnknownName(f"No {self.kind} was registered as {name!r} in this process.")

    def get(self, name: str) -> Any:
        """The object registered under `name`.

        Raises UnknownName (a ValueError) for a name that nothing brings, with the nearest one or the distribution to
        install, and PluginError (an ImportError) for one whose plugin cannot be used, with the cause chained.
        """
        found = self.find(name)
        if found is None:
            raise UnknownName(self.unknown_text(name))
        return found

    def find(self, name: str) -> Any:
        """The object registered under `name`, or None where nothing is. Raises PluginError as `get` does."""
        registered = self._registered.get(name)
        if registered is not None:
            return registered
        claim = self.claim(name)
        return None if claim is None else admission.admit(claim)

    def claim(self, name: str) -> Claim | None:
        """The one entry point that brings `name`, or None. Raises PluginError where several contradict each other."""
        everyone = entrypoints.claims(self.group, name)
        enabled = tuple(claim for claim in everyone if distributions.is_enabled(claim.distribution))
        if len(enabled) > 1:
            raise admission.rivalry(enabled).error()
        return next(iter(enabled or everyone), None)  # of disabled ones the first, to be refused with the reason

    def names(self) -> list[str]:
        """All names, sorted: those registered, and those that enabled distributions bring. Loads none of them."""
        brought = (name for name, claims in entrypoints.group_claims(self.group).items() if _any_enabled(claims))
        return sorted({*self._registered, *brought})

    def usable_names(self) -> list[str]:
        """The names whose objects load. Loads all of them; failures are kept."""
        return [name for name in self.names() if self._loads(name)]

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return name in self._registered or _any_enabled(entrypoints.claims(self.group, name))

    def unknown_text(self, name: object) -> str:
        """The error text for a name that nothing brings."""
        text = f"Unknown {self.kind}: {name}."
        if not isinstance(name, str):
            return text
        bringer = distributions.bringer(self.group, name)
        if bringer is not None:
            return f"{text} {_how_to_get(bringer)}"
        here = self.names()
        nearest = suggest.nearest(name, {*here, *distributions.known_names(self.group)})
        if nearest is None:
            return f"{text} {suggest.listing(here, 'Registered')}"
        text = f"{text} Did you mean {nearest!r}?"
        return text if nearest in here else f"{text} {_how_to_get(distributions.known_names(self.group)[nearest])}"

    def _check_free(self, name: str, obj: Any) -> None:
        earlier = self._registered.get(name)
        if earlier is not None:
            if earlier is obj or _is_redefinition(earlier, obj):
                return
            taken_by = f"{_describe(earlier)}, registered before in this process"
        else:
            claims = entrypoints.claims(self.group, name)
            if not claims or any(_names_it(claim, obj) for claim in claims):
                return
            taken_by = " and ".join(f"{claim.value} of {claim.origin}" for claim in claims)
        raise ValueError(
            f"Cannot register {_describe(obj)} as {self.kind} {name!r}: the name is taken by {taken_by}. "
            f"Choose another name, or pass replace=True to replace it in this process."
        )

    def _loads(self, name: str) -> bool:
        try:
            return self.find(name) is not None
        except PluginError:
            return False


def _how_to_get(bringer: str) -> str:
    """What to do for a name that this distribution is known to bring and that is not here."""
    version = entrypoints.version_of(bringer)
    if version is None:
        return f"It comes with {bringer}, which is not installed: {distributions.install_line(bringer)}"
    return f"It comes with {bringer}, but not with the installed {version}: pip install --upgrade {bringer}"


def _any_enabled(claims: tuple[Claim, ...]) -> bool:
    return any(distributions.is_enabled(claim.distribution) for claim in claims)


def _is_redefinition(earlier: Any, later: Any) -> bool:
    place = _place(later)
    return place is not None and place == _place(earlier)


def _place(obj: Any) -> tuple[str, str] | None:
    """Where a class or function was defined; None for other objects."""
    module, qualname = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
    return (module, qualname) if isinstance(module, str) and isinstance(qualname, str) else None


def _names_it(claim: Claim, obj: Any) -> bool:
    return (claim.module, claim.attribute) == _place(obj)


def _describe(obj: Any) -> str:
    place = _place(obj)
    return repr(obj) if place is None else ":".join(place)


backends = Registry("backend", "polykeras.backends")
layers = Registry("layer", "polykeras.layers")
optimizers = Registry("optimizer", "polykeras.optimizers")
metrics = Registry("metric function", "polykeras.metrics")
losses = Registry("loss function", "polykeras.losses")
initializers = Registry("initializer", "polykeras.initializers")
regularizers = Registry("regularizer", "polykeras.regularizers")
constraints = Registry("constraint", "polykeras.constraints")
activations = Registry("activation function", "polykeras.activations")
callbacks = Registry("callback", "polykeras.callbacks")
applications = Registry("application", "polykeras.applications")
modules = Registry("module", "polykeras.modules")  # by their paths below `polykeras`: `_tree`
schedules = Registry("learning-rate schedule", "polykeras.schedules")

EVERY_REGISTRY = (
    backends,
    layers,
    optimizers,
    metrics,
    losses,
    initializers,
    regularizers,
    constraints,
    activations,
    callbacks,
    applications,
    modules,
    schedules,
)
