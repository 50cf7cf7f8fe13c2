"""Connectionist temporal classification against the sum over all paths, and against a search that keeps everything."""

import itertools
from collections import defaultdict

import numpy as np
import pytest

from polykeras import backend as K


def spelt(path, blank):
    """The label that a path spells: repeats merged, blanks removed."""
    return tuple(c for c, _ in itertools.groupby(path) if c != blank)


def label_probabilities(probabilities):
    """The probability of every label, by all paths of a (steps, classes) array."""
    steps, classes = probabilities.shape
    found = defaultdict(float)
    for path in itertools.product(range(classes), repeat=steps):
        found[spelt(path, classes - 1)] += np.prod(probabilities[np.arange(steps), path])
    return found


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.fixture
def float64():
    K.set_floatx("float64")
    K.set_epsilon(1e-300)
    yield
    K.set_floatx("float32")
    K.set_epsilon(1e-7)


LABELS = np.array([[0, 1, 0], [1, 1, 2], [2, 0, 0], [0, 0, 0]])
LABEL_LENGTH = np.array([[3], [3], [1], [0]])
INPUT_LENGTH = np.array([[5], [5], [4], [3]])


def predictions(seed=0):
    return softmax(np.random.RandomState(seed).normal(scale=2, size=(4, 5, 4)))


def cost(y):
    return K.ctc_batch_cost(
        K.constant(LABELS, "int32"), y, K.constant(INPUT_LENGTH, "int32"), K.constant(LABEL_LENGTH, "int32")
    )


def brute_force(y):
    rows = []
    for i in range(len(y)):
        label = tuple(LABELS[i, : LABEL_LENGTH[i, 0]])
        rows.append([-np.log(label_probabilities(y[i, : INPUT_LENGTH[i, 0]])[label])])
    return np.array(rows)


def test_cost_is_the_sum_over_all_paths(float64):
    y = predictions()
    result = cost(K.variable(y))
    assert K.int_shape(result) == (4, 1)
    np.testing.assert_allclose(K.eval(result), brute_force(y), rtol=1e-11)


def test_gradient_is_that_of_the_sum_over_all_paths(float64):
    y = predictions(1)
    v = K.variable(y)
    gradient = K.eval(K.gradients(cost(v), v)[0])
    direction = np.random.RandomState(2).normal(size=y.shape)
    # y is a free variable of the cost, which scales its rows to sum 1
    ahead, behind = (brute_force_scaled(y + h * direction) for h in (1e-6, -1e-6))
    assert np.sum(gradient * direction) == pytest.approx((ahead - behind) / 2e-6, rel=1e-7)
    assert not gradient[2, 4].any() and not gradient[3, 3:].any()  # steps that do not count


def brute_force_scaled(y):
    return brute_force(y / y.sum(axis=-1, keepdims=True)).sum()


def test_second_order_gradient(float64):
    y = predictions(3)
    v = K.variable(y)
    weights = K.constant(np.random.RandomState(4).normal(size=y.shape))
    (first,) = K.gradients(cost(v), v)
    (second,) = K.gradients(K.sum(first * weights), v)
    f = K.function([v], [K.sum(first * weights), second])
    direction = np.random.RandomState(5).normal(size=y.shape)
    ahead, behind = (float(f([y + h * direction])[0]) for h in (1e-6, -1e-6))
    assert np.sum(f([y])[1] * direction) == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)


def test_sizes_unknown_when_built():
    y = predictions().astype("float32")
    x, labels = K.placeholder((None, None, 4)), K.placeholder((None, None), dtype="int32")
    lengths = K.placeholder((None, 1), dtype="int32"), K.placeholder((None, 1), dtype="int32")
    f = K.function([labels, x, *lengths], [K.ctc_batch_cost(labels, x, *lengths)])
    np.testing.assert_allclose(f([LABELS, y, INPUT_LENGTH, LABEL_LENGTH])[0], brute_force(y), rtol=1e-4)
    assert f([LABELS[:1], y[:1], INPUT_LENGTH[:1], LABEL_LENGTH[:1]])[0].shape == (1, 1)


