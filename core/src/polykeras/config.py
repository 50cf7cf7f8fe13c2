"""Process-wide defaults: float type, fuzz factor, image data format, how long to wait for data, rewrites of programs,
fast convolutions, threads, and the backend named in the configuration file.

A default is, in this order: what a setter of this module last said; what the environment variables
`POLYKERAS_BATCH_TIMEOUT`, `POLYKERAS_FAST_CONVOLUTION` (1 or 0) and `POLYKERAS_NUM_THREADS` say; what `polykeras.json`
says; the built-in value.
The file lies in `~/.polykeras`, or in the directory that the environment variable `POLYKERAS_HOME` names. It is read at
the first question and never written:

    {"floatx": "float32", "epsilon": 1e-07, "image_data_format": "channels_last", "inference_rewrites": true,
     "backend": "numba", "batch_timeout": 600, "fast_convolution": false, "num_threads": 2}
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = [
    "batch_timeout",
    "config_file",
    "configured_backend",
    "epsilon",
    "fast_convolution",
    "floatx",
    "image_data_format",
    "inference_rewrites",
    "normalize_data_format",
    "num_threads",
    "reload",
    "set_batch_timeout",
    "set_epsilon",
    "set_fast_convolution",
    "set_floatx",
    "set_image_data_format",
    "set_inference_rewrites",
    "set_num_threads",
]

FLOAT_TYPES = ("float16", "float32", "float64")
DATA_FORMATS = ("channels_last", "channels_first")
MOST_THREADS = 1024


def floatx() -> str:
    """The default float type of variables, placeholders and layers, as a string: `'float32'` unless set."""
    return _settings()["floatx"]  # type: ignore[no-any-return]


def set_floatx(floatx: str) -> None:
    """Set the default float type: `'float16'`, `'float32'` or `'float64'`; else ValueError."""
    _settings()["floatx"] = _check_floatx(floatx)


def epsilon() -> float:
    """The fuzz factor added where a division or a logarithm could meet zero: `1e-7` unless set."""
    return _settings()["epsilon"]  # type: ignore[no-any-return]


def set_epsilon(e: float) -> None:
    """Set the fuzz factor: a finite number, zero or more; else ValueError."""
    _settings()["epsilon"] = _check_epsilon(e)


def image_data_format() -> str:
    """Where images carry their channels by default: `'channels_last'` (unless set) or `'channels_first'`."""
    return _settings()["image_data_format"]  # type: ignore[no-any-return]


def set_image_data_format(data_format: str) -> None:
    """Set the default image data format: `'channels_last'` or `'channels_first'`; else ValueError."""
    _settings()["image_data_format"] = _check_data_format(data_format)


def batch_timeout() -> float | None:
    """The seconds after which waiting for a batch of data is an error; None unless set: it is a warning then."""
    return _settings()["batch_timeout"]  # type: ignore[no-any-return]


def set_batch_timeout(seconds: float | None) -> None:
    """Set how long `fit` and its kin wait for a batch of a generator or a Sequence: positive, or None for no limit."""
    _settings()["batch_timeout"] = _check_batch_timeout(seconds)


def fast_convolution() -> bool:
    """May a backend give up a decimal digit of float32 convolutions for speed? `False` unless set.

    Errors are then about 1e-5 of the largest number of a result, and not 1e-6. The environment variable
    `POLYKERAS_FAST_CONVOLUTION` (`1` or `0`) stands above the configuration file. Programs compiled before stay as
    they are.
    """
    return _settings()["fast_convolution"]  # type: ignore[no-any-return]


def set_fast_convolution(allowed: bool) -> None:
    """Allow, or not, convolutions that are faster and less exact, in programs that are compiled from now on."""
    _settings()["fast_convolution"] = _check_fast_convolution(allowed)


def num_threads() -> int:
    """How many threads a backend with threads of its own may use: the processors that this process may use unless set.

    Results do not depend on it. NumPy's BLAS has threads of its own (`OPENBLAS_NUM_THREADS`).
    """
    given = _settings()["num_threads"]
    return _processors() if given is None else given


def set_num_threads(count: int | None) -> None:
    """Set how many threads calls may use from now on: 1 or more, or None for as many as there are processors."""
    _settings()["num_threads"] = _check_num_threads(count)


@functools.cache
def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def normalize_data_format(value: str | None) -> str:
    """`value` in lower case, or the default image data format for None.

    Raises ValueError for anything but `'channels_first'`, `'channels_last'` and None.
    """
    if value is None:
        return image_data_format()
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in DATA_FORMATS:
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value!r}'
        )
    return lowered


def inference_rewrites() -> bool:
    """Whether programs keep what depends on weights alone from call to call, with batch normalisation folded into the
    layer before it: True unless set. Results differ by rounding; weights may lie in memory twice.
    """
    return _settings()["inference_rewrites"]  # type: ignore[no-any-return]


def set_inference_rewrites(on: bool) -> None:
    """Turn the rewrites on or off for programs that are made from then on: True or False; else ValueError."""
    _settings()["inference_rewrites"] = _check_inference_rewrites(on)


def configured_backend() -> str | None:
    """The backend that the configuration file names, or None. Which backend is in use: `polykeras info`."""
    return _settings()["backend"]  # type: ignore[no-any-return]


def config_file() -> Path:
    """Where the configuration file is looked for; it need not exist."""
    home = os.environ.get("POLYKERAS_HOME")
    return (Path(home) if home else Path.home() / ".polykeras") / "polykeras.json"


def reload() -> None:
    """Forget everything that was set; the file is read again at the next question."""
    global _current
    _current = None


# -- checks: each returns the value to keep, or raises ValueError ------------------------------------------------------


def _check_floatx(value: object) -> str:
    if not isinstance(value, str) or value not in FLOAT_TYPES:
        raise ValueError(f"Unknown floatx type: {value!r}. Expected one of: {', '.join(FLOAT_TYPES)}.")
    return value


def _check_epsilon(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, (bool, str)) or not 0.0 <= number < float("inf"):
        raise ValueError(f"Unknown epsilon: {value!r}. Expected a finite number, zero or more, such as 1e-7.")
    return number


def _check_data_format(value: object) -> str:
    if not isinstance(value, str) or value not in DATA_FORMATS:
        raise ValueError(f"Unknown data_format: {value!r}. Expected one of: {', '.join(DATA_FORMATS)}.")
    return value


def _check_inference_rewrites(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"Unknown inference_rewrites: {value!r}. Expected True or False.")
    return value


def _check_backend(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise ValueError(f"Unknown backend: {value!r}. Expected a name, such as 'numpy', or null.")
    return value


def _check_batch_timeout(value: object) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = 0.0
    if isinstance(value, bool) or not 0.0 < seconds < float("inf"):
        raise ValueError(f"Unknown batch_timeout: {value!r}. Expected a positive number of seconds, or None.")
    return seconds


def _check_fast_convolution(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(
            f"Unknown fast_convolution: {value!r}. Expected True or False (true, false; 1 or 0 in the environment)."
        )
    return value


def _check_num_threads(value: object) -> int | None:
    if value is None:
        return None
    count: object = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_THREADS:
        raise ValueError(
            f"Unknown num_threads: {value!r}. Expected a whole number from 1 to {MOST_THREADS}, or None for as many as "
            "there are processors."
        )
    return count


_CHECKS: dict[str, Callable[[object], Any]] = {
    "floatx": _check_floatx,
    "epsilon": _check_epsilon,
    "image_data_format": _check_data_format,
    "inference_rewrites": _check_inference_rewrites,
    "backend": _check_backend,
    "batch_timeout": _check_batch_timeout,
    "fast_convolution": _check_fast_convolution,
    "num_threads": _check_num_threads,
}
_BUILT_IN = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "inference_rewrites": True,
    "backend": None,
    "batch_timeout": None,
    "fast_convolution": False,
    "num_threads": None,
}
_VARIABLES: dict[str, tuple[str, dict[str, object]]] = {
    "POLYKERAS_BATCH_TIMEOUT": ("batch_timeout", {}),
    "POLYKERAS_FAST_CONVOLUTION": ("fast_convolution", {"1": True, "0": False}),
    "POLYKERAS_NUM_THREADS": ("num_threads", {}),
}


# -- state -------------------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_current: dict[str, Any] | None = None


def _settings() -> dict[str, Any]:
    """The settings in force."""
    global _current
    settings = _current
    if settings is None:
        with _lock:
            if _current is None:
                _current = {**_BUILT_IN, **_read_file(config_file()), **_read_environment()}
            settings = _current
    return settings


def _read_environment() -> dict[str, Any]:
    """The checked settings of environment variables."""
    found = {}
    for variable, (name, words) in _VARIABLES.items():
        value = os.environ.get(variable)
        if value:
            try:
                found[name] = _CHECKS[name](words.get(value, value))
            except ValueError as error:
                raise ValueError(f"The environment variable {variable}: {error}") from None
    return found


def _read_file(path: Path) -> dict[str, Any]:
    """The checked settings of a configuration file; empty where there is none."""
    import json

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ValueError(f"Cannot read the configuration file {path}: {error.strerror or error}.") from error
    except ValueError as error:  # not JSON, or not UTF-8
        raise ValueError(f"The configuration file {path} is not valid JSON: {error}. Correct or remove it.") from error
    if not isinstance(found, dict):
        raise ValueError(f"The configuration file {path} should hold a JSON object; found: {type(found).__name__}.")
    settings = {}
    for key, value in found.items():
        if key not in _CHECKS:
            raise ValueError(f"{path}: unknown key {key!r}. Expected one of: {', '.join(_CHECKS)}.")
        try:
            settings[key] = _CHECKS[key](value)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    return settings
