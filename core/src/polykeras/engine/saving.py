"""Saving and loading under the names and in the place that Keras gives them."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {
    "ask_to_proceed_with_overwrite": "polykeras.utils.io_utils:ask_to_proceed_with_overwrite",
    "h5dict": "polykeras.utils.io_utils:h5dict",
    "load_attributes_from_hdf5_group": "polykeras.saving.attributes:load_attributes_from_hdf5_group",
    "load_model": "polykeras.saving.hdf5:load_model",
    "load_weights_from_hdf5_group": "polykeras.saving.weights:load_weights_from_hdf5_group",
    "load_weights_from_hdf5_group_by_name": "polykeras.saving.weights:load_weights_from_hdf5_group_by_name",
    "model_from_config": "polykeras.saving.config:model_from_config",
    "model_from_json": "polykeras.saving.config:model_from_json",
    "model_from_yaml": "polykeras.saving.config:model_from_yaml",
    "pickle_model": "polykeras.saving.hdf5:pickle_model",
    "preprocess_weights_for_loading": "polykeras.saving.conversion:preprocess_weights_for_loading",
    "save_attributes_to_hdf5_group": "polykeras.saving.attributes:save_attributes_to_hdf5_group",
    "save_model": "polykeras.saving.hdf5:save_model",
    "save_weights_to_hdf5_group": "polykeras.saving.weights:save_weights_to_hdf5_group",
    "unpickle_model": "polykeras.saving.hdf5:unpickle_model",
})  # fmt: skip
