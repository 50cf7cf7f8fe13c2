"""Metrics with state, against brute force in float64 over all batches at once."""

import itertools
import math

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import metrics, registry
from polykeras.layers import Dense, Embedding, Input, TimeDistributed
from polykeras.metrics import Metric
from polykeras.models import Model, Sequential, load_model
from polykeras.optimizers import SGD

R = np.random.RandomState(11)


def over_batches(metric, batches):
    """The metric's value after the batches `(y_true, y_pred, weights or None)`, which run one at a time."""
    weighted = batches[0][2] is not None
    examples = [np.asarray(one) for one in batches[0][: 3 if weighted else 2]]
    inputs = [K.placeholder(ndim=one.ndim, dtype=K.floatx()) for one in examples]
    for tensor, example in zip(inputs, examples, strict=True):
        tensor._keras_shape = (None, *example.shape[1:])
    earlier = len(metric.updates)
    value = metric(*inputs)
    f = K.function(inputs, [value], updates=metric.updates[earlier:])
    return [f([one for one in batch if one is not None])[0] for batch in batches][-1]


def split(*arrays, sizes=(3, 1, 6)):
    """Batches of these sizes."""
    ends = list(itertools.accumulate(sizes))
    parts = [[None] * len(sizes) if a is None else np.split(a, ends[:-1]) for a in arrays]
    return list(zip(*parts, strict=True))


BINARY = R.randint(0, 2, size=(10, 4)).astype("float32")
SCORES = R.permutation(40).reshape(10, 4).astype("float32") / 40 + 1 / 80  # no ties, and none at a threshold of 0.5
SCORES[0, 0] = 0.5
WEIGHTS = R.randint(0, 5, size=10).astype("float32") / 2
CLASSES = R.randint(0, 3, size=(10, 1)).astype("float32")
SOFT = R.permutation(30).reshape(10, 3).astype("float32") / 30
REAL, GUESS = R.randn(10, 4).astype("float32"), R.randn(10, 4).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[CLASSES[:, 0].astype(int)]
POSITIVE, POSITIVE_GUESS = np.abs(REAL) + 0.1, np.abs(GUESS) + 0.1


@pytest.fixture(params=[None, WEIGHTS], ids=["plain", "weighted"])
def weights(request):
    return request.param


def cases(weights):
    """(truth, score, weight) of each element."""
    w = np.ones(10) if weights is None else weights.astype(float)
    for i, j in np.ndindex(BINARY.shape):
        yield BINARY[i, j] != 0, float(SCORES[i, j]), w[i]


def counts(weights, threshold):
    """tp, fp, tn, fn at a threshold"""
    found = {"tp": 0.0, "fp": 0.0, "tn": 0.0, "fn": 0.0}
    for truth, score, weight in cases(weights):
        said = score > threshold
        found[("t" if said == truth else "f") + ("p" if said else "n")] += weight
    return found


def divided(part, whole):
    return part / whole if whole else 0.0


# -- counts and rates --------------------------------------------------------------------------------------------------

COUNTS = {"TruePositives": "tp", "FalsePositives": "fp", "TrueNegatives": "tn", "FalseNegatives": "fn"}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name, weights):
    batches = split(BINARY, SCORES, weights)
    assert over_batches(getattr(metrics, name)(), batches) == pytest.approx(counts(weights, 0.5)[COUNTS[name]])
    thresholds = [0.2, 0.5, 0.9]
    expected = [counts(weights, t)[COUNTS[name]] for t in thresholds]
    np.testing.assert_allclose(over_batches(getattr(metrics, name)(thresholds), batches), expected)


@pytest.mark.parametrize(("name", "other"), [("Precision", "fp"), ("Recall", "fn")])
def test_precision_and_recall(name, other, weights):
    batches = split(BINARY, SCORES, weights)

    def expected(t):
        c = counts(weights, t)
        return divided(c["tp"], c["tp"] + c[other])

    assert over_batches(getattr(metrics, name)(), batches) == pytest.approx(expected(0.5))
    thresholds = [0.1, 0.5, 0.999, 1.0]
    got = over_batches(getattr(metrics, name)(thresholds=thresholds), batches)
    np.testing.assert_allclose(got, [expected(t) for t in thresholds])


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("name", "others"), [("Precision", "said"), ("Recall", "true")])
def test_top_k(k, name, others):
    tp = whole = 0
    for truth, scores in zip(ONE_HOT, SOFT, strict=True):
        top = set(np.argsort(-scores)[:k].tolist())
        for j in range(3):
            tp += truth[j] == 1 and j in top
            whole += (j in top) if others == "said" else truth[j] == 1
    assert over_batches(getattr(metrics, name)(top_k=k), split(ONE_HOT, SOFT, None)) == pytest.approx(tp / whole)


