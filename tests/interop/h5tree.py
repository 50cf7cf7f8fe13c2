"""What an HDF5 file is made of, for comparing two files."""

from __future__ import annotations

import h5py
import numpy as np


def tree(group: h5py.Group) -> dict[str, object]:
    """Every attribute and array by its path: form, type and, of attributes, value."""
    found: dict[str, object] = _attributes("", group)
    group.visititems(lambda path, member: found.update(_entry(path, member)))
    return found


def _entry(path: str, member: h5py.HLObject) -> dict[str, object]:
    if isinstance(member, h5py.Dataset):
        layout = member.id.get_create_plist().get_layout()
        return {path: ("array", member.shape, member.dtype.str, layout), **_attributes(path, member)}
    return {path: "group", **_attributes(path, member)}


def _attributes(path: str, member: h5py.HLObject) -> dict[str, object]:
    return {f"{path}@{name}": (_form(member.attrs.get_id(name)), _value(member.attrs[name])) for name in member.attrs}


def _form(attribute: h5py.h5a.AttrID) -> tuple[object, ...]:
    kind = attribute.get_type()
    if kind.get_class() != h5py.h5t.STRING:
        return attribute.shape, kind.get_class(), kind.get_size()
    return attribute.shape, kind.get_class(), kind.get_size(), kind.is_variable_str(), kind.get_cset(), kind.get_strpad()


def _value(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value
