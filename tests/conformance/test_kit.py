"""The kit catches what it is there for: each broken backend or op here must fail its check."""

import numpy as np
import pytest

from polykeras.runtime.backend import Limit
from polykeras.symbolic.op import Op
from polykeras.symbolic.ops.elementwise import multiply
from polykeras.symbolic.ops.linalg import matmul
from polykeras.symbolic.ops.shape import transpose
from polykeras.symbolic.spec import Spec
from polykeras.testing import checks
from polykeras.testing.samples import Sampler
from polykeras_numpy import NumpyBackend

OPS_BY_NAME = {found.name: found for found in checks.all_ops()}


def backend_with(**methods):
    """The NumPy backend with some methods replaced, and no tighter binding of them."""

    class Mutant(NumpyBackend):
        name = "mutant"

        def kernel(self, step):
            if step.op.name in methods:
                return super(NumpyBackend, self).kernel(step)
            return super().kernel(step)

    for name, method in methods.items():
        setattr(Mutant, name, method)
    return Mutant()


def first(name, number=0):
    return list(checks.samples(OPS_BY_NAME[name]))[number]


def forgets_to_return(self, x, *, out=None):
    self.xp.exp(x, out=out)


def is_off(self, x, *, out=None):
    return self.xp.multiply(self.xp.exp(x), 1.001, out=out)


def writes_on_its_input(self, x, *, out=None):
    self.xp.exp(x, out=x)
    return x.copy() if out is None else self.xp.add(x, 0, out=out)


def ignores_out(self, x, *, out=None):
    return self.xp.exp(x)


def takes_another_name(self, value, *, out=None):
    return self.xp.exp(value, out=out)


@pytest.mark.parametrize(
    "check, method",
    [
        (checks.check_pure, forgets_to_return),
        (checks.check_pure, writes_on_its_input),
        (checks.check_pure, ignores_out),
        (checks.check_forward, is_off),
        (checks.check_dtypes, is_off),
    ],
)
def test_a_broken_kernel_is_caught(check, method):
    check(first("exp"), backend_with())
    with pytest.raises(AssertionError):
        check(first("exp"), backend_with(exp=method))


def test_a_kernel_of_another_dtype_is_caught():
    def as_wide(self, x, *, axis=None, keepdims=False):
        return self.xp.asarray(x.sum(axis=axis, keepdims=keepdims), "float64")

    with pytest.raises((AssertionError, TypeError, ValueError)):
        checks.check_rule(first("sum"), backend_with(sum=as_wide))


def test_a_drifted_signature_is_caught():
    with pytest.raises(AssertionError, match="declaration"):
        checks.check_signature(OPS_BY_NAME["exp"], backend_with(exp=takes_another_name))
    with pytest.raises(AssertionError, match="keepdims"):
        checks.check_signature(OPS_BY_NAME["sum"], backend_with(sum=lambda self, x, *, axis=None: x))


def test_a_public_method_that_is_no_op_is_caught():
    checks.check_methods(backend_with())
    with pytest.raises(AssertionError, match="helper"):
        checks.check_methods(backend_with(helper=lambda self: None))


def declared(rule, name="mutant_op", **flags):
    """An op that is in no table."""
    made = Op(rule, name=name, **flags)
    made.samples(matmul_samples)
    return made


def matmul_samples(r):
    yield (r(2, 3), r(3, 4)), {}


def test_a_wrong_gradient_is_caught():
    def product(x, y):
        """x y"""
        return Spec((x.shape[0], y.shape[1]), x.dtype)

    mutant = declared(product)
    mutant.lower(lambda x, y: matmul(x, y))

    def half(g, out, x, y):
        return matmul(g, transpose(y, axes=(1, 0))), multiply(matmul(transpose(x, axes=(1, 0)), g), 0.5)

    case = next(checks.samples(mutant))
    checks.check_vjp(case, NumpyBackend())
    mutant.vjp(half)
    with pytest.raises(AssertionError, match="gradient 1 in operand 1"):
        checks.check_vjp(case, NumpyBackend())


def test_a_missing_gradient_is_caught():
    def product(x, y):
        """x y"""
        return Spec((x.shape[0], y.shape[1]), x.dtype)

    mutant = declared(product)
    mutant.lower(lambda x, y: matmul(x, y))
    mutant.vjp(lambda g, out, x, y: (matmul(g, transpose(y, axes=(1, 0))), None))
    with pytest.raises(AssertionError, match="operand 1 is 0 "):
        checks.check_vjp(next(checks.samples(mutant)), NumpyBackend())


def test_a_wrong_rule_is_caught():
    def swapped(x, y):
        """x y"""
        return Spec((y.shape[1], x.shape[0]), x.dtype)

    mutant = declared(swapped)
    mutant.lower(lambda x, y: matmul(x, y))
    with pytest.raises((AssertionError, ValueError)):
        checks.check_rule(next(checks.samples(mutant)), NumpyBackend())


def test_an_incomplete_declaration_is_caught():
    def nothing(x):
        return x

    with pytest.raises(AssertionError, match="docstring"):
        checks.check_complete(Op(nothing, name="mutant_op"))
    nothing.__doc__ = "x"
    with pytest.raises(AssertionError, match="neither a vjp"):
        checks.check_complete(Op(nothing, name="mutant_op"))
    with pytest.raises(AssertionError, match="no samples"):
        checks.check_complete(Op(nothing, name="mutant_op", nondifferentiable="a test"))


def test_an_error_without_its_words_is_caught():
    class Sample:
        op, operands, attrs, words = OPS_BY_NAME["add"], (np.ones((2, 3)), np.ones(4)), {}, "do not broadcast"

    checks.check_errors(Sample)
    Sample.words = "cannot be found"
    with pytest.raises(AssertionError, match="cannot be found"):
        checks.check_errors(Sample)
    Sample.operands = np.ones((2, 3)), np.ones(3)
    with pytest.raises(AssertionError, match="was not refused"):
        checks.check_errors(Sample)


def test_the_sampler_refuses_square_shapes_and_dodges_kinks():
    r = Sampler()
    with pytest.raises(ValueError, match="repeats=True"):
        r(3, 3)
    assert r(3, 3, repeats=True).shape == (3, 3)
    assert r(1, 1, 3).shape == (1, 1, 3)
    x = r(1000)
    assert np.abs(x * 2 - np.round(x * 2)).min() > 0.19
    assert x.min() < -1 and x.max() > 1
    assert np.diff(np.sort(r.distinct(1000))).min() > 0.1
    assert r.positive(1000).min() > 0
    np.testing.assert_array_equal(Sampler(3)(4), Sampler(3)(4))


def test_limits_are_looked_up_by_op_and_dtype():
    class Limited(NumpyBackend):
        limits = (Limit("exp", "float16", "too narrow"),)

    backend, exp = Limited(), OPS_BY_NAME["exp"]
    assert checks.is_limited(backend, exp, "float16") == "too narrow"
    assert checks.is_limited(backend, exp) == "too narrow"
    assert checks.is_limited(backend, exp, "float32") is None
    assert checks.is_limited(backend, OPS_BY_NAME["log"]) is None
