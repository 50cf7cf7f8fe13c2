"""Initial values of weights: a shape in, a tensor out.

The tensor is evaluated when the weight is first needed, and never if its value is loaded. A random initializer without
a `seed` draws one from NumPy's global generator when it is called, so `np.random.seed(n)` before building fixes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.identifiers import resolve, revive
from polykeras.registry import initializers as registered
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import deserialize_keras_object as deserialize_keras_object
from polykeras.utils.generic_utils import serialize_keras_object

Shape = Sequence[int]

# The standard deviation of a standard normal distribution cut at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


class Initializer:
    """Base class: a callable from a shape (and dtype, default floatx) to a tensor."""

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, shape, dtype=None).")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        return cls(**{key: value for key, value in config.items() if key != "dtype"})


class Zeros(Initializer):
    """0 everywhere."""

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        return K.constant(0, shape=shape, dtype=dtype)


class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        return K.constant(1, shape=shape, dtype=dtype)


class Constant(Initializer):
    """`value` everywhere."""

    def __init__(self, value: float = 0):
        self.value = value

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        return K.constant(self.value, shape=shape, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class RandomNormal(Initializer):
    """Normal with `mean` and `stddev`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        return K.random_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        return K.random_uniform(shape, self.minval, self.maxval, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class TruncatedNormal(Initializer):
    """Normal with `mean` and `stddev`, values beyond two standard deviations drawn again."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        return K.truncated_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class VarianceScaling(Initializer):
    """Mean 0 and variance scale / n, where n is the number of connections that meet at a unit.

    mode:         n is "fan_in", the inputs of a unit, "fan_out", its outputs, or "fan_avg", their mean.
    distribution: "normal", cut at two standard deviations and widened to the variance that the cut takes away,
                  or "uniform" in [-sqrt(3 * scale / n), sqrt(3 * scale / n)).
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "normal", seed: int | None = None):
        if scale <= 0.0:
            raise ValueError(f"`scale` must be a positive float. Got: {scale}")
        self.scale = scale
        self.mode = _choice("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        self.distribution = _choice("distribution", distribution, ("normal", "uniform"))
        self.seed = seed

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        fan_in, fan_out = _compute_fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, n))
        if self.distribution == "normal":
            return K.truncated_normal(shape, 0.0, stddev / TRUNCATED_STDDEV, dtype=dtype, seed=self.seed)
        limit = math.sqrt(3.0) * stddev
        return K.random_uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed}


class Orthogonal(Initializer):
    """gain * Q, where Q has orthonormal columns, or rows if it has fewer rows than columns.

    Leading axes are flattened to rows. Q is an orthogonal factor of a standard-normal matrix by singular-value
    decomposition, made on the host: equal seeds give Keras's own values but for the signs, which versions of LAPACK
    choose differently.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        if len(shape) < 2:
            raise ValueError(
                f"The Orthogonal initializer needs a shape of rank 2 or more, (..., columns). Got: {tuple(shape)}"
            )
        matrix = (math.prod(shape[:-1]), shape[-1])
        generator = np.random if self.seed is None else np.random.RandomState(self.seed)
        left, _, right = np.linalg.svd(generator.normal(0.0, 1.0, matrix), full_matrices=False)
        factor = left if left.shape == matrix else right
        return K.constant(self.gain * factor.reshape(tuple(shape)), dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


class Identity(Initializer):
    """gain * I, for a matrix; a long matrix repeats I along its long side."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Shape, dtype: str | None = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Got a shape of rank {len(shape)}: "
                f"{tuple(shape)}"
            )
        short = min(shape)
        if short == 0 or max(shape) % short:
            raise ValueError(f"Long side should be multiple of short side. Got shape {tuple(shape)}.")
        return self.gain * K.tile(K.eye(short, dtype=dtype), (shape[0] // short, shape[1] // short))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


zero = zeros = Zeros
one = ones = Ones
constant = Constant
uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal
identity = Identity
orthogonal = Orthogonal


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform with variance 1 / fan_in."""
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="uniform", seed=seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal with variance 1 / fan_in."""
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="normal", seed=seed)


def glorot_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform with variance 2 / (fan_in + fan_out); also called Xavier."""
    return VarianceScaling(scale=1.0, mode="fan_avg", distribution="uniform", seed=seed)


def glorot_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal with variance 2 / (fan_in + fan_out); also called Xavier."""
    return VarianceScaling(scale=1.0, mode="fan_avg", distribution="normal", seed=seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform with variance 2 / fan_in, for relu."""
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform", seed=seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal with variance 2 / fan_in, for relu."""
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="normal", seed=seed)


def _compute_fans(shape: Shape, data_format: str = "channels_last") -> tuple[float, float]:
    """How many connections enter and leave one unit of a weight of that shape.

    A matrix is (in, out); a convolution kernel of rank 3 to 5 is (sizes ..., in, out), or (out, in, sizes ...) channels
    first, and every position of the window counts; any other rank takes the root of its size for both.
    """
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) in (3, 4, 5):
        if data_format == "channels_first":
            window = math.prod(shape[2:])
            return shape[1] * window, shape[0] * window
        if data_format == "channels_last":
            window = math.prod(shape[:-2])
            return shape[-2] * window, shape[-1] * window
        raise ValueError(f'Invalid data_format: {data_format!r}. Expected "channels_first" or "channels_last".')
    root = math.sqrt(math.prod(shape))
    return root, root


def _choice(argument: str, value: str, choices: tuple[str, ...]) -> str:
    if str(value).lower() not in choices:
        raise ValueError(f"Invalid `{argument}` argument: expected one of {', '.join(choices)}, got {value!r}.")
    return value.lower()


def serialize(initializer: Any) -> Any:
    """The config of an initializer, or the name of a function."""
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described."""
    return revive(config, registered, "initializer", custom_objects)


def get(identifier: Any) -> Any:
    """The initializer that `identifier` means: a name, a config, an instance, a class or a function."""
    return resolve(identifier, registered, "initializer")
