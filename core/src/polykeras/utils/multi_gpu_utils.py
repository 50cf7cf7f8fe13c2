"""`multi_gpu_model`: as on a machine without the devices that are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from polykeras._faces import lazy
from polykeras.engine.network import Network
from polykeras.engine.training import Model

# what Keras's module imports, and so shows
__getattr__, __dir__ = lazy(__name__, {
    "Lambda": "polykeras.layers:Lambda",
    "clone_model": "polykeras.models:clone_model",
    "concatenate": "polykeras.layers:concatenate",
    "to_list": "polykeras.utils.generic_utils:to_list",
})  # fmt: skip


def multi_gpu_model(
    model: Network, gpus: int | Sequence[int] | None = None, cpu_merge: bool = True, cpu_relocation: bool = False
) -> Model:
    """A model that splits its batches among devices; there is none besides the backend's own, so always an error.

    gpus: the number of devices, or a list of their numbers: at least two; None for all there are.

    Raises ValueError for fewer than two, and for devices that are not there: a program runs on one device.
    """
    numbers = range(gpus) if isinstance(gpus, int) else gpus or ()
    if len(numbers) < 2:
        raise ValueError(
            f"multi_gpu_model: to split batches, call `multi_gpu_model` with `gpus >= 2`; got gpus={gpus}."
        )
    wanted = ["/cpu:0", *(f"/gpu:{number}" for number in numbers)]
    raise ValueError(
        f"`multi_gpu_model` with gpus={gpus} needs the devices {wanted}, but there is only ['/cpu:0']: a program runs "
        f"on one device, its backend's. Train '{model.name}' itself; with `polykeras.set_backend('cupy')` on a GPU."
    )