def test_long_sequences_do_not_underflow():
    steps = 2000
    y = np.full((1, steps, 5), 0.2)
    result = K.eval(
        K.ctc_batch_cost(
            K.constant([[1, 2]], "int32"), K.variable(y), K.constant([[steps]], "int32"), K.constant([[2]], "int32")
        )
    )
    # blank* 1+ blank* 2+ blank*: a choice of 4 places among steps + ... : counted by the recurrence in exact integers
    counts = [1, 0, 0, 0, 0]
    for _ in range(steps):
        counts = [
            counts[0],
            counts[1] + counts[0],
            counts[2] + counts[1],
            counts[3] + counts[2] + counts[1],
            counts[4] + counts[3],
        ]
    import math

    exact = steps * math.log(5) - math.log(counts[3] + counts[4])
    assert result[0, 0] == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize(
    "labels, length, steps, words",
    [
        ([[1, 1]], [[2]], [[2]], "more steps"),
        ([[3, 1]], [[2]], [[5]], "no class"),
        ([[-1, 1]], [[2]], [[5]], "no class"),
        ([[0, 1]], [[2]], [[6]], "exceeds the steps"),
    ],
)
def test_impossible_labels_are_refused(labels, length, steps, words):
    result = K.ctc_batch_cost(
        K.constant(labels, "int32"),
        K.variable(predictions()[:1]),
        K.constant(steps, "int32"),
        K.constant(length, "int32"),
    )
    with pytest.raises(ValueError, match=words):
        K.eval(result)


def test_what_follows_a_label_does_not_count():
    y = predictions().astype("float32")[:1]
    costs = [
        K.eval(
            K.ctc_batch_cost(
                K.constant(rows, "int32"), K.variable(y), K.constant([[5]], "int32"), K.constant([[1]], "int32")
            )
        )
        for rows in ([[1]], [[1, 0]], [[1, -1, 99]])
    ]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-6)
    np.testing.assert_allclose(costs[0], costs[2], rtol=1e-6)


# -- decoding ----------------------------------------------------------------------------------------------------------


def test_greedy_decoding_takes_the_best_class_of_each_step():
    best = np.array([[0, 0, 3, 0, 1, 1], [3, 3, 3, 3, 3, 3], [2, 3, 2, 2, 1, 0]])
    y = np.full((3, 6, 4), 0.1)
    np.put_along_axis(y, best[..., None], 0.7, axis=-1)
    (labels,), score = K.ctc_decode(K.variable(y), K.constant([6, 6, 3], "int32"))
    values, scores = K.eval(labels), K.eval(score)
    assert values.dtype == np.int64 and values.tolist() == [[0, 0, 1], [-1, -1, -1], [2, 2, -1]]
    np.testing.assert_allclose(scores, [[-6 * np.log(0.7)], [-6 * np.log(0.7)], [-3 * np.log(0.7)]], rtol=1e-5)


def test_greedy_decoding_of_blanks_only_is_empty():
    y = np.zeros((2, 3, 4))
    y[..., 3] = 1
    (labels,), _ = K.ctc_decode(K.variable(y), K.constant([3, 3], "int32"))
    assert K.eval(labels).shape == (2, 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_most_probable_labels(seed):
    y = softmax(np.random.RandomState(seed).normal(scale=1.5, size=(2, 5, 3)))
    paths, scores = K.ctc_decode(
        K.variable(y), K.constant([5, 4], "int32"), greedy=False, beam_width=1000, top_paths=4, merge_repeated=False
    )
    values, scores = [K.eval(p) for p in paths], K.eval(scores)
    assert scores.shape == (2, 4)
    for i, steps in enumerate((5, 4)):
        exact = sorted(label_probabilities(y[i, :steps]).items(), key=lambda pair: -pair[1])[:4]
        for path, (label, probability) in enumerate(exact):
            assert tuple(c for c in values[path][i] if c >= 0) == label
            assert scores[i, path] == pytest.approx(np.log(probability), abs=1e-4)


def test_repeats_in_what_a_beam_found_are_merged_as_in_keras():
    y = np.full((1, 3, 2), 0.01)
    y[0, [0, 1, 2], [0, 1, 0]] = 0.99  # 0, blank, 0
    decode = {}
    for merge in (True, False):
        (labels,), _ = K.ctc_decode(K.variable(y), K.constant([3], "int32"), greedy=False, merge_repeated=merge)
        decode[merge] = K.eval(labels).tolist()
    assert decode == {True: [[0]], False: [[0, 0]]}


def test_more_paths_than_there_are_is_an_error():
    y = K.variable(np.full((1, 1, 2), 0.5))
    with pytest.raises(ValueError, match="5 paths"):
        K.eval(K.ctc_decode(y, K.constant([1], "int32"), greedy=False, top_paths=5)[1])


def test_the_labels_in_sparse_form():
    sparse = K.ctc_label_dense_to_sparse(K.constant([[1, 2, 3], [4, 5, 6]], "int32"), K.constant([2, 1], "int32"))
    assert K.is_sparse(sparse) and K.int_shape(sparse) == (2, 3)
    assert K.eval(K.to_dense(sparse)).tolist() == [[1, 2, 0], [4, 0, 0]]
