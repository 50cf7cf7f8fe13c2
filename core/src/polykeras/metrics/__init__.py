"""The metrics: what installed distributions register, and core's own base class `Metric`."""

from polykeras import registry
from polykeras._faces import face

__getattr__, __dir__ = face(
    __name__,
    registry.metrics,
    {
        "Metric": "polykeras.metrics.base:Metric",
        "deserialize": "polykeras.metrics.identify:deserialize",
        "deserialize_keras_object": "polykeras.utils.generic_utils:deserialize_keras_object",
        "get": "polykeras.metrics.identify:get",
        "serialize": "polykeras.metrics.identify:serialize",
        "serialize_keras_object": "polykeras.utils.generic_utils:serialize_keras_object",
    },
)
