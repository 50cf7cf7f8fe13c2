"""fit, evaluate, predict and their batch forms: what comes back, and what is said of wrong input."""

import threading
from functools import partial
from multiprocessing import active_children

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import callbacks, config, optimizers
from polykeras.layers import Dense, Dropout, Input
from polykeras.models import Model, Sequential
from polykeras.utils import Sequence
from polykeras.utils.patience import Patience
from tests.training import streamed


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(0)


@pytest.fixture
def model():
    model = Sequential([Dense(3, activation="tanh", input_shape=(4,), name="d1"), Dense(2, name="d2")])
    model.compile(optimizers.SGD(lr=0.1), "mse", metrics=["mae"])
    return model


@pytest.fixture
def data():
    r = np.random.RandomState(1)
    return r.rand(20, 4).astype("float32"), r.rand(20, 2).astype("float32")


def mse(model, x, y):
    return ((model.predict(x) - y) ** 2).mean()


class TestFit:
    def test_loss_falls(self, model, data):
        losses = model.fit(*data, epochs=20, batch_size=5, verbose=0).history["loss"]
        assert losses[-1] < 0.7 * losses[0]

    def test_history(self, model, data):
        history = model.fit(*data, epochs=5, initial_epoch=2, validation_split=0.25, verbose=0)
        assert history is model.history
        assert history.epoch == [2, 3, 4]
        assert list(history.history) == ["val_loss", "val_mean_absolute_error", "loss", "mean_absolute_error"]
        assert all(type(value) is float for values in history.history.values() for value in values)

    @pytest.mark.parametrize("spelling", ["acc", "accuracy"])
    def test_names_do_not_count_earlier_models(self, data, spelling):
        x, y = data
        keys = []
        for _ in range(3):
            model = Sequential([Dense(2, activation="softmax", input_shape=(4,))])
            for _ in range(2):
                model.compile("sgd", "categorical_crossentropy", metrics=[spelling, "mae"])
            keys.append(list(model.fit(x, y, validation_split=0.5, verbose=0).history))
        names = ["loss", "acc", "mean_absolute_error"]
        assert keys == [[*(f"val_{name}" for name in names), *names]] * 3

    @pytest.mark.parametrize("verbose", [1, 2])
    @pytest.mark.parametrize("batch", [0, 2])
    def test_a_bar_of_an_epoch_that_is_stopped(self, model, data, capsys, verbose, batch):
        class Stop(callbacks.Callback):
            def on_batch_end(self, number, logs=None):
                self.model.stop_training = number == batch

        history = model.fit(*data, batch_size=4, epochs=3, verbose=verbose, callbacks=[Stop()]).history
        text = capsys.readouterr().out
        assert "nan" not in text
        assert f"loss: {history['loss'][0]:.4f}" in text

    def test_epoch_loss_is_the_average_by_batch_size(self, data):
        x, y = data
        model = Sequential([Dense(2, input_shape=(4,))])
        model.compile(optimizers.SGD(lr=0.0), "mse")
        loss = model.fit(x[:7], y[:7], batch_size=3, verbose=0).history["loss"][0]
        assert loss == pytest.approx(mse(model, x[:7], y[:7]), rel=1e-5)

    def test_validation_split_takes_the_last_samples_before_shuffling(self, model, data):
        x, y = data
        history = model.fit(x, y, validation_split=0.25, verbose=0)
        assert history.history["val_loss"][0] == pytest.approx(mse(model, x[15:], y[15:]), rel=1e-5)

    def test_validation_data_with_weights(self, model, data):
        x, y = data
        weight = np.array([1.0, 0, 2, 0])
        history = model.fit(x, y, validation_data=(x[:4], y[:4], weight), verbose=0)
        each = ((model.predict(x[:4]) - y[:4]) ** 2).mean(axis=1)
        assert history.history["val_loss"][0] == pytest.approx((each * weight).sum() / 2, rel=1e-5)

    @pytest.mark.parametrize("shuffle", [True, "batch", False])
    def test_every_sample_is_seen_once_per_epoch(self, shuffle):
        seen = []
        x = np.arange(10.0)[:, None]
        model = Sequential([Dense(1, input_shape=(1,), use_bias=False, kernel_initializer="ones")])
        model.compile(optimizers.SGD(lr=0.0), lambda t, p: p[:, 0])
        watch = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(float(logs["loss"])))
        model.fit(x, x, batch_size=1, epochs=2, shuffle=shuffle, verbose=0, callbacks=[watch])
        first, second = seen[:10], seen[10:]
        assert sorted(first) == sorted(second) == list(range(10))
        if shuffle:
            assert first != second
            assert first != list(range(10))
        else:
            assert first == second == list(range(10))

    def test_class_weight_is_the_sample_weight_of_the_class(self):
        x, labels = np.random.rand(12, 3), np.random.randint(3, size=12)
        y, by_class = np.eye(3)[labels], {0: 1.0, 1: 5.0, 2: 0.0}
        trained = []
        for how in ({"class_weight": by_class}, {"sample_weight": np.array([by_class[c] for c in labels])}):
            model = Sequential([Dense(3, activation="softmax", input_shape=(3,), kernel_initializer="ones")])
            model.compile("sgd", "categorical_crossentropy")
            model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0, **how)
            trained.append(model.get_weights())
        for a, b in zip(*trained, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_weights_of_one_change_nothing(self, data):
        trained = []
        for weight in (None, np.ones(20)):
            np.random.seed(5)
            model = Sequential([Dense(3, input_shape=(4,)), Dropout(0.5), Dense(2)])
            model.compile("adam", "mse")
            model.fit(*data, epochs=2, batch_size=6, sample_weight=weight, verbose=0)
            trained.append(model.get_weights())
        for a, b in zip(*trained, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)

    def test_weighted_and_unweighted_steps_share_the_optimizers_state(self, model, data):
        x, y = data
        model.train_on_batch(x, y)
        model.train_on_batch(x, y, sample_weight=np.ones(20))
        model.train_on_batch(x, y)
        assert K.get_value(model.optimizer.iterations) == 3
        assert len(model.optimizer.weights) == 1 + 4

    def test_dropout_only_in_training(self, data):
        model = Sequential([Dropout(0.5, input_shape=(4,)), Dense(2)])
        model.compile(optimizers.SGD(lr=0.0), "mse")
        values = {float(model.train_on_batch(*data)) for _ in range(5)}
        assert len(values) == 5
        assert len({float(model.test_on_batch(*data)) for _ in range(5)}) == 1
        assert (model.predict(data[0]) == model.predict(data[0])).all()

    def test_steps_with_tensors(self):
        x = K.variable(np.ones((3, 4)))
        inputs = Input(tensor=x)
        model = Model(inputs, Dense(1)(inputs))
        model.compile("sgd", "mse", target_tensors=[K.variable(np.zeros((3, 1)))])
        history = model.fit(epochs=2, steps_per_epoch=4, verbose=0)
        assert history.history["loss"][1] < history.history["loss"][0]
        assert model.evaluate(steps=2, verbose=0) >= 0
        assert model.predict(None, steps=2).shape == (6, 1)
        with pytest.raises(ValueError, match="steps_per_epoch"):
            model.fit(verbose=0)

    def test_stop_training_ends_within_the_epoch(self, model, data):
        class Stops(callbacks.Callback):
            def on_batch_end(self, batch, logs=None):
                batches.append(batch)
                self.model.stop_training = batch == 1

        batches = []
        history = model.fit(*data, batch_size=5, epochs=3, validation_split=0.25, verbose=0, callbacks=[Stops()])
        assert batches == [0, 1]
        assert list(history.history) == ["loss", "mean_absolute_error"]

    def test_terminate_on_nan(self, model, data, capsys):
        x, y = data
        x = x.copy()
        x[7] = np.nan
        history = model.fit(
            x, y, batch_size=5, epochs=3, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN()]
        )
        assert history.epoch == [0]
        assert np.isnan(history.history["loss"][0])
        assert capsys.readouterr().out == "Batch 1: Invalid loss, terminating training\n"

    def test_single_callback_and_keras_1_spelling(self, model, data):
        history = callbacks.History()
        with pytest.warns(DeprecationWarning, match="epochs=2"):
            model.fit(*data, nb_epoch=2, verbose=0, callbacks=history)
        assert history.epoch == [0, 1]

    def test_output(self, model, data, capsys):
        model.fit(*data, validation_split=0.5, batch_size=5, epochs=2)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "Train on 10 samples, validate on 10 samples"
        assert lines[1] == "Epoch 1/2"
        assert lines[2].startswith("10/10 [" + "=" * 30 + "] - 0s ")
        assert " - loss: " in lines[2]
        assert " - val_loss: " in lines[2]
        assert lines[3] == "Epoch 2/2"
        model.fit(*data, verbose=0)
        assert capsys.readouterr().out == ""
        model.fit(*data, verbose=2)
        assert capsys.readouterr().out.startswith("Epoch 1/1\n - 0s - loss: ")

    def test_callbacks_see_parameters_and_validation_data(self, model, data):
        callback = callbacks.Callback()
        model.fit(*data, batch_size=5, validation_split=0.25, verbose=0, callbacks=[callback])
        assert callback.model is model
        assert callback.params == {
            "batch_size": 5, "epochs": 1, "steps": None, "samples": 15, "verbose": 0, "do_validation": True,
            "metrics": ["loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"],
        }  # fmt: skip
        x, y, weight = callback.validation_data
        assert x.shape == (5, 4)
        assert y.shape == (5, 2)
        assert weight.tolist() == [1] * 5

    def test_inputs_are_not_changed(self, model, data):
        copies = [array.copy() for array in data]
        model.fit(*data, verbose=0)
        for array, copy in zip(data, copies, strict=True):
            np.testing.assert_array_equal(array, copy)

    def test_integer_and_float64_data_are_cast(self, model):
        model.fit(np.ones((4, 4), "int64"), np.ones((4, 2), "float64"), verbose=0)


