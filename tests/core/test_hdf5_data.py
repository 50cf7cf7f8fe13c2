"""HDF5Matrix and H5Dict."""

import pickle

import h5py
import numpy as np
import pytest

from polykeras.utils import HDF5Matrix
from polykeras.utils.io_utils import H5Dict, h5dict

DATA = np.arange(60, dtype="float32").reshape(20, 3)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["rows"] = DATA
        file["group/labels"] = np.arange(20)
    return str(tmp_path / "data.h5")


class TestHDF5Matrix:
    @pytest.mark.parametrize("start, end", [(0, None), (0, 20), (4, 15), (7, 7)])
    def test_it_is_the_rows_it_names(self, path, start, end):
        matrix, rows = HDF5Matrix(path, "rows", start, end), DATA[start:end]
        assert (len(matrix), matrix.shape, matrix.ndim, matrix.size) == (len(rows), rows.shape, 2, rows.size)
        assert matrix.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(matrix), rows)

    @pytest.mark.parametrize(
        "key",
        [0, 5, -1, np.int64(3), slice(None), slice(2, 7), slice(-4, None), slice(8, 2, -2), slice(3, 3), [4, 1, 1, 9],
         [2, 3, 4], [-1, 0], np.array([7, 0, 3]), []],
        ids=str,
    )  # fmt: skip
    def test_keys_are_as_of_an_array(self, path, key):
        expected = DATA[4:15][np.asarray(key, int) if isinstance(key, list) else key]
        got = HDF5Matrix(path, "rows", 4, 15)[key]
        assert got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)

    @pytest.mark.parametrize("key", [11, -12, [0, 11], slice(0, 12), np.array([99]), [0.5], "rows"])
    def test_no_row_outside_of_it(self, path, key):
        with pytest.raises(IndexError, match="HDF5Matrix"):
            HDF5Matrix(path, "rows", 4, 15)[key]

    def test_normalizer(self, path):
        matrix = HDF5Matrix(path, "rows", 2, 9, normalizer=lambda rows: rows.astype("float64")[:, :, None] / 10)
        assert matrix.shape == (7, 3, 1) and matrix.dtype == np.float64 and matrix.size == 21
        np.testing.assert_allclose(matrix[[3, 1]][..., 0], DATA[[5, 3]] / 10)

    @pytest.mark.parametrize("start, end", [(-1, 5), (5, 2), (0, 21), (25, None)])
    def test_rows_that_are_not_there(self, path, start, end):
        with pytest.raises(ValueError, match="there are 20"):
            HDF5Matrix(path, "rows", start, end)

    def test_datasets_that_are_not_there(self, path):
        assert HDF5Matrix(path, "group/labels")[3] == 3
        with pytest.raises(KeyError, match="no dataset 'row'; it has: group, rows"):
            HDF5Matrix(path, "row")

    def test_a_copy_by_pickle_reads_the_same(self, path):
        again = pickle.loads(pickle.dumps(HDF5Matrix(path, "rows", 4, 15)))
        np.testing.assert_array_equal(again[:], DATA[4:15])

    def test_it_is_iterable(self, path):
        assert [row.tolist() for row in HDF5Matrix(path, "rows", 18)] == DATA[18:].tolist()


@pytest.fixture(params=["file", "group", "dict"])
def store(request, tmp_path):
    """An H5Dict, of each kind."""
    if request.param == "dict":
        yield H5Dict({})
        return
    with h5py.File(tmp_path / "store.h5", "w") as file:
        if request.param == "group":
            yield H5Dict(file.create_group("g"))
            return
    with H5Dict(str(tmp_path / "other.h5")) as opened:
        yield opened


class TestH5Dict:
    def test_values_come_back(self, store):
        store["array"] = DATA
        store["scalar"] = np.float64(2.5)
        store["number"] = 3
        store["text"] = "text"
        store["bytes"] = b"bytes"
        np.testing.assert_array_equal(store["array"], DATA)
        assert (float(store["scalar"]), store["number"], store["text"]) == (2.5, 3, "text")
        assert all(name in store for name in ("array", "scalar", "number", "text", "bytes")) and "other" not in store
        assert store.get("other") is None and store.get("other", 7) == 7 and store.get("number") == 3

    def test_lists_of_texts(self, store):
        names = [f"name_{number}" for number in range(3)]
        store["names"] = names
        assert [name.decode() if isinstance(name, bytes) else name for name in store["names"]] == names

    def test_groups_are_made_when_asked_for(self, store):
        store["a"]["b"]["c"] = DATA
        assert isinstance(store["a"], H5Dict) and list(store["a"]) == ["b"] and len(store["a"]) == 1
        np.testing.assert_array_equal(store["a"]["b"]["c"], DATA)
        assert list(store.iter()) == list(store.keys()) == ["a"]

    def test_update(self, store):
        store.update({"x": DATA}, {"n": 1})
        np.testing.assert_array_equal(store["x"], DATA)
        assert store["n"] == 1


def test_long_lists_are_cut_into_pieces(tmp_path):
    names = [f"{number:060}" for number in range(3000)]
    with H5Dict(tmp_path / "a.h5", "w") as store:
        store["names"] = names
    with H5Dict(tmp_path / "a.h5", "r") as store:
        assert [name.decode() for name in store["names"]] == names == [n.decode() for n in store.get("names")]


def test_what_h5py_has_is_there_too(tmp_path):
    with H5Dict(tmp_path / "a.h5") as store:
        store["n"] = 3
        store.create_group("made")
        assert store.attrs["n"] == 3 and list(store.keys()) == ["made"]
        with pytest.raises(AttributeError, match="no_such"):
            store.no_such


def test_reading_only(tmp_path):
    with H5Dict(tmp_path / "a.h5", "w") as store:
        store["group"]["x"] = DATA
    with H5Dict(tmp_path / "a.h5", "r") as store:
        np.testing.assert_array_equal(store["group"]["x"], DATA)
        with pytest.raises(ValueError, match="'y' in read-only mode"):
            store["y"] = 1
        with pytest.raises(ValueError, match="'y' in read-only mode"):
            store["group"]["y"]
        with pytest.raises(ValueError, match="read-only"):
            H5Dict({}, mode="r")["y"]


def test_an_array_is_not_written_over(tmp_path):
    with H5Dict(tmp_path / "a.h5") as store:
        store["x"] = DATA
        with pytest.raises(KeyError, match='Group with name "x" exists'):
            store["x"] = DATA


def test_a_dictionary_is_kept():
    data = {"old": 1}
    store = H5Dict(data)
    store["group"]["new"] = 2
    store[b"bytes"] = {"a": 1}
    assert data == {"old": 1, "group": {"new": 2}, "bytes": {"a": 1}} and store["bytes"] == {"a": 1}
    H5Dict(data, mode="w")
    assert data == {}


def test_kinds():
    assert h5dict is H5Dict
    assert H5Dict.is_supported_type("a.h5") and H5Dict.is_supported_type({}) and not H5Dict.is_supported_type([])
    with pytest.raises(TypeError, match="Required Group, str or dict. Received: list"):
        H5Dict([])
