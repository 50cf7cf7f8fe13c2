"""Rows added up at repeated indices, against sums in float64."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.symbolic.op import OPS

FLOATS = {"float32": 1e-5, "float64": 1e-13}


def _run(backend, g, indices, size):
    placeholders = [K.placeholder(a.shape, dtype=str(a.dtype)) for a in (g, indices)]
    like = K.variable(np.zeros((size, *g.shape[indices.ndim :])))
    out = OPS["scatter_add"](*placeholders, like, axis=0)
    return K.function(placeholders, [out], backend=backend)([g, indices])[0]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize(
    ("size", "shape", "row"), [(50, (7, 9), (13,)), (3, (200,), (32,)), (9, (4,), (2, 5)), (5, (6,), ())]
)
def test_sums_at_indices(dtype, index, size, shape, row, module_backend):
    random = np.random.RandomState(0)
    g = random.standard_normal((*shape, *row)).astype(dtype)
    indices = random.randint(0, size, shape).astype(index)
    expected = np.zeros((size, *row))
    np.add.at(expected, indices, g.astype("float64"))
    np.testing.assert_allclose(_run(module_backend, g, indices, size), expected, rtol=0, atol=50 * FLOATS[dtype])


def test_rows_that_nobody_names_are_zero_at_every_call(module_backend):
    g = np.ones((3, 8), "float32")
    for indices in ([0, 1, 2], [4, 4, 4]):
        found = _run(module_backend, g, np.array(indices, "int32"), 5)
        assert found.sum(axis=1).tolist() == [8.0 * indices.count(i) for i in range(5)]


@pytest.mark.parametrize("wrong", [-1, 5])
def test_an_index_out_of_range_is_an_error(wrong, module_backend):
    with pytest.raises(IndexError, match=f"index {wrong} is out of range for axis 0 of size 5"):
        _run(module_backend, np.ones((2, 8), "float32"), np.array([1, wrong], "int32"), 5)
