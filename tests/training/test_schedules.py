"""Learning-rate schedules: against their formulas in Python's floats, inside optimizers, and in files."""

import math

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import optimizers, registry
from polykeras.callbacks import LearningRateScheduler, ReduceLROnPlateau
from polykeras.layers import Dense
from polykeras.models import Sequential, load_model
from polykeras.optimizers import SGD, Adam, schedules
from polykeras.optimizers.schedules import LearningRateSchedule


def exponential(n, staircase=False):
    periods = n // 4 if staircase else n / 4
    return 0.1 * 0.5**periods


def inverse_time(n, staircase=False):
    periods = n // 4 if staircase else n / 4
    return 0.1 / (1 + 0.5 * periods)


def polynomial(n, power=1.0, cycle=False):
    total = 10 * max(1, math.ceil(n / 10)) if cycle else 10
    return (0.1 - 0.01) * (1 - min(n, total) / total) ** power + 0.01


def piecewise(n):
    return 1.0 if n <= 3 else 0.5 if n <= 7 else 0.25


def cosine(n, alpha=0.0, peak=0.1, steps=10):
    return peak * ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * min(n, steps) / steps)) + alpha)


def warmed(n):
    return 0.01 + (0.2 - 0.01) * n / 5 if n < 5 else cosine(n - 5, alpha=0.1, peak=0.2)


def restarts(n, t_mul=2.0, m_mul=1.0, alpha=0.0):
    """By walking from cycle to cycle."""
    start, length, height = 0.0, 5.0, 1.0
    while n >= start + length:
        start, length, height = start + length, length * t_mul, height * m_mul
    return 0.1 * ((1 - alpha) * height * 0.5 * (1 + math.cos(math.pi * (n - start) / length)) + alpha)


def partial(function, *args):
    return lambda n: function(n, *args)


CASES = {
    "exponential": (schedules.ExponentialDecay(0.1, 4, 0.5), exponential),
    "exponential in stairs": (schedules.ExponentialDecay(0.1, 4, 0.5, True), partial(exponential, True)),
    "inverse time": (schedules.InverseTimeDecay(0.1, 4, 0.5), inverse_time),
    "inverse time in stairs": (schedules.InverseTimeDecay(0.1, 4, 0.5, True), partial(inverse_time, True)),
    "piecewise": (schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.25]), piecewise),
    "polynomial": (schedules.PolynomialDecay(0.1, 10, 0.01), polynomial),
    "square root": (schedules.PolynomialDecay(0.1, 10, 0.01, power=0.5), partial(polynomial, 0.5)),
    "polynomial cycles": (schedules.PolynomialDecay(0.1, 10, 0.01, 2.0, True), partial(polynomial, 2.0, True)),
    "cosine": (schedules.CosineDecay(0.1, 10), cosine),
    "cosine with a floor": (schedules.CosineDecay(0.1, 10, alpha=0.3), partial(cosine, 0.3)),
    "cosine with warm-up": (schedules.CosineDecay(0.01, 10, 0.1, warmup_target=0.2, warmup_steps=5), warmed),
    "restarts": (schedules.CosineDecayRestarts(0.1, 5), restarts),
    "restarts of one length": (schedules.CosineDecayRestarts(0.1, 5, 1.0, 0.5), partial(restarts, 1.0, 0.5)),
    "restarts by thirds": (schedules.CosineDecayRestarts(0.1, 5, 3.0, 0.9, 0.2), partial(restarts, 3.0, 0.9, 0.2)),
}


