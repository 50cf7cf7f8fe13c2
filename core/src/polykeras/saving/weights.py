"""Layers' weights in an HDF5 group, in Keras's layout.

The group's attribute ``layer_names`` lists its layers; each layer's group lists its arrays in ``weight_names``.
Loading first gathers all values and checks them; then it sets them all: a file that does not fit changes nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from polykeras.saving.attributes import load_attributes_from_hdf5_group, save_attributes_to_hdf5_group
from polykeras.saving.config import KERAS_VERSION, KERNEL_CONVENTION
from polykeras.saving.conversion import Origin, convert
from polykeras.saving.gate import CheckedGroup

if TYPE_CHECKING:
    import h5py

    from polykeras.engine.base_layer import Layer

Array: TypeAlias = np.ndarray[Any, Any]
Assignment: TypeAlias = tuple[Any, Array]


class Mismatch(ValueError):
    """Saved weights do not fit a layer. ``brief`` says how, for the warning when the layer is skipped."""

    def __init__(self, text: str, brief: str) -> None:
        super().__init__(text)
        self.brief = brief


@dataclass(frozen=True)
class SavedLayer:
    """The weights of one layer in a file, in the file's order."""

    name: str
    weight_names: list[str]
    group: CheckedGroup

    def arrays(self) -> list[Array]:
        """The weights themselves, read now."""
        return [self.group.array(name) for name in self.weight_names]


# -- Writing -----------------------------------------------------------------------------------------------------------


def save_weights_to_hdf5_group(f: h5py.Group, layers: Sequence[Layer]) -> None:
    """Write the weights of ``layers`` into the group ``f``."""
    label(f)
    save_attributes_to_hdf5_group(f, "layer_names", [layer.name for layer in layers])
    for layer in layers:
        save_variables(f.require_group(layer.name), layer.weights)


def label(group: h5py.Group) -> None:
    """Say which Keras's format the group follows, and how its kernels lie."""
    group.attrs["backend"] = KERNEL_CONVENTION.encode("utf8")
    group.attrs["keras_version"] = KERAS_VERSION.encode("utf8")


def save_variables(group: h5py.Group, variables: Sequence[Any]) -> None:
    """Write variables' values into a group, and their names into its attribute ``weight_names``."""
    from polykeras import backend as K

    names = _unique_names(variables)
    save_attributes_to_hdf5_group(group, "weight_names", names)
    for name, value in zip(names, K.batch_get_value(list(variables)), strict=True):
        group.create_dataset(name, data=value)


def _unique_names(variables: Sequence[Any]) -> list[str]:
    """The variables' names; where one comes again (a weight shared inside a layer), with a number."""
    names: list[str] = []
    taken: set[str] = set()
    for index, variable in enumerate(variables):
        name = str(getattr(variable, "name", None) or f"param_{index}")
        stem, colon, output = name.partition(":")
        number = 0
        while name in taken:
            number += 1
            name = f"{stem}_{number}{colon}{output}"
        names.append(name)
        taken.add(name)
    return names


# -- Reading -----------------------------------------------------------------------------------------------------------


def load_weights_from_hdf5_group(
    f: h5py.Group | CheckedGroup, layers: Sequence[Layer], reshape: bool = False, *, skip_mismatch: bool = False
) -> None:
    """Set the weights of ``layers`` from the group ``f``, layer by layer in order; layers without weights are left out.

    Raises ValueError, before any weight is set, where the numbers of layers, of weights, or the shapes differ;
    ``skip_mismatch`` turns the last two into warnings.
    """
    group = _checked(f)
    wanted = [layer for layer in layers if layer.weights]
    saved = [entry for entry in _saved_layers(group) if entry.weight_names]
    if len(saved) != len(wanted):
        raise ValueError(
            f"You are trying to load a weight file containing {len(saved)} layers into a model with {len(wanted)} "
            f"layers. In the file: {_listing([entry.name for entry in saved])}. "
            f"In the model: {_listing([layer.name for layer in wanted])}."
        )
    _set_weights(list(enumerate(zip(wanted, saved, strict=True))), origin_of(group, reshape), skip_mismatch)


def load_weights_from_hdf5_group_by_name(
    f: h5py.Group | CheckedGroup, layers: Sequence[Layer], skip_mismatch: bool = False, reshape: bool = False
) -> None:
    """Set the weights of those of ``layers`` that have a namesake in the group ``f``; the others stay as they are.

    Raises ValueError, before any weight is set, where the number of weights or a shape differs; ``skip_mismatch`` turns
    that into a warning.
    """
    group = _checked(f)
    saved = {entry.name: entry for entry in _saved_layers(group)}
    pairs = [(index, (layer, saved[layer.name])) for index, layer in enumerate(layers) if layer.name in saved]
    _set_weights(pairs, origin_of(group, reshape), skip_mismatch)


def origin_of(group: CheckedGroup, reshape: bool = False) -> Origin:
    """Which Keras on which backend wrote the group."""
    return Origin(group.text("keras_version") or "1", group.text("backend"), reshape)


def _checked(group: h5py.Group | CheckedGroup) -> CheckedGroup:
    return group if isinstance(group, CheckedGroup) else CheckedGroup.of(group)


def _saved_layers(group: CheckedGroup) -> Iterator[SavedLayer]:
    for name in load_attributes_from_hdf5_group(group, "layer_names"):
        layer = group.group(name)
        yield SavedLayer(name, load_attributes_from_hdf5_group(layer, "weight_names"), layer)


def _set_weights(pairs: Sequence[tuple[int, tuple[Any, SavedLayer]]], origin: Origin, skip_mismatch: bool) -> None:
    from polykeras import backend as K

    assignments: list[Assignment] = []
    for index, (layer, saved) in pairs:
        try:
            assignments.extend(_assignments(index, layer, saved, origin))
        except Mismatch as mismatch:
            if not skip_mismatch:
                raise
            warnings.warn(
                f"Skipping loading of weights for layer {layer.name} due to mismatch in {mismatch.brief}.", stacklevel=4
            )
    K.batch_set_value(assignments)


def _assignments(index: int, layer: Any, saved: SavedLayer, origin: Origin) -> list[Assignment]:
    variables = layer.weights
    where = (
        f'Layer #{index} (named "{layer.name}" in the current model) was found to correspond to layer {saved.name} '
        f"in the save file"
    )
    values = convert(layer, _in_order(variables, saved), origin)
    if len(values) != len(variables):
        raise Mismatch(
            f"{where}. However the new layer {layer.name} expects {len(variables)} weights, but the saved weights have "
            f"{len(values)} elements.",
            f"number of weights ({len(variables)} vs {len(values)})",
        )
    for variable, value in zip(variables, values, strict=True):
        wanted = tuple(variable.spec.shape)
        if wanted != value.shape:
            raise Mismatch(
                f"{where}. However its weight {variable.name} has shape {wanted}, but the saved weight has shape "
                f"{value.shape}.",
                f"shape ({wanted} vs {value.shape}) of {variable.name}",
            )
    return list(zip(variables, values, strict=True))


def _in_order(variables: Sequence[Any], saved: SavedLayer) -> list[Array]:
    """The saved values in the order of the layer's variables.

    A model inside a model lists trainable weights first, so freezing some of its layers changes the order. Where both
    sides use the same names, these decide; else the order does, as names differ between processes.
    """
    names = [variable.name for variable in variables]
    values = dict(zip(saved.weight_names, saved.arrays(), strict=True))
    if len(values) == len(names) and values.keys() == set(names):
        return [values[name] for name in names]
    return [values[name] for name in saved.weight_names]


def _listing(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
