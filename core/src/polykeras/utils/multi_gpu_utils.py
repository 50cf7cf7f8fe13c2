"""`multi_gpu_model`, for scripts that call it: a program runs on one device here."""

from __future__ import annotations

from collections.abc import Sequence

from polykeras import backend as K
from polykeras import registry
from polykeras._faces import lazy
from polykeras.engine.input_layer import Input
from polykeras.engine.network import Network
from polykeras.engine.training import Model
from polykeras.legacy.interfaces import warn_caller
from polykeras.utils.generic_utils import to_list, unpack_singleton

# what Keras's module imports, and so shows
__getattr__, __dir__ = lazy(__name__, {
    "Lambda": "polykeras.layers:Lambda",
    "clone_model": "polykeras.models:clone_model",
    "concatenate": "polykeras.layers:concatenate",
})  # fmt: skip


def multi_gpu_model(
    model: Network, gpus: int | Sequence[int] | None = None, cpu_merge: bool = True, cpu_relocation: bool = False
) -> Model:
    """A model that computes what `model` does with the weights of `model`, which is a layer of it.

    gpus: the number of devices, or a list of their numbers; at least two, and None for all. The batch is not split
          among them, for a program runs on one device: the results are the same, and a RuntimeWarning says so.
    cpu_merge, cpu_relocation: where Keras puts parts of the work; without meaning here.

    Outputs have the names of the outputs of `model`. Save `model`, not the one returned, as in Keras.
    Raises ValueError for fewer than two devices, and for a model that has no inputs yet.
    """
    count = 2 if gpus is None else gpus if isinstance(gpus, int) else len(gpus)
    if count < 2:
        raise ValueError(f"multi_gpu_model: expected at least 2 devices (`gpus=2`), got gpus={gpus!r}.")
    if not model.inputs:
        raise ValueError(f"multi_gpu_model: '{model.name}' has no inputs yet; call it on data or build it first.")
    warn_caller("multi_gpu_model: a program runs on one device here; the batch is not split.", RuntimeWarning)
    inputs = [Input(batch_shape=K.int_shape(tensor), dtype=K.dtype(tensor)) for tensor in model.inputs]
    outputs = to_list(model(unpack_singleton(inputs)))
    activation = registry.layers.get("Activation")
    named = [activation("linear", name=name)(output) for name, output in zip(model.output_names, outputs, strict=True)]
    return Model(inputs, named)
