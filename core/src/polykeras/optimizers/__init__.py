"""The optimizers: what installed distributions register, and core's own base class `Optimizer`."""

from polykeras import registry
from polykeras._faces import face

__getattr__, __dir__ = face(
    __name__,
    registry.optimizers,
    {
        "Optimizer": "polykeras.optimizers.base:Optimizer",
        "TFOptimizer": "polykeras.optimizers.adapter:TFOptimizer",
        "clip_norm": "polykeras.optimizers.base:clip_norm",
        "deserialize": "polykeras.optimizers.identify:deserialize",
        "deserialize_keras_object": "polykeras.utils.generic_utils:deserialize_keras_object",
        "get": "polykeras.optimizers.identify:get",
        "schedules": "polykeras.optimizers.schedules",
        "serialize": "polykeras.optimizers.identify:serialize",
        "serialize_keras_object": "polykeras.utils.generic_utils:serialize_keras_object",
    },
)
