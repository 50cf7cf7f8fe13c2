"""`multi_gpu_model`, for scripts that call it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras._faces import lazy
from polykeras.legacy.interfaces import warn_caller

__getattr__, __dir__ = lazy(__name__, {
    "Lambda": "polykeras.layers:Lambda",
    "Model": "polykeras.models:Model",
    "clone_model": "polykeras.models:clone_model",
    "concatenate": "polykeras.layers:concatenate",
    "to_list": "polykeras.utils.generic_utils:to_list",
})  # fmt: skip


def multi_gpu_model(
    model: Any, gpus: int | Sequence[int] | None = None, cpu_merge: bool = True, cpu_relocation: bool = False
) -> Any:
    """A model that computes what `model` does, with the same layers and weights, on one device; a UserWarning says so.

    In Keras it splits each batch over several GPUs; losses, weights and predictions are the same.

    gpus: a number, at least 2, or a list of device numbers. `cpu_merge` and `cpu_relocation` have no effect.

    Raises ValueError for less than two GPUs, and for a model that is not built.
    """
    if gpus is not None:
        count = len(gpus) if isinstance(gpus, (list, tuple)) else gpus
        if isinstance(count, bool) or not isinstance(count, int) or count <= 1:
            raise ValueError(
                f"For multi-gpu usage to be effective, call `multi_gpu_model` with `gpus >= 2`. Received: `gpus={gpus}`"
            )
    if getattr(model, "outputs", None) is None:
        raise ValueError(
            "multi_gpu_model needs a model with inputs and outputs: give its first layer an input_shape, or call the "
            "model on data first."
        )
    from polykeras.engine.training import Model

    warn_caller(
        "multi_gpu_model: polykeras runs a model on one device, so all of each batch is computed there.", UserWarning
    )
    return Model(list(model.inputs), list(model.outputs), name=model.name)
