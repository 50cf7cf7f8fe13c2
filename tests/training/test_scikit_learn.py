"""Models as estimators of scikit-learn."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from polykeras.layers import Dense, Input
from polykeras.models import Model, Sequential
from polykeras.wrappers.scikit_learn import BaseWrapper, KerasClassifier, KerasRegressor

pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted


def classes(units=8, loss="categorical_crossentropy", outputs=3, metrics=("accuracy",)):
    activation = "softmax" if outputs > 1 else "sigmoid"
    model = Sequential([Dense(units, activation="tanh", input_shape=(2,)), Dense(outputs, activation=activation)])
    model.compile("adam", loss, metrics=list(metrics))
    return model


def functional_classes(units=8):
    inputs = Input((2,))
    model = Model(inputs, Dense(3, activation="softmax")(Dense(units)(inputs)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    return model


def line(units=4, metrics=None):
    model = Sequential([Dense(units, input_shape=(2,)), Dense(1)])
    model.compile("adam", "mse", metrics=metrics)
    return model


class Maker:
    """An object that makes models."""

    def __call__(self, units=8):
        return classes(units)

    def make(self, units=8):
        return classes(units)


class OwnClassifier(KerasClassifier):
    """A wrapper that makes its model itself."""

    def __call__(self, units=8):
        return classes(units)


@pytest.fixture
def blobs():
    """Three clouds of points, with texts as labels."""
    r = np.random.RandomState(0)
    numbers = r.randint(3, size=90)
    x = np.array([[0, 0], [4, 0], [0, 4]])[numbers] + r.randn(90, 2) * 0.3
    return x.astype("float32"), np.array(["red", "green", "blue"])[numbers]


class TestClassifier:
    @pytest.mark.parametrize("maker", [classes, functional_classes, Maker(), Maker().make])
    def test_labels(self, blobs, maker):
        x, y = blobs
        np.random.seed(0)
        wrapper = KerasClassifier(maker, units=16, epochs=60, batch_size=8, verbose=0)
        history = wrapper.fit(x, y)
        assert len(history.history["loss"]) == 60
        assert wrapper.model.layers[-2].units == 16
        assert wrapper.classes_.tolist() == ["blue", "green", "red"] and wrapper.n_classes_ == 3
        assert wrapper.predict(x).shape == (90,) and (wrapper.predict(x) == y).mean() > 0.9
        assert wrapper.score(x, y, verbose=0) == pytest.approx((wrapper.predict(x) == y).mean())
        blue = y == "blue"
        assert wrapper.score(x[blue], y[blue], verbose=0) == pytest.approx((wrapper.predict(x[blue]) == "blue").mean())
        probabilities = wrapper.predict_proba(x, batch_size=7)
        assert probabilities.shape == (90, 3)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)

    def test_a_model_of_its_own(self, blobs):
        wrapper = OwnClassifier(units=3, verbose=0).fit(*blobs).model
        assert wrapper.layers[0].units == 3

    def test_one_hot_rows(self, blobs):
        x, y = blobs
        rows = (y[:, None] == np.unique(y)).astype("float32")
        wrapper = KerasClassifier(classes, verbose=0)
        wrapper.fit(x, rows)
        assert wrapper.classes_.tolist() == [0, 1, 2] and set(wrapper.predict(x)) <= {0, 1, 2}
        assert 0 <= wrapper.score(x, rows) <= 1

    def test_two_classes_of_one_output(self, blobs):
        x, y = blobs
        wrapper = KerasClassifier(classes, loss="binary_crossentropy", outputs=1, epochs=30, verbose=0)
        wrapper.fit(x, y == "red")
        assert wrapper.predict(x).shape == (90,) and wrapper.predict(x).dtype == bool
        probabilities = wrapper.predict_proba(x)
        assert probabilities.shape == (90, 2)
        np.testing.assert_array_equal(wrapper.predict(x), probabilities[:, 1] > 0.5)

    def test_sample_weights(self, blobs):
        x, y = blobs
        wrapper = KerasClassifier(classes, epochs=60, batch_size=5, verbose=0)
        wrapper.fit(x, y, sample_weight=np.where(y == "red", 1.0, 1e-4))
        assert set(wrapper.predict(x)) == {"red"}

    def test_errors(self, blobs):
        x, y = blobs
        wrapper = KerasClassifier(classes, metrics=(), verbose=0)
        wrapper.fit(x, y)
        with pytest.raises(ValueError, match=r'not configured to compute accuracy.*metrics=\["accuracy"\]'):
            wrapper.score(x, y)
        with pytest.raises(ValueError, match=r"Invalid shape for y: \(2, 2, 2\)"):
            wrapper.fit(x, np.zeros((2, 2, 2)))


class TestRegressor:
    def test_fit_predict_score(self):
        x = np.random.RandomState(0).rand(40, 2).astype("float32")
        y = x.sum(axis=1)
        wrapper = KerasRegressor(line, metrics=["mae"], epochs=50, verbose=0)
        wrapper.fit(x, y)
        assert wrapper.predict(x).shape == (40,)
        assert wrapper.score(x, y, verbose=0) == pytest.approx(-np.mean((wrapper.predict(x) - y) ** 2), rel=1e-4)


class TestParameters:
    def test_what_may_be_given(self):
        wrapper = KerasClassifier(classes, units=3, epochs=2, batch_size=4, nb_epoch=3)
        assert wrapper.get_params() == {"units": 3, "epochs": 2, "batch_size": 4, "nb_epoch": 3, "build_fn": classes}
        with pytest.raises(ValueError, match="unitz is not a legal parameter.*Did you mean 'units'"):
            KerasClassifier(classes, unitz=3)
        with pytest.raises(ValueError, match="is not a legal parameter"):
            wrapper.set_params(depth=3)
        with pytest.raises(ValueError, match="needs `build_fn`"):
            KerasClassifier(units=3)

    def test_set(self):
        wrapper = KerasClassifier(classes, units=3)
        assert wrapper.set_params(units=5, epochs=2) is wrapper
        assert wrapper.get_params()["units"] == 5
        assert wrapper.set_params(build_fn=functional_classes).build_fn is functional_classes

    def test_each_function_gets_its_own(self):
        wrapper = KerasClassifier(classes, units=3, epochs=2, batch_size=4)
        assert wrapper.filter_sk_params(classes) == {"units": 3}
        assert wrapper.filter_sk_params(Sequential.fit, {"epochs": 9}) == {"epochs": 9, "batch_size": 4}
        assert wrapper.filter_sk_params(Sequential.predict) == {"batch_size": 4}

    def test_callbacks_are_fresh_in_each_fit(self, blobs):
        from polykeras.callbacks import EarlyStopping

        stopping = EarlyStopping("loss", min_delta=10.0)
        wrapper = KerasClassifier(classes, epochs=9, verbose=0, callbacks=[stopping])
        lengths = [len(wrapper.fit(*blobs).epoch) for _ in range(2)]
        assert lengths[0] == lengths[1] < 9 and stopping.model is None


class TestWithinScikitLearn:
    def test_clone_keeps_the_objects(self):
        metrics = ["acc", "mae"]
        wrapper = KerasClassifier(classes, metrics=metrics, epochs=3)
        again = clone(wrapper)
        assert again is not wrapper and again.get_params() == wrapper.get_params()
        assert repr(wrapper).startswith("KerasClassifier(metrics=['acc', 'mae'], epochs=3")

    def test_pickle_for_other_processes(self):
        wrapper = pickle.loads(pickle.dumps(KerasClassifier(classes, units=3)))
        assert wrapper.get_params() == {"units": 3, "build_fn": classes}

    def test_kinds_and_whether_fitted(self, blobs):
        classifier = KerasClassifier(classes, verbose=0)
        assert is_classifier(classifier) and not is_regressor(classifier)
        assert is_regressor(KerasRegressor(line))
        with pytest.raises(Exception, match="not fitted"):
            check_is_fitted(classifier)
        classifier.fit(*blobs)
        check_is_fitted(classifier)

    def test_grid_search(self, blobs):
        wrapper = KerasClassifier(classes, verbose=0)
        search = GridSearchCV(wrapper, {"units": [2, 8], "epochs": [1, 40]}, cv=3, error_score="raise")
        np.random.seed(0)
        search.fit(*blobs)
        assert search.best_params_["epochs"] == 40 and search.best_score_ > 0.8
        assert search.best_estimator_.predict(blobs[0]).shape == (90,)
        scored = GridSearchCV(wrapper, {"batch_size": [8]}, cv=2, scoring="accuracy", error_score="raise").fit(*blobs)
        assert 0 <= scored.best_score_ <= 1

    def test_cross_validation(self, blobs):
        wrapper = KerasClassifier(classes, epochs=2, verbose=0)
        assert cross_val_score(wrapper, *blobs, cv=3).shape == (3,)
        assert set(cross_val_predict(wrapper, *blobs, cv=3)) <= {"red", "green", "blue"}
        x = blobs[0]
        assert (cross_val_score(KerasRegressor(line, verbose=0), x, x[:, 0], cv=3) <= 0).all()

    def test_pipeline(self, blobs):
        x, y = blobs
        pipeline = make_pipeline(StandardScaler(), KerasClassifier(classes, epochs=2, verbose=0))
        pipeline.set_params(kerasclassifier__epochs=3)
        pipeline.fit(x, y)
        assert len(pipeline[-1].model.history.epoch) == 3
        assert pipeline.predict(x).shape == (90,) and pipeline.predict_proba(x).shape == (90, 3)
        assert pipeline.score(x, y) == pytest.approx((pipeline.predict(x) == y).mean())


def test_scikit_learn_is_imported_when_it_asks():
    code = (
        "import sys\nfrom polykeras.wrappers.scikit_learn import KerasClassifier\nimport polykeras.preprocessing\n"
        "assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_base_class_trains_too(blobs):
    x, _ = blobs
    assert BaseWrapper(line, verbose=0).fit(x, x[:, 0]).epoch == [0]
