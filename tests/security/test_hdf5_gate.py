"""Attack files, one per class, built here and refused by the gate; beside each, the honest file that must pass."""

from __future__ import annotations

import os
import struct
import zlib

import h5py
import numpy as np
import pytest

from polykeras.saving.gate import CheckedGroup, open_checked
from polykeras.saving.limits import limits
from polykeras.saving.safety import UnsafeFileError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.h5"


@pytest.fixture
def secret(tmp_path):
    """A file that an attack would like to read: as raw bytes, and as HDF5."""
    raw = tmp_path / "secret.bin"
    raw.write_bytes(b"s3cret!!" * 4)
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["w"] = np.arange(8.0)
        file.create_group("g")["w"] = np.arange(8.0)
    return tmp_path


def read(path, name="w"):
    with open_checked(path) as root:
        return root.array(name)


def test_plain_arrays_are_read_to_the_bit_and_in_native_order(path):
    values = np.random.default_rng(0).normal(size=(3, 4))
    with h5py.File(path, "w") as file:
        file["a/b/w"] = values
        file["big"] = values.astype(">f4")
        file["half"] = values.astype("float16")
        file["step"] = np.int64(7)
    with open_checked(path) as root:
        np.testing.assert_array_equal(root.array("a/b/w"), values)
        np.testing.assert_array_equal(root.group("a").array("b/w"), values)
        assert root.array("big").dtype == np.dtype("float32") and root.array("big").dtype.isnative
        assert root.array("half").dtype == np.float16
        assert root.array("step").shape == () and root.array("step") == 7
        assert sorted(root) == ["a", "big", "half", "step"] and "a/b" in root and "a/c" not in root


@pytest.mark.parametrize("options", [
    {"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"chunks": (2, 2)},
    {"compression": "gzip", "shuffle": True, "fletcher32": True}, {"chunks": (3, 3), "fletcher32": True},
])  # fmt: skip
def test_packed_arrays_are_read(path, options):
    values = np.arange(35.0).reshape(5, 7)
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=values, **options)
    np.testing.assert_array_equal(read(path), values)


