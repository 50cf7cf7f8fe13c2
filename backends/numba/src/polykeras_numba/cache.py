"""Compiled kernels: each is a small module, compiled once per process at most and kept on disk by Numba.

The modules lie in a folder of their own for every version of polykeras, of Numba and of the code that writes kernels,
and for every processor, so that a folder shared by machines or kept over an upgrade is never wrong, only unused. Where
nothing can be written, kernels are compiled in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding

# What generated modules are part of: Numba imports it when it loads a kernel.
_HOME = "polykeras_numba.cache"
_SOURCES = (
    "lanes.py", "code.py", "math.py", "parts.py", "elementwise.py", "reduction.py", "blas.py", "product.py",
    "packing.py", "sums.py", "winograd.py", "pooling.py", "pairs.py", "philox.py", "execution.py", "math64.py",
    "panels.py", "recurrence.py", "sequences.py", "region.py", "scatter.py",
)  # fmt: skip

_TEMPLATE = '''\
"""{title}"""
from numba import cfunc, njit

from polykeras_numba.{module} import kernel

body = kernel({arguments})


@{decorator}("void(int64)", cache={cache}, error_model="numpy", nogil=True)
def {name}(table):
    body(table)
'''


class Kernels:
    """The kernels of this process.

    compiled: how many were compiled;  loaded: how many came from the disk.
    """

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], Any] = {}
        self.guard = threading.Lock()
        self.compiled = 0
        self.loaded = 0

    def address(self, module: str, arguments: str, title: str) -> int:
        """The address of a kernel: a C function of a table's address.

        module: where `kernel` is that writes it;  arguments: a literal, which says which one.
        """
        return self._found(module, arguments, title, "cfunc").address  # type: ignore[no-any-return]

    def function(self, module: str, title: str, arguments: str = "") -> Callable[[int], None]:
        """A kernel that Python calls; it runs without the interpreter's lock."""
        return self._found(module, arguments, title, "njit")  # type: ignore[no-any-return]

    def _found(self, module: str, arguments: str, title: str, decorator: str) -> Any:
        key = module, arguments
        found = self.made.get(key)
        if found is None:
            with self.guard:
                found = self.made.get(key)
                if found is None:
                    found = self.made[key] = self._make(module, arguments, title, decorator)
        return found

    def _make(self, module: str, arguments: str, title: str, decorator: str) -> Any:
        name = f"{module}_{hashlib.sha256(arguments.encode()).hexdigest()[:20]}"
        fields = {"title": title, "module": module, "arguments": arguments, "name": name, "decorator": decorator}
        function = None
        path = _written(name, _TEMPLATE.format(**fields, cache=True))
        if path is not None:
            # a full or foreign folder, or a damaged file, must not stop a program that can be compiled anew
            with contextlib.suppress(Exception):
                function = _run(_TEMPLATE.format(**fields, cache=True), str(path), name)
        if function is None:
            function = _run(_TEMPLATE.format(**fields, cache=False), f"<{name}>", name)
        hits = function.cache_hits if decorator == "cfunc" else sum(function.stats.cache_hits.values())
        if hits:
            self.loaded += 1
        else:
            self.compiled += 1
        return function


def folder() -> Path:
    """Where kernels are kept: below POLYKERAS_CACHE, NUMBA_CACHE_DIR, or the user's folder for caches."""
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
    return root / "numba" / _version()


def _version() -> str:
    """What a kernel depends on besides its description."""
    here = Path(__file__).parent
    sources = b"".join((here / name).read_bytes() for name in _SOURCES)
    features = binding.get_host_cpu_features().flatten()
    digest = hashlib.sha256(sources + features.encode() + repr(sys.version_info[:2]).encode()).hexdigest()[:12]
    return f"{metadata.version('polykeras-numba')}-{numba.__version__}-{binding.get_host_cpu_name()}-{digest}"


def _written(name: str, source: str) -> Path | None:
    """The file that holds the source, complete whoever else writes it; None where it cannot be written."""
    try:
        path = folder() / f"{name}.py"
        with contextlib.suppress(OSError):
            if path.read_text() == source:
                return path
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(source)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        return path
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None


def _run(source: str, path: str, name: str) -> Any:
    """Run our own source under the file's name; the file itself is only what Numba dates its cache by."""
    scope: dict[str, Any] = {"__name__": _HOME}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numba.errors.NumbaWarning)
        exec(compile(source, path, "exec"), scope)  # noqa: S102
    return scope[name]


KERNELS = Kernels()
