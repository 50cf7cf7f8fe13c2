"""Models in HDF5 files, in Keras 2.2.4's layout.

A whole model: attributes ``model_config`` and, where it is compiled, ``training_config``; groups ``model_weights`` and
``optimizer_weights``. Weights alone: what ``model_weights`` holds, at the top. Every object carries ``keras_version``
and ``backend``.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from polykeras import plugins
from polykeras.saving import encoding
from polykeras.saving.atomic import replacing
from polykeras.saving.config import architecture, model_from_config
from polykeras.saving.gate import CheckedGroup, Source, open_checked
from polykeras.saving.training_config import restore_training_state, save_training_state
from polykeras.saving.weights import (
    label,
    load_weights_from_hdf5_group,
    load_weights_from_hdf5_group_by_name,
    save_weights_to_hdf5_group,
)

if TYPE_CHECKING:
    import h5py

    from polykeras.engine.network import Network


def save_model(model: Network, filepath: Source, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Write a model: architecture, weights, compile arguments, optimizer's state.

    ``filepath`` is a path, an open binary file, or an HDF5 group. A file at the path is replaced in one step, when the
    new one is complete; with ``overwrite=False`` a prompt asks first. Raises OSError where the path cannot be written,
    before anything is computed, and NotImplementedError or TypeError for a model that no configuration describes.
    """
    with _opened_for_writing(model, filepath, overwrite) as file:
        if file is None:
            return
        label(file)
        file.attrs["model_config"] = encoding.dumps(architecture(model)).encode("utf8")
        save_weights_to_hdf5_group(file.create_group("model_weights"), model.layers)
        if include_optimizer and getattr(model, "optimizer", None):
            save_training_state(file, model)  # type: ignore[arg-type]


def load_model(filepath: Source, custom_objects: Mapping[str, Any] | None = None, compile: bool = True) -> Network:
    """The model that ``save_model`` wrote, compiled as it was, its optimizer where it stood.

    Names are looked for in ``custom_objects`` and in the registries only; no code in a file is ever run. Raises OSError
    for a file that cannot be read, ValueError for one that holds no model, names an unknown class or function, or does
    not fit together, UnsafeFileError for one that reaches outside itself. A compile part that fails otherwise gives a
    warning and a model that is not compiled.
    """
    from polykeras.utils.generic_utils import custom_object_scope

    objects = dict(custom_objects or {})
    with open_checked(filepath) as file, custom_object_scope(objects):
        text = file.text("model_config")
        if text is None or "model_weights" not in file:
            raise ValueError(f"No model found in config file: {file.source} {_contents(file)}")
        model = model_from_config(encoding.loads(text, f"{file.source}, model_config"), custom_objects=objects)
        load_weights_from_hdf5_group(file.group("model_weights"), model.layers)
        if compile:
            restore_training_state(file, model, objects)  # type: ignore[arg-type]
    return model


def save_weights(model: Network, filepath: Source, overwrite: bool = True) -> None:
    """Write a model's weights only. ``filepath`` and ``overwrite`` as for ``save_model``."""
    with _opened_for_writing(model, filepath, overwrite) as file:
        if file is not None:
            save_weights_to_hdf5_group(file, model.layers)


def load_weights(
    model: Network, filepath: Source, by_name: bool = False, skip_mismatch: bool = False, reshape: bool = False
) -> None:
    """Set a model's weights from a file of weights or of a whole model.

    Layer by layer in order, or, with ``by_name``, those layers that have a namesake in the file. Where the numbers of
    weights or the shapes differ: ValueError, and no weight is changed; with ``skip_mismatch`` a warning, and that layer
    stays as it is. ``reshape`` lets convolution kernels of as many elements take the layer's shape.
    """
    with open_checked(filepath) as file:
        is_whole_model = not _lists_layers(file) and "model_weights" in file
        group = file.group("model_weights") if is_whole_model else file
        if not _lists_layers(group):
            raise ValueError(f"No weights found: {file.source} {_contents(file)}")
        if by_name:
            load_weights_from_hdf5_group_by_name(group, model.layers, skip_mismatch, reshape)
        else:
            load_weights_from_hdf5_group(group, model.layers, reshape, skip_mismatch=skip_mismatch)


def pickle_model(model: Network) -> dict[str, Any]:
    """A model as plain data for ``pickle``: the bytes of its HDF5 file."""
    buffer = io.BytesIO()
    save_model(model, buffer)
    return {"hdf5": buffer.getvalue()}


def unpickle_model(state: Mapping[str, Any]) -> Network:
    """The model that ``pickle_model`` described."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No training configuration")  # It was not compiled when it was pickled.
        return load_model(io.BytesIO(state["hdf5"]))


@contextmanager
def _opened_for_writing(model: Network, filepath: Source, overwrite: bool) -> Iterator[h5py.Group | None]:
    """The HDF5 group to write to; None where the user declines to replace a file."""
    import h5py

    if isinstance(filepath, h5py.Group):
        yield filepath
        return
    if isinstance(filepath, io.IOBase):
        with h5py.File(filepath, "w") as file:
            yield file
        return
    if not overwrite and not _may_replace(filepath):
        yield None
        return
    plugins.call("polykeras_saving", model=model, path=filepath)
    with replacing(filepath) as temporary, h5py.File(temporary, "w", locking="best-effort") as file:
        yield file
    plugins.call("polykeras_saved", model=model, path=filepath)


def _may_replace(path: str | os.PathLike[str]) -> bool:
    from polykeras.utils.io_utils import ask_to_proceed_with_overwrite

    return not os.path.exists(path) or ask_to_proceed_with_overwrite(path)


def _lists_layers(group: CheckedGroup) -> bool:
    return group.has_attribute("layer_names") or group.has_attribute("layer_names0")


def _contents(file: CheckedGroup) -> str:
    if _lists_layers(file):
        return "holds weights only. Build the model and use `model.load_weights`."
    return f"holds {', '.join(sorted(file)[:8]) or 'nothing'}."
