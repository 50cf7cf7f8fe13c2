"""K.rnn in every option against a loop written out in NumPy, and the scanned graph against the unrolled one."""

import itertools

import numpy as np
import pytest

from polykeras import backend as K

B, T, D = 3, 5, 4
R = np.random.RandomState(0)
X = R.normal(size=(B, T, D))
W, U = R.normal(size=(D, D)), R.normal(size=(D, D)) / 2
STATES = [R.normal(size=(B, D)), R.normal(size=(B, D))]
CONSTANT = R.normal(size=(B, D))
MASK = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=bool)


@pytest.fixture(autouse=True)
def float64():
    K.set_floatx("float64")
    yield
    K.set_floatx("float32")


def numpy_rnn(backwards, mask, unroll, constant):
    """Masked steps keep the states; their output is states[0], or unrolled the output before (zeros at first)."""
    h, c = STATES
    before, outputs = np.zeros((B, D)), []
    for t in reversed(range(T)) if backwards else range(T):
        new_h = np.tanh(X[:, t] @ W + h @ U + (CONSTANT if constant else 0))
        new_c = c * 0.5 + new_h
        output = new_h + new_c
        if mask is not None:
            keep = mask[:, t, None]
            output = np.where(keep, output, before if unroll else h)
            new_h, new_c = np.where(keep, new_h, h), np.where(keep, new_c, c)
        h, c, before = new_h, new_c, output
        outputs.append(output)
    return outputs[-1], np.stack(outputs, axis=1), h, c


def build(backwards, mask, unroll, constant, steps=T):
    x, w, u = K.placeholder((B, steps, D)), K.variable(W), K.variable(U)
    starts, extra = [K.variable(s) for s in STATES], K.variable(CONSTANT)

    def step(inputs, states):
        h, c = states[:2]
        assert len(states) == (3 if constant else 2)
        new_h = K.tanh(K.dot(inputs, w) + K.dot(h, u) + (states[2] if constant else 0))
        new_c = c * 0.5 + new_h
        return new_h + new_c, [new_h, new_c]

    last, outputs, finals = K.rnn(
        step, x, starts, go_backwards=backwards, mask=None if mask is None else K.constant(mask, "bool"),
        constants=[extra] if constant else None, unroll=unroll, input_length=T,
    )  # fmt: skip
    return x, [w, u, extra, *starts], [last, outputs, *finals]


OPTIONS = list(itertools.product((False, True), (None, "2", "3"), (False, True), (False, True)))


@pytest.mark.parametrize("backwards, masked, unroll, constant", OPTIONS)
def test_values(backwards, masked, unroll, constant):
    mask = None if masked is None else MASK if masked == "2" else MASK[..., None]
    x, _, results = build(backwards, mask, unroll, constant, T if unroll else None)
    expected = numpy_rnn(backwards, None if masked is None else MASK, unroll, constant)
    assert K.int_shape(results[0]) == (B, D) and K.int_shape(results[1])[2:] == (D,)
    for got, want in zip(K.function([x], results)([X]), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11)


@pytest.mark.parametrize("backwards, masked", list(itertools.product((False, True), repeat=2)))
def test_gradients_of_a_loop_are_those_of_the_unrolled_graph(backwards, masked):
    found = []
    for unroll in (False, True):
        # the two rules for masked outputs differ, the states do not
        x, moved, results = build(backwards, MASK if masked else None, unroll, True)
        used = results[2:] if masked else results
        loss = K.sum(K.stack([K.sum(K.sin(t)) for t in used]))
        first = K.gradients(loss, [*moved, x])
        first = [g for g in first if g is not None]
        second = K.gradients(K.sum(K.stack([K.sum(K.square(g)) for g in first])), [*moved, x])
        found.append(K.function([x], [*first, *[g for g in second if g is not None]])([X]))
    assert len(found[0]) == len(found[1]) == 12
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("unroll", [False, True])
def test_no_states(unroll):
    x = K.placeholder((B, T, D))
    last, outputs, states = K.rnn(lambda inputs, states: (inputs * 2, []), x, [], unroll=unroll)
    assert states == []
    got = K.function([x], [last, outputs])([X])
    np.testing.assert_allclose(got[1], X * 2)
    np.testing.assert_allclose(got[0], X[:, -1] * 2)


@pytest.mark.parametrize("unroll", [False, True])
def test_inputs_with_more_axes_and_an_output_of_another_shape(unroll):
    images = R.normal(size=(B, T, 2, 3, 4))
    x = K.placeholder((B, T, 2, 3, 4))
    start = K.variable(np.zeros((B, 3)))

    def step(inputs, states):
        total = states[0] + K.sum(inputs, axis=(1, 3))
        return K.sum(total, axis=1, keepdims=True), [total]

    last, outputs, _ = K.rnn(step, x, [start], unroll=unroll)
    got = K.function([x], [last, outputs])([images])
    sums = np.cumsum(images.sum(axis=(2, 3, 4)), axis=1)
    np.testing.assert_allclose(got[1], sums[..., None], rtol=1e-10)
    np.testing.assert_allclose(got[0], sums[:, -1:], rtol=1e-10)


def test_dropout_inside_and_outside_the_step():
    x = K.placeholder((1, 200, 50))
    outside = K.dropout(K.ones((1, 50)), 0.5, seed=1)

    def step(inputs, states):
        return inputs * outside + 10 * K.dropout(inputs, 0.5, seed=2), [states[0]]

    _, outputs, _ = K.rnn(step, x, [K.zeros((1, 1))])
    y = K.function([x], [outputs])([np.ones((1, 200, 50))])[0][0]
    steady, changing = y % 10, y - y % 10
    assert (steady == steady[0]).all() and set(np.unique(steady)) == {0, 2}
    assert abs((changing == 0).mean() - 0.5) < 0.02 and len(np.unique(changing, axis=0)) == 200


def test_the_learning_phase_passes_through():
    x = K.placeholder((1, 2, 3))
    last, outputs, _ = K.rnn(lambda v, s: (K.in_train_phase(v * 2, v), s), x, [K.zeros((1, 3))])
    assert last._uses_learning_phase and outputs._uses_learning_phase
    f = K.function([x, K.learning_phase()], [outputs])
    assert f([np.ones((1, 2, 3)), 1])[0].max() == 2 and f([np.ones((1, 2, 3)), 0])[0].max() == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (lambda x: (lambda v, s: (v, []), K.placeholder((2, 3)), []), "at least 3 axes"),
        (lambda x: (lambda v, s: (v, s), x, [], False, K.constant(MASK, "bool")), "needs initial states"),
        (lambda x: (lambda v, s: (v, []), x, [K.zeros((B, D))]), "got 1 states and returned 0"),
        (lambda x: (lambda v, s: (v, s), K.placeholder((B, None, D)), [], False, None, None, True), "known number"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        K.rnn(*arguments(K.placeholder((B, T, D))))
