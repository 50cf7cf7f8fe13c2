"""Lists of names in HDF5 attributes, in Keras's way.

An attribute must fit into its object's header of 64 KiB. Longer lists are cut into ``layer_names0``, ``layer_names1`` …
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from polykeras.saving.gate import CheckedGroup

if TYPE_CHECKING:
    import h5py

HEADER_LIMIT = 64512
"""Bytes of one attribute: 64 KiB less room for the header's own fields (the value that Keras uses)."""


def save_attributes_to_hdf5_group(group: h5py.Group, name: str, data: Sequence[bytes | str]) -> None:
    """Write a list of names as one fixed-width attribute, or as several where it is too long for one.

    Raises RuntimeError where a single name is larger than an attribute can be.
    """
    names = [item.encode("utf8") if isinstance(item, str) else item for item in data]
    too_long = [item for item in names if len(item) > HEADER_LIMIT]
    if too_long:
        raise RuntimeError(
            f"The following attributes cannot be saved to HDF5 file because they are larger than {HEADER_LIMIT} bytes: "
            + ", ".join(f"{item[:60]!r}..." for item in too_long)
        )
    values = np.asarray(names, dtype=bytes) if names else np.empty(0)
    pieces = _pieces(values)
    if len(pieces) == 1:
        group.attrs[name] = values
        return
    for number, piece in enumerate(pieces):
        group.attrs[f"{name}{number}"] = piece


def _pieces(values: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    count = 1
    while True:
        pieces = np.array_split(values, count)
        if all(piece.nbytes <= HEADER_LIMIT for piece in pieces):
            return pieces
        count += 1


def load_attributes_from_hdf5_group(group: h5py.Group | CheckedGroup, name: str) -> list[str]:
    """The list of names that ``save_attributes_to_hdf5_group`` wrote; empty where there is none."""
    checked = group if isinstance(group, CheckedGroup) else CheckedGroup.of(group)
    if checked.has_attribute(name):
        return checked.names(name)
    found: list[str] = []
    number = 0
    while checked.has_attribute(f"{name}{number}"):
        found.extend(checked.names(f"{name}{number}"))
        number += 1
    return found
