"""Utilities, imported when asked for."""

from polykeras._faces import lazy

_GENERIC = (
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "serialize_keras_object",
)

__getattr__, __dir__ = lazy(
    __name__,
    {
        **{name: f"polykeras.utils.generic_utils:{name}" for name in _GENERIC},
        "Progbar": "polykeras.utils.progbar:Progbar",
        "Sequence": "polykeras.utils.data_utils:Sequence",
        "data_utils": "polykeras.utils.data_utils",
        "generic_utils": "polykeras.utils.generic_utils",
        "normalize": "polykeras.utils.np_utils:normalize",
        "layer_utils": "polykeras.utils.layer_utils",
        "np_utils": "polykeras.utils.np_utils",
        "plot_model": "polykeras.utils.vis_utils:plot_model",
        "print_summary": "polykeras.utils.layer_utils:print_summary",
        "set_random_seed": "polykeras.utils.rng_utils:set_random_seed",
        "to_categorical": "polykeras.utils.np_utils:to_categorical",
        "vis_utils": "polykeras.utils.vis_utils",
    },
)
