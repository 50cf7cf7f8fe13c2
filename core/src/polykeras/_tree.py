"""Modules that no file of core holds: those that plugins add to the tree, and whole trees under a second name.

A distribution announces a module under the entry-point group `polykeras.modules`; the entry's name is the path below
`polykeras`, its value the module:

    [project.entry-points."polykeras.modules"]
    "preprocessing.audio" = "polykeras_audio.preprocessing"

`import polykeras.preprocessing.audio` then imports `polykeras_audio.preprocessing`: one module object under two names,
and so one place for each thing. A path that core has itself stays core's.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["alias", "announced_below", "watch_imports"]

_ROOT = "polykeras."

_aliases: dict[str, str] = {}


def watch_imports() -> None:
    """Let imports below `polykeras` find announced modules. Asks no distribution before a module is missing."""
    if _Announced not in sys.meta_path:
        sys.meta_path.append(_Announced)


def announced_below(package: str) -> list[str]:
    """The modules directly below a package of polykeras that distributions, or this process, bring. Imports none."""
    from polykeras import registry

    path = f"{package}.".removeprefix(_ROOT)
    names = (name.removeprefix(path) for name in registry.modules.names() if name.startswith(path))
    return sorted(name for name in names if "." not in name)


def alias(name: str, target: str) -> None:
    """Import everything below the package `name` as what has the same path below the package `target`."""
    _aliases[name] = target
    if _Aliased not in sys.meta_path:
        sys.meta_path.insert(0, _Aliased)  # before the finder of files, which would load a package's files twice


class _Loader:
    """Puts a module that is loaded elsewhere in the place of the one that is to be loaded."""

    def __init__(self, load: Callable[[str], ModuleType]) -> None:
        self._load = load

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python: the module is replaced before anybody sees it."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = self._load(module.__name__)


class _Announced:
    """The last of the finders: modules below `polykeras` that no file answers."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if not fullname.startswith(_ROOT):
            return None
        if _is_announced(fullname):
            return ModuleSpec(fullname, _Loader(_import_announced))  # type: ignore[arg-type]
        from polykeras import distributions, registry

        name = fullname.removeprefix(_ROOT)
        if distributions.bringer(registry.modules.group, name) is None:
            return None
        advice = registry.modules.unknown_text(name).partition(". ")[2]
        raise ModuleNotFoundError(f"No module named {fullname!r}. {advice}", name=fullname)


class _Aliased:
    """The first of the finders: modules below an alias."""

    @staticmethod
    def find_spec(fullname: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if _package(fullname) is None or _is_announced(fullname):
            return None
        return ModuleSpec(fullname, _Loader(_import_aliased))  # type: ignore[arg-type]


def _is_announced(name: str) -> bool:
    """Whether a distribution, perhaps disabled, or this process brings the module."""
    if not name.startswith(_ROOT):
        return False
    from polykeras import registry

    path = name.removeprefix(_ROOT)
    return path in registry.modules or registry.modules.claim(path) is not None


def _import_announced(name: str) -> ModuleType:
    from polykeras import registry

    found = registry.modules.get(name.removeprefix(_ROOT))
    if not isinstance(found, ModuleType):
        raise ImportError(f"{name} is announced as {found!r}, which is no module", name=name)
    if hasattr(found, "__path__"):
        alias(name, found.__name__)
    return found


def _import_aliased(name: str) -> ModuleType:
    package = _package(name)
    assert package is not None
    real = _aliases[package] + name.removeprefix(package)
    try:
        return importlib.import_module(real)
    except ModuleNotFoundError as error:
        if error.name != real:
            raise
        # `from package import name` tries a module, and takes only an error of this name for "there is none"
        raise ModuleNotFoundError(str(error).replace(repr(real), repr(name)), name=name) from None


def _package(name: str) -> str | None:
    """The alias below which `name` lies."""
    return next((package for package in tuple(_aliases) if name.startswith(f"{package}.")), None)