@pytest.mark.parametrize("class_id", [0, 2])
def test_one_class(class_id, weights):
    w = np.ones(10) if weights is None else weights
    said, true = SOFT[:, class_id] > 0.5, ONE_HOT[:, class_id] == 1
    got = over_batches(metrics.Precision(class_id=class_id), split(ONE_HOT, SOFT, weights))
    assert got == pytest.approx(divided((w * (said & true)).sum(), (w * said).sum()))


LIMITED = {
    "SensitivityAtSpecificity": ("recall", "specificity"),
    "SpecificityAtSensitivity": ("specificity", "recall"),
    "PrecisionAtRecall": ("precision", "recall"),
    "RecallAtPrecision": ("recall", "precision"),
}


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize("limit", [0.0, 0.5, 0.8, 1.0])
def test_best_rate_under_a_condition(name, limit, weights):
    rate, condition = LIMITED[name]
    best = 0.0
    for t in [-1e-7, *(i / 199 for i in range(1, 199)), 1 + 1e-7]:
        c = counts(weights, np.float32(t))
        rates = {
            "recall": divided(c["tp"], c["tp"] + c["fn"]),
            "specificity": divided(c["tn"], c["tn"] + c["fp"]),
            "precision": divided(c["tp"], c["tp"] + c["fp"]),
        }
        if rates[condition] >= limit:
            best = max(best, rates[rate])
    got = over_batches(getattr(metrics, name)(limit), split(BINARY, SCORES, weights))
    assert got == pytest.approx(best)


def test_nothing_said_and_nothing_there():
    zeros = np.zeros((4, 1))
    for name in ("Precision", "Recall", "AUC", "F1Score"):
        assert over_batches(getattr(metrics, name)(), [(zeros, zeros, None)]) == 0


# -- area under the curve ----------------------------------------------------------------------------------------------


def test_roc_is_the_share_of_pairs_in_the_right_order(weights):
    """With a threshold between any two scores, that share: the Mann-Whitney statistic."""
    right = whole = 0.0
    for (truth, score, w), (other, lower, v) in itertools.product(cases(weights), repeat=2):
        if truth and not other:
            whole += w * v
            right += w * v * ((score > lower) + 0.5 * (score == lower))
    thresholds = [float(t) for t in np.unique(SCORES) - 1e-4]
    got = over_batches(metrics.AUC(thresholds=thresholds), split(BINARY, SCORES, weights))
    assert got == pytest.approx(right / whole, rel=1e-9)
    fine = over_batches(metrics.AUC(num_thresholds=2001), split(BINARY, SCORES, weights))
    assert fine == pytest.approx(right / whole, rel=1e-9)


def points(weights, thresholds):
    for t in thresholds:
        c = counts(weights, np.float32(t))
        recall = divided(c["tp"], c["tp"] + c["fn"])
        yield c, divided(c["fp"], c["fp"] + c["tn"]), recall, divided(c["tp"], c["tp"] + c["fp"])


@pytest.mark.parametrize("curve", ["ROC", "PR"])
@pytest.mark.parametrize("method", ["interpolation", "minoring", "majoring"])
def test_strips(curve, method, weights):
    thresholds = [-1e-7, *(i / 10 for i in range(1, 10)), 1 + 1e-7]
    area = 0.0
    for (c, fallout, recall, precision), (d, next_fallout, next_recall, next_precision) in itertools.pairwise(
        points(weights, thresholds)
    ):
        if curve == "PR" and method == "interpolation":
            # Tiny steps along the line from (said, tp) to its other end: the integral of precision over recall.
            fine = np.linspace(0, 1, 200_001)
            tp = d["tp"] + fine * (c["tp"] - d["tp"])
            said = tp + d["fp"] + fine * (c["fp"] - d["fp"])
            with np.errstate(invalid="ignore"):
                heights = np.where(said > 0, tp / said, 0.0)
            if d["tp"] + d["fp"] == 0 and c["tp"] + c["fp"] > 0:
                heights[0] = heights[1]  # the limit
            area += np.trapezoid(heights, tp / (c["tp"] + c["fn"]))
            continue
        width = fallout - next_fallout if curve == "ROC" else recall - next_recall
        pair = (recall, next_recall) if curve == "ROC" else (precision, next_precision)
        area += width * {"interpolation": sum(pair) / 2, "minoring": min(pair), "majoring": max(pair)}[method]
    metric = metrics.AUC(num_thresholds=11, curve=curve, summation_method=method)
    got = over_batches(metric, split(BINARY, SCORES, weights))
    assert got == pytest.approx(area, rel=1e-6 if curve == "PR" else 1e-9)