@pytest.mark.parametrize("case", CASES)
class TestFormulas:
    def test_numbers(self, case):
        schedule, expected = CASES[case]
        # 605 = 5·(1 + 3 + 9 + 27 + 81): where cycles of three times the length meet
        for n in [*range(25), 35, 65, 605, 10_000]:
            assert schedule(n) == pytest.approx(expected(n), rel=1e-9, abs=1e-15), n

    def test_tensors(self, case):
        schedule, expected = CASES[case]
        step = K.variable(0, dtype="int64")
        f = K.function([], [schedule(step)], updates=[K.update_add(step, 1)])
        for n in range(25):
            (rate,) = f([])
            assert rate.dtype == K.floatx()
            assert rate == pytest.approx(expected(n), rel=1e-6, abs=1e-9), n

    def test_config(self, case):
        schedule, _ = CASES[case]
        config = schedules.serialize(schedule)
        again = schedules.deserialize(config)
        assert type(again) is type(schedule)
        assert again.get_config() == schedule.get_config()
        assert [again(n) for n in range(20)] == [schedule(n) for n in range(20)]

    def test_registered(self, case):
        schedule, _ = CASES[case]
        name = type(schedule).__name__
        assert registry.schedules.get(name) is type(schedule)
        assert getattr(schedules, name) is type(schedule)


def ascent(rates):
    """Weights after each step of plain descent on a gradient of -1."""
    return np.cumsum(rates)


@pytest.fixture
def climber():
    """A model of one weight from 0 whose gradient is -1."""
    return Sequential([Dense(1, use_bias=False, input_shape=(1,), kernel_initializer="zeros")])


def minus(y_true, y_pred):
    return -K.mean(y_pred, axis=-1)


EVERY = ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Lion", "Ftrl"]
X, Y = np.ones((2, 1)), np.zeros((2, 1))


class TestInOptimizers:
    def test_each_step_has_its_rate(self, climber):
        schedule, expected = CASES["exponential"]
        climber.compile(SGD(lr=schedule), minus)
        for n in range(6):
            assert float(K.get_value(climber.optimizer.lr)) == pytest.approx(expected(n), rel=1e-6)
            climber.train_on_batch(X, Y)
            got = climber.get_weights()[0].item()
            assert got == pytest.approx(ascent([expected(i) for i in range(n + 1)])[-1], rel=1e-5)

    @pytest.mark.parametrize("name", EVERY)
    def test_a_constant_schedule_is_the_number(self, name):
        results = []
        r = np.random.RandomState(3)
        x, y = r.rand(5, 3), r.rand(5, 2)
        for lr in (0.25, schedules.PiecewiseConstantDecay([100], [0.25, 0.0])):
            model = Sequential([Dense(2, input_shape=(3,), kernel_initializer="ones")])
            model.compile(getattr(optimizers, name)(learning_rate=lr), "mse")
            for _ in range(3):
                model.train_on_batch(x, y)
            results.append(model.get_weights())
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)

    def test_with_decay_both_apply(self, climber):
        schedule, expected = CASES["piecewise"]
        climber.compile(SGD(lr=schedule, decay=1.0), minus)
        for _ in range(5):
            climber.train_on_batch(X, Y)
        rates = [expected(n) / (1 + n) for n in range(5)]
        assert climber.get_weights()[0].item() == pytest.approx(sum(rates), rel=1e-5)

    def test_config_round_trip(self):
        schedule, _ = CASES["cosine with warm-up"]
        optimizer = Adam(lr=schedule, clipnorm=1.0)
        config = optimizer.get_config()
        assert config["lr"] == {"class_name": "CosineDecay", "config": schedule.get_config()}
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert again.get_config() == config
        assert again.lr_schedule.get_config() == schedule.get_config()
        assert Adam(lr=0.5).lr_schedule is None

    def test_a_saved_model_goes_on_where_the_schedule_was(self, climber, tmp_path):
        schedule, expected = CASES["exponential"]
        climber.compile(SGD(lr=schedule), "mse")
        for _ in range(3):
            climber.train_on_batch(X, Y)
        climber.save(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5")
        assert float(K.get_value(again.optimizer.lr)) == pytest.approx(expected(3), rel=1e-6)
        assert again.optimizer.get_config() == climber.optimizer.get_config()
        for model in (climber, again):
            model.train_on_batch(X, Y + 1)
        np.testing.assert_array_equal(climber.get_weights()[0], again.get_weights()[0])

    def test_a_schedule_of_ones_own(self, climber, tmp_path):
        class Halving(LearningRateSchedule):
            def __init__(self, start):
                self.start = start

            def rate(self, step):
                return self.start / (1.0 + step)

            def get_config(self):
                return {"start": self.start}

        climber.compile(SGD(lr=Halving(1.0)), "mse")
        climber.save(tmp_path / "m.h5")
        with pytest.warns(UserWarning, match="Unknown learning-rate schedule: Halving"):
            load_model(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5", custom_objects={"Halving": Halving})
        assert again.optimizer.lr_schedule.start == 1.0
        assert Halving(3.0)(2) == 1.0

    def test_one_that_defines_call(self, climber):
        class Linear(LearningRateSchedule):
            def __call__(self, step):
                return K.cast(step, "float32") + 1.0

        climber.compile(SGD(lr=Linear()), minus)
        for _ in range(4):
            climber.train_on_batch(X, Y)
        assert climber.get_weights()[0].item() == pytest.approx(1 + 2 + 3 + 4)

    def test_assigning_a_schedule_before_compile(self, climber):
        optimizer = SGD(lr=0.5)
        optimizer.lr = CASES["piecewise"][0]
        climber.compile(optimizer, minus)
        climber.train_on_batch(X, Y)
        assert climber.get_weights()[0].item() == 1.0

    def test_assigning_a_number_ends_the_schedule(self, climber):
        optimizer = SGD(lr=CASES["piecewise"][0])
        with pytest.raises(TypeError, match="only a variable can be set"):
            K.set_value(optimizer.lr, 0.5)
        optimizer.lr = 0.25
        assert optimizer.lr_schedule is None
        optimizer.lr = 0.5
        climber.compile(optimizer, minus)
        climber.train_on_batch(X, Y)
        optimizer.lr = 2.0
        climber.train_on_batch(X, Y)
        assert climber.get_weights()[0].item() == 2.5

    def test_a_schedule_as_the_callbacks_function(self, climber):
        climber.compile(SGD(lr=7.0), minus)
        history = climber.fit(X, Y, epochs=9, verbose=0, callbacks=[LearningRateScheduler(CASES["piecewise"][0])])
        np.testing.assert_allclose(history.history["lr"], [piecewise(n) for n in range(9)])

    def test_a_callback_cannot_set_what_a_schedule_gives(self, climber):
        climber.compile(SGD(lr=CASES["piecewise"][0]), minus)
        with pytest.raises(TypeError, match="LearningRateScheduler.*schedule PiecewiseConstantDecay"):
            climber.fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.5)])
        plateau = ReduceLROnPlateau("loss", patience=1, min_delta=1e9)
        with pytest.raises(TypeError, match="ReduceLROnPlateau.*schedule PiecewiseConstantDecay"):
            climber.fit(X, Y, epochs=5, verbose=0, callbacks=[plateau])


