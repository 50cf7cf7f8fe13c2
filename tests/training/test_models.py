"""Models of several inputs and outputs, phases, and frozen parts in training."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import callbacks, optimizers
from polykeras.layers import BatchNormalization, Dense, Dropout, Input, add
from polykeras.models import Model, Sequential, load_model


@pytest.fixture
def two_by_two():
    a, b = Input((3,), name="a"), Input((2,), name="b")
    h = add([Dense(4)(a), Dense(4)(b)])
    model = Model([a, b], [Dense(1, name="p")(h), Dense(3, activation="softmax", name="q")(h)])
    model.compile(optimizers.SGD(lr=0.05), {"p": "mse", "q": "categorical_crossentropy"}, loss_weights={"q": 0.5})
    return model


@pytest.fixture
def arrays():
    r = np.random.RandomState(0)
    return {"a": r.rand(9, 3), "b": r.rand(9, 2)}, {"p": r.rand(9, 1), "q": np.eye(3)[r.randint(3, size=9)]}


class TestSeveralInputsAndOutputs:
    def test_lists_and_dicts_are_the_same(self, two_by_two, arrays):
        x, y = arrays
        by_name = two_by_two.evaluate(x, y, verbose=0)
        assert by_name == two_by_two.evaluate(list(x.values()), list(y.values()), verbose=0)
        assert by_name[0] == pytest.approx(by_name[1] + 0.5 * by_name[2], rel=1e-6)

    def test_history(self, two_by_two, arrays):
        history = two_by_two.fit(*arrays, validation_split=1 / 3, epochs=2, verbose=0)
        assert sorted(history.history) == ["loss", "p_loss", "q_loss", "val_loss", "val_p_loss", "val_q_loss"]

    def test_weights_of_one_output(self, two_by_two, arrays):
        x, y = arrays
        weight = np.array([0.0, 1, 2] * 3)
        _, p, q = two_by_two.evaluate(x, y, sample_weight={"q": weight}, verbose=0)
        prediction = two_by_two.predict(x)
        assert p == pytest.approx(((prediction[0] - y["p"]) ** 2).mean(), rel=1e-5)
        each = -(y["q"] * np.log(prediction[1])).sum(axis=1)
        assert q == pytest.approx((each * weight).mean() / (2 / 3), rel=1e-5)

    def test_train_on_batch(self, two_by_two, arrays):
        x, y = arrays
        first = two_by_two.train_on_batch(x, y)
        assert len(first) == 3
        assert two_by_two.train_on_batch(list(x.values()), list(y.values()))[0] < first[0]

    def test_superfluous_data_warns(self, two_by_two, arrays):
        x, y = arrays
        with pytest.warns(UserWarning, match="no input named 'c'") as caught:
            two_by_two.fit({**x, "c": x["a"]}, y, verbose=0)
        assert caught[0].filename == __file__

    def test_missing_data(self, two_by_two, arrays):
        x, y = arrays
        with pytest.raises(ValueError, match='No data provided for "b"'):
            two_by_two.fit({"a": x["a"]}, y, verbose=0)
        with pytest.raises(ValueError, match='No data provided for "q"'):
            two_by_two.fit(x, {"p": y["p"]}, verbose=0)
        with pytest.raises(ValueError, match="same number of samples"):
            two_by_two.fit(x, [y["p"][:3], y["q"]], verbose=0)


class TestPhases:
    def test_a_phase_that_is_fixed_needs_no_feeding(self):
        K.set_learning_phase(1)
        try:
            model = Sequential([Dropout(0.5, input_shape=(40,))])
            model.compile("sgd", "mse")
            x = np.ones((2, 40))
            assert (model.predict(x) == 0).any()
            assert model.test_on_batch(x, x) > 0
        finally:
            K.clear_session()

    def test_batch_statistics_move_with_sample_weights_too(self):
        x = np.random.RandomState(0).rand(8, 3)
        moved = []
        for weight in (None, np.arange(8.0)):
            model = Sequential([BatchNormalization(input_shape=(3,)), Dense(1)])
            model.compile(optimizers.SGD(lr=0.0), "mse")
            model.train_on_batch(x, np.ones((8, 1)), sample_weight=weight)
            moved.append(model.layers[0].get_weights())
        for a, b in zip(*moved, strict=True):
            np.testing.assert_array_equal(a, b)
        assert (moved[0][2] != 0).all()

    def test_keras_predict_function_takes_the_phase(self):
        model = Sequential([Dropout(0.5, input_shape=(40,))])
        x = np.ones((1, 40))
        model._make_predict_function()
        assert (model.predict_function([x, 0])[0] == 1).all()
        assert (model.predict_function([x, 1])[0] == 0).any()


def test_adversaries_share_layers_but_train_their_own():
    """The one is frozen inside the other, and still trains by itself."""
    critic = Sequential([Dense(1, activation="sigmoid", input_shape=(2,))])
    critic.compile("adam", "binary_crossentropy")
    maker = Sequential([Dense(2, input_shape=(3,))])
    critic.trainable = False
    both = Sequential([maker, critic])
    both.compile("adam", "binary_crossentropy")

    def moved(model, x, parts):
        before = [part.get_weights() for part in parts]
        model.train_on_batch(x, np.ones((4, 1)))
        after = [part.get_weights() for part in parts]
        return [any((a != b).any() for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)]

    assert moved(both, np.random.rand(4, 3), (maker, critic)) == [True, False]
    with pytest.warns(UserWarning, match="Discrepancy"):
        assert moved(critic, np.random.rand(4, 2), (maker, critic)) == [False, True]


def test_the_best_checkpoint_is_the_best_model(tmp_path):
    np.random.seed(0)
    x, y = np.random.rand(20, 4), np.random.rand(20, 2)
    model = Sequential([Dense(2, input_shape=(4,))])
    model.compile(optimizers.SGD(lr=0.1), "mse")
    path = tmp_path / "best.h5"

    def schedule(epoch):
        return 0.1 if epoch < 3 else -1.0  # the last epochs make it worse

    history = model.fit(
        x, y, epochs=5, validation_data=(x, y), verbose=0,
        callbacks=[
            callbacks.ModelCheckpoint(str(path), save_best_only=True), callbacks.LearningRateScheduler(schedule)
        ],
    )  # fmt: skip
    values = history.history["val_loss"]
    assert values.index(min(values)) == 2
    assert load_model(str(path)).evaluate(x, y, verbose=0) == pytest.approx(min(values), rel=1e-5)


def test_known_shapes_are_not_mistaken(two_by_two, arrays):
    """Batches whose shapes were seen before take a short way; it must lead to the same place."""
    x, y = (list(part.values()) for part in arrays)
    first = two_by_two.test_on_batch(x, y)
    assert two_by_two.test_on_batch(x, y) == first
    assert two_by_two.test_on_batch(*arrays) == first
    with pytest.raises(ValueError, match="expected a to have shape"):
        two_by_two.test_on_batch(x[::-1], y)
    with pytest.raises(ValueError, match="9 input samples and 5 target"):
        two_by_two.test_on_batch(x, [part[:5] for part in y])
