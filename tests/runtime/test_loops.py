"""scan and cond: against the unrolled graph, to third order; sizes, masks, random numbers, errors."""

from __future__ import annotations

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.symbolic.graph import topological


@pytest.fixture(autouse=True)
def float64():
    K.clear_session()
    K.set_floatx("float64")
    yield
    K.set_floatx("float32")


class Cell:
    """A small recurrent cell with two states, one of which the output does not show."""

    def __init__(self):
        rng = np.random.RandomState(0)
        self.w = K.variable(rng.randn(2, 3) * 0.5)
        self.u = K.variable(rng.randn(3, 3) * 0.5)
        self.b = K.variable(rng.randn(3) * 0.1)

    def step(self, x, states):
        h, c = states
        c = 0.7 * c + K.tanh(K.dot(x, self.w) + K.dot(h, self.u) + self.b)
        h = K.sigmoid(c) * K.tanh(h + c)
        return h * c, [h, c]

    @property
    def weights(self):
        return [self.w, self.u, self.b]


def unrolled(cell, x, states, steps, backwards=False, mask=None):
    outputs = []
    for t in reversed(range(steps)) if backwards else range(steps):
        output, new = cell.step(x[:, t], states)
        if mask is not None:
            keep = K.expand_dims(mask[:, t], -1)
            output = K.switch(keep, output, states[0])
            new = [K.switch(keep, n, s) for n, s in zip(new, states, strict=True)]
        outputs.append(output)
        states = new
    return outputs[-1], K.stack(outputs, axis=1), states


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_rnn_equals_the_unrolled_graph_to_third_order(backwards, masked):
    rng = np.random.RandomState(1)
    cell = Cell()
    x, h, c = K.placeholder((4, 5, 2)), K.placeholder((4, 3)), K.placeholder((4, 3))
    mask = K.constant(rng.rand(4, 5) > 0.3, dtype="bool") if masked else None
    last, outputs, states = K.rnn(cell.step, x, [h, c], go_backwards=backwards, mask=mask)
    last2, outputs2, states2 = unrolled(cell, x, [h, c], 5, backwards, mask)
    pairs = list(zip([last, outputs, *states], [last2, outputs2, *states2], strict=True))
    feeds = [rng.randn(4, 5, 2), rng.randn(4, 3), rng.randn(4, 3)]
    wrt = [x, h, c, *cell.weights]
    losses = [
        K.sum(K.square(outs[0])) + K.sum(outs[1] * outs[1] * outs[1]) + K.sum(outs[3])
        for outs in zip(*pairs, strict=True)
    ]
    for order in range(3):
        compare = [t for pair in pairs for t in pair] if order == 0 else []
        found = [K.gradients(loss, wrt) for loss in losses]
        values = K.function([x, h, c], [*compare, *found[0], *found[1]])(feeds)
        half = len(compare) // 2
        for i in range(half):
            assert np.allclose(values[2 * i], values[2 * i + 1], rtol=1e-10, atol=1e-12)
        for a, b in zip(values[2 * half :][: len(wrt)], values[2 * half + len(wrt) :], strict=True):
            assert np.allclose(a, b, rtol=1e-9, atol=1e-10), f"order {order + 1}"
        losses = [K.sum(K.square(g[0])) * 0.01 + K.sum(K.square(g[3])) * 0.01 + K.sum(g[1]) for g in found]


def test_the_graph_does_not_grow_with_the_steps():
    sizes = []
    for steps in (5, 500):
        cell = Cell()
        x = K.placeholder((None, steps, 2))
        zero = K.zeros_like(x[:, 0, :1]) * K.ones((1, 3))
        last, _, _ = K.rnn(cell.step, x, [zero, zero])
        sizes.append(len(topological([K.sum(last), *K.gradients(K.sum(last), cell.weights)])))
    assert sizes[0] == sizes[1]


def test_lengths_share_a_body():
    cell = Cell()
    x = K.placeholder((2, None, 2))
    zero = K.zeros((2, 3))
    last, _, _ = K.rnn(cell.step, x, [zero, zero])
    f = K.function([x], [last])
    bodies = set()
    for n in (1, 3, 8):
        f([np.ones((2, n, 2))])
        executable = list(f.programs.values())[-1]
        bodies |= {body for step in executable.program.steps for body in step.bodies}
    assert len(bodies) == 1


def test_programs_are_bounded():
    x = K.placeholder((None, None))
    f = K.function([x], [K.sum(x, axis=0)])
    for n in range(1, 60):
        assert f([np.ones((n, 2))])[0].tolist() == [n, n]
    assert len(f.programs) == 16


def test_folds():
    x = K.placeholder((4, 2))
    feed = np.arange(8.0).reshape(4, 2)
    left = K.foldl(lambda acc, e: 2.0 * acc + e, x)
    right = K.foldr(lambda acc, e: 2.0 * acc + e, x, K.constant([1.0, 1.0]))
    a, b, g = K.function([x], [left, right, K.gradients(K.sum(left), x)[0]])([feed])
    expected = feed[0]
    for row in feed[1:]:
        expected = 2 * expected + row
    assert np.allclose(a, expected)
    expected = np.ones(2)
    for row in feed[::-1]:
        expected = 2 * expected + row
    assert np.allclose(b, expected)
    assert g.tolist() == [[8, 8], [4, 4], [2, 2], [1, 1]]


def test_map_over_one_and_several_sequences():
    x, y = K.placeholder((3, 2)), K.placeholder((3, 2))
    both = K.map_fn(lambda pair: pair[0] * pair[1], [x, y])
    several = K.map_fn(lambda e: [K.sum(e), e * 2.0], x)
    feeds = [np.arange(6.0).reshape(3, 2), np.ones((3, 2)) * 3]
    a, s, d = K.function([x, y], [both, *several])(feeds)
    assert np.allclose(a, feeds[0] * 3) and s.tolist() == [1, 5, 9] and np.allclose(d, feeds[0] * 2)


