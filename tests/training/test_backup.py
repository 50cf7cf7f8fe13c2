"""BackupAndRestore: what a training remembers when it goes on. The test with killed processes is e2e/test_resume.py."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from polykeras import backend as K
from polykeras import callbacks, metrics, optimizers
from polykeras.callbacks import BackupAndRestore
from polykeras.layers import LSTM, BatchNormalization, Dense, Dropout, Input, Lambda, concatenate
from polykeras.models import Model, Sequential
from polykeras.saving import plain_data
from polykeras.saving.gate import open_checked
from polykeras.utils import Sequence, set_random_seed

EPOCHS, BATCHES = 4, 5


class Interrupted(Exception):
    pass


class Interruption(callbacks.Callback):
    """Ends training after a batch, as an error does. `batch` None: at the end of the epoch."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.moment = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.moment:
            raise Interrupted

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.moment:
            raise Interrupted

    def get_state(self):
        return self.epoch

    def set_state(self, state):
        self.epoch = state


def make(optimizer="adam", **compiled):
    K.clear_session()
    set_random_seed(4)
    model = Sequential([Dense(6, activation="relu", input_shape=(3,)), BatchNormalization(), Dropout(0.4), Dense(1)])
    model.compile(optimizer, "mse", **compiled)
    return model


@pytest.fixture
def data():
    r = np.random.RandomState(2)
    x = r.rand(38, 3)
    return x, x.sum(axis=1) + r.rand(38)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backup"


def fit(model, data, listeners=(), **arguments):
    settings = {"batch_size": 8, "epochs": EPOCHS, "verbose": 0, **arguments}
    return model.fit(*data, callbacks=list(listeners), **settings)


def same(a, b):
    assert len(a) == len(b)
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def interrupted_and_resumed(data, folder, moment, listeners=list, build=make, save_freq=1, **arguments):
    """The model and the history of a training that an error ended at `moment`, and that ran again in new objects."""
    with pytest.raises(Interrupted):
        backup = BackupAndRestore(folder, save_freq)
        fit(build(), data, [*listeners(), backup, Interruption(*moment)], **arguments)
    model = build()
    history = fit(model, data, [*listeners(), BackupAndRestore(folder, save_freq)], **arguments)
    return model, history


@pytest.mark.parametrize("save_freq", [1, 2, 3, 7, "epoch"])
@pytest.mark.parametrize("moment", [(0, 0), (0, 2), (1, 3), (1, None), (2, 0), (3, 1), (3, 3), (3, None)])
def test_ends_as_the_unbroken_training(data, folder, save_freq, moment):
    unbroken = make(metrics=["mae"])
    expected = fit(unbroken, data, validation_split=0.2)

    def build():
        return make(metrics=["mae"])

    model, history = interrupted_and_resumed(
        data, folder, moment, build=build, save_freq=save_freq, validation_split=0.2
    )
    assert history.epoch == expected.epoch
    assert history.history == expected.history
    assert list(history.history) == list(expected.history)
    same(model.get_weights(), unbroken.get_weights())
    same(model.optimizer.get_weights(), unbroken.optimizer.get_weights())
    assert not list(folder.iterdir())


@pytest.mark.parametrize("shuffle", [False, "batch"])
def test_other_orders_of_the_samples(data, folder, shuffle):
    unbroken = make()
    fit(unbroken, data, shuffle=shuffle)
    model, _ = interrupted_and_resumed(data, folder, (2, 3), shuffle=shuffle)
    same(model.get_weights(), unbroken.get_weights())


def test_sample_weights_take_part(data, folder):
    weights = np.arange(38) / 20
    unbroken = make()
    fit(unbroken, data, sample_weight=weights)
    model, _ = interrupted_and_resumed(data, folder, (1, 2), sample_weight=weights)
    same(model.get_weights(), unbroken.get_weights())


def test_it_really_goes_on(data, folder):
    """Only what was missing is trained."""
    seen = []
    with pytest.raises(Interrupted):
        fit(make(), data, [BackupAndRestore(folder, 2), Interruption(2, 3)])
    count = callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(("epoch", epoch)),
        on_batch_begin=lambda batch, logs: seen.append(batch),
    )
    fit(make(), data, [count, BackupAndRestore(folder, 2)])
    assert seen == [2, 3, 4, ("epoch", 3), 0, 1, 2, 3, 4]


