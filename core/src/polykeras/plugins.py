"""Plugins with hooks: loads them when the first hook is called, checks them, calls them.

The only importer of pluggy, and only where a plugin is installed. A plugin that cannot be loaded, or has a misspelt
hook, is left out with a warning, and kept as a failure that `polykeras plugins` lists.
"""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from polykeras import admission, distributions, entrypoints, hooks, suggest
from polykeras.admission import Failure, PluginError
from polykeras.entrypoints import Claim

if TYPE_CHECKING:
    from pluggy import PluginManager

__all__ = ["GROUP", "call", "chain", "hook_functions", "manager"]

GROUP = "polykeras"
PREFIX = "polykeras_"

_lock = threading.RLock()  # re-entrant: a plugin that is being loaded may itself reach a hook
_manager: PluginManager | None = None
_manager_generation = -1


def call(hook: str, /, **arguments: Any) -> list[Any]:
    """Call every plugin's function for `hook`; the results that are not None, the latest plugin's first.

    Costs a dictionary look-up where no plugin is installed.
    """
    if not _any_plugin():
        return []
    results: list[Any] = getattr(manager().hook, hook)(**arguments)
    return results


def chain(hook: str, replaced: str, /, **arguments: Any) -> Any:
    """Call the plugins one after the other; what one returns, if not None, is the next one's argument `replaced`.

    Returns the last value of that argument.
    """
    if _any_plugin():
        for implementation in reversed(getattr(manager().hook, hook).get_hookimpls()):
            taken = {name: arguments[name] for name in implementation.argnames}
            result = implementation.function(**taken)
            if result is not None:
                arguments[replaced] = result
    return arguments[replaced]


def manager() -> PluginManager:
    """The pluggy manager with all usable plugins registered; made at the first call, and anew after a refresh.

    In a test, `manager().register(module)` and `.unregister(module)` add a plugin that is not installed; `call` sees it
    while it is registered.
    """
    global _manager, _manager_generation
    with _lock:
        if _manager is None or _manager_generation != entrypoints.generation():
            _manager = _new_manager()
            _manager_generation = entrypoints.generation()
            for claim in _claims():
                _add(_manager, claim)
        return _manager


def hook_functions() -> dict[str, Callable[..., Any]]:
    """The hooks by name: the functions of `polykeras.hooks`."""
    return {name: found for name, found in vars(hooks).items() if name.startswith(PREFIX) and inspect.isfunction(found)}


def _any_plugin() -> bool:
    if _manager is not None and _manager_generation == entrypoints.generation():
        return bool(_manager.get_plugins())
    return bool(entrypoints.group_claims(GROUP))


def _claims() -> Iterator[Claim]:
    """The claims to load: enabled ones, one to a name."""
    for rivals in entrypoints.group_claims(GROUP).values():
        enabled = tuple(claim for claim in rivals if distributions.is_enabled(claim.distribution))
        if len(enabled) > 1:
            _leave_out(admission.rivalry(enabled))
        else:
            yield from enabled


def _new_manager() -> PluginManager:
    import pluggy

    class Manager(pluggy.PluginManager):
        """Takes every function named `polykeras_...` for a hook, marked or not, so that a misspelt one is noticed."""

        def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
            marked = super().parse_hookimpl_opts(plugin, name)
            if marked is None and name.startswith(PREFIX) and inspect.isroutine(getattr(plugin, name)):
                return {}
            return marked

        def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
            return {} if name.startswith(PREFIX) else None

    made = Manager(GROUP)
    made.add_hookspecs(hooks)
    return made


def _add(made: PluginManager, claim: Claim) -> None:
    """Load and register one plugin, or leave it out and keep the failure."""
    import pluggy

    try:
        plugin = admission.admit(claim)
    except PluginError as error:
        warnings.warn(f"Left out: {error}", RuntimeWarning, stacklevel=2)
        return
    if made.is_registered(plugin):  # under another name
        return
    try:
        made.register(plugin, name=claim.name)
        made.check_pending()
    except pluggy.PluginValidationError as error:
        if made.is_registered(plugin):
            made.unregister(plugin)
        reason = _misspelt(plugin) or f"a hook's arguments are wrong: {_one_line(error)}"
        _leave_out(Failure((claim,), reason, _ADVICE, error))


def _misspelt(plugin: Any) -> str | None:
    """What is wrong with the name of a plugin's function; None where all are names of hooks."""
    known = hook_functions()
    for name in dir(plugin):
        if name.startswith(PREFIX) and name not in known and inspect.isroutine(getattr(plugin, name)):
            nearest = suggest.nearest(name, known)
            return f"it has a function {name}, which is no hook" + (f" (did you mean {nearest}?)" if nearest else "")
    return None


_ADVICE = "`polykeras plugins --hooks` lists the hooks and their arguments."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _leave_out(failure: Failure) -> None:
    admission.keep_failure(failure)
    warnings.warn(f"Left out: {failure.text()}", RuntimeWarning, stacklevel=2)
