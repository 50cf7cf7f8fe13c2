"""compile: which losses, metrics and weights belong to which output, and what is said of those that do not."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import losses, metrics, optimizers
from polykeras.layers import Dense, Input
from polykeras.models import Model, Sequential


@pytest.fixture
def model():
    return Sequential([Dense(2, input_shape=(4,), name="d")])


@pytest.fixture
def two_outputs():
    x = Input((4,), name="x")
    return Model(x, [Dense(1, name="a")(x), Dense(3, name="b", activation="softmax")(x)])


class TestLosses:
    def test_one_for_all_outputs(self, two_outputs):
        two_outputs.compile("sgd", "mse")
        assert two_outputs.loss_functions == [losses.mse, losses.mse]
        assert two_outputs.metrics_names == ["loss", "a_loss", "b_loss"]

    def test_none_leaves_an_output_untrained(self, two_outputs):
        two_outputs.compile("sgd", [None, "categorical_crossentropy"])
        assert two_outputs.metrics_names == ["loss", "b_loss"]
        assert len(two_outputs.targets) == 2
        assert two_outputs.targets[0] is None

    def test_missing_name_warns(self, two_outputs):
        with pytest.warns(UserWarning, match='"b" missing from loss dictionary') as caught:
            two_outputs.compile("sgd", {"a": "mse"})
        assert caught[0].filename == __file__

    def test_unknown_name(self, two_outputs):
        with pytest.raises(ValueError, match=r"\"aa\".*Only expected the following keys: \['a', 'b'\].*mean \"a\""):
            two_outputs.compile("sgd", {"aa": "mse", "b": "mse"})

    def test_wrong_length(self, two_outputs):
        with pytest.raises(ValueError, match=r"2 outputs \(a, b\)"):
            two_outputs.compile("sgd", ["mse"])

    def test_nothing_to_minimise(self, model):
        with pytest.raises(ValueError, match="no loss to optimize"):
            model.compile("sgd")

    def test_layers_own_losses_suffice(self):
        layer = Dense(1, input_shape=(2,), use_bias=False, kernel_regularizer="l2", kernel_initializer="ones")
        model = Sequential([layer])
        model.compile(optimizers.SGD(lr=0.5), None)
        model.fit(np.zeros((2, 2)), None, verbose=0)
        np.testing.assert_allclose(model.get_weights()[0], 0.99)  # 1 - lr·2·0.01

    @pytest.mark.parametrize("bad", ["nope", 3])
    def test_bad_loss(self, model, bad):
        with pytest.raises(ValueError, match=f"loss function.*{bad}"):
            model.compile("sgd", bad)


class TestLossWeights:
    def test_total_is_the_weighted_sum(self, two_outputs):
        x, y = np.ones((5, 4)), [np.ones((5, 1)), np.eye(3)[[0, 1, 2, 0, 1]]]
        for weights in ([2.0, 0.5], {"a": 2.0, "b": 0.5}):
            two_outputs.compile("sgd", ["mse", "categorical_crossentropy"], loss_weights=weights)
            total, a, b = two_outputs.evaluate(x, y, verbose=0)
            assert total == pytest.approx(2 * a + 0.5 * b, rel=1e-6)

    def test_errors(self, two_outputs):
        with pytest.raises(ValueError, match="c.*'a', 'b'"):
            two_outputs.compile("sgd", "mse", loss_weights={"c": 1})
        with pytest.raises(ValueError, match="2 outputs"):
            two_outputs.compile("sgd", "mse", loss_weights=[1.0])
        with pytest.raises(TypeError, match="loss_weights"):
            two_outputs.compile("sgd", "mse", loss_weights=3.0)


class TestMetrics:
    @pytest.mark.parametrize(
        ("units", "loss", "expected"),
        [
            (1, "mse", "binary_accuracy"),
            (3, "binary_crossentropy", "binary_accuracy"),
            (3, "categorical_crossentropy", "categorical_accuracy"),
            (3, "mse", "categorical_accuracy"),
            (3, "sparse_categorical_crossentropy", "sparse_categorical_accuracy"),
        ],
    )
    @pytest.mark.parametrize("name", ["acc", "accuracy"])
    def test_accuracy_is_chosen_by_loss_and_shape(self, units, loss, expected, name):
        model = Sequential([Dense(units, input_shape=(4,), activation="sigmoid")])
        model.compile("sgd", loss, metrics=[name, expected])
        assert model.metrics_names == ["loss", "acc", expected]
        x = np.random.RandomState(0).randn(30, 4)
        labels = np.random.RandomState(1).randint(units if units > 1 else 2, size=(30, 1))
        y = labels if loss.startswith("sparse") or units == 1 else np.eye(3)[labels[:, 0]]
        _, chosen, named = model.evaluate(x, y, verbose=0)
        assert chosen == named
        assert 0 < chosen < 1

    def test_crossentropy_is_chosen_likewise(self, model):
        model.compile("sgd", "mse", metrics=["ce"])
        assert model.metrics_names == ["loss", "ce"]

    def test_names_of_several_outputs(self, two_outputs):
        two_outputs.compile("sgd", "mse", metrics={"b": ["acc", "mse"], "a": "mae"}, weighted_metrics={"a": "mae"})
        assert two_outputs.metrics_names == [
            "loss", "a_loss", "b_loss", "a_mean_absolute_error", "a_weighted_mean_absolute_error", "b_acc",
            "b_mean_squared_error",
        ]  # fmt: skip

    def test_equal_names_are_counted(self, model):
        model.compile("sgd", "mse", metrics=["mae", metrics.mae])
        assert model.metrics_names == ["loss", "mean_absolute_error", "mean_absolute_error_1"]

    def test_metric_for_no_output_warns(self, two_outputs):
        with pytest.warns(UserWarning, match='metrics.*"c"'):
            two_outputs.compile("sgd", "mse", metrics={"c": "mae"})

    def test_errors(self, model):
        with pytest.raises(ValueError, match="metric function: nope"):
            model.compile("sgd", "mse", metrics=["nope"])
        with pytest.raises(TypeError, match="list or dictionary"):
            model.compile("sgd", "mse", metrics="accuracy")


class Hits(metrics.Metric):
    """The number of samples whose prediction is rounded to the target."""

    def __init__(self, name="hits"):
        super().__init__(name)
        self.count = self.add_state("count")

    def __call__(self, y_true, y_pred):
        hits = K.sum(K.cast(K.equal(y_true, K.round(y_pred)), K.floatx()))
        self.add_update(K.update_add(self.count, hits))
        return self.count + hits


class TestMetricsWithState:
    def test_counts_over_all_batches_and_starts_anew(self):
        model = Sequential([Dense(1, input_shape=(1,), kernel_initializer="ones")])
        model.compile(optimizers.SGD(lr=0.0), "mse", metrics=[Hits()])
        x = np.arange(10.0)[:, None]
        y = np.where(x < 7, x, -1)
        history = model.fit(x, y, batch_size=3, epochs=2, validation_data=(x[:5], y[:5]), verbose=0)
        assert history.history["hits"] == [7, 7]
        assert history.history["val_hits"] == [5, 5]
        assert model.evaluate(x, y, batch_size=4, verbose=0)[1] == 7

    def test_a_layer_as_metric(self):
        from polykeras.layers import Layer

        class Positives(Layer):
            def __init__(self, name="positives", **kwargs):
                super().__init__(name=name, **kwargs)
                self.stateful = True
                self.count = K.variable(0.0)

            def reset_states(self):
                K.set_value(self.count, 0.0)

            def __call__(self, y_true, y_pred):
                positive = K.sum(y_true)
                current = self.count * 1.0
                self.add_update(K.update_add(self.count, positive), inputs=[y_true, y_pred])
                return current + positive

        model = Sequential([Dense(1, input_shape=(1,))])
        model.compile("sgd", "mse", metrics=[Positives()])
        y = np.array([[1.0], [0], [1], [1], [0]])
        assert model.metrics_names == ["loss", "positives"]
        assert model.evaluate(y, y, batch_size=2, verbose=0)[1] == 3
        assert model.layers == model.layers[:1]


class TestSampleWeightMode:
    def test_errors(self, two_outputs):
        with pytest.raises(ValueError, match='None or "temporal".*always'):
            two_outputs.compile("sgd", "mse", sample_weight_mode="always")
        with pytest.raises(ValueError, match="2 outputs"):
            two_outputs.compile("sgd", "mse", sample_weight_mode=["temporal"])
        with pytest.raises(ValueError, match='"b" missing from sample_weight_modes'):
            two_outputs.compile("sgd", "mse", sample_weight_mode={"a": None})


class TestTargetTensors:
    def test_a_variable_is_the_target(self, model):
        target = K.variable(np.ones((3, 2)))
        model.compile("sgd", "mse", target_tensors=[target])
        x = np.ones((3, 4))
        expected = ((model.predict(x) - 1) ** 2).mean()
        assert model.train_on_batch(x, None) == pytest.approx(expected, rel=1e-5)

    def test_a_placeholder_is_fed(self, model):
        target = K.placeholder((None, 2))
        model.compile("sgd", "mse", target_tensors=target)
        assert model.targets == [target]
        model.train_on_batch(np.ones((3, 4)), np.ones((3, 2)))

    def test_errors(self, two_outputs):
        with pytest.raises(ValueError, match="2 outputs"):
            two_outputs.compile("sgd", "mse", target_tensors=[K.placeholder((None, 1))])
        with pytest.raises(ValueError, match="c.*'a', 'b'"):
            two_outputs.compile("sgd", "mse", target_tensors={"c": K.placeholder((None, 1))})
        with pytest.raises(TypeError, match="target_tensors"):
            two_outputs.compile("sgd", "mse", target_tensors=3)


def test_unknown_keyword_names_the_nearest(model):
    with pytest.raises(TypeError, match=r"`metric`.*did you mean `metrics`"):
        model.compile("sgd", "mse", metric=["acc"])


def test_compiling_again_starts_anew(model):
    x, y = np.ones((2, 4)), np.ones((2, 2))
    model.compile(optimizers.SGD(lr=0.0), "mse")
    assert model.train_on_batch(x, y) == pytest.approx(((model.predict(x) - 1) ** 2).mean(), rel=1e-5)
    model.compile(optimizers.SGD(lr=0.0), "mae")
    assert model.train_on_batch(x, y) == pytest.approx(abs(model.predict(x) - 1).mean(), rel=1e-5)


def test_adding_a_layer_after_compile_changes_what_is_trained():
    model = Sequential([Dense(2, input_shape=(4,))])
    model.compile("sgd", "mse")
    x = np.ones((2, 4))
    model.train_on_batch(x, np.ones((2, 2)))
    assert model.predict(x).shape == (2, 2)
    model.add(Dense(3))
    assert model.predict(x).shape == (2, 3)
    before = model.get_weights()
    model.train_on_batch(x, np.ones((2, 3)))
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_total_loss_depends_on_the_sample_weights(model):
    model.compile("sgd", "mse")
    x, y, w = np.random.rand(3, 4), np.random.rand(3, 2), np.array([1.0, 0.0, 3.0])
    f = K.function([*model.inputs, *model.targets, *model.sample_weights], [model.total_loss])
    each = ((model.predict(x) - y) ** 2).mean(axis=1)
    np.testing.assert_allclose(f([x, y, w])[0], (each * w / (2 / 3)).mean(), rtol=1e-5)
    np.testing.assert_allclose(model.test_on_batch(x, y, w), (each * w / (2 / 3)).mean(), rtol=1e-5)


def test_keras_functions_take_keras_inputs(model):
    model.compile("sgd", "mse")
    x, y, w = np.ones((3, 4)), np.ones((3, 2)), np.ones(3)
    assert model.train_function is model.test_function is model.predict_function is None
    expected = model.test_on_batch(x, y)
    model._make_train_function()
    model._make_predict_function()
    np.testing.assert_allclose(model.test_function([x, y, w]), [expected], rtol=1e-6)
    np.testing.assert_allclose(model.train_function([x, y, w]), [expected], rtol=1e-6)
    np.testing.assert_allclose(model.predict_function([x])[0], model.predict(x))
