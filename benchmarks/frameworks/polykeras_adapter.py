"""Polykeras, on the backend that POLYKERAS_BACKEND names, through `train_on_batch` and `predict_on_batch`.

BENCHMARK_FLOAT64 makes it the referee: everything in float64.
"""

from __future__ import annotations

import os

import polykeras
from benchmarks.frameworks.functional import FunctionalModel
from benchmarks.workloads import Workload
from polykeras import backend as K
from polykeras.optimizers import Adam


def prepare(threads: int | None) -> None:
    """Threads are limited by the environment."""
    if os.environ.get("BENCHMARK_FLOAT64"):
        K.set_floatx("float64")


class Model(FunctionalModel):
    def __init__(self, workload: Workload) -> None:
        super().__init__(workload, polykeras, Adam(lr=0.001, epsilon=1e-7))


build = Model
