"""How each framework builds a workload, trains it and predicts. An adapter is imported in its own process only.

An adapter module has `prepare(threads)`, called before the framework computes (threads: None for all cores), and
`build(workload)`, which returns a `Trainer`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["FRAMEWORKS", "REFEREE", "Framework", "Trainer", "adapter"]


class Trainer(Protocol):
    """A network with the workload's weights and batch."""

    def evaluate(self) -> float:
        """The loss of the batch, without dropout."""

    def step(self) -> float:
        """Train on the batch once, from host arrays to the loss as a Python number; or predict it, from host arrays to
        the first number of the result."""


@dataclass(frozen=True, slots=True)
class Framework:
    """title: in tables.   module: its adapter.   requires: modules that must be importable.   imports: what a user
    writes to start with it.   environment: set before its process starts."""

    title: str
    module: str
    requires: tuple[str, ...]
    imports: str
    environment: dict[str, str] = field(default_factory=dict)


# Peers by the names that `--peers` takes. Polykeras itself is `polykeras:BACKEND`, one for each backend asked for.
FRAMEWORKS = {
    "torch": Framework("PyTorch", "torch_adapter", ("torch",), "import torch"),
    "torch_compile": Framework(
        "torch.compile", "torch_adapter", ("torch",), "import torch", {"BENCHMARK_TORCH_COMPILE": "1"}
    ),
    "tf": Framework(
        "tf.keras",
        "keras_adapter",
        ("tensorflow", "keras"),
        "import tensorflow",
        {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    ),
    "tf_xla": Framework(
        "tf.keras, XLA",
        "keras_adapter",
        ("tensorflow", "keras"),
        "import tensorflow",
        {
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "BENCHMARK_XLA": "1",
        },
    ),
    "keras_jax": Framework(
        "Keras on JAX",
        "keras_adapter",
        ("jax", "keras"),
        "import keras",
        {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    ),
}

# All others must agree with it.
REFEREE = Framework(
    "float64", "polykeras_adapter", ("polykeras",), "", {"POLYKERAS_BACKEND": "numpy", "BENCHMARK_FLOAT64": "1"}
)


def adapter(module: str) -> Any:
    """The adapter module of that name; imports the framework."""
    return importlib.import_module(f"benchmarks.frameworks.{module}")
