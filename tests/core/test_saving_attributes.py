"""Lists of names in attributes: Keras's layout, in pieces where an attribute's 64 KiB are not enough."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from polykeras.saving.attributes import (
    HEADER_LIMIT,
    load_attributes_from_hdf5_group,
    save_attributes_to_hdf5_group,
)


@pytest.fixture
def group(tmp_path):
    with h5py.File(tmp_path / "names.h5", "w") as file:
        yield file.create_group("g")


def test_short_lists_are_one_attribute_of_fixed_width(group):
    save_attributes_to_hdf5_group(group, "layer_names", [b"dense_1", b"dropout_10"])
    assert list(group.attrs) == ["layer_names"]
    assert group.attrs.get_id("layer_names").dtype == np.dtype("S10")
    assert load_attributes_from_hdf5_group(group, "layer_names") == ["dense_1", "dropout_10"]


def test_an_empty_list_is_an_empty_array_of_floats_as_keras_writes_it(group):
    save_attributes_to_hdf5_group(group, "weight_names", [])
    assert group.attrs["weight_names"].shape == (0,)
    assert group.attrs["weight_names"].dtype == np.float64
    assert load_attributes_from_hdf5_group(group, "weight_names") == []


def test_long_lists_come_in_pieces(group):
    names = [f"block_{number:04d}/{'x' * 40}/kernel:0" for number in range(3000)]
    save_attributes_to_hdf5_group(group, "layer_names", names)
    assert list(group.attrs) == ["layer_names0", "layer_names1", "layer_names2"]
    assert all(group.attrs[name].nbytes <= HEADER_LIMIT for name in group.attrs)
    assert load_attributes_from_hdf5_group(group, "layer_names") == names


def test_names_beyond_ascii_and_with_slashes(group):
    names = ["größe/kernel:0", "层"]
    save_attributes_to_hdf5_group(group, "layer_names", names)
    assert load_attributes_from_hdf5_group(group, "layer_names") == names


def test_a_name_that_is_too_long_for_any_attribute(group):
    with pytest.raises(RuntimeError, match="larger than 64512 bytes"):
        save_attributes_to_hdf5_group(group, "layer_names", ["x" * (HEADER_LIMIT + 1)])


def test_an_absent_list_is_empty(group):
    assert load_attributes_from_hdf5_group(group, "layer_names") == []
