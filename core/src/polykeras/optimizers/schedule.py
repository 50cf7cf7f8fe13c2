"""Learning rates that depend on the step: the base class, and how an optimizer comes by its rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from polykeras import backend as K
from polykeras import registry
from polykeras.utils.generic_utils import deserialize_keras_object, serialize_keras_object


class LearningRateSchedule:
    """A learning rate as a function of the number of steps done: an optimizer's `lr` in the place of a number.

        Adam(lr=ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.5))

    A schedule of one's own defines `rate(step)`, in functions of the backend, and `get_config()`:

        class Halving(LearningRateSchedule):
            def __init__(self, start):
                self.start = start

            def rate(self, step):
                return self.start / (1.0 + step)

            def get_config(self):
                return {"start": self.start}

    `step` is a float64 scalar, 0 in the first step. It may define `__call__(step)` instead, where `step` is the
    optimizer's counter, an integer.
    """

    def rate(self, step: Any) -> Any:
        """The learning rate of step number `step`.   () -> ()"""
        raise NotImplementedError(f"{type(self).__name__} must define rate(self, step)")

    def __call__(self, step: Any) -> Any:
        """The learning rate of step number `step`: a scalar tensor for a tensor, a float for a number."""
        if K.is_tensor(step):
            return K.cast(self.rate(K.cast(step, "float64")), K.floatx())
        return float(K.eval(K.cast(self.rate(K.constant(step, dtype="float64")), "float64")))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config(self), so that it can be saved")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """A schedule with the arguments that `get_config()` gave."""
        return cls(**config)


Rate = float | LearningRateSchedule
"""What an optimizer's `lr` may be."""


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """`{"class_name", "config"}` of a schedule."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A schedule from what `serialize` gave."""
    return deserialize_keras_object(
        config,
        module_objects=registry.schedules,
        custom_objects=custom_objects,
        printable_module_name="learning-rate schedule",
    )


def rate_from(lr: Any) -> Any:
    """What an optimizer's constructor makes its `lr` from its argument.

    A number or an array gives a variable named "lr"; a schedule, or its config, gives the schedule.
    """
    if isinstance(lr, LearningRateSchedule):
        return lr
    if isinstance(lr, Mapping):
        return deserialize(dict(lr))
    return K.variable(lr, name="lr")


def rate_config(optimizer: Any) -> Any:
    """The `lr` of an optimizer's config: a float, or a schedule's config."""
    schedule = optimizer.lr_schedule
    return float(K.get_value(optimizer.lr)) if schedule is None else serialize(schedule)