def test_labels_apart(weights):
    alone = [
        over_batches(metrics.AUC(), split(BINARY[:, [j]], SCORES[:, [j]], weights)) for j in range(BINARY.shape[1])
    ]
    together = over_batches(metrics.AUC(multi_label=True), split(BINARY, SCORES, weights))
    assert together == pytest.approx(np.mean(alone))
    shares = [1.0, 0.0, 2.0, 5.0]
    metric = metrics.AUC(multi_label=True, num_labels=4, label_weights=shares)
    got = over_batches(metric, split(BINARY, SCORES, weights))
    assert got == pytest.approx(np.average(alone, weights=shares))


def test_logits():
    logits = np.log(SCORES / (1 - SCORES))
    plain = over_batches(metrics.AUC(), split(BINARY, SCORES, None))
    assert over_batches(metrics.AUC(from_logits=True), split(BINARY, logits, None)) == pytest.approx(plain)


# -- F-scores ----------------------------------------------------------------------------------------------------------


def f_scores(said, true, w, beta):
    for j in range(true.shape[1]):
        tp, fp = (w * (said & true)[:, j]).sum(), (w * (said & ~true)[:, j]).sum()
        fn = (w * (~said & true)[:, j]).sum()
        precision, recall = divided(tp, tp + fp), divided(tp, tp + fn)
        yield divided((1 + beta**2) * precision * recall, beta**2 * precision + recall), tp, fp, fn


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("threshold", [None, 0.4])
@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_f_scores(average, threshold, beta, weights):
    w = np.ones(10) if weights is None else weights.astype(float)
    said = np.greater(SOFT, threshold) if threshold else np.equal(SOFT, SOFT.max(axis=1, keepdims=True))
    true = ONE_HOT == 1
    scores, tp, fp, fn = map(np.array, zip(*f_scores(said, true, w, beta), strict=True))
    if average == "micro":
        precision, recall = tp.sum() / (tp + fp).sum(), tp.sum() / (tp + fn).sum()
        expected = divided((1 + beta**2) * precision * recall, beta**2 * precision + recall)
    else:
        expected = {None: scores, "macro": scores.mean(), "weighted": np.average(scores, weights=tp + fn)}[average]
    metric = metrics.F1Score(average, threshold) if beta == 1 else metrics.FBetaScore(average, beta, threshold)
    np.testing.assert_allclose(over_batches(metric, split(ONE_HOT, SOFT, weights)), expected, rtol=1e-9)


def test_f1_of_one_class_is_a_number():
    said, true = SCORES[:, [0]] > 0.5, BINARY[:, [0]] != 0
    ((expected, *_),) = f_scores(said, true, np.ones(10), 1.0)
    got = over_batches(metrics.F1Score(), split(BINARY[:, [0]], SCORES[:, [0]], None))
    assert got.shape == ()
    assert got == pytest.approx(expected)


# -- confusion matrix --------------------------------------------------------------------------------------------------


def matrix(weights, ignored=None):
    w = np.ones(10) if weights is None else weights.astype(float)
    found = np.zeros((3, 3))
    for i in range(10):
        if CLASSES[i, 0] != ignored:
            found[int(CLASSES[i, 0]), SOFT[i].argmax()] += w[i]
    return found


GUESSES = SOFT.argmax(axis=1).astype("float32")
FORMS = {
    "class numbers": (CLASSES[:, 0], GUESSES),
    "columns of class numbers": (CLASSES, GUESSES[:, None]),
    "numbers and probabilities": (CLASSES, SOFT),
    "one-hot and probabilities": (ONE_HOT, SOFT),
}


