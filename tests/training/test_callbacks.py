"""Callbacks, driven by hand; `test_fit.py` has them in training."""

import csv
import os
import sys

import numpy as np
import pytest

from polykeras import callbacks
from polykeras.callbacks import CallbackList


class FakeModel:
    """What a callback needs of a model."""

    def __init__(self):
        self.stop_training = False
        self.weights = [np.zeros(1)]
        self.saved = []

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=True):
        self.saved.append(("model", path))

    def save_weights(self, path, overwrite=True):
        self.saved.append(("weights", path))


def feed(callback, values, key="val_loss"):
    """Epochs with these monitored values; the model, whose weights are the number of the last epoch."""
    model = FakeModel()
    callback.set_model(model)
    for epoch, value in enumerate(values):
        model.weights = [np.array([epoch])]
        callback.on_epoch_end(epoch, {key: value})
        if model.stop_training:
            break
    return model


class TestCallbackList:
    def test_only_overridden_hooks_are_called(self):
        class Quiet(callbacks.Callback):
            def on_batch_begin(self, batch, logs=None):
                seen.append(batch)

        seen = []
        listeners = CallbackList([callbacks.Callback(), Quiet()])
        assert len(listeners.overriding("on_batch_begin")) == 1
        assert listeners.overriding("on_batch_end") == []
        listeners.on_batch_begin(3, {})
        assert seen == [3]

    def test_functions_of_a_lambda_callback_are_hooks(self):
        seen = []
        callback = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch), extra=7)
        listeners = CallbackList([callback])
        listeners.on_epoch_end(2, {})
        assert seen == [2]
        assert listeners.overriding("on_batch_end") == []
        assert callback.extra == 7

    def test_later_names_of_the_batch_hooks(self):
        class Later(callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                seen.append(batch)

        seen = []
        CallbackList([Later()]).on_batch_end(1, {})
        assert seen == [1]

    def test_callbacks_see_what_earlier_ones_put_into_the_logs(self):
        class Adds(callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["lr"] = 0.5

        history = callbacks.History()
        history.on_train_begin()
        CallbackList([Adds(), history]).on_epoch_end(0, {"loss": 1.0})
        assert history.history == {"loss": [1.0], "lr": [0.5]}

    def test_appended_callbacks_are_called(self):
        listeners = CallbackList()
        listeners.on_epoch_end(0)
        history = callbacks.History()
        listeners.append(history)
        listeners.on_epoch_end(1)
        assert history.epoch == [1]


class TestBaseLogger:
    def test_averages_by_batch_size(self):
        logger = callbacks.BaseLogger(stateful_metrics=["count"])
        logger.set_params({"metrics": ["loss", "count"]})
        logger.on_epoch_begin(0)
        logger.on_batch_end(0, {"batch": 0, "size": 8, "loss": np.float32(1.0), "count": 3})
        logger.on_batch_end(1, {"batch": 1, "size": 2, "loss": np.float32(6.0), "count": 5})
        logs = {}
        logger.on_epoch_end(0, logs)
        assert logs == {"loss": 2.0, "count": 5}


class TestEarlyStopping:
    def test_equal_is_no_improvement(self):
        assert feed(callbacks.EarlyStopping(), [3, 3, 1]).weights[0] == 1

    def test_patience_counts_epochs_without_improvement(self):
        stopper = callbacks.EarlyStopping(patience=2)
        stopper.on_train_begin()
        assert feed(stopper, [3, 2, 2.1, 2.2, 1]).weights[0] == 3
        assert stopper.stopped_epoch == 3

    def test_min_delta(self):
        assert feed(callbacks.EarlyStopping(min_delta=0.1, patience=1), [3, 2.95, 2.9, 2]).weights[0] == 1

    def test_accuracy_is_better_when_greater(self):
        stopper = callbacks.EarlyStopping(monitor="val_acc")
        assert feed(stopper, [0.1, 0.2, 0.15, 0.3], "val_acc").weights[0] == 2

    def test_best_weights_are_restored(self):
        stopper = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        stopper.on_train_begin()
        assert feed(stopper, [3, 1, 2, 2]).weights[0] == 1

    def test_nothing_to_restore_where_the_baseline_was_never_reached(self):
        stopper = callbacks.EarlyStopping(baseline=0.5, restore_best_weights=True)
        stopper.on_train_begin()
        model = feed(stopper, [3, 2])
        assert model.stop_training
        assert model.weights[0] == 0

    def test_a_second_training_starts_anew(self):
        stopper = callbacks.EarlyStopping()
        for _ in range(2):
            stopper.on_train_begin()
            assert feed(stopper, [2, 1, 1]).weights[0] == 2

    def test_missing_monitor(self):
        with pytest.warns(RuntimeWarning, match="`val_loss`.*Available metrics are: acc, loss"):
            callbacks.EarlyStopping().on_epoch_end(0, {"loss": 1, "acc": 1})

    def test_unknown_mode(self):
        with pytest.warns(RuntimeWarning, match="'best'.*'min'"):
            callbacks.EarlyStopping(mode="best")


class TestModelCheckpoint:
    def test_best_only_never_overwrites_a_better_one(self):
        model = feed(callbacks.ModelCheckpoint("f{epoch}", save_best_only=True), [3, 2, 2.5, 2, 1])
        assert model.saved == [("model", "f1"), ("model", "f2"), ("model", "f5")]

    def test_nan_is_never_the_best(self):
        assert feed(callbacks.ModelCheckpoint("f", save_best_only=True), [np.nan]).saved == []

    def test_period_and_weights_only(self):
        model = feed(callbacks.ModelCheckpoint("f{epoch:02d}", period=2, save_weights_only=True), [5, 4, 3, 2, 1])
        assert model.saved == [("weights", "f02"), ("weights", "f04")]

    def test_logs_in_the_name(self):
        assert feed(callbacks.ModelCheckpoint("{epoch}-{val_loss:.2f}"), [1.234]).saved[0][1] == "1-1.23"

    def test_missing_name_in_the_path(self):
        with pytest.raises(KeyError, match="asks for 'val_acc'; there are: epoch, val_loss"):
            feed(callbacks.ModelCheckpoint("{val_acc}"), [1])

    def test_missing_monitor(self):
        with pytest.warns(RuntimeWarning, match=r"val_loss available, skipping.*loss"):
            assert feed(callbacks.ModelCheckpoint("f", save_best_only=True), [1], "loss").saved == []

    @pytest.mark.parametrize(
        ("path", "kind", "words"),
        [
            ("missing/f.h5", FileNotFoundError, "'missing' does not exist; create it"),
            ("file/f.h5", NotADirectoryError, "'file' is a file"),
            ("folder", IsADirectoryError, "it is a folder"),
        ],
    )
    def test_unwritable_path_is_an_error_before_training(self, path, kind, words, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        with pytest.raises(kind, match=words) as caught:
            callbacks.ModelCheckpoint(path).on_train_begin()
        assert path in str(caught.value)

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a folder in which even root can make no file")
    def test_folder_without_permission(self):
        with pytest.raises(OSError, match="no file can be made in '/proc/self'"):
            callbacks.ModelCheckpoint("/proc/self/f.h5").on_train_begin()

    def test_writable_path_is_left_as_it_is(self, tmp_path):
        callbacks.ModelCheckpoint(str(tmp_path / "f.h5")).on_train_begin()
        callbacks.ModelCheckpoint(tmp_path / "f.h5").on_train_begin()
        assert os.listdir(tmp_path) == []

    def test_folder_named_by_the_logs(self):
        callbacks.ModelCheckpoint("run-{epoch}/f.h5").on_train_begin()

    def test_an_existing_checkpoint_survives_the_check(self, tmp_path):
        path = tmp_path / "f.h5"
        path.write_bytes(b"weights")
        callbacks.ModelCheckpoint(str(path)).on_train_begin()
        assert path.read_bytes() == b"weights"


class TestTerminateOnNaN:
    @pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf, np.float32(np.nan)])
    def test_stops(self, loss, capsys):
        callback = callbacks.TerminateOnNaN()
        callback.set_model(FakeModel())
        callback.on_batch_end(4, {"loss": loss})
        assert callback.model.stop_training
        assert capsys.readouterr().out == "Batch 4: Invalid loss, terminating training\n"

    def test_goes_on(self):
        callback = callbacks.TerminateOnNaN()
        callback.set_model(FakeModel())
        callback.on_batch_end(0, {"loss": 1.0})
        assert not callback.model.stop_training


class TestCSVLogger:
    def write(self, path, epochs, **kwargs):
        logger = callbacks.CSVLogger(path, **kwargs)
        logger.on_train_begin()
        for epoch, logs in epochs:
            logger.on_epoch_end(epoch, logs)
        logger.on_train_end()

    def test_lines(self, tmp_path):
        path = tmp_path / "log.csv"
        self.write(path, [(0, {"loss": 1.5, "acc": 0.5}), (1, {"loss": 1.0, "acc": 0.75})])
        assert path.read_text() == "epoch,acc,loss\n0,0.5,1.5\n1,0.75,1.0\n"

    def test_appending_writes_no_second_header(self, tmp_path):
        path = tmp_path / "log.csv"
        for epoch in range(2):
            self.write(path, [(epoch, {"loss": 1.0})], append=True, separator=";")
        assert path.read_text() == "epoch;loss\n0;1.0\n1;1.0\n"

    def test_values_that_are_missing_or_several(self, tmp_path):
        path = tmp_path / "log.csv"
        self.write(path, [(0, {"loss": 1.0, "each": np.array([1, 2])}), (1, {"loss": 1.0})])
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert rows[0]["each"] == "[1, 2]"
        assert rows[1]["each"] == "NA"

    def test_missing_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="missing"):
            callbacks.CSVLogger(tmp_path / "missing" / "log.csv").on_train_begin()


def test_reduce_lr_refuses_what_would_not_reduce():
    with pytest.raises(ValueError, match=r"factor >= 1\.0"):
        callbacks.ReduceLROnPlateau(factor=1.0)
    with pytest.raises(TypeError, match="nope"):
        callbacks.ReduceLROnPlateau(nope=1)
    with pytest.warns(DeprecationWarning, match="min_delta"):
        assert callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5


def test_unknown_count_mode():
    with pytest.raises(ValueError, match="'samples' or 'steps'"):
        callbacks.ProgbarLogger("seconds")
