"""Lazy modules: attributes imported when asked for, and modules that show a registry's names.

A *face* is a module such as `polykeras.layers` that holds no objects of its own and shows what a registry knows:

    __getattr__, __dir__ = face(__name__, registry.layers, {"Layer": "polykeras.engine.base_layer:Layer"})

`from polykeras.layers import Dense` then loads one entry point. `from polykeras.layers import *` loads all and leaves
out those that fail, so it never raises; such a name is raised, with its cause, when it is asked for.

A package that is such a module shows the modules that plugins announce below it, too.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polykeras import _tree, suggest

if TYPE_CHECKING:
    from types import FrameType

    from polykeras.registry import Registry

__all__ = ["LazyNames", "face", "lazy"]

Getattr = Callable[[str], Any]
Dir = Callable[[], list[str]]


def lazy(module: str, names: Mapping[str, str], misprints: Mapping[str, str] | None = None) -> tuple[Getattr, Dir]:
    """The `__getattr__` and `__dir__` of a module whose `names` are imported when asked for.

    `names` maps an attribute to where it is: `package.module:object`, or `package.module` for a module. `misprints`
    maps spellings that are accepted, with a DeprecationWarning at the caller's line, to the names they stand for.
    """
    accepted = misprints or {}

    def module_getattr(name: str) -> Any:
        if name == "__all__":
            return sorted({*names, *_own_names(module)})
        if name in accepted:
            import warnings

            right = accepted[name]
            warnings.warn(f"{module}.{name} is spelt {module}.{right}", DeprecationWarning, stacklevel=2)
            return _import(names[right])
        if name in names:
            return _remember(module, name, _import(names[name]))
        return _announced_module(module, name, module_dir, sys._getframe(1))

    def module_dir() -> list[str]:
        return sorted({*names, *_own_names(module), *_announced(module), *_dunders(module)})

    return module_getattr, module_dir


def face(module: str, registry: Registry, core: Mapping[str, str]) -> tuple[Getattr, Dir]:
    """The `__getattr__` and `__dir__` of a module that shows `registry`'s names.

    `core` gives the names that core itself adds, as `lazy` takes them. Public names defined in the module itself belong
    to it too. Registered objects are asked for anew each time: the registry, not the module, remembers them.
    """

    def module_getattr(name: str) -> Any:
        if name == "__all__":
            return sorted({*core, *_own_names(module), *registry.usable_names()})
        if name in core:
            return _remember(module, name, _import(core[name]))
        found = None if name.startswith("__") else registry.find(name)
        if found is not None:
            return found
        return _announced_module(module, name, module_dir, sys._getframe(1), registry)

    def module_dir() -> list[str]:
        return sorted({*core, *_own_names(module), *registry.names(), *_announced(module), *_dunders(module)})

    return module_getattr, module_dir


def _import(where: str) -> Any:
    module, _, attribute = where.partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def _announced(module: str) -> list[str]:
    """The modules that plugins bring below this module, if it is a package."""
    return _tree.announced_below(module) if hasattr(sys.modules[module], "__path__") else []


def _announced_module(package: str, name: str, known: Dir, caller: FrameType, registry: Registry | None = None) -> Any:
    """The module `name` that a plugin brings below `package`; else raise the error for a name that is not there."""
    if name.startswith("__") or caller.f_globals.get("__name__") == "importlib._bootstrap":
        # `from package import name` asks before it looks for a module, and asks again where it finds none
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
    if name in _announced(package):
        return importlib.import_module(f"{package}.{name}")
    raise _missing(package, name, known(), caller, registry)


def _remember(module: str, name: str, found: Any) -> Any:
    """Set the attribute, so that the next access is an ordinary one."""
    setattr(sys.modules[module], name, found)
    return found


def _own_names(module: str) -> Iterable[str]:
    """The public functions and classes defined in the module itself."""
    return [
        name
        for name, value in vars(sys.modules[module]).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module
    ]


def _dunders(module: str) -> Iterable[str]:
    return [name for name in vars(sys.modules[module]) if name.startswith("__")]


def _missing(
    module: str, name: str, known: list[str], caller: FrameType, registry: Registry | None = None
) -> AttributeError | ImportError:
    """The error for a name that the module lacks: an ImportError within `from ... import name`, else AttributeError.

    Python would replace an AttributeError's text by its own in a `from` import, and the advice would be lost.
    """
    nearest = suggest.nearest(name, [other for other in known if not other.startswith("_")])
    if registry is not None and (nearest is None or nearest in registry or _is_brought(registry, name)):
        advice = registry.unknown_text(name)
    else:
        advice = f"Did you mean {nearest!r}?" if nearest else ""
    if _is_from_import(caller):
        return ImportError(f"cannot import name {name!r} from {module!r}. {advice}".rstrip(), name=module)
    text = f"module {module!r} has no attribute {name!r}. {advice}".rstrip()
    return AttributeError(text, name=name, obj=sys.modules[module])


def _is_brought(registry: Registry, name: str) -> bool:
    """Whether a distribution, perhaps absent, is known to bring the name: that tells more than a likeness."""
    from polykeras import distributions

    return distributions.bringer(registry.group, name) is not None


def _is_from_import(frame: FrameType) -> bool:
    from opcode import opmap

    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]


class LazyNames:
    """Names to search as in a registry: core's own, imported when asked for, before those of a registry."""

    def __init__(self, core: Mapping[str, str], registry: Registry) -> None:
        self._core = core
        self._registry = registry

    def find(self, name: str) -> Any:
        """The object of that name, or None."""
        return _import(self._core[name]) if name in self._core else self._registry.find(name)

    def unknown_text(self, name: object) -> str:
        """The error text for a name that is not found."""
        return self._registry.unknown_text(name)
