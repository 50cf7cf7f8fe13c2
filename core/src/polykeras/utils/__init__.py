"""Utilities, imported when asked for."""

from polykeras._faces import lazy

_NAMES = {
    "data_utils": ("GeneratorEnqueuer", "OrderedEnqueuer", "Sequence", "SequenceEnqueuer", "get_file"),
    "generic_utils": (
        "CustomObjectScope",
        "Progbar",
        "custom_object_scope",
        "deserialize_keras_object",
        "get_custom_objects",
        "serialize_keras_object",
    ),
    "io_utils": ("HDF5Matrix", "h5dict"),
    "layer_utils": ("convert_all_kernels_in_model", "get_source_inputs", "print_summary"),
    "multi_gpu_utils": ("multi_gpu_model",),
    "np_utils": ("normalize", "to_categorical"),
    "rng_utils": ("set_random_seed",),
    "vis_utils": ("model_to_dot", "plot_model"),
}
_MODULES = (*_NAMES, "conv_utils")

__getattr__, __dir__ = lazy(
    __name__,
    {
        **{name: f"{__name__}.{module}:{name}" for module, names in _NAMES.items() for name in names},
        **{module: f"{__name__}.{module}" for module in _MODULES},
    },
)
