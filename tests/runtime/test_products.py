"""Products against NumPy, with their gradients."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.symbolic.ops import linalg

RNG = np.random.default_rng(0)


def evaluated(function, *arrays, known):
    """The function on placeholders of the arrays' shapes, or of their ranks."""
    inputs = [K.placeholder(a.shape if known else (None,) * a.ndim, dtype="float64") for a in arrays]
    out = function(*inputs)
    value, *gradients = K.function(inputs, [out, *K.gradients(K.sum(out), inputs)])(list(arrays))
    assert [g.shape for g in gradients] == [a.shape for a in arrays]
    return value


EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "bik,bkj->bij": [(2, 3, 4), (2, 4, 5)],
    "ij,ij->": [(2, 3), (2, 3)],
    "ij->ji": [(2, 3)],
    "ij->i": [(2, 3)],
    "bqhd,bkhd->bhqk": [(2, 3, 4, 5), (2, 6, 4, 5)],
    "bhqk,bkhd->bqhd": [(2, 4, 3, 6), (2, 6, 4, 5)],
    "i,j->ji": [(2,), (3,)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 5)],
    "ba,bc": [(2, 3), (2, 4)],
    "ab,cd->a": [(2, 3), (4, 5)],
    "a,a,a->a": [(3,), (3,), (3,)],
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation, known):
    arrays = [RNG.standard_normal(shape) for shape in EQUATIONS[equation]]
    got = evaluated(lambda *xs: linalg.einsum(equation, *xs), *arrays, known=known)
    np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-10)


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("ii->i", "different letters"),
        ("ij->ik", "labels no operand"),
        ("i->i", "labels 1 axes"),
        ("ij,jk->ik", "2 operands"),
    ],
)
def test_einsum_refuses(equation, words):
    with pytest.raises(ValueError, match=words):
        linalg.einsum(equation, K.placeholder((2, 2)))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("x", [(3,), (2, 3), (4, 2, 3), (5, 4, 2, 3)])
@pytest.mark.parametrize("y", [(3,), (3, 6), (7, 3, 6), (2, 7, 3, 6)])
def test_dot_sums_the_last_axis_against_the_last_but_one(x, y, known):
    arrays = RNG.standard_normal(x), RNG.standard_normal(y)
    np.testing.assert_allclose(evaluated(K.dot, *arrays, known=known), np.dot(*arrays), rtol=1e-10)


BATCH_DOTS = {
    "bik,bkj->bij": [((5, 2, 3), (5, 3, 4), None), ((5, 2, 3), (5, 3, 4), (2, 1))],
    "bki,bkj->bij": [((5, 3, 2), (5, 3, 4), (1, 1)), ((5, 3, 2), (5, 3, 4), 1)],
    "bki,bjk->bij": [((5, 3, 2), (5, 4, 3), (1, 2))],
    "bik,bjk->bij": [((5, 2, 3), (5, 4, 3), (2, 2)), ((5, 2, 3), (5, 4, 3), (-1, -1))],
    "bik,bk->bi": [((5, 2, 3), (5, 3), (2, 1))],
    "bki,bk->bi": [((5, 3, 2), (5, 3), (1, 1))],
    "bk,bkj->bj": [((5, 3), (5, 3, 4), (1, 1)), ((5, 3), (5, 3, 4), None)],
    "bk,bjk->bj": [((5, 3), (5, 4, 3), (1, 2))],
    "bcik,bckj->bcij": [((2, 3, 4, 5), (2, 3, 5, 2), (3, 2))],
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("equation", "case"), [(e, c) for e, cases in BATCH_DOTS.items() for c in cases])
def test_batch_dot(equation, case, known):
    x, y, axes = case
    arrays = RNG.standard_normal(x), RNG.standard_normal(y)
    got = evaluated(lambda a, b: K.batch_dot(a, b, axes=axes), *arrays, known=known)
    np.testing.assert_allclose(got, np.einsum(equation, *arrays), rtol=1e-10)


def test_batch_dot_of_matrices_gives_a_column():
    x, y = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 3))
    got = evaluated(lambda a, b: K.batch_dot(a, b, axes=1), x, y, known=True)
    np.testing.assert_allclose(got, (x * y).sum(1, keepdims=True))


@pytest.mark.parametrize(
    ("x", "y", "axes", "words"),
    [
        ((5, 3), (5, 3), None, "needs `axes`"),
        ((5, 3), (5, 4), 1, "differ in size, 3 and 4"),
        ((5, 2, 3), (5, 3, 4), (0, 1), "axis 0 counts the samples"),
        ((5, 2, 3), (5, 3, 4), ((1, 2), 1), "an int or a pair"),
        ((3,), (3,), 0, "two axes at least"),
        ((5, 2, 3), (5, 3, 4), 3, "out of range"),
    ],
)
def test_batch_dot_refuses(x, y, axes, words):
    with pytest.raises(ValueError, match=words):
        K.batch_dot(K.placeholder(x), K.placeholder(y), axes=axes)


def test_a_product_of_many_axes_with_a_matrix_is_one_matmul():
    """np.matmul would run one small product for each leading index."""
    x, w = K.placeholder((None, 7, 3)), K.variable(np.ones((3, 2)))
    f = K.function([x], [K.dot(x, w), x @ w])
    f([np.ones((5, 7, 3))])
    (executable,) = f.programs.values()
    shapes = [s.outs[0].spec.shape for s in executable.program.steps if s.op.name == "matmul"]
    assert shapes == [(35, 2)]
