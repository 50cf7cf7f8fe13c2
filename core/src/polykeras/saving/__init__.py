"""Saving and loading: architectures, weights, whole models. Loading never runs code from a file."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {
    "UnsafeFileError": "polykeras.saving.safety:UnsafeFileError",
    "limits": "polykeras.saving.limits:limits",
    "load_model": "polykeras.saving.hdf5:load_model",
    "load_weights": "polykeras.saving.hdf5:load_weights",
    "model_from_config": "polykeras.saving.config:model_from_config",
    "model_from_json": "polykeras.saving.config:model_from_json",
    "model_from_yaml": "polykeras.saving.config:model_from_yaml",
    "save_model": "polykeras.saving.hdf5:save_model",
    "save_weights": "polykeras.saving.hdf5:save_weights",
    "to_json": "polykeras.saving.config:to_json",
    "to_yaml": "polykeras.saving.config:to_yaml",
})  # fmt: skip
