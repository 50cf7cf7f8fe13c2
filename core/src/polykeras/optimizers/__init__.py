"""The optimizers: what installed distributions register, and core's own base class `Optimizer`."""

from polykeras import registry
from polykeras._faces import face

__getattr__, __dir__ = face(
    __name__,
    registry.optimizers,
    {
        "Optimizer": "polykeras.optimizers.base:Optimizer",
        "clip_norm": "polykeras.optimizers.base:clip_norm",
        "deserialize": "polykeras.optimizers.identify:deserialize",
        "get": "polykeras.optimizers.identify:get",
        "serialize": "polykeras.optimizers.identify:serialize",
    },
)