@pytest.mark.parametrize("form", FORMS)
class TestConfusionMatrix:
    def test_counts(self, form, weights):
        got = over_batches(metrics.ConfusionMatrix(3), split(*FORMS[form], weights))
        np.testing.assert_allclose(got, matrix(weights))

    @pytest.mark.parametrize(("normalize", "axis"), [("true", 1), ("pred", 0), ("all", None)])
    def test_shares(self, form, weights, normalize, axis):
        got = over_batches(metrics.ConfusionMatrix(3, normalize), split(*FORMS[form], weights))
        m = matrix(weights)
        np.testing.assert_allclose(got, m / m.sum(axis=axis, keepdims=True))

    @pytest.mark.parametrize("ignored", [None, 1])
    def test_intersection_over_union(self, form, weights, ignored):
        m = matrix(weights, ignored)
        each = [divided(m[i, i], m[i].sum() + m[:, i].sum() - m[i, i]) for i in range(3)]
        occurs = [i for i in range(3) if m[i].sum() + m[:, i].sum()]
        got = over_batches(metrics.MeanIoU(3, ignore_class=ignored), split(*FORMS[form], weights))
        assert got == pytest.approx(np.mean([each[i] for i in occurs]))
        got = over_batches(metrics.IoU(3, [0, 2], ignore_class=ignored), split(*FORMS[form], weights))
        assert got == pytest.approx(np.mean([each[i] for i in (0, 2) if i in occurs]))


def test_a_class_that_never_occurs_does_not_count():
    y = np.array([0.0, 0, 1, 1])
    assert over_batches(metrics.MeanIoU(5), [(y, np.array([0.0, 1, 1, 1]), None)]) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_maps_of_class_numbers():
    """Segmentation: (batch, height, width) on both sides, one weight per picture."""
    y, p = R.randint(0, 4, size=(2, 10, 5, 6)).astype("float32")
    w = np.repeat(WEIGHTS.astype(float), 30)
    expected = np.zeros((4, 4))
    np.add.at(expected, (y.astype(int).ravel(), p.astype(int).ravel()), w)
    np.testing.assert_allclose(over_batches(metrics.ConfusionMatrix(4), split(y, p, WEIGHTS)), expected)


# -- means -------------------------------------------------------------------------------------------------------------


def averaged(values, weights):
    return np.average(values, weights=weights)


def cosine(y, p):
    return (y * p).sum(1) / np.sqrt((y**2).sum(1) * (p**2).sum(1))


def crossentropy(y, p):
    p = p / p.sum(1, keepdims=True)
    return -(y * np.log(p)).sum(1)


def divergence(y, p):
    y, p = y.clip(1e-7, 1), p.clip(1e-7, 1)
    return (y * np.log(y / p)).sum(1)


SURE = SOFT + 0.01
LIKELY = SCORES
MEANS = {
    "Accuracy": ((CLASSES, GUESSES[:, None]), lambda y, p: y == p),
    "BinaryAccuracy": ((BINARY, SCORES), lambda y, p: ((p > 0.5) == y).mean(1)),
    "CategoricalAccuracy": ((ONE_HOT, SOFT), lambda y, p: y.argmax(1) == p.argmax(1)),
    "SparseCategoricalAccuracy": ((CLASSES, SOFT), lambda y, p: y[:, 0] == p.argmax(1)),
    "MeanSquaredError": ((REAL, GUESS), lambda y, p: ((y - p) ** 2).mean(1)),
    "MeanAbsoluteError": ((REAL, GUESS), lambda y, p: abs(y - p).mean(1)),
    "MeanAbsolutePercentageError": ((REAL, GUESS), lambda y, p: 100 * abs((y - p) / y).mean(1)),
    "MeanSquaredLogarithmicError": (
        (POSITIVE, POSITIVE_GUESS), lambda y, p: ((np.log(1 + y) - np.log(1 + p)) ** 2).mean(1)
    ),
    "LogCoshError": ((REAL, GUESS), lambda y, p: np.log(np.cosh(p - y)).mean(1)),
    "CosineSimilarity": ((REAL, GUESS), cosine),
    "Hinge": ((2 * BINARY - 1, GUESS), lambda y, p: np.maximum(1 - y * p, 0).mean(1)),
    "SquaredHinge": ((2 * BINARY - 1, GUESS), lambda y, p: (np.maximum(1 - y * p, 0) ** 2).mean(1)),
    "CategoricalHinge": (
        (ONE_HOT, SOFT), lambda y, p: np.maximum(0, 1 + ((1 - y) * p).max(1) - (y * p).sum(1))
    ),
    "KLDivergence": ((SURE, SOFT + 0.02), divergence),
    "Poisson": ((POSITIVE, POSITIVE_GUESS), lambda y, p: (p - y * np.log(p)).mean(1)),
    "BinaryCrossentropy": ((BINARY, LIKELY), lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(1)),
    "CategoricalCrossentropy": ((ONE_HOT, SURE), crossentropy),
    "SparseCategoricalCrossentropy": ((CLASSES, SURE), lambda y, p: crossentropy(ONE_HOT, p)),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANS)
