"""Every op, in all that its samples do with it, goes through JSON and back."""

import json

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.operations_config import described, rebuilt
from polykeras.engine.raw_operations import replayed
from polykeras.runtime.sparse import Csr
from polykeras.symbolic.graph import Tensor
from polykeras.testing.checks import all_ops, samples


def sample_parameters():
    return [pytest.param(sample, id=str(sample)) for op in all_ops() for sample in samples(op)]


def no_variables(entry):
    raise AssertionError(f"a variable: {entry}")


def through_json(sources, result):
    config = described("tested", sources, result, [])
    text = json.dumps(config)
    placeholders, again = rebuilt(json.loads(text), no_variables)
    assert json.dumps(described("tested", placeholders, again, [])) == text
    return replayed(again, dict(zip([p.key for p in placeholders], sources, strict=True)))


@pytest.mark.parametrize("sample", sample_parameters())
def test_a_sample(sample):
    operands, fed = [], []
    for operand in sample.operands:
        sparse = isinstance(operand, Csr)
        if sparse or (isinstance(operand, np.ndarray) and operand.dtype == "float64"):
            fed.append((K.placeholder(operand.shape, dtype="float32", sparse=sparse), operand))
            operand = fed[-1][0]
        operands.append(operand)
    made = sample.op(*operands, **sample.attrs)
    sources = [tensor for tensor, _ in fed]
    for result in made if isinstance(made, tuple) else (made,):
        assert isinstance(result, Tensor)
        again = through_json(sources, result)
        assert (again.node.op, again.index) == (result.node.op, result.index)
        assert (K.int_shape(again), K.dtype(again)) == (K.int_shape(result), K.dtype(result))
        first, second = K.function(sources, [result, again])([array for _, array in fed])
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 0), (2, 3)])
def test_constants_keep_every_bit(dtype, shape):
    values = np.random.RandomState(0).randn(*shape) * 100
    if dtype.startswith("float") and shape == (2, 3):
        values[0] = np.nan, -np.inf, -0.0
    array = np.asarray(values).astype(dtype)
    x = K.placeholder(shape, dtype="float32")
    again = through_json([x], K.cast(K.constant(array, dtype=dtype), "float64") + K.cast(x, "float64"))
    value = K.function([x], [again])([np.zeros(shape)])[0]
    np.testing.assert_array_equal(value, array.astype("float64"))
