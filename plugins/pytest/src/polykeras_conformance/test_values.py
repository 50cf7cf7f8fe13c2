"""What the backend computes: the referee's values, in the declared shapes and dtypes, and nothing else is touched."""

import pytest

from polykeras.testing import checks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_the_referees(sample, backend, dtype):
    checks.check_forward(sample, backend, dtype)


def test_kernel_and_lowering_agree(sample, backend):
    checks.check_lowering(sample, backend)


def test_shapes_and_dtypes_are_as_declared(sample, backend):
    checks.check_rule(sample, backend)


def test_operands_are_left_alone(sample, backend):
    checks.check_pure(sample, backend)


def test_other_dtypes(sample, backend):
    checks.check_dtypes(sample, backend)