def test_means(name, weights):
    (y, p), each = MEANS[name]
    expected = averaged(np.asarray(each(y.astype(float), p.astype(float)), float).reshape(10), weights)
    got = over_batches(getattr(metrics, name)(), split(y, p, weights))
    assert got == pytest.approx(expected, rel=2e-5)


def test_root_mean_squared_error(weights):
    expected = math.sqrt(averaged(((REAL - GUESS).astype(float) ** 2).mean(1), weights))
    assert over_batches(metrics.RootMeanSquaredError(), split(REAL, GUESS, weights)) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_accuracies(k, weights):
    ranks = [(SOFT[i] > SOFT[i, int(CLASSES[i, 0])]).sum() for i in range(10)]
    expected = averaged(np.array(ranks) < k, weights)
    got = over_batches(metrics.TopKCategoricalAccuracy(k), split(ONE_HOT, SOFT, weights))
    assert got == pytest.approx(expected)
    got = over_batches(metrics.SparseTopKCategoricalAccuracy(k), split(CLASSES, SOFT, weights))
    assert got == pytest.approx(expected)


def test_threshold_of_binary_accuracy():
    got = over_batches(metrics.BinaryAccuracy(threshold=0.8), split(BINARY, SCORES, None))
    assert got == pytest.approx(((SCORES > 0.8) == BINARY).mean())


def test_labels_0_and_1_of_hinge():
    for name in ("Hinge", "SquaredHinge"):
        signed = over_batches(getattr(metrics, name)(), [(2 * BINARY - 1, GUESS, None)])
        assert over_batches(getattr(metrics, name)(), [(BINARY, GUESS, None)]) == pytest.approx(signed)


def test_smoothed_labels_and_logits():
    y, p = ONE_HOT.astype(float), GUESS[:, :3].astype(float)
    smooth = y * 0.8 + 0.2 / 3
    softmax = np.exp(p) / np.exp(p).sum(1, keepdims=True)
    metric = metrics.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    expected = -(smooth * np.log(softmax)).sum(1).mean()
    assert over_batches(metric, split(ONE_HOT, GUESS[:, :3], None)) == pytest.approx(expected, rel=1e-5)
    metric = metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)
    sigmoid, smooth = 1 / (1 + np.exp(-p)), y * 0.8 + 0.1
    expected = -(smooth * np.log(sigmoid) + (1 - smooth) * np.log(1 - sigmoid)).mean()
    assert over_batches(metric, split(ONE_HOT, GUESS[:, :3], None)) == pytest.approx(expected, rel=1e-5)
    metric = metrics.SparseCategoricalCrossentropy(from_logits=True)
    expected = -np.log((softmax * y).sum(1)).mean()
    assert over_batches(metric, split(CLASSES, GUESS[:, :3], None)) == pytest.approx(expected, rel=1e-5)


def test_sum_and_mean_of_values(weights):
    w = np.ones((10, 4)) if weights is None else np.repeat(weights, 4).reshape(10, 4)
    inputs = [K.placeholder((None, 4)), *([] if weights is None else [K.placeholder((None,))])]
    total, mean = metrics.Sum(), metrics.Mean()
    f = K.function(inputs, [total(*inputs), mean(*inputs)], updates=[*total.updates, *mean.updates])
    for batch in split(REAL, weights):
        got = f([one for one in batch if one is not None])
    np.testing.assert_allclose(got, [(REAL * w).sum(), (REAL * w).sum() / w.sum()], rtol=1e-6)


def test_counts_stay_exact_beyond_what_float32_can_tell():
    metric = metrics.TruePositives()
    K.set_value(metric.true_positives, [2.0**24])
    assert over_batches(metric, [(np.ones((1, 1)), np.ones((1, 1)), None)]) == 2**24 + 1


# -- every metric ------------------------------------------------------------------------------------------------------

