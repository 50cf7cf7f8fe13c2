"""switch, the learning phase, folds and maps, printing: what is computed, and what is not."""

import numpy as np
import pytest

from polykeras import backend as K


@pytest.mark.parametrize("shape", [(2,), (2, 3), (2, 1), (2, 3, 4)])
def test_a_condition_of_lower_rank_selects_along_the_leading_axes(shape):
    r = np.random.RandomState(0)
    a, b = r.normal(size=(2, 3, 4)), r.normal(size=(2, 3, 4))
    condition = r.normal(size=shape) > 0
    full = condition.reshape(*shape, *[1] * (3 - len(shape)))
    for known in (True, False):
        c = K.placeholder(shape if known else (None,) * len(shape), dtype="bool")
        x = K.placeholder((2, 3, 4) if known else (None, None, None))
        (got,) = K.function([c, x], [K.switch(c, x, K.constant(b))])([condition, a])
        np.testing.assert_allclose(got, np.where(full, a, b), rtol=1e-6)


def test_functions_as_branches_and_an_integer_condition():
    n, x = K.placeholder((), dtype="int32"), K.placeholder((2,))
    f = K.function([n, x], [K.switch(n, lambda: x * 2, lambda: x + 1)])
    assert f([3, [1, 2]])[0].tolist() == [2, 4] and f([0, [1, 2]])[0].tolist() == [2, 3]
    mask = K.placeholder((2,))
    f = K.function([mask, x], [K.switch(mask, lambda: x * 2, lambda: x + 1)])
    assert f([[0, 5], [1, 2]])[0].tolist() == [2, 4]


def test_a_condition_of_higher_rank_is_refused():
    with pytest.raises(ValueError, match="rank 2"):
        K.switch(K.placeholder((2, 3), dtype="bool"), K.ones((2,)), K.zeros((2,)))


def test_phases():
    x = K.placeholder((1,))
    train, test = K.in_train_phase(x + 1, x), K.in_test_phase(x + 1, x)
    f = K.function([x, K.learning_phase()], [train, test])
    assert [float(r[0]) for r in f([[0.0], 1])] == [1, 0] and [float(r[0]) for r in f([[0.0], 0])] == [0, 1]
    assert train._uses_learning_phase and test._uses_learning_phase
    for training, expected in ((True, 1), (1, 1), (False, 0), (0, 0)):
        made = K.in_train_phase(lambda: x + 1, lambda: x, training=training)
        assert K.function([x], [made])([[0.0]])[0][0] == expected
        assert not getattr(made, "_uses_learning_phase", False)


def test_printing_happens_when_the_value_is_computed(capsys):
    x = K.placeholder((2,))
    shown = K.print_tensor(x, message="x is ")
    f = K.function([x], [shown * 2])
    assert capsys.readouterr().out == ""
    assert f([[1, 2]])[0].tolist() == [2, 4]
    assert capsys.readouterr().out.startswith("x is ")
    f([[3, 4]])
    assert "3" in capsys.readouterr().out
    K.function([x], [x * 2])([[1, 2]])
    assert capsys.readouterr().out == ""
    assert K.eval(K.gradients(K.sum(K.print_tensor(v := K.variable([1.0, 2.0])) ** 2), v)[0]).tolist() == [2, 4]


def test_folds_and_maps():
    x = K.constant(np.arange(1.0, 5.0))
    assert float(K.eval(K.foldl(lambda a, e: a / e, x))) == pytest.approx(1 / 24)
    assert float(K.eval(K.foldr(lambda a, e: a - e, x, K.constant(0.0)))) == -10
    assert K.eval(K.map_fn(lambda e: e * 2, x)).tolist() == [2, 4, 6, 8]
    assert K.dtype(K.map_fn(lambda e: e > 2, x, dtype="int32")) == "int32"
    pair = K.map_fn(lambda e: [e[0] + e[1], e[0] * e[1]], [x, x])
    assert [K.eval(p).tolist() for p in pair] == [[2, 4, 6, 8], [1, 4, 9, 16]]
    empty = K.placeholder((None, 2))
    f = K.function([empty], [K.map_fn(lambda e: e + 1, empty), K.foldl(lambda a, e: a + e, empty, K.zeros((2,)))])
    assert [r.tolist() for r in f([np.zeros((0, 2))])] == [[], [0, 0]]


def test_sizes_that_depend_on_data():
    x, n = K.placeholder((None,)), K.placeholder((None,), dtype="int32")
    positive = K.boolean_mask(x, x > 0)
    counted = K.arange(K.max(n))
    doubled = K.concatenate([positive, positive]) * 2
    f = K.function([x, n], [positive, counted, doubled, K.sum(doubled), K.gradients(K.sum(doubled), x)[0]])
    for a, m in (([1, -2, 3], [2, 5]), ([-1, -1], [0, 0]), ([4], [1, 3])):
        got = f([a, m])
        kept = [v for v in a if v > 0]
        assert got[0].tolist() == kept and got[1].tolist() == list(range(max(m)))
        assert got[2].tolist() == [2 * v for v in kept * 2] and got[3] == 4 * sum(kept)
        assert got[4].tolist() == [4 if v > 0 else 0 for v in a]


def test_updates_as_values():
    v, x = K.variable(1.0), K.placeholder(())
    f = K.function([x], [K.update_add(v, x) * 10])
    assert f([2.0])[0] == 30 and K.get_value(v) == 3
    g = K.function([x], [K.update_sub(v, x), K.moving_average_update(w := K.variable(0.0), x, 0.9)])
    assert g([1.0])[0] == 2 and K.get_value(v) == 2 and K.get_value(w) == pytest.approx(0.1)
