"""Losses as objects: settings, reductions, weights, masks, files."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import losses
from polykeras.layers import Dense, Embedding, Input, TimeDistributed
from polykeras.losses import Loss
from polykeras.models import Model, Sequential, load_model
from polykeras.optimizers import SGD

R = np.random.RandomState(5)
REAL, GUESS = R.randn(6, 3).astype("float32"), R.randn(6, 3).astype("float32")
CLASSES = np.array([[0.0], [2], [1], [1], [0], [2]], dtype="float32")
ONE_HOT = np.eye(3, dtype="float32")[CLASSES[:, 0].astype(int)]
SHARES = (R.rand(6, 3) + 0.1).astype("float32")
SHARES /= SHARES.sum(axis=1, keepdims=True)
WEIGHTS = np.array([1.0, 0, 2, 3, 0.5, 1])

OBJECTS = {
    "MeanSquaredError": ("mean_squared_error", REAL, GUESS),
    "MeanAbsoluteError": ("mean_absolute_error", REAL, GUESS),
    "MeanAbsolutePercentageError": ("mean_absolute_percentage_error", REAL, GUESS),
    "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", abs(REAL), abs(GUESS)),
    "LogCosh": ("logcosh", REAL, GUESS),
    "Huber": ("huber", REAL, GUESS),
    "Hinge": ("hinge", np.sign(REAL), GUESS),
    "SquaredHinge": ("squared_hinge", np.sign(REAL), GUESS),
    "CategoricalHinge": ("categorical_hinge", ONE_HOT, GUESS),
    "KLDivergence": ("kullback_leibler_divergence", SHARES, SHARES[::-1]),
    "Poisson": ("poisson", abs(REAL), abs(GUESS)),
    "CosineSimilarity": ("cosine_proximity", REAL, GUESS),
    "BinaryCrossentropy": ("binary_crossentropy", ONE_HOT, SHARES),
    "CategoricalCrossentropy": ("categorical_crossentropy", ONE_HOT, SHARES),
    "SparseCategoricalCrossentropy": ("sparse_categorical_crossentropy", CLASSES, SHARES),
}


def evaluated(loss, y, p, *weights):
    return K.eval(loss(K.variable(y), K.variable(p), *[K.variable(w) for w in weights]))


@pytest.mark.parametrize("name", OBJECTS)
class TestEvery:
    def test_reductions(self, name):
        function, y, p = OBJECTS[name]
        each = evaluated(getattr(losses, function), y, p).astype(float)
        cls = getattr(losses, name)
        for reduction, of in (
            ("none", np.array),
            (None, np.array),
            ("sum", np.sum),
            ("auto", np.mean),
            ("mean", np.mean),
        ):
            np.testing.assert_allclose(evaluated(cls(reduction=reduction), y, p), of(each), rtol=1e-5)
            np.testing.assert_allclose(
                evaluated(cls(reduction=reduction), y, p, WEIGHTS), of(each * WEIGHTS), rtol=1e-5, atol=1e-7
            )

    def test_arrays(self, name):
        _, y, p = OBJECTS[name]
        loss = getattr(losses, name)()
        np.testing.assert_allclose(K.eval(loss(y, p, WEIGHTS)), evaluated(loss, y, p, WEIGHTS), rtol=1e-6)

    def test_config(self, name):
        loss = getattr(losses, name)(reduction="sum", name="mine")
        again = losses.get(losses.serialize(loss))
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()
        assert (again.reduction, again.name) == ("sum", "mine")
        assert type(losses.get(name)) is type(loss)

    def test_trains_as_the_function_does(self, name):
        function, y, _ = OBJECTS[name]
        x, results = R.rand(6, 2), []
        weights = [R.rand(2, 3), np.zeros(3)]
        for loss in (function, getattr(losses, name)(), name):
            model = Sequential([Dense(3, activation="softmax", input_shape=(2,), weights=weights)])
            model.compile(SGD(0.1), loss, metrics=["acc"])
            results.append([
                *model.train_on_batch(x, y),
                *model.train_on_batch(x, y, sample_weight=WEIGHTS),
                *np.concatenate([w.ravel() for w in model.get_weights()]),
            ])  # fmt: skip
        np.testing.assert_allclose(results[1], results[0], rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(results[2], results[1])


class TestSettings:
    def test_logits(self):
        sigmoid = 1 / (1 + np.exp(-GUESS.astype(float)))
        softmax = np.exp(GUESS.astype(float)) / np.exp(GUESS.astype(float)).sum(1, keepdims=True)
        expected = -(ONE_HOT * np.log(sigmoid) + (1 - ONE_HOT) * np.log(1 - sigmoid)).mean()
        got = evaluated(losses.BinaryCrossentropy(from_logits=True), ONE_HOT, GUESS)
        assert got == pytest.approx(expected, rel=1e-5)
        expected = -np.log((ONE_HOT * softmax).sum(1)).mean()
        got = evaluated(losses.CategoricalCrossentropy(from_logits=True), ONE_HOT, GUESS)
        assert got == pytest.approx(expected, rel=1e-5)
        got = evaluated(losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES, GUESS)
        assert got == pytest.approx(expected, rel=1e-5)

    def test_smoothed_labels(self):
        p = SHARES.astype(float)
        smooth = ONE_HOT * 0.9 + 0.05
        expected = -(smooth * np.log(p) + (1 - smooth) * np.log(1 - p)).mean()
        got = evaluated(losses.BinaryCrossentropy(label_smoothing=0.1), ONE_HOT, SHARES)
        assert got == pytest.approx(expected, rel=1e-5)
        expected = -((ONE_HOT * 0.9 + 0.1 / 3) * np.log(p)).sum(1).mean()
        got = evaluated(losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT, SHARES)
        assert got == pytest.approx(expected, rel=1e-5)

    def test_smoothing_where_the_number_of_classes_is_not_known(self):
        y, p = K.placeholder((None, None)), K.placeholder((None, None))
        value = losses.CategoricalCrossentropy(label_smoothing=0.1)(y, p)
        (got,) = K.function([y, p], [value])([ONE_HOT, SHARES])
        assert got == pytest.approx(evaluated(losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT, SHARES))

    @pytest.mark.parametrize("delta", [0.3, 1.0, 5.0])
    def test_huber(self, delta):
        d = abs(GUESS.astype(float) - REAL)
        expected = np.where(d <= delta, d**2 / 2, delta * (d - delta / 2)).mean()
        assert evaluated(losses.Huber(delta), REAL, GUESS) == pytest.approx(expected, rel=1e-5)

    def test_axis(self):
        for cls in (losses.CosineSimilarity, losses.CategoricalCrossentropy):
            turned = evaluated(
                cls(axis=1), ONE_HOT.reshape(2, 3, 3).swapaxes(1, 2), SHARES.reshape(2, 3, 3).swapaxes(1, 2)
            )
            assert turned == pytest.approx(evaluated(cls(), ONE_HOT, SHARES), rel=1e-5)

    def test_labels_0_and_1_of_hinge(self):
        for cls in (losses.Hinge, losses.SquaredHinge):
            assert evaluated(cls(), ONE_HOT, GUESS) == pytest.approx(evaluated(cls(), 2 * ONE_HOT - 1, GUESS))

    def test_reduction_is_checked(self):
        with pytest.raises(ValueError, match="MeanSquaredError: `reduction` should be one of .*; got 'total'"):
            losses.MeanSquaredError("total")


class TestInModels:
    def test_sum(self):
        model = Sequential([Dense(3, input_shape=(2,))])
        x = R.rand(6, 2)
        model.compile(SGD(0.0), losses.MeanSquaredError(reduction="sum"))
        each = ((model.predict(x) - REAL) ** 2).mean(1)
        assert model.evaluate(x, REAL, verbose=0) == pytest.approx(each.sum(), rel=1e-5)
        got = model.evaluate(x, REAL, sample_weight=WEIGHTS, verbose=0)
        assert got == pytest.approx((each * WEIGHTS).sum(), rel=1e-5)

    def test_sum_over_steps_that_are_not_masked(self):
        model = Sequential([
            Embedding(3, 1, mask_zero=True, input_length=3),
            TimeDistributed(Dense(1)),
        ])  # fmt: skip
        model.compile(SGD(0.0), losses.MeanSquaredError(reduction="sum"), sample_weight_mode="temporal")
        x = np.array([[1, 2, 0], [2, 0, 0]])
        y = R.rand(2, 3, 1)
        each = ((model.predict(x) - y) ** 2)[..., 0] * (x > 0)
        assert model.evaluate(x, y, verbose=0) == pytest.approx(each.sum(), rel=1e-5)
        weights = R.rand(2, 3)
        got = model.evaluate(x, y, sample_weight=weights, verbose=0)
        assert got == pytest.approx((each * weights).sum(), rel=1e-5)

    def test_by_output(self):
        x = Input((2,))
        model = Model(x, [Dense(3, name="a")(x), Dense(3, name="b", activation="softmax")(x)])
        objects = [losses.Huber(0.5), losses.SparseCategoricalCrossentropy()]
        for loss in (objects, dict(zip("ab", objects, strict=True))):
            model.compile("sgd", loss, metrics=["acc"])
            assert model.metrics_names == ["loss", "a_loss", "b_loss", "a_acc", "b_acc"]
            total, a, b, *_ = model.evaluate(R.rand(6, 2), [REAL, CLASSES], verbose=0)
            assert total == pytest.approx(a + b, rel=1e-6)

    @pytest.mark.parametrize("as_list", [False, True])
    def test_saved_and_loaded(self, as_list, tmp_path):
        model = Sequential([Dense(3, input_shape=(2,))])
        loss = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
        model.compile("sgd", [loss] if as_list else loss)
        model.save(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5")
        x = R.rand(6, 2)
        assert again.evaluate(x, ONE_HOT, verbose=0) == model.evaluate(x, ONE_HOT, verbose=0)

    def test_targets_are_checked_as_for_the_function(self):
        model = Sequential([Dense(3, input_shape=(2,))])
        model.compile("sgd", losses.CategoricalCrossentropy())
        with pytest.raises(ValueError, match=r"have shape \(3,\) but got array with shape \(1,\)"):
            model.train_on_batch(R.rand(6, 2), CLASSES)

    def test_one_of_ones_own(self, tmp_path):
        class Skewed(Loss):
            def __init__(self, over=2.0, **kwargs):
                super().__init__(**kwargs)
                self.over = over

            def call(self, y_true, y_pred):
                error = y_pred - y_true
                return K.mean(K.maximum(self.over * error, -error), axis=-1)

            def get_config(self):
                return {**super().get_config(), "over": self.over}

        model = Sequential([Dense(3, input_shape=(2,))])
        model.compile("sgd", Skewed(3.0))
        x = R.rand(6, 2)
        error = model.predict(x) - REAL
        expected = np.maximum(3 * error, -error).mean()
        assert model.evaluate(x, REAL, verbose=0) == pytest.approx(expected, rel=1e-5)
        model.save(tmp_path / "m.h5")
        with pytest.raises(ValueError, match="Skewed"):
            load_model(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5", custom_objects={"Skewed": Skewed})
        assert again.evaluate(x, REAL, verbose=0) == pytest.approx(expected, rel=1e-5)
        with pytest.raises(NotImplementedError, match="Loss must define call"):
            Loss()(REAL, GUESS)

    def test_a_class_is_no_loss(self):
        with pytest.raises(ValueError, match="Huber is a class; pass an object of it"):
            losses.get(losses.Huber)
