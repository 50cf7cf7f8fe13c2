"""Every recorded call of a backend function gives the recorded value, dtype and static shape."""

import numpy as np
import pytest

from polykeras import backend as K
from tests.parity.golden import Golden, agree, paths, recorded_environment


def argument(recorded, golden):
    """An argument from its record: a variable, a list of them, an array, or a literal."""
    match recorded:
        case {"a": i}:
            return K.variable(golden[f"a{i}"], dtype=str(golden[f"a{i}"].dtype))
        case {"al": places}:
            return [argument({"a": i}, golden) for i in places]
        case {"np": i}:
            return golden[f"a{i}"]
        case {"v": literal}:
            return as_tuple(literal)
    return as_tuple(recorded)


def as_tuple(literal):
    return tuple(map(as_tuple, literal)) if isinstance(literal, list) else literal


@pytest.mark.parametrize("path", paths("backend"))
def test_recorded_call(path):
    golden = Golden(path)
    record = golden.config
    with recorded_environment(record):
        result = getattr(K, record["fn"])(
            *[argument(a, golden) for a in record["args"]],
            **{name: argument(value, golden) for name, value in record["kwargs"].items()},
        )
        if "value" in record:
            assert result == as_tuple(record["value"])
            return
        results = list(result) if isinstance(result, (list, tuple)) else [result]
        assert len(results) == record["n_outputs"]
        for i, got in enumerate(results):
            if K.is_tensor(got):
                assert K.int_shape(got) == as_tuple(record["static_shapes"][i])
                assert K.dtype(got) == record["out_dtypes"][i]
                got = K.eval(got)
                assert str(np.asarray(got).dtype) == record["out_dtypes"][i]
            agree(got, golden[f"out{i}"], record["tol"], f"out{i}")
