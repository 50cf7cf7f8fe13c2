"""Learning-rate schedules. n is the number of steps done: 0 in the first step.

model.compile(optimizers.SGD(lr=schedules.CosineDecay(0.1, decay_steps=10000)), "mse")
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log, pi
from typing import Any

from polykeras import backend as K
from polykeras.optimizers.schedule import LearningRateSchedule

_ROUNDING = 1e-9  # of the logarithm that numbers the cycles


class _Configured(LearningRateSchedule):
    """A schedule whose constructor's arguments are its attributes of the same names."""

    arguments: tuple[str, ...]

    def get_config(self) -> dict[str, Any]:
        return {argument: getattr(self, argument) for argument in self.arguments}


class _ByPeriods(_Configured):
    """A schedule in periods of `decay_steps` steps."""

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")
    decay_steps: float
    staircase: bool

    def periods(self, step: Any) -> Any:
        """n / decay_steps; whole ones with `staircase`"""
        periods = step / self.decay_steps
        return K.floor(periods) if self.staircase else periods


class ExponentialDecay(_ByPeriods):
    """initial_learning_rate · decay_rate^(n / decay_steps)

    staircase: n / decay_steps is rounded down, so that the rate changes once in `decay_steps` steps.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def rate(self, step: Any) -> Any:
        return self.initial_learning_rate * K.pow(K.constant(self.decay_rate, dtype="float64"), self.periods(step))


class InverseTimeDecay(_ByPeriods):
    """initial_learning_rate / (1 + decay_rate·n / decay_steps)

    staircase: n / decay_steps is rounded down, so that the rate changes once in `decay_steps` steps.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def rate(self, step: Any) -> Any:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self.periods(step))


class PiecewiseConstantDecay(_Configured):
    """values[i] for boundaries[i − 1] < n <= boundaries[i]; values[-1] beyond the last boundary.

    boundaries: increasing numbers of steps; one fewer than `values`, else ValueError.
    """

    arguments = ("boundaries", "values", "name")

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstantDecay"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "PiecewiseConstantDecay needs one boundary fewer than values; "
                f"got {len(boundaries)} boundaries and {len(values)} values"
            )
        if any(later <= earlier for earlier, later in pairwise(boundaries)):
            raise ValueError(f"PiecewiseConstantDecay: boundaries should increase; got {list(boundaries)}")
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def rate(self, step: Any) -> Any:
        result = K.constant(self.values[0], dtype="float64")
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            result = K.where(step > boundary, K.constant(value, dtype="float64"), result)
        return result


class PolynomialDecay(_Configured):
    """(initial_learning_rate − end_learning_rate)·(1 − min(n, N) / N)^power + end_learning_rate,   N = decay_steps

    cycle: N is the first multiple of `decay_steps` that is not below n, and n is not cut: the rate rises again after
        each `decay_steps` steps, each time less.
    """

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def rate(self, step: Any) -> Any:
        if self.cycle:
            share = step / (self.decay_steps * K.maximum(K.ceil(step / self.decay_steps), 1.0))
        else:
            share = K.minimum(step / self.decay_steps, 1.0)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * K.pow(1.0 - share, self.power) + self.end_learning_rate


class CosineDecay(_Configured):
    """peak · ((1 − alpha)·(1 + cos(π·min(n, N) / N)) / 2 + alpha),   N = decay_steps

    The peak is `initial_learning_rate`; alpha is the share of it that remains.
    warmup_target, warmup_steps: the rate first goes in a line from `initial_learning_rate` to `warmup_target`, in
        `warmup_steps` steps; that is the peak, and n counts from there.
    """

    arguments = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive(name, decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def rate(self, step: Any) -> Any:
        if self.warmup_target is None or self.warmup_steps <= 0:
            return self._decayed(step, self.initial_learning_rate)
        slope = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        decayed = self._decayed(K.maximum(step - self.warmup_steps, 0.0), self.warmup_target)
        return K.where(step < self.warmup_steps, self.initial_learning_rate + slope * step, decayed)

    def _decayed(self, step: Any, peak: float) -> Any:
        return peak * _cosine(K.minimum(step / self.decay_steps, 1.0), self.alpha)


class CosineDecayRestarts(_Configured):
    """Cosine decay again and again: in cycle i = 0, 1, ... of first_decay_steps·t_mulⁱ steps

    initial_learning_rate · ((1 − alpha)·m_mulⁱ·(1 + cos(π·share of the cycle)) / 2 + alpha)

    t_mul: how much longer each cycle is than the one before, >= 1.
    m_mul: how much higher it starts.
    alpha: share of the initial rate that remains.

    I. Loshchilov, F. Hutter: SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, arXiv:1608.03983.
    """

    arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive(name, first_decay_steps)
        if t_mul < 1:
            raise ValueError(f"{name}: t_mul should be 1 or more; got {t_mul}")
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def rate(self, step: Any) -> Any:
        periods = step / self.first_decay_steps
        if self.t_mul == 1.0:
            cycle = K.floor(periods)
            share = periods - cycle
        else:
            growth = K.constant(self.t_mul, dtype="float64")
            cycle = K.floor(K.log(1.0 + periods * (self.t_mul - 1.0)) / log(self.t_mul) + _ROUNDING)
            length = K.pow(growth, cycle)
            share = (periods - (length - 1.0) / (self.t_mul - 1.0)) / length
        height = K.pow(K.constant(self.m_mul, dtype="float64"), cycle)
        return self.initial_learning_rate * _cosine(share, self.alpha, height)


def _cosine(share: Any, alpha: float, height: Any = 1.0) -> Any:
    """(1 − alpha)·height·(1 + cos(π·share)) / 2 + alpha"""
    return (1.0 - alpha) * height * 0.5 * (1.0 + K.cos(pi * share)) + alpha


def _positive(name: str, steps: float) -> float:
    if steps <= 0:
        raise ValueError(f"{name}: the number of steps should be more than 0; got {steps}")
    return steps