class TestErrors:
    def test_lengths(self):
        with pytest.raises(ValueError, match="2 boundaries and 2 values"):
            schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
        with pytest.raises(ValueError, match="increase"):
            schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3])

    @pytest.mark.parametrize(
        "cls, arguments",
        [
            ("ExponentialDecay", (0.1, 0, 0.5)),
            ("InverseTimeDecay", (0.1, 0, 0.5)),
            ("PolynomialDecay", (0.1, -1)),
            ("CosineDecay", (0.1, 0)),
            ("CosineDecayRestarts", (0.1, 0)),
        ],
    )
    def test_number_of_steps(self, cls, arguments):
        with pytest.raises(ValueError, match="more than 0"):
            getattr(schedules, cls)(*arguments)

    def test_growth_below_one(self):
        with pytest.raises(ValueError, match="t_mul should be 1 or more; got 0.5"):
            schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5)

    def test_unknown_name(self):
        with pytest.raises(ValueError, match="learning-rate schedule: CosineDekay.*CosineDecay"):
            schedules.deserialize({"class_name": "CosineDekay", "config": {}})

    def test_what_is_not_defined(self):
        with pytest.raises(NotImplementedError, match="must define rate"):
            LearningRateSchedule()(0)
        with pytest.raises(NotImplementedError, match="must define get_config"):
            SGD(lr=LearningRateSchedule()).get_config()
