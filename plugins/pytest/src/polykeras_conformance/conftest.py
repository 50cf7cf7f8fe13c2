"""Makes the tests: one for each op, sample or error sample that a test function has a parameter for."""

import pytest

from polykeras.testing.checks import all_ops, error_samples, is_limited, samples


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "op" in metafunc.fixturenames:
        metafunc.parametrize("op", all_ops(), ids=_name)
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", [s for op in all_ops() for s in samples(op)], ids=str)
    if "error_sample" in metafunc.fixturenames:
        metafunc.parametrize("error_sample", [s for op in all_ops() for s in error_samples(op)], ids=str)


def _name(op) -> str:
    return op.name


@pytest.fixture
def backend(request: pytest.FixtureRequest, polykeras_backend):
    """The backend under test. What it lists among its limits must fail where values are compared, and may elsewhere."""
    found = request.node.callspec.params
    if "sample" in found:
        op, dtype = found["sample"].op, found.get("dtype")
        reason = is_limited(polykeras_backend, op, dtype)
        if reason:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=dtype is not None))
    return polykeras_backend