def test_initial_epoch_is_where_an_unbroken_training_would_begin(data, folder):
    unbroken = make()
    expected = fit(unbroken, data, initial_epoch=2)
    assert expected.epoch == [2, 3]
    model, history = interrupted_and_resumed(data, folder, (2, 3), initial_epoch=2)
    assert history.epoch == [2, 3]
    same(model.get_weights(), unbroken.get_weights())


class TestCallbacksRemember:
    def check(self, data, folder, listeners, moment=(2, 2), **arguments):
        """The unbroken run's callbacks and history, then the resumed one's, whose weights were the same."""
        unbroken, first = make(), listeners()
        expected = fit(unbroken, data, first, **arguments)
        second = []

        def newly():
            second[:] = listeners()
            return second

        model, history = interrupted_and_resumed(data, folder, moment, newly, **arguments)
        same(model.get_weights(), unbroken.get_weights())
        assert history.history == expected.history
        return first, second

    def test_reduce_lr_on_plateau(self, data, folder):
        def listeners():
            return [callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=2, min_delta=10, cooldown=1)]

        (first,), (second,) = self.check(data, folder, listeners, epochs=9, moment=(6, 1))
        assert (first.best, first.wait, first.cooldown_counter) == (second.best, second.wait, second.cooldown_counter)

    def test_a_schedule_of_the_last_rate(self, data, folder):
        self.check(data, folder, lambda: [callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7)])

    def test_early_stopping(self, data, folder):
        def listeners():
            return [callbacks.EarlyStopping("loss", min_delta=10, patience=3, restore_best_weights=True)]

        (first,), (second,) = self.check(data, folder, listeners, epochs=20, moment=(2, 1))
        assert first.stopped_epoch == second.stopped_epoch == 3

    def test_a_training_that_had_stopped_stays_stopped(self, data, folder):
        def listeners():
            stop = callbacks.EarlyStopping("loss", min_delta=10, patience=2)
            return [stop, BackupAndRestore(folder, delete_checkpoint=False)]

        stopped = make()
        history = fit(stopped, data, listeners(), epochs=20)
        assert history.epoch == [0, 1, 2]
        again = make()
        assert fit(again, data, listeners(), epochs=20).history == history.history
        same(again.get_weights(), stopped.get_weights())

    def test_the_best_checkpoint(self, data, folder, tmp_path):
        def listeners():
            return [callbacks.ModelCheckpoint(tmp_path / "{epoch}.h5", "loss", save_best_only=True, period=2)]

        (first,), (second,) = self.check(data, folder, listeners, moment=(3, 0))
        assert (first.best, first.epochs_since_last_save) == (second.best, second.epochs_since_last_save)

    @pytest.mark.parametrize("moment", [(0, 2), (2, 2), (2, None)])
    @pytest.mark.parametrize("append", [False, True])
    def test_the_csv_log(self, data, folder, tmp_path, append, moment):
        for name in ("unbroken.csv", "resumed.csv"):
            (tmp_path / name).write_text("epoch,loss\n7,0.5\n" if append else "to be replaced\n")
        fit(make(), data, [callbacks.CSVLogger(tmp_path / "unbroken.csv", append=append)])
        logs = []

        def listeners():
            logs.append(callbacks.CSVLogger(tmp_path / "resumed.csv", append=append))
            return logs[-1:]

        interrupted_and_resumed(data, folder, moment, listeners, save_freq=2)
        logs[0].csv_file.close()  # as the end of its process would
        expected = (tmp_path / "unbroken.csv").read_text()
        assert (tmp_path / "resumed.csv").read_text() == expected
        assert [row[0] for row in csv.reader(expected.splitlines())] == ["epoch", *(["7"] if append else []), *"0123"]

    def test_ones_own(self, data, folder):
        class Watch(callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.losses = []

            def on_batch_end(self, batch, logs=None):
                self.losses.append(logs["loss"])

            def get_state(self):
                return {"losses": self.losses, 3: (None, True)}

            def set_state(self, state):
                assert state[3] == (None, True)
                self.losses = state["losses"]

        (first,), (second,) = self.check(data, folder, lambda: [Watch()])
        assert len(first.losses) == EPOCHS * BATCHES
        assert first.losses == second.losses
        assert [type(loss) for loss in second.losses] == [type(loss) for loss in first.losses]

    def test_one_that_cannot_be_kept_is_named(self, data, folder):
        class Odd(callbacks.Callback):
            def get_state(self):
                return {"file": open}

        with pytest.raises(TypeError, match=r"'file'\] is <built-in function open>.*cannot be kept"):
            fit(make(), data, [Odd(), BackupAndRestore(folder)])

    def test_two_of_a_kind_are_told_apart(self, data, folder):
        def listeners():
            stops = [callbacks.EarlyStopping("loss", patience=patience) for patience in (50, 60)]
            stops[1].best = 5
            return stops

        (first, other), (second, another) = self.check(data, folder, listeners)
        assert (first.best, other.best) == (second.best, another.best)


def test_variables_of_the_users_own(data, folder):
    """A loss with a variable that training updates, and one that a callback sets."""

    def build():
        model = make()
        steps, factor = K.variable(0.0), K.variable(1.0)

        def loss(y_true, y_pred):
            return K.mean(K.square(y_true - y_pred), axis=-1) * factor * (1 + K.update_add(steps, 0.1))

        model.compile("sgd", loss)
        model.factor = factor
        return model

    class Halve(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            K.set_value(self.model.factor, K.get_value(self.model.factor) / 2)

    unbroken = build()
    expected = fit(unbroken, data, [Halve()])
    model, history = interrupted_and_resumed(data, folder, (2, 1), lambda: [Halve()], build)
    assert history.history == expected.history
    same(model.get_weights(), unbroken.get_weights())


def test_random_layers_without_a_name(data, folder):
    """Raw random tensors have counters too."""

    def build():
        K.clear_session()
        set_random_seed(4)
        noise = Lambda(lambda x: x + K.random_normal(K.shape(x), stddev=0.1))
        model = Sequential([Dense(4, input_shape=(3,)), noise, Dense(1)])
        model.compile("rmsprop", "mse")
        return model

    unbroken = build()
    expected = fit(unbroken, data, validation_split=0.3)
    _, history = interrupted_and_resumed(data, folder, (2, 1), build=build, validation_split=0.3)
    assert history.history == expected.history


class Rows(Sequence):
    """Batches of 8 rows; each pass goes through them in another order of its own."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.order = np.arange(len(x))
        self.random = np.random.RandomState(3)

    def __len__(self):
        return -(-len(self.x) // 8)

    def __getitem__(self, index):
        rows = self.order[index * 8 : (index + 1) * 8]
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.random.shuffle(self.order)

    def get_state(self):
        return self.order, self.random.get_state()

    def set_state(self, state):
        self.order = state[0]
        self.random.set_state(state[1])


class TestStreams:
    def check(self, folder, source, moment=(2, 1), save_freq=2, **arguments):
        def fit(model, *listeners):
            generated = {key: value() if callable(value) else value for key, value in arguments.items()}
            return model.fit_generator(source(), epochs=EPOCHS, verbose=0, callbacks=list(listeners), **generated)

        unbroken = make()
        expected = fit(unbroken)
        with pytest.raises(Interrupted):
            fit(make(), BackupAndRestore(folder, save_freq), Interruption(*moment))
        model = make()
        history = fit(model, BackupAndRestore(folder, save_freq))
        assert history.history == expected.history
        same(model.get_weights(), unbroken.get_weights())

    @pytest.mark.parametrize("workers", [0, 1, 3])
    @pytest.mark.parametrize("steps", [None, 3])  # of 5 batches
    @pytest.mark.parametrize("moment", [(0, 2), (2, 1), (2, None)])
    def test_a_sequence(self, data, folder, workers, steps, moment):
        self.check(folder, lambda: Rows(*data), moment, workers=workers, steps_per_epoch=steps, shuffle=True)

    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_generator_makes_its_batches_again(self, data, folder, workers):
        def rows():
            random = np.random.RandomState(8)
            while True:
                picked = random.randint(38, size=6)
                yield data[0][picked], data[1][picked]

        self.check(folder, rows, workers=workers, steps_per_epoch=4)

    def test_a_generator_that_draws_from_numpys_own(self, data, folder):
        def rows():
            while True:
                picked = np.random.randint(38, size=6)
                yield data[0][picked], data[1][picked]

        self.check(folder, rows, workers=0, steps_per_epoch=4)

    def test_an_iterator_that_can_be_told_where_to_go_on(self, data, folder):
        made = []

        class Counting:
            number = 0

            def __next__(self):
                self.number += 1
                made.append(self.number)
                rows = slice(self.number % 4 * 8, self.number % 4 * 8 + 8)
                return data[0][rows], data[1][rows]

            def get_state(self):
                return self.number

            def set_state(self, state):
                self.number = state

        self.check(folder, Counting, workers=0, steps_per_epoch=4)
        # unbroken; until the second batch of epoch 2; from the backup before it
        assert made == [*range(1, 17), *range(1, 11), *range(9, 17)]

    def test_a_generator_for_validation(self, data, folder):
        def validation():
            random = np.random.RandomState(9)
            while True:
                picked = random.randint(38, size=5)
                yield data[0][picked], data[1][picked]

        self.check(folder, lambda: Rows(*data), validation_data=validation, validation_steps=3)

    def test_other_steps(self, data, folder):
        with pytest.raises(Interrupted):
            make().fit_generator(Rows(*data), verbose=0, callbacks=[BackupAndRestore(folder, 1), Interruption(0, 2)])
        with pytest.raises(ValueError, match="steps was 5, and is 4 now"):
            make().fit_generator(Rows(*data), 4, verbose=0, callbacks=[BackupAndRestore(folder, 1)])


def recurrent():
    """Whose states stay from batch to batch."""
    model = Sequential(
        [LSTM(4, stateful=True, batch_input_shape=(4, 5, 3), dropout=0.2, recurrent_dropout=0.2), Dense(1)]
    )
    model.compile("rmsprop", "mse")
    return model, np.random.rand(20, 5, 3), np.random.rand(20, 1)


def branched():
    a, b = Input((3,), name="a"), Input((2,), name="b")
    joined = Dropout(0.5)(concatenate([Dense(4)(a), b]))
    model = Model([a, b], [Dense(1, name="one")(joined), Dense(2, activation="softmax", name="two")(joined)])
    model.compile("adam", {"one": "mse", "two": "categorical_crossentropy"}, metrics={"two": ["acc", metrics.AUC()]})
    y = {"one": np.random.rand(20), "two": np.eye(2)[np.random.randint(2, size=20)]}
    return model, {"a": np.random.rand(20, 3), "b": np.random.rand(20, 2)}, y


def subclassed():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.hidden = Dense(4, activation="relu")
            self.noise = Dropout(0.4)
            self.result = Dense(1)

        def call(self, x):
            return self.result(self.noise(self.hidden(x)))

    model = Own()
    model.compile("nadam", "mse")
    return model, np.random.rand(20, 3), np.random.rand(20, 1)


def frozen():
    model = Sequential([Dense(4, input_shape=(3,)), BatchNormalization(), Dropout(0.2), Dense(1)])
    model.layers[0].trainable = model.layers[1].trainable = False
    model.compile("sgd", "mse")
    return model, np.random.rand(20, 3), np.random.rand(20, 1)


@pytest.mark.parametrize("build", [recurrent, branched, subclassed, frozen])
def test_models_of_every_kind(folder, build):
    def run(*listeners):
        K.clear_session()
        set_random_seed(3)
        model, x, y = build()
        return model, fit(model, (x, y), listeners, batch_size=4, shuffle=build is not recurrent)

    unbroken, expected = run()
    with pytest.raises(Interrupted):
        run(BackupAndRestore(folder, 2), Interruption(1, 3))
    model, history = run(BackupAndRestore(folder, 2))
    assert history.history == expected.history
    same(model.get_weights(), unbroken.get_weights())


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"])
def test_every_optimizer(data, folder, name):
    def build():
        keywords = {"momentum": 0.9, "nesterov": True} if name == "SGD" else {}
        return make(getattr(optimizers, name)(**keywords))

    unbroken = build()
    expected = fit(unbroken, data)
    model, history = interrupted_and_resumed(data, folder, (1, 3), build=build, save_freq=2)
    assert history.history == expected.history
    same(model.get_weights(), unbroken.get_weights())


class TestTheFile:
    def test_a_backup_that_fails_leaves_the_one_before(self, data, folder, monkeypatch):
        unbroken = make()
        fit(unbroken, data)
        real, calls = plain_data.write, []

        def failing(group, state):
            real(group, state)
            calls.append(state)
            if len(calls) == 4:
                raise OSError("no space left")

        monkeypatch.setattr(plain_data, "write", failing)
        with pytest.raises(OSError, match="no space left"):
            fit(make(), data, [BackupAndRestore(folder, 3)])
        monkeypatch.undo()
        assert [path.name for path in folder.iterdir()] == ["backup.h5"]
        model = make()
        fit(model, data, [BackupAndRestore(folder, 3)])
        same(model.get_weights(), unbroken.get_weights())

    def test_kept_when_training_ends_if_so_wished(self, data, folder):
        trained = make()
        fit(trained, data, [BackupAndRestore(folder, 3, delete_checkpoint=False)], epochs=3)
        longer = make()
        history = fit(longer, data, [BackupAndRestore(folder, 3, delete_checkpoint=False)], epochs=4)
        unbroken = make()
        assert fit(unbroken, data, epochs=4).history == history.history
        same(longer.get_weights(), unbroken.get_weights())

    def test_remains_of_killed_processes_are_removed(self, data, folder):
        folder.mkdir()
        (folder / ".backup.h5.0123abcd.tmp").write_text("half")
        (folder / "other").write_text("of the user")
        fit(make(), data, [BackupAndRestore(folder)], epochs=1)
        assert [path.name for path in folder.iterdir()] == ["other"]

    def test_another_model(self, data, folder):
        with pytest.raises(Interrupted):
            fit(make(), data, [BackupAndRestore(folder, 1), Interruption(1, 1)])
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile("adam", "mse")
        before = model.get_weights()
        with pytest.raises(ValueError, match=r"another model: it had \d+ variables.*this one has 12"):
            fit(model, data, [BackupAndRestore(folder, 1)])
        same(model.get_weights(), before)

    def test_other_data(self, data, folder):
        with pytest.raises(Interrupted):
            fit(make(), data, [BackupAndRestore(folder, 1), Interruption(1, 1)])
        x, y = data
        with pytest.raises(ValueError, match="other data: samples was 38, and is 30 now"):
            fit(make(), (x[:30], y[:30]), [BackupAndRestore(folder, 1)])

    def test_no_backup(self, data, folder):
        folder.mkdir()
        make().save(folder / "backup.h5")
        with pytest.raises(ValueError, match=r"backup\.h5 is no backup that BackupAndRestore made"):
            fit(make(), data, [BackupAndRestore(folder)])
        (folder / "backup.h5").write_text("nonsense")
        with pytest.raises(OSError, match="not an HDF5 file"):
            fit(make(), data, [BackupAndRestore(folder)])

    @pytest.mark.parametrize("save_freq", [0, -1, True, "batch", 2.5, None])
    def test_save_freq_is_checked(self, folder, save_freq):
        with pytest.raises(ValueError, match="`save_freq` should be"):
            BackupAndRestore(folder, save_freq)


# -- plain data --------------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(["bool", "int8", "uint32", "int64", "uint64", "float16", "float32", ">f8", "complex64"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    NUMBERS.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0, max_side=3))),
    NUMBERS.flatmap(lambda dtype: arrays.from_dtype(np.dtype(dtype))),
)
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.just("$array"), st.integers()), inner, max_size=3),
    ),
    max_leaves=12,
)


def exactly(a, b):
    """Whether two pieces of plain data are the same in value and in type."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(exactly(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(exactly, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b or (a != a and b != b)


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_plain_data_comes_back_as_it_was(tmp_path_factory, value):
    import h5py

    path = tmp_path_factory.mktemp("plain") / "data.h5"
    with h5py.File(path, "w") as file:
        plain_data.write(file, value)
    with open_checked(path) as file:
        assert exactly(plain_data.read(file), value)


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), np.array(["a"]), [{"a": print}], b"bytes"])
def test_what_is_no_plain_data(tmp_path, value):
    import h5py

    with h5py.File(tmp_path / "data.h5", "w") as file:
        with pytest.raises(TypeError, match="data.*can"):
            plain_data.write(file, value)


@pytest.mark.parametrize(
    "text",
    [
        b"no json",
        b'{"$array": [0, [4], "<f8"]}',
        b'{"$array": [0, [1], "O"]}',
        b'{"$array": [-8, [1], "<f8"]}',
        b'{"$array": 5}',
        b'{"$dict": [1]}',
        b'{"$dict": [[[], 1]]}',
        b'{"$tuple": 1}',
        b'{"$tuple": [], "$dict": []}',
        b'{"$array": [0, [-1], "<f8"]}',
        b"[" * 100_000,
    ],
)
def test_forged_data_is_a_value_error(tmp_path, text):
    import h5py

    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["data"] = np.frombuffer(text, "uint8")
        file["arrays"] = np.zeros(16, "uint8")
    with open_checked(tmp_path / "data.h5") as file:
        with pytest.raises(ValueError, match="holds no plain data that polykeras wrote"):
            plain_data.read(file)