def test_a_loop_in_a_loop_and_its_gradient():
    x = K.placeholder((3, 4))

    def row_total(row):
        return K.foldl(lambda acc, e: acc * 0.5 + e * e, row, K.constant(0.0))

    totals = K.map_fn(row_total, x)
    feed = np.random.RandomState(0).randn(3, 4)
    value, grad = K.function([x], [totals, K.gradients(K.sum(totals), x)[0]])([feed])
    weights = 0.5 ** np.arange(3, -1, -1)
    assert np.allclose(value, (feed**2 * weights).sum(1))
    assert np.allclose(grad, 2 * feed * weights)


def test_a_state_that_passes_through_and_states_that_swap():
    x = K.placeholder((3, 2))

    def step(states, elements):
        a, b, c = states
        return [b, a + elements[0], c], []

    from polykeras.symbolic.ops.control import scan

    finals = scan(step, [K.constant([1.0, 1.0]), K.constant([0.0, 0.0]), K.constant([7.0, 7.0])], [x]).finals
    a, b, c = K.function([x], finals)([np.ones((3, 2))])
    assert (a.tolist(), b.tolist(), c.tolist()) == ([1, 1], [3, 3], [7, 7])


def test_a_loop_whose_length_depends_on_data():
    n = K.placeholder((2,), dtype="int32")
    from polykeras.symbolic.ops.control import scan

    # float arithmetic hides the value from the size arithmetic: it is known only when it has been computed
    length = K.cast(K.sum(K.exp(K.cast(n, "float64") * 0.0)) + K.sum(K.cast(n, "float64")), "int32")
    result = scan(lambda states, _: ([states[0] * 2.0], [states[0]]), [K.constant(1.0)], length=length)
    f = K.function([n], [result.finals[0], result.outputs[0]])
    final, rows = f([[1, 2]])
    assert final == 32 and rows.tolist() == [1, 2, 4, 8, 16]
    assert f([[0, 0]])[1].tolist() == [1, 2]


def test_a_state_keeps_shape_and_dtype():
    x = K.placeholder((3, 2))
    with pytest.raises(ValueError, match=r"state 0.*\(2,\).*\(1, 2\)"):
        K.foldl(lambda acc, e: K.reshape(acc + e, (1, 2)), x, K.constant([0.0, 0.0]))
    with pytest.raises(TypeError, match="state 0.*float64.*int32"):
        K.foldl(lambda acc, e: K.cast(acc + e, "int32"), x, K.constant([0.0, 0.0]))


def test_a_tensor_of_a_step_does_not_leak():
    x = K.placeholder((3, 2))
    leaked = []

    def step(acc, e):
        leaked.append(e * 2.0)
        return acc + e

    K.foldl(step, x, K.constant([0.0, 0.0]))
    with pytest.raises(ValueError, match="inside a loop's step.*return it"):
        leaked[0] + 1.0


def test_an_error_in_a_step_names_the_op_and_the_line():
    x = K.placeholder((None, 3))
    total = K.map_fn(lambda e: K.gather(e, K.cast(K.sum(e), "int32")), x)
    with pytest.raises(Exception, match=r"gather.*test_loops"):
        K.function([x], [total])([np.ones((2, 3)) * 9])


# -- cond ------------------------------------------------------------------------------------------------------------


def branches():
    x, flag = K.placeholder((3,)), K.placeholder((), dtype="bool")
    w = K.variable(np.array([1.0, 2.0, 3.0]))
    y = K.switch(flag, lambda: K.exp(x * w), lambda: x * x * x)
    return x, flag, w, y


@pytest.mark.parametrize("taken", [True, False])
def test_cond_and_its_gradients_to_third_order(taken):
    x, flag, w, y = branches()
    plain = K.exp(x * w) if taken else x * x * x
    feeds = [np.array([0.1, -0.4, 0.7]), taken]
    a, b = y, plain
    for _ in range(3):
        pair = K.function([x, flag], [a, b])(feeds)
        assert np.allclose(*pair, rtol=1e-12)
        a, b = K.gradients(K.sum(a), x)[0], K.gradients(K.sum(b), x)[0]
    if taken:
        assert np.allclose(*K.function([x, flag], [K.gradients(K.sum(t), w)[0] for t in (y, plain)])(feeds))


def test_only_the_taken_branch_runs(capsys):
    x, flag = K.placeholder((1,)), K.placeholder((), dtype="bool")
    y = K.switch(flag, lambda: K.print_tensor(x, "then"), lambda: K.print_tensor(x * 2.0, "else"))
    f = K.function([x, flag], [y])
    assert f([[1], True])[0].tolist() == [1] and "then" in (out := capsys.readouterr().out) and "else" not in out
    assert f([[1], False])[0].tolist() == [2] and "then" not in (out := capsys.readouterr().out) and "else" in out


def test_a_branch_in_a_loop():
    x = K.placeholder((4,))
    total = K.foldl(lambda acc, e: K.switch(K.greater(e, 0.0), lambda: acc + e, lambda: acc * 2.0), x, K.constant(1.0))
    value, grad = K.function([x], [total, K.gradients(total, x)[0]])([[1, -1, 2, -3]])
    assert value == 12 and grad.tolist() == [4, 0, 2, 0]


def test_branches_of_different_dtypes_are_an_error():
    flag = K.placeholder((), dtype="bool")
    with pytest.raises(TypeError, match="float64 in one branch and int32"):
        K.switch(flag, lambda: K.constant(1.0), lambda: K.constant(1, dtype="int32"))
