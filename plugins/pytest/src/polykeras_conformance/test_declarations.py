"""What an op declares, and whether the backend keeps to it."""

from polykeras.testing import checks


def test_the_op_is_complete(op):
    checks.check_complete(op)


def test_the_method_has_the_signature_of_the_op(op, backend):
    checks.check_signature(op, backend)


def test_public_methods_are_ops(polykeras_backend):
    checks.check_methods(polykeras_backend)


def test_wrong_operands_are_refused(error_sample):
    checks.check_errors(error_sample)
