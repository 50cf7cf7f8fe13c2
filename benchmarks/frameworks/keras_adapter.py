"""Keras 3 on the backend that KERAS_BACKEND names, through `train_on_batch` and `predict_on_batch`.

BENCHMARK_XLA has TensorFlow compile the steps; on JAX they always are.
"""

from __future__ import annotations

import os

import keras

from benchmarks.frameworks.functional import FunctionalModel
from benchmarks.workloads import Workload


def prepare(threads: int | None) -> None:
    if threads is not None and os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


class Model(FunctionalModel):
    def __init__(self, workload: Workload) -> None:
        compiled = keras.backend.backend() == "jax" or bool(os.environ.get("BENCHMARK_XLA"))
        adam = keras.optimizers.Adam(0.001, epsilon=1e-7)
        super().__init__(workload, keras, adam, jit_compile=compiled)

    def step(self) -> float:
        # Keras 3 reports the mean loss since the metrics were reset; without a reset it is not this step's.
        if self.trains:
            self.model.reset_metrics()
        return super().step()


build = Model