ARGUMENTS = {
    "ConfusionMatrix": (3,), "MeanIoU": (3,), "IoU": (3, [0, 1]), "SensitivityAtSpecificity": (0.5,),
    "SpecificityAtSensitivity": (0.5,), "PrecisionAtRecall": (0.5,), "RecallAtPrecision": (0.5,),
    "MeanMetricWrapper": (metrics.mean_squared_error,),
}  # fmt: skip
WITHOUT_TARGETS = {"Sum", "Mean"}
CLASSES_OF_METRICS = sorted(
    name
    for name in registry.metrics.names()
    if isinstance(registry.metrics.get(name), type)
    and registry.metrics.get(name).__module__.startswith("polykeras_metrics")
)


def made(name, /, **kwargs):
    return getattr(metrics, name)(*ARGUMENTS.get(name, ()), **kwargs)


def batch_for(name):
    return (CLASSES, SOFT) if "Sparse" in name or name in ("MeanIoU", "IoU", "ConfusionMatrix") else (ONE_HOT, SOFT)


@pytest.mark.parametrize("name", CLASSES_OF_METRICS)
class TestEvery:
    def test_config(self, name):
        metric = made(name, name="mine", dtype="float32")
        config = metrics.serialize(metric)
        again = metrics.deserialize(config)
        assert type(again) is type(metric)
        assert again.get_config() == metric.get_config()
        assert (again.name, again.dtype) == ("mine", "float32")

    def test_default_name_has_no_counter(self, name):
        assert made(name).name == made(name).name
        assert not made(name).name[-1].isdigit()


@pytest.mark.parametrize("name", [name for name in CLASSES_OF_METRICS if name not in WITHOUT_TARGETS])
class TestEveryWithTargets:
    def test_reset(self, name):
        metric = made(name)
        batch = (*batch_for(name), None)
        first = over_batches(metric, [batch])
        metric.reset_states()
        np.testing.assert_array_equal(over_batches(metric, [batch]), first)

    def test_weight_0_is_absence(self, name):
        y, p = batch_for(name)
        keep = np.array([1.0, 1, 0, 1, 0, 1, 1, 0, 1, 0])
        got = over_batches(made(name), [(y, p, keep)])
        kept = keep == 1
        np.testing.assert_allclose(got, over_batches(made(name), [(y[kept], p[kept], None)]), rtol=1e-6)


def test_there_are_as_many_as_expected():
    assert len(CLASSES_OF_METRICS) > 35


# -- in a model --------------------------------------------------------------------------------------------------------


@pytest.fixture
def model():
    """Gives its input, of two columns, and never changes."""
    model = Sequential([Dense(2, use_bias=False, input_shape=(2,), kernel_initializer="identity")])
    return model


STILL = {"lr": 0.0}


