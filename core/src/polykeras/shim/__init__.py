"""A folder for `sys.path`: in it, `keras` is polykeras. `polykeras.install_as_keras()` puts it there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["FOLDER", "install_as_keras"]

FOLDER = str(Path(__file__).parent)


def install_as_keras() -> ModuleType:
    """Let `import keras` mean polykeras in this process, and in processes that `multiprocessing` starts from it.

        import polykeras
        polykeras.install_as_keras()
        from keras.models import Sequential

    Every module below `keras` is then the module of that path below `polykeras`, plugins' modules included: old scripts
    and packages for Keras 2 run as they are, even where a `keras` is installed. Returns the module `keras`, whose
    `__version__` is 2.2.4.

    Raises RuntimeError where another `keras` was imported before: its modules are in use already.
    """
    present = sys.modules.get("keras")
    if present is not None and not _is_ours(present):
        raise RuntimeError(
            f"`keras` is imported already, from {getattr(present, '__file__', None) or 'an unknown place'}: call "
            f"`polykeras.install_as_keras()` before anything imports `keras`."
        )
    if FOLDER not in sys.path:
        sys.path.insert(1, FOLDER)  # the first place is the script's own
        importlib.invalidate_caches()
    keras = importlib.import_module("keras")
    if not _is_ours(keras):
        raise RuntimeError(f"{keras.__file__} stands before polykeras in `sys.path`: rename it, or run it elsewhere.")
    return keras


def _is_ours(module: ModuleType) -> bool:
    return Path(getattr(module, "__file__", None) or "").parent == Path(FOLDER, "keras")