class TestWrongInput:
    def test_not_compiled(self, data):
        model = Sequential([Dense(2, input_shape=(4,))])
        for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
            with pytest.raises(RuntimeError, match="You must compile"):
                call(*data)
        assert model.predict(data[0]).shape == (20, 2)

    def test_shapes_name_the_layer(self, model):
        with pytest.raises(ValueError, match=r"checking input: expected d1_input to have shape \(4,\).*\(5,\)"):
            model.fit(np.ones((3, 5)), np.ones((3, 2)), verbose=0)
        with pytest.raises(ValueError, match=r"checking target: expected d2 to have shape \(2,\).*\(3,\)"):
            model.fit(np.ones((3, 4)), np.ones((3, 3)), verbose=0)
        with pytest.raises(ValueError, match=r"checking target: expected d2 to have 2 dimensions.*\(3, 2, 1\)"):
            model.train_on_batch(np.ones((3, 4)), np.ones((3, 2, 1)))
        with pytest.raises(ValueError, match="d1_input"):
            model.predict(np.ones((3, 5)))

    def test_shapes_are_checked_after_right_ones_too(self, model, data):
        model.train_on_batch(*data)
        model.predict(data[0])
        with pytest.raises(ValueError, match="d1_input"):
            model.train_on_batch(np.ones((20, 5)), data[1])
        with pytest.raises(ValueError, match="20 input samples and 19 target"):
            model.train_on_batch(data[0], data[1][:19])
        with pytest.raises(ValueError, match="d1_input"):
            model.predict(np.ones((20, 5)))

    def test_dtypes(self, model):
        with pytest.raises(ValueError, match="d1_input to have numbers"):
            model.predict(np.array([["a", "b", "c", "d"]]))

    def test_no_target(self, model, data):
        with pytest.raises(ValueError, match='No target data `y` provided for "d2"'):
            model.fit(data[0], verbose=0)

    def test_no_data(self, model):
        with pytest.raises(TypeError, match="x"):
            model.predict()
        with pytest.raises(ValueError, match="`x`.*None"):
            model.predict(None)

    def test_unknown_keyword(self, model, data):
        with pytest.raises(TypeError, match=r"Unrecognized.*epoch.*did you mean `epochs`"):
            model.fit(*data, epoch=3)

    @pytest.mark.parametrize("share", [1.0, -0.1])
    def test_validation_split(self, model, data, share):
        with pytest.raises(ValueError, match="validation_split should be at least 0 and less than 1"):
            model.fit(*data, validation_split=share, verbose=0)

    def test_validation_split_of_too_few_samples(self, model, data):
        with pytest.raises(ValueError, match="leaves no samples for training: there are 2"):
            model.fit(data[0][:2], data[1][:2], validation_split=0.9, verbose=0)

    def test_validation_data(self, model, data):
        with pytest.raises(ValueError, match="contains 1 items"):
            model.fit(*data, validation_data=(data[0],), verbose=0)

    def test_batch_size(self, model, data):
        with pytest.raises(ValueError, match="at least 1; got 0"):
            model.fit(*data, batch_size=0, verbose=0)
        with pytest.raises(ValueError, match="must be None"):
            model.evaluate(*data, batch_size=3, steps=2)

    def test_unwritable_checkpoint_is_found_before_training(self, model, data):
        before = model.get_weights()
        with pytest.raises(FileNotFoundError, match=r"nowhere/f\.h5"):
            model.fit(*data, verbose=0, callbacks=[callbacks.ModelCheckpoint("nowhere/f.h5")])
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_frozen_after_compile(self, model, data):
        model.layers[0].trainable = False
        with pytest.warns(UserWarning, match="trainable") as caught:
            model.fit(*data, verbose=0)
        assert caught[0].filename == __file__

    def test_learning_rate_schedule(self, model, data):
        with pytest.raises(ValueError, match="should be float"):
            model.fit(*data, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "fast")])