class TestInModels:
    def test_values_are_of_the_whole_epoch_and_start_anew(self, model):
        x, y = SCORES[:, :2], BINARY[:, :2]
        model.compile(SGD(**STILL), "mse", metrics=[metrics.AUC(), "Precision", metrics.Recall(name="found")])
        assert model.metrics_names == ["loss", "auc", "precision", "found"]
        expected = [over_batches(m, [(y, x, None)]) for m in (metrics.AUC(), metrics.Precision(), metrics.Recall())]
        history = model.fit(x, y, batch_size=3, epochs=2, validation_data=(x, y), verbose=0).history
        for name, value in zip(model.metrics_names[1:], expected, strict=True):
            np.testing.assert_allclose(history[name], [value, value])
            np.testing.assert_allclose(history[f"val_{name}"], [value, value])
        np.testing.assert_allclose(model.evaluate(x, y, batch_size=4, verbose=0)[1:], expected)

    def test_generators(self, model):
        x, y = SCORES[:, :2], BINARY[:, :2]

        def batches():
            while True:
                for i in range(0, 10, 2):
                    yield x[i : i + 2], y[i : i + 2]

        model.compile(SGD(**STILL), "mse", metrics=[metrics.AUC()])
        expected = over_batches(metrics.AUC(), [(y, x, None)])
        history = model.fit_generator(batches(), steps_per_epoch=5, epochs=2, verbose=0).history
        np.testing.assert_allclose(history["auc"], [expected, expected])
        assert model.evaluate_generator(batches(), steps=5)[1] == pytest.approx(expected)

    def test_batches_by_hand_add_up_until_reset(self, model):
        model.compile(SGD(**STILL), "mse", metrics=[metrics.TruePositives()])
        x = y = np.ones((3, 2))
        assert [model.train_on_batch(x, y)[1] for _ in range(3)] == [6, 12, 18]
        assert model.test_on_batch(x, y)[1] == 24
        model.reset_metrics()
        assert model.test_on_batch(x, y)[1] == 6

    def test_weighted_metrics(self, model):
        x, y = SCORES[:, :2], BINARY[:, :2]
        model.compile(SGD(**STILL), "mse", metrics=[metrics.Recall()], weighted_metrics=[metrics.Recall()])
        assert model.metrics_names == ["loss", "recall", "weighted_recall"]
        got = model.evaluate(x, y, batch_size=3, sample_weight=WEIGHTS, verbose=0)
        plain, weighted = (over_batches(metrics.Recall(), [(y, x, w)]) for w in (None, WEIGHTS))
        assert plain != weighted
        np.testing.assert_allclose(got[1:], [plain, weighted])
        np.testing.assert_allclose(model.evaluate(x, y, verbose=0)[1:], [plain, plain])

    def test_one_object_on_two_outputs_keeps_two_states(self):
        x = Input((2,))
        outputs = [
            Dense(2, use_bias=False, kernel_initializer=init, name=name)(x)
            for name, init in (("a", "identity"), ("b", "zeros"))
        ]
        model = Model(x, outputs)
        model.compile(SGD(**STILL), "mse", metrics=[metrics.TruePositives()])
        assert model.metrics_names == ["loss", "a_loss", "b_loss", "a_true_positives", "b_true_positives"]
        ones = np.ones((4, 2))
        assert model.evaluate(ones, [ones, ones], batch_size=3, verbose=0)[3:] == [8, 0]

    def test_lists_by_output(self):
        x = Input((2,))
        model = Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
        model.compile("sgd", "mse", metrics=[["mae"], [metrics.AUC(), "acc"]])
        assert model.metrics_names == ["loss", "a_loss", "b_loss", "a_mean_absolute_error", "b_auc", "b_acc"]
        with pytest.raises(ValueError, match="2 outputs"):
            model.compile("sgd", "mse", metrics=[["mae"], ["mae"], ["mae"]])

    def test_masked_steps_do_not_count(self):
        model = Sequential([
            Embedding(3, 1, mask_zero=True, input_length=4, weights=[np.array([[9.0], [0.2], [0.8]])]),
            TimeDistributed(Dense(1, use_bias=False, kernel_initializer="ones")),
        ])  # fmt: skip
        model.compile(
            SGD(**STILL),
            "mse",
            metrics=[metrics.Recall(), metrics.BinaryAccuracy()],
            weighted_metrics=[metrics.Recall()],
            sample_weight_mode="temporal",
        )
        x = np.array([[1, 2, 0, 0], [2, 2, 1, 0]])
        y = np.array([[1.0, 1, 1, 1], [0, 1, 0, 1]])[..., None]
        weights = np.array([[3.0, 1, 5, 5], [1, 2, 1, 5]])
        got = model.evaluate(x, y, sample_weight=weights, verbose=0)
        np.testing.assert_allclose(got[1:], [2 / 3, 3 / 5, 3 / 6])

    def test_a_matrix_in_the_history(self, model, capsys):
        x = np.array([[1.0, 0], [0, 1], [1, 0]])
        y = np.array([[1.0, 0], [1, 0], [1, 0]])
        model.compile(SGD(**STILL), "mse", metrics=[metrics.ConfusionMatrix(2)])
        history = model.fit(x, y, batch_size=2, verbose=1).history
        np.testing.assert_array_equal(history["confusion_matrix"][0], [[2, 1], [0, 0]])
        np.testing.assert_array_equal(model.evaluate(x, y, batch_size=2, verbose=0)[1], [[2, 1], [0, 0]])
        assert "confusion_matrix:" in capsys.readouterr().out

    def test_a_matrix_where_a_loss_of_ones_own_takes_any_targets(self, model):
        def loss(y_true, y_pred):
            return K.mean(y_pred, axis=-1)

        with pytest.raises(ValueError, match="confusion_matrix.*`sparse_y_true`"):
            model.compile("sgd", loss, metrics=[metrics.ConfusionMatrix(2)])
        model.compile("sgd", loss, metrics=[metrics.ConfusionMatrix(2, sparse_y_true=True)])
        got = model.evaluate(np.array([[1.0, 0], [0, 1]]), np.array([[1.0], [1]]), verbose=0)[1]
        np.testing.assert_array_equal(got, [[0, 0], [1, 1]])

    def test_saved_and_loaded(self, model, tmp_path):
        model.compile("sgd", "mse", metrics=[metrics.AUC(curve="PR"), "mae", metrics.Precision(thresholds=0.3)])
        x, y = SCORES[:, :2], BINARY[:, :2]
        model.save(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5")
        assert again.metrics_names == model.metrics_names
        np.testing.assert_allclose(again.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0))

    def test_a_class_is_no_metric(self, model):
        with pytest.raises(ValueError, match="AUC is a class; pass an object of it"):
            model.compile("sgd", "mse", metrics=[metrics.AUC])

    def test_no_extra_call(self, model):
        """The state is updated by the step's own function: its program writes the metric's variables."""
        metric = metrics.TruePositives()
        model.compile("sgd", "mse", metrics=[metric])
        model.train_on_batch(np.ones((2, 2)), np.ones((2, 2)))
        (executable,) = model._steps["train", False].programs.values()
        storages = {write.storage for write in executable.program.writes}
        assert {variable.node.attrs["value"] for variable in metric.weights} <= storages


