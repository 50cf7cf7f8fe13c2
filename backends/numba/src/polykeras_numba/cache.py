"""Compiled kernels: each is a small module, compiled once per process at most and kept on disk.

They lie in a folder of their own for every version of polykeras and of Numba, for every text of this package and every
processor, so that a folder shared by machines or kept over an upgrade is never wrong, only unused. Where nothing can be
kept, kernels are compiled in memory.

Numba's own cache is not used: its files are trusted whoever wrote them, one that is damaged is an error forever, and
loading from it takes Numba half a second to make itself ready to compile. What is kept is what Numba would keep.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import platform
import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
from llvmlite import binding
from numba.core import config, sigutils
from numba.core.caching import NullCache
from numba.core.ccallback import CFunc
from numba.core.compiler import CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.serialize import dumps

from polykeras.runtime import forking
from polykeras_numba.progress import PROGRESS
from polykeras_numba.store import Store

# What generated modules are part of: Numba imports it when it loads a kernel.
_HOME = "polykeras_numba.cache"

_TEMPLATE = '''\
"""{title}"""
from polykeras_numba.{module} import kernel

body = kernel({arguments})


def {name}(table):
    body(table)
'''
# What is taken of a compiled kernel.
Taken = TypeVar("Taken")

_SIGNATURE = "void(int64)"
_OPTIONS = {"error_model": "numpy", "nogil": True}


class Kernels:
    """The kernels of this process.

    compiled: how many were compiled;  loaded: how many came from the disk.
    """

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], Any] = {}
        self.guard = forking.reentrant_lock()
        self.compiled = 0
        self.loaded = 0

    def address(self, module: str, arguments: str, title: str) -> int:
        """The address of a kernel: a C function of a table's address.

        module: where `kernel` is that writes it;  arguments: a literal, which says which one.
        """
        return self._found(module, arguments, title, _compiled_for_c, _address)

    def function(self, module: str, title: str, arguments: str = "") -> Callable[[int], None]:
        """A kernel that Python calls; it runs without the interpreter's lock."""
        return self._found(module, arguments, title, _compiled_for_python, _entry)

    def _found(
        self, module: str, arguments: str, title: str, compiler: Callable[[Any], Any], taken: Callable[[Any], Taken]
    ) -> Taken:
        key = module, arguments
        found = self.made.get(key)
        if found is None:
            with self.guard:
                found = self.made.get(key)
                if found is None:
                    result = self._make(module, arguments, title, compiler)
                    found = self.made[key] = taken(result), result
        value: Taken = found[0]
        return value

    def _make(self, module: str, arguments: str, title: str, compiler: Callable[[Any], Any]) -> Any:
        name = f"{module}_{hashlib.sha256(arguments.encode()).hexdigest()[:20]}"
        kept = store()
        result = _loaded(kept, name)
        if result is not None:
            self.loaded += 1
            return result
        with PROGRESS.compiling(title), warnings.catch_warnings():
            source = _TEMPLATE.format(title=title, module=module, arguments=arguments, name=name)
            path = kept and kept.write_source(name, source)
            warnings.simplefilter("ignore", numba.errors.NumbaWarning)
            result = compiler(_function(source, str(path or f"<{name}>"), name))
        self.compiled += 1
        if path is not None and kept is not None and not result.library.has_dynamic_globals:
            kept.write(name, dumps(result._reduce()))
        return result


# -- where they are kept -----------------------------------------------------------------------------------------------


def store() -> Store | None:
    """Where kernels are kept: below POLYKERAS_CACHE, NUMBA_CACHE_DIR, or the user's folder for caches. None: nowhere,
    for the user has no home.
    """
    try:
        return _store(_root())
    except RuntimeError:
        return None


_store = functools.lru_cache(lambda root: Store(root, _version()))


def _root() -> Path:
    base = os.environ.get("POLYKERAS_CACHE")
    if base:
        root = Path(base)
    elif os.environ.get("NUMBA_CACHE_DIR"):
        root = Path(os.environ["NUMBA_CACHE_DIR"]) / "polykeras"
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches" / "polykeras"
    elif sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "polykeras" / "Cache"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polykeras"
    return root.absolute() / "numba"


@functools.cache
def _version() -> str:
    """What a kernel depends on besides its description: every text of this package, and who compiles it for what."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\n" + path.read_bytes())
    digest.update(binding.get_host_cpu_features().flatten().encode())
    choices = (str(config.OPT), config.CPU_NAME, config.CPU_FEATURES, config.ENABLE_AVX, config.DEBUGINFO_DEFAULT)
    host = (platform.system(), platform.machine(), sys.implementation.cache_tag, llvmlite.__version__)
    digest.update(repr((choices, host)).encode())
    processor = binding.get_host_cpu_name()
    return f"{metadata.version('polykeras-numba')}-{numba.__version__}-{processor}-{digest.hexdigest()[:12]}"


# -- Numba -------------------------------------------------------------------------------------------------------------


class _Caught(NullCache):
    """Stands for a cache, so as to get what was compiled."""

    result: Any = None

    def save_overload(self, signature: Any, result: Any) -> None:
        self.result = result


def _loaded(kept: Store | None, name: str) -> Any:
    """A kernel from the disk; None where it is not there, or no longer what it was."""
    data = kept.read(name) if kept is not None else None
    if data is None:
        return None
    try:
        with global_compiler_lock:
            return CompileResult._rebuild(cpu_target.target_context, *pickle.loads(data))
    except Exception:  # noqa: BLE001  (whatever it is, compiling anew mends it)
        return None


def _function(source: str, path: str, name: str) -> Any:
    """The function of a generated module; its file is there to be read, and named in errors."""
    scope: dict[str, Any] = {"__name__": _HOME}
    exec(compile(source, path, "exec"), scope)  # noqa: S102
    return scope[name]


def _compiled_for_c(function: Any) -> Any:
    made = CFunc(function, sigutils.normalize_signature(_SIGNATURE), locals={}, options=dict(_OPTIONS))
    made._cache = caught = _Caught()
    made.compile()
    return caught.result


def _compiled_for_python(function: Any) -> Any:
    made = numba.njit(**_OPTIONS)(function)
    made._cache = caught = _Caught()
    made.compile(_SIGNATURE)
    return caught.result


def _address(result: Any) -> int:
    address: int = result.library.get_pointer_to_function(result.fndesc.llvm_cfunc_wrapper_name)
    return address


def _entry(result: Any) -> Callable[[int], None]:
    entry: Callable[[int], None] = result.entry_point
    return entry


KERNELS = Kernels()