class TestLearningRates:
    def test_schedule_of_one_and_of_two_arguments(self, model, data):
        for schedule in (lambda epoch: 0.5 / (epoch + 1), lambda epoch, lr: 0.5 / (epoch + 1)):
            history = model.fit(*data, epochs=2, verbose=0, callbacks=[callbacks.LearningRateScheduler(schedule)])
            np.testing.assert_allclose(history.history["lr"], [0.5, 0.25])

    def test_plateau(self, data):
        model = Sequential([Dense(2, input_shape=(4,))])
        model.compile(optimizers.SGD(lr=0.0), "mse")
        reduce = callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=2, cooldown=1, min_lr=0.2)
        lr = model.optimizer.lr
        K.set_value(lr, 1.0)
        model.layers[0].trainable = False
        model.compile(model.optimizer, "mse")
        rates = model.fit(*data, epochs=9, verbose=0, callbacks=[reduce]).history["lr"]
        np.testing.assert_allclose(rates, [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2])

    def test_assigning_a_number_sets_the_variable(self, model, data):
        model.train_on_batch(*data)
        model.optimizer.lr = 0.0
        before = model.get_weights()
        model.train_on_batch(*data)
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert model.optimizer.get_config()["lr"] == 0.0


class TestEvaluateAndPredict:
    def test_evaluate_averages_over_batches(self, model, data):
        x, y = data
        loss, mae = model.evaluate(x, y, batch_size=7, verbose=0)
        assert loss == pytest.approx(mse(model, x, y), rel=1e-5)
        assert mae == pytest.approx(abs(model.predict(x) - y).mean(), rel=1e-5)

    def test_batches_do_not_change_predictions(self, model, data):
        np.testing.assert_allclose(model.predict(data[0], batch_size=3), model.predict(data[0]), rtol=1e-6)

    def test_predictions_do_not_share_memory(self, model, data):
        first = model.predict(data[0])
        copy = first.copy()
        model.predict(data[0] * 2)
        np.testing.assert_array_equal(first, copy)

    def test_no_samples(self, model):
        assert model.predict(np.empty((0, 4))).shape == (0, 2)

    def test_several_outputs(self):
        x = Input((4,))
        model = Model(x, [Dense(1)(x), Dense(3)(x)])
        assert [p.shape for p in model.predict(np.ones((40, 4)))] == [(40, 1), (40, 3)]
        assert [p.shape for p in model.predict_on_batch(np.ones((2, 4)))] == [(2, 1), (2, 3)]

    def test_train_on_batch_gives_the_values_before_the_step(self, model, data):
        expected = mse(model, *data)
        loss, _ = model.train_on_batch(*data)
        assert loss == pytest.approx(expected, rel=1e-5)
        assert mse(model, *data) < expected

    def test_new_batch_sizes(self, model, data):
        x, y = data
        for count in (20, 3, 1, 3):
            model.train_on_batch(x[:count], y[:count])
            assert model.predict(x[:count]).shape == (count, 2)

    def test_eight_threads_predict_what_one_does(self, model):
        inputs = [np.random.rand(8, 4).astype("float32") for _ in range(8)]
        expected = [model.predict(x) for x in inputs]
        fresh = Sequential.from_config(model.get_config())
        fresh.set_weights(model.get_weights())
        wrong = []

        def predict(x, y):
            for _ in range(100):
                if not (fresh.predict(x) == y).all():
                    wrong.append(x)

        threads = [threading.Thread(target=predict, args=pair) for pair in zip(inputs, expected, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


class TestSubclassedModels:
    class Net(Model):
        def __init__(self):
            super().__init__(name="net")
            self.dense = Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    def test_is_built_by_its_first_data(self, data):
        model = self.Net()
        with pytest.raises(RuntimeError, match="compile"):
            model.fit(*data)
        model.compile("sgd", "mse", metrics=["mae"])
        assert not model.weights
        history = model.fit(*data, epochs=2, verbose=0)
        assert sorted(history.history) == ["loss", "mean_absolute_error"]
        assert len(model.weights) == 2
        assert model.predict(data[0]).shape == (20, 2)

    def test_predicts_without_compile(self, data):
        assert self.Net().predict(data[0]).shape == (20, 2)

    def test_by_generator(self, data):
        model = self.Net()
        model.compile("sgd", "mse")
        model.fit_generator(iter([data] * 3), steps_per_epoch=3, verbose=0, workers=0)
        assert len(model.weights) == 2

    def test_sequential_without_input_shape(self, data):
        model = Sequential([Dense(3), Dense(2)])
        model.compile("sgd", "mse")
        model.fit(*data, verbose=0)
        assert model.output_shape == (None, 2)


class Rows(Sequence):
    def __init__(self, x, y, size):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        return self.x[rows], self.y[rows]


def endless(x, y, size):
    while True:
        for start in range(0, len(x), size):
            yield x[start : start + size], y[start : start + size]


class TestGenerators:
    @pytest.mark.parametrize("workers", [0, 1, 3])
    @pytest.mark.parametrize("kind", ["sequence", "generator"])
    def test_trains_as_fit_does(self, data, workers, kind):
        def fresh():
            model = Sequential([Dense(2, input_shape=(4,), kernel_initializer="ones")])
            model.compile("adam", "mse")
            return model

        by_arrays, by_batches = fresh(), fresh()
        expected = by_arrays.fit(*data, batch_size=6, epochs=3, shuffle=False, validation_data=data, verbose=0)
        make = Rows if kind == "sequence" else endless
        got = by_batches.fit_generator(
            make(*data, 6), None if kind == "sequence" else 4, epochs=3, shuffle=False, verbose=0, workers=workers,
            validation_data=make(*data, 6), validation_steps=None if kind == "sequence" else 4,
        )  # fmt: skip
        assert got.history.keys() == expected.history.keys()
        for key in got.history:
            np.testing.assert_allclose(got.history[key], expected.history[key], rtol=1e-5)
        for a, b in zip(by_arrays.get_weights(), by_batches.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_fit_takes_generators_too(self, model, data):
        history = model.fit(Rows(*data, 5), epochs=2, validation_data=data, verbose=0)
        assert len(history.history["val_loss"]) == 2

    def test_evaluate_and_predict(self, model, data):
        rows = Rows(*data, 6)
        np.testing.assert_allclose(model.evaluate_generator(rows), model.evaluate(*data, verbose=0), rtol=1e-5)
        np.testing.assert_allclose(model.predict_generator(rows, workers=2), model.predict(data[0]), rtol=1e-6)
        inputs = iter([data[0][:3], data[0][3:5]])
        assert model.predict_generator(inputs, steps=2).shape == (5, 2)

    def test_sample_and_class_weights(self, model):
        x, y = np.random.rand(6, 4), np.eye(2)[[0, 1, 0, 1, 1, 0]]
        other = Sequential.from_config(model.get_config())
        other.compile(optimizers.SGD(lr=0.1), "mse")
        other.set_weights(model.get_weights())
        weight = np.array([1.0, 2, 1, 2, 2, 1])
        model.fit_generator(iter([(x, y, weight)]), 1, verbose=0)
        other.fit_generator(iter([(x, y)]), 1, verbose=0, class_weight={0: 1.0, 1: 2.0})
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)

    def test_wrong_batches(self, model, data):
        with pytest.raises(ValueError, match=r"tuple `\(x, y, sample_weight\)`.*Found: ndarray"):
            model.fit_generator(iter([data[0]]), 1, verbose=0)
        with pytest.raises(ValueError, match="Found: a tuple of 4"):
            model.evaluate_generator(iter([(1, 2, 3, 4)]), 1)
        with pytest.raises(ValueError, match="steps_per_epoch=None"):
            model.fit_generator(endless(*data, 5), verbose=0)
        with pytest.raises(ValueError, match="ended after 1 batches"):
            model.fit_generator(iter([data]), 2, verbose=0)

    def test_output_counts_steps(self, model, data, capsys):
        model.fit_generator(Rows(*data, 5))
        assert "4/4 [" in capsys.readouterr().out


class TestWorkers:
    """What fit, evaluate and predict do with the threads and processes that make batches."""

    @pytest.fixture(autouse=True)
    def nothing_is_left(self):
        yield
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")] == []
        assert active_children() == []

    @pytest.fixture
    def line(self):
        model = Sequential([Dense(1, input_shape=(1,))])
        model.compile(optimizers.SGD(lr=0.1), "mse", metrics=["mae"])
        return model

    def test_processes_train_as_threads_do(self, line):
        rows = streamed.Rows(5)
        other = Sequential.from_config(line.get_config())
        other.compile(optimizers.SGD(lr=0.1), "mse", metrics=["mae"])
        other.set_weights(line.get_weights())
        got = line.fit(
            rows, epochs=2, verbose=0, shuffle=False, validation_data=rows, workers=2, use_multiprocessing=True
        )
        expected = other.fit_generator(rows, epochs=2, verbose=0, shuffle=False, validation_data=rows, workers=2)
        assert got.history == expected.history
        for a, b in zip(line.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_evaluate_and_predict_take_what_their_generator_twins_take(self, line):
        rows = streamed.Rows(3)
        x, y = (np.concatenate(parts) for parts in zip(*rows, strict=True))
        np.testing.assert_allclose(line.evaluate(rows, verbose=0), line.evaluate(x, y, verbose=0), rtol=1e-5)
        np.testing.assert_allclose(line.predict(rows, workers=2), line.predict(x), rtol=1e-6)
        np.testing.assert_allclose(line.predict(iter(rows), steps=3), line.predict(x), rtol=1e-6)

    @pytest.mark.parametrize(
        "method, name, value",
        [("fit", "y", 1), ("fit", "sample_weight", 1), ("fit", "batch_size", 2), ("fit", "validation_split", 0.5),
         ("evaluate", "y", 1), ("predict", "batch_size", 4)],
    )  # fmt: skip
    def test_arguments_that_mean_nothing_beside_batches(self, line, method, name, value):
        with pytest.raises(ValueError, match=f"`{method}`: `{name}` cannot be given"):
            getattr(line, method)(streamed.Rows(3), **{name: value})

    @pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
    def test_a_batch_of_the_wrong_shape_is_named(self, line, method):
        good, bad = (np.zeros((2, 1)), np.zeros((2, 1))), (np.zeros((2, 3)), np.zeros((2, 1)))
        with pytest.raises(ValueError, match=r"expected dense_1_input to have shape \(1,\)") as caught:
            getattr(line, f"{method}_generator")(iter([good, bad]), 2)
        assert "in batch 1 of those" in caught.value.__notes__[0]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
    @pytest.mark.parametrize("processes", [False, True])
    def test_errors_in_callbacks_end_the_workers(self, line, error, processes):
        def fail(batch, logs):
            raise error

        failing = callbacks.LambdaCallback(on_batch_end=fail)
        with pytest.raises(error):
            line.fit(
                streamed.Rows(9), verbose=0, workers=2, use_multiprocessing=processes, callbacks=[failing],
                validation_data=streamed.Rows(9),
            )  # fmt: skip

    def test_a_process_that_dies_ends_the_training(self, line):
        with pytest.raises(RuntimeError, match="killed by signal 9"):
            line.fit(streamed.DyingRows("kill"), verbose=0, workers=2, use_multiprocessing=True)

    def test_the_limit_of_waiting(self, line, monkeypatch):
        monkeypatch.setattr("polykeras.utils.streams.Patience", partial(Patience, leave_after=0.01))
        config.set_batch_timeout(0.1)
        release = threading.Event()

        def hanging():
            release.wait(20)
            yield np.zeros((2, 1)), np.zeros((2, 1))

        def fit():
            with pytest.raises(TimeoutError, match="batch 0 of the generator hanging"):
                line.fit(hanging(), steps_per_epoch=1, verbose=0)

        try:
            with pytest.warns(UserWarning, match="did not end"):
                fit()
        finally:
            config.reload()
            release.set()
            for thread in threading.enumerate():
                if thread.name == "batches-0":
                    thread.join()


def test_plugins_act_before_and_after_training(model, data):
    from types import ModuleType

    from polykeras import plugins

    seen = []
    plugin = ModuleType("acts")
    plugin.polykeras_train_begin = lambda model: seen.append(("begin", model.name))
    plugin.polykeras_train_end = lambda model, history: seen.append(("end", len(history.epoch)))
    plugins.manager().register(plugin)
    try:
        model.fit(*data, epochs=2, verbose=0)
        model.fit_generator(Rows(*data, 5), verbose=0)
    finally:
        plugins.manager().unregister(plugin)
    assert seen == [("begin", model.name), ("end", 2), ("begin", model.name), ("end", 1)]


def test_plugins_may_replace_gradients(data):
    from types import ModuleType

    from polykeras import plugins

    plugin = ModuleType("halves")
    models = []

    def polykeras_gradients(model, gradients, variables):
        models.append(model)
        return [0.0 * g for g in gradients]

    plugin.polykeras_gradients = polykeras_gradients
    plugins.manager().register(plugin)
    try:
        model = Sequential([Dense(2, input_shape=(4,))])
        model.compile("sgd", "mse")
        before = model.get_weights()
        model.train_on_batch(*data)
    finally:
        plugins.manager().unregister(plugin)
    assert models == [model]
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