# -- metrics of one's own ----------------------------------------------------------------------------------------------


class WithAssign(Metric):
    """As it is written for later Keras."""

    def __init__(self, name="largest_sum", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.least = self.add_weight("least", shape=(), initializer="ones")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(K.sum(y_pred))
        self.least.assign(K.minimum(self.least, K.min(K.cast(y_pred, "float64"))))

    def result(self):
        return self.total + self.least


class Pair(Metric):
    def __init__(self, name="pair"):
        super().__init__(name)
        self.seen = self.add_state("seen", 1.0)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.seen, self.seen * 2.0

    def result(self):
        return self.seen


class TestOwnMetrics:
    def test_assignments(self):
        assert over_batches(WithAssign(), split(REAL, GUESS, None)) == pytest.approx(
            GUESS.sum() + GUESS.min(), rel=1e-6
        )

    def test_a_pair(self):
        assert over_batches(Pair(), split(REAL, GUESS, None)) == 8

    def test_no_update(self, model):
        class Idle(Metric):
            def update_state(self, y_true, y_pred, sample_weight=None):
                pass

        with pytest.raises(ValueError, match="Metric idle: update_state of Idle made no update"):
            model.compile("sgd", "mse", metrics=[Idle()])

    def test_two_updates_of_one_variable(self, model):
        class Twice(Pair):
            def update_state(self, y_true, y_pred, sample_weight=None):
                return [K.update_add(self.seen, 1.0), K.update_add(self.seen, 2.0)]

        with pytest.raises(ValueError, match="updates pair/seen:0 twice"):
            model.compile("sgd", "mse", metrics=[Twice()])

    def test_what_is_not_defined(self):
        with pytest.raises(NotImplementedError, match="Metric must define update_state"):
            Metric().update_state(1, 2)
        with pytest.raises(NotImplementedError, match="Metric must define result"):
            Metric().result()

    def test_weights_for_a_metric_that_takes_none(self, model):
        class Plain(Pair):
            def update_state(self, y_true, y_pred):
                return K.update_add(self.seen, K.sum(y_pred))

        model.compile("sgd", "mse", metrics=[Plain()])
        with pytest.raises(TypeError, match="sample_weight"):
            model.compile("sgd", "mse", weighted_metrics=[Plain()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.AUC(curve="XY"), "ROC, PR; got 'XY'"),
        (lambda: metrics.AUC(summation_method="x"), "summation_method"),
        (lambda: metrics.AUC(thresholds=[0.0, 0.5]), "between 0 and 1"),
        (lambda: metrics.AUC(num_thresholds=1), "2 or more; got 1"),
        (lambda: metrics.AUC(label_weights=[1.0]), "multi_label=True"),
        (lambda: metrics.F1Score(average="x"), "average"),
        (lambda: metrics.FBetaScore(beta=0), "more than 0"),
        (lambda: metrics.ConfusionMatrix(3, normalize="x"), "normalize"),
        (lambda: metrics.MeanIoU(0), "1 or more"),
        (lambda: metrics.IoU(2, [2]), r"\[2\] are not among the 2 classes"),
        (lambda: metrics.PrecisionAtRecall(1.5), "`recall` should be between 0 and 1; got 1.5"),
        (lambda: metrics.Precision(thresholds=[]), "empty"),
        (lambda: Metric().add_weight("a", initializer="uniform"), "'uniform'"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
