"""polykeras: the API of multi-backend Keras on backends that plug in.

Everything here is imported when it is first asked for; `import polykeras` itself does nothing, save that imports below
it find the modules that plugins announce.
"""

from __future__ import annotations

from polykeras._faces import lazy
from polykeras._tree import watch_imports

__version__ = "0.1.0"

_SUBMODULES = (
    "activations",
    "applications",
    "backend",
    "callbacks",
    "constraints",
    "engine",
    "initializers",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "models",
    "objectives",
    "optimizers",
    "preprocessing",
    "regularizers",
    "utils",
    "wrappers",
)

watch_imports()

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Input": "polykeras.engine.input_layer:Input",
        "Model": "polykeras.engine.training:Model",
        "Sequential": "polykeras.engine.sequential:Sequential",
        "backend_scope": "polykeras.runtime.select:backend_scope",
        "install_as_keras": "polykeras.shim:install_as_keras",
        "set_backend": "polykeras.runtime.select:set_backend",
        **{name: f"polykeras.{name}" for name in _SUBMODULES},
    },
    misprints={"optimizer": "optimizers", "regularizer": "regularizers"},
)
