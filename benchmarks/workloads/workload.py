"""A network, its batch, and equal numbers for every framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Conv", "Dense", "Dropout", "Flatten", "Layer", "MaxPool", "Workload"]


@dataclass(frozen=True, slots=True)
class Dense:
    units: int
    activation: str


@dataclass(frozen=True, slots=True)
class Conv:
    """Square kernel, no padding, stride 1, ReLU."""

    filters: int
    kernel: int


@dataclass(frozen=True, slots=True)
class MaxPool:
    size: int


@dataclass(frozen=True, slots=True)
class Dropout:
    rate: float


@dataclass(frozen=True, slots=True)
class Flatten:
    pass


Layer = Dense | Conv | MaxPool | Dropout | Flatten


@dataclass(frozen=True, slots=True)
class Workload:
    """A classifier that Adam (rate 0.001, epsilon 1e-7) trains on categorical cross-entropy, one batch at a time.

    shape: of one sample, channels last.   The last layer is Dense with softmax.
    """

    name: str
    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    batch: int

    @property
    def classes(self) -> int:
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.units

    @property
    def deterministic(self) -> bool:
        """Whether training draws no random numbers, so that every framework must take the same steps."""
        return not any(isinstance(layer, Dropout) for layer in self.layers)

    def arrays(self) -> tuple[Any, Any]:
        """One batch: samples, float32, and classes, int64."""
        import numpy as np

        random = np.random.RandomState(1)
        return (
            random.rand(self.batch, *self.shape).astype("float32"),
            random.randint(self.classes, size=self.batch).astype("int64"),
        )

    def weights(self) -> list[Any]:
        """Initial kernels and biases in Keras's layouts: (in, out), and (height, width, in, out)."""
        import numpy as np

        random = np.random.RandomState(2)
        shape, found = self.shape, []
        for layer in self.layers:
            match layer:
                case Dense(units):
                    kernel = (shape[-1], units)
                    found += [_glorot(random, kernel), np.zeros(units, "float32")]
                    shape = (units,)
                case Conv(filters, size):
                    kernel = (size, size, shape[-1], filters)
                    found += [_glorot(random, kernel), np.zeros(filters, "float32")]
                    shape = (shape[0] - size + 1, shape[1] - size + 1, filters)
                case MaxPool(size):
                    shape = (shape[0] // size, shape[1] // size, shape[2])
                case Flatten():
                    shape = (int(np.prod(shape)),)
        return found


def _glorot(random: Any, shape: tuple[int, ...]) -> Any:
    import numpy as np

    receptive = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
    return random.uniform(-limit, limit, shape).astype("float32")
