"""How much arithmetic a workload's step is, counted from its layers; and `python -m benchmarks.flops`: the most that
this machine does in a second.

Products count: 2 for each multiplication and the addition that goes with it. Whatever works element by element does
not, nor do pooling and normalisation. A convolution counts as its sums written out, whoever computes it by fewer.
"""

from __future__ import annotations

import math
import time

import numpy as np

from benchmarks.workloads import Workload
from benchmarks.workloads import layers as described

__all__ = ["peak_flops", "step_flops"]

SIZE = 2048  # of the square matrices
SECONDS = 2.0


def step_flops(workload: Workload) -> int:
    """Of a step on a batch. Training takes three products for each of prediction: the result, the gradient of the
    weights, and that of the input, which layers that read the network's input need not compute."""
    network = workload.build()
    total = 0
    for layer, inputs in network.nodes:
        forward = _sample_flops(layer, network.shapes[inputs[0]])
        total += forward * (1 if not workload.trains else 2 if inputs == (0,) else 3)
    return workload.batch * total


def _sample_flops(layer: described.Layer, x: tuple[int, ...]) -> int:
    """Of one sample; x: its shape."""
    match layer:
        case described.Dense(units):
            return 2 * math.prod(x) * units
        case described.Conv(filters, kernel):
            return 2 * math.prod(layer.shape(x)[:-1]) * kernel**2 * x[-1] * filters
        case described.LSTM(units):
            return 2 * x[0] * (x[1] + units) * 4 * units
        case described.Attention():
            steps, width = x
            return 4 * 2 * steps * width**2 + 2 * 2 * steps**2 * width
    return 0


def peak_flops() -> float:
    """Float32 operations in a second, of the best of many products of large matrices by NumPy's BLAS."""
    a = np.random.default_rng(0).random((SIZE, SIZE), "float32")
    out = np.empty_like(a)
    best = math.inf
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        best = min(best, time.perf_counter() - start)
    return 2 * SIZE**3 / best


if __name__ == "__main__":
    print(peak_flops())
