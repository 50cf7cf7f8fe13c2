"""What counts as an array: every kind of data trains, scores and predicts as the NumPy array of its numbers does."""

import h5py
import numpy as np
import pytest

from polykeras.engine.feeding import standardize_input_data
from polykeras.layers import Dense, Input
from polykeras.models import Model
from polykeras.utils import HDF5Matrix

pandas = pytest.importorskip("pandas")
sparse = pytest.importorskip("scipy.sparse")

X = np.random.RandomState(0).rand(22, 4).round(2).astype("float32")
Y = np.random.RandomState(1).rand(22, 2).round(2).astype("float32")


def net(is_sparse=False):
    inputs = Input((4,), sparse=is_sparse, name="features")
    model = Model(inputs, Dense(2, kernel_initializer="ones", name="scores")(inputs))
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as made:
        made["x"], made["y"], made["column"] = X, Y, X[:, 0]
    with h5py.File(path, "r") as opened:
        yield opened


KINDS = {
    "lists": lambda file: (X.tolist(), Y.tolist()),
    "lists of an array": lambda file: ([X], [Y]),
    "dicts": lambda file: ({"features": X}, {"scores": Y}),
    "frames": lambda file: (pandas.DataFrame(X, columns=list("abcd")), pandas.DataFrame(Y)),
    "nullable frames": lambda file: (pandas.DataFrame(X).astype("Float32"), pandas.DataFrame(Y).astype("Float64")),
    "frames in dicts": lambda file: ({"features": pandas.DataFrame(X)}, {"scores": pandas.DataFrame(Y)}),
    "csr matrix": lambda file: (sparse.csr_matrix(X), Y),
    "coo array": lambda file: (sparse.coo_array(X), sparse.coo_array(Y)),
    "HDF5 datasets": lambda file: (file["x"], file["y"]),
    "HDF5Matrix": lambda file: (HDF5Matrix(file.filename, "x"), HDF5Matrix(file.filename, "y")),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_it_is_as_an_array(kind, shuffle, file):
    x, y = KINDS[kind](file)
    given, expected = net(), net()
    arguments = {"batch_size": 5, "epochs": 2, "shuffle": shuffle, "validation_split": 0.3, "verbose": 0}
    np.random.seed(0)
    got = given.fit(x, y, **arguments).history
    np.random.seed(0)
    wanted = expected.fit(X, Y, **arguments).history
    assert got == wanted
    for a, b in zip(given.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert given.evaluate(x, y, batch_size=5, verbose=0) == expected.evaluate(X, Y, batch_size=5, verbose=0)
    np.testing.assert_array_equal(given.predict(x, batch_size=5), expected.predict(X, batch_size=5))


def test_series_and_one_dimensional_datasets_are_columns(file):
    inputs = Input((1,))
    model = Model(inputs, Dense(1)(inputs))
    model.compile("sgd", "mse")
    expected = model.predict(X[:, :1])
    for column in (pandas.Series(X[:, 0]), file["column"], X[:, 0].tolist(), HDF5Matrix(file.filename, "column")):
        np.testing.assert_array_equal(model.predict(column), expected)
    model.fit(pandas.Series(X[:, 0]), pandas.Series(Y[:, 0]), sample_weight=pandas.Series(np.ones(22)), verbose=0)


def test_sparse_inputs_stay_sparse():
    given, expected = net(is_sparse=True), net()
    got = given.fit(sparse.csr_matrix(X), Y, batch_size=5, shuffle=False, verbose=0).history["loss"]
    wanted = expected.fit(X, Y, batch_size=5, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(got, wanted, rtol=1e-5)


def test_a_sparse_matrix_is_made_dense_a_batch_at_a_time(monkeypatch):
    x = sparse.csr_matrix(X)
    sizes = []
    toarray = sparse.csr_matrix.toarray
    monkeypatch.setattr(sparse.csr_matrix, "toarray", lambda self, *a, **k: sizes.append(self.shape) or toarray(self))
    net().fit(x, Y, batch_size=5, verbose=0)
    assert max(rows for rows, _ in sizes) == 5 and sum(rows for rows, _ in sizes) == 22


def test_a_file_is_read_a_batch_at_a_time(file):
    class Recorded:
        def __init__(self, dataset):
            self.dataset, self.shape, self.dtype, self.rows = dataset, dataset.shape, dataset.dtype, []

        def __getitem__(self, rows):
            found = self.dataset[rows]
            self.rows.append(len(found))
            return found

    x = Recorded(file["x"])
    model = net()
    model.fit(x, Y, batch_size=5, shuffle="batch", verbose=0)
    model.predict(x, batch_size=5)
    assert max(x.rows) == 5 and sum(x.rows) == 44


class TestWrongData:
    def standardize(self, data, names=("features",)):
        return standardize_input_data(data, list(names), [(None, 4)] * len(names), False, "input")

    def test_text_in_a_frame(self):
        frame = pandas.DataFrame(X, columns=list("abcd")).assign(c="text")
        with pytest.raises(ValueError, match="expected features to have numbers, but column 'c' of the pandas DataFr"):
            self.standardize(frame)
        with pytest.raises(ValueError, match="features to have numbers, but the data of the pandas Series"):
            self.standardize(pandas.Series(["a", "b"]))

    def test_missing_numbers_are_nan(self):
        frame = pandas.DataFrame({name: [1, None] for name in "abcd"}, dtype="Int64")
        assert np.isnan(self.standardize(frame)[0][1]).all()

    def test_rows_of_different_lengths(self):
        with pytest.raises(ValueError, match="features to be numbers in rows of equal lengths.*pad_sequences"):
            self.standardize([[1, 2], [3]])

    def test_none(self):
        with pytest.raises(ValueError, match='No data provided for "features"'):
            net().fit(None, Y)
        with pytest.raises(ValueError, match='No data provided for "b"'):
            self.standardize([X, None], "ab")
