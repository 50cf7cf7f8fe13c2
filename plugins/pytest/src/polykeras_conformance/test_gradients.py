"""Gradients of first and second order agree with finite differences."""

from polykeras.testing import checks


def test_gradients_agree_with_finite_differences(sample, backend):
    checks.check_vjp(sample, backend)