def test_T07_values_that_are_no_numbers(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("vlen", shape=(1,), dtype=h5py.vlen_dtype(np.int32))[0] = np.arange(3)
        file.create_dataset("opaque", data=np.void(b"pickle!!"))
        file.create_dataset("text", data="text")
        file.create_dataset("reference", data=file.ref, dtype=h5py.ref_dtype)
    for name in ("vlen", "opaque", "text", "reference"):
        with pytest.raises(UnsafeFileError, match="integers or floats"):
            read(path, name)


@pytest.mark.parametrize("place", ["dataset", "group", "component"])
@pytest.mark.parametrize("kind", ["T08 external", "T09 soft"])
def test_T08_T09_links(path, secret, kind, place):
    def link(inner):
        if "soft" in kind:
            return h5py.SoftLink("/own" + inner)
        return h5py.ExternalLink(str(secret / "secret.h5"), inner)

    with h5py.File(path, "w") as file:
        file["own/w"] = file["own/g/w"] = np.zeros(8)
        if place == "dataset":
            file["w"] = link("/w")
        elif place == "group":
            file["layer"] = link("/g")
        else:
            file["layer/inner"] = link("/g")
    with pytest.raises(UnsafeFileError, match=r"is a link \((External|Soft)Link\)"):
        read(path, "own/w")


def test_T08_dangling_links_are_refused_and_not_followed(path):
    with h5py.File(path, "w") as file:
        file["w"] = h5py.ExternalLink("/nowhere/at/all.h5", "/w")
    with pytest.raises(UnsafeFileError, match="nowhere"):
        read(path)


def test_T10_external_storage(path, secret):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", shape=(4,), dtype="f8", external=[(str(secret / "secret.bin"), 0, 32)])
    with h5py.File(path) as file:
        assert file["w"][:].tobytes() == b"s3cret!!" * 4, "the attack works where nobody looks"
    with pytest.raises(UnsafeFileError, match="another file"):
        read(path)


def test_T11_virtual_dataset(path, secret):
    layout = h5py.VirtualLayout(shape=(8,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(secret / "secret.h5"), "w", shape=(8,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("w", layout)
    with h5py.File(path) as file:
        assert file["w"][3] == 3.0, "the attack works where nobody looks"
    with pytest.raises(UnsafeFileError, match="virtual"):
        read(path)


def test_T12_declared_but_not_stored(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("huge", shape=(1 << 40,), dtype="f8")
        file.create_dataset("modest", shape=(1 << 20,), dtype="f8")
        file.create_dataset("chunked", shape=(1 << 20,), dtype="f8", chunks=(1 << 10,))
        file["chunked"][5] = 1
    assert path.stat().st_size < 100_000
    with pytest.raises(UnsafeFileError, match="of the 1,073,741,824 that this load may take"):
        read(path, "huge")
    with pytest.raises(UnsafeFileError, match="declares 8,388,608 bytes and stores 0"):
        read(path, "modest")
    with pytest.raises(UnsafeFileError, match="stores 1 chunks of 8,192"):
        read(path, "chunked")


def test_T12_many_small_bombs_share_one_budget(path):
    with h5py.File(path, "w") as file:
        for number in range(20):
            file.create_dataset(f"w{number}", data=np.zeros(1 << 17), compression="gzip")
    with limits(total_bytes=16_000_000), open_checked(path) as root:
        for number in range(15):
            root.array(f"w{number}")
        with pytest.raises(UnsafeFileError, match="of the 16,000,000 that this load may take"):
            root.array("w15")


def test_T12_a_chunk_that_inflates_beyond_itself(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("w", shape=(16,), dtype="f8", chunks=(16,), compression="gzip")
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 26)))
    with pytest.raises(UnsafeFileError, match="inflates to more than the 128 bytes"):
        read(path)


def test_T12_an_oversized_chunk(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", shape=(1,), maxshape=(None,), dtype="f8", chunks=(1 << 28,))
    with pytest.raises(UnsafeFileError, match="one chunk needs"):
        read(path)


def test_T12_filters_that_would_be_looked_for_on_disk(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=np.zeros(100), compression="lzf")
    with pytest.raises(UnsafeFileError, match="lzf"):
        read(path)


def test_groups_that_contain_themselves(path):
    with h5py.File(path, "w") as file:
        file.create_group("a/b")
        file["a/b/up"] = file["a"]
    with pytest.raises(UnsafeFileError, match="met before"):
        read(path)


def test_groups_nested_too_deep_and_too_many_members(path):
    with h5py.File(path, "w") as file:
        file["/".join("g" * 200) + "/w"] = 1.0
    with pytest.raises(UnsafeFileError, match="nested deeper"):
        read(path)
    with h5py.File(path, "w") as file:
        for number in range(50):
            file[f"w{number}"] = 1.0
    with limits(entries=49), pytest.raises(UnsafeFileError, match="members"):
        read(path, "w0")


def test_what_the_walk_did_not_find_cannot_be_read(path):
    with h5py.File(path, "w") as file:
        file["a/w"] = 1.0
        file["b/w"] = 2.0
        with pytest.raises(ValueError, match="holds nothing named"):
            CheckedGroup.of(file["a"]).array("../b/w")
        with pytest.raises(ValueError, match="holds nothing named"):
            CheckedGroup.of(file["a"]).array("/b/w")
        assert CheckedGroup.of(file).group("a").array("/b/w") == 2.0  # Keras on Theano names weights from the root
        with pytest.raises(ValueError, match="should be an array"):
            CheckedGroup.of(file).array("a")
        with pytest.raises(ValueError, match="should be a group"):
            CheckedGroup.of(file).group("a/w")


def test_attributes_are_text_and_bounded(path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "x" * 1000
        file.attrs["fixed"] = np.bytes_(b"caf\xc3\xa9")
        file.attrs["latin"] = np.bytes_(b"caf\xe9")
        file.attrs["number"] = 3
        file.attrs["names"] = [b"a", b"bc"]
        file.attrs["width"] = np.asarray([b"a", b"bc"])
        file.attrs["none"] = np.empty(0)
    with open_checked(path) as root:
        assert root.text("model_config") == "x" * 1000 and root.text("absent") is None
        assert root.text("fixed") == "café"
        assert root.names("names") == root.names("width") == ["a", "bc"] and root.names("none") == []
        with pytest.raises(UnsafeFileError, match="text was expected"):
            root.text("number")
        with pytest.raises(ValueError, match="UTF-8"):
            root.text("latin")
        with limits(text_bytes=999), pytest.raises(UnsafeFileError, match="1,000 bytes"):
            root.text("model_config")
        with pytest.raises(ValueError, match="should be a text"):
            root.text("names")


def test_one_long_text_listed_a_thousand_times(path):
    """Names of variable length are 16-byte references; forged ones all refer to one long text."""
    long = b"L" * (8 << 20)
    with h5py.File(path, "w") as file:
        file.attrs["names"] = [b"marker_one"] + [b"n"] * 999
        file.attrs["long"] = long
    data = bytearray(path.read_bytes())
    forged = _reference_to(data, long)
    for start in _references(data, 1000):
        data[start : start + 16] = forged
    path.write_bytes(data)
    with open_checked(path) as root:
        assert root.text("long") == long.decode()
        with pytest.raises(UnsafeFileError, match="1,000 texts of unknown length"):
            root.names("names")


def _references(data: bytearray, count: int) -> list[int]:
    """Where the array of references lies: `count` times (length 4 bytes, heap address 8, index 4)."""
    start = data.index(struct.pack("<IQ", len(b"marker_one"), data.index(b"GCOL")))
    return [start + 16 * number for number in range(count)]


def _reference_to(data: bytearray, text: bytes) -> bytes:
    """A reference to a text: its length, the heap that holds it, its index there."""
    place = data.index(text)
    index = struct.unpack("<H", data[place - 16 : place - 14])[0]
    return struct.pack("<IQI", len(text), data.rindex(b"GCOL", 0, place), index)


def test_files_that_are_no_hdf5(path, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        read(tmp_path / "none.h5")
    with pytest.raises(IsADirectoryError):
        read(tmp_path)
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(OSError, match="zip archive"):
        read(path)
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(OSError, match="not an HDF5 file"):
        read(path)


def test_T22_numbers_that_are_no_weights(path):
    with h5py.File(path, "w") as file:
        file["w"] = np.full(5, np.nan, "float32")
        file["bool"] = np.zeros(3, bool)
        file["complex"] = np.zeros(3, complex)
        file["empty"] = h5py.Empty("f4")
    assert np.isnan(read(path)).all()
    for name in ("bool", "complex"):
        with pytest.raises(UnsafeFileError, match="integers or floats"):
            read(path, name)
    with pytest.raises(OSError, match="no shape"):
        read(path, "empty")


def test_T24_flipped_bytes_end_in_an_error_or_in_numbers(path, run_python):
    """Random damage: each try ends at once, in OSError, UnsafeFileError or plain numbers, never in a crash."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "{}" * 50
        file.attrs["layer_names"] = np.asarray([b"dense_1", b"dense_2"])
        file["dense_1/kernel:0"] = np.arange(12.0).reshape(3, 4)
        file.create_dataset("dense_2/kernel:0", data=np.arange(100.0), compression="gzip", shuffle=True)
    answer = run_python(FUZZ, os.fspath(path), timeout=120)
    assert answer.split()[0] == "done" and int(answer.split()[1]) > 20, answer


FUZZ = """
import sys, io, random
from polykeras.saving.gate import open_checked
data = open(sys.argv[1], "rb").read()
random.seed(0)
refused = 0
for _ in range(300):
    forged = bytearray(data)
    for _ in range(random.choice((1, 3, 20))):
        forged[random.randrange(len(forged))] = random.randrange(256)
    try:
        with open_checked(io.BytesIO(bytes(forged))) as root:
            root.text("model_config"), root.names("layer_names")
            for name in ("dense_1/kernel:0", "dense_2/kernel:0"):
                root.array(name)
    except (OSError, ValueError):
        refused += 1
print("done", refused)
"""
