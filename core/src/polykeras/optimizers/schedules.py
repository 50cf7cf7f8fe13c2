"""Learning-rate schedules: what installed distributions register, and core's base class `LearningRateSchedule`."""

from polykeras import registry
from polykeras._faces import face

__getattr__, __dir__ = face(
    __name__,
    registry.schedules,
    {
        "LearningRateSchedule": "polykeras.optimizers.schedule:LearningRateSchedule",
        "deserialize": "polykeras.optimizers.schedule:deserialize",
        "serialize": "polykeras.optimizers.schedule:serialize",
    },
)
