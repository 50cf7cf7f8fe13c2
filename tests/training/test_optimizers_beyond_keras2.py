"""AdamW, Lion, Ftrl, the adapter, Keras 1's `get_updates`: against brute force in float64."""

import warnings

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import optimizers
from polykeras.constraints import NonNeg
from polykeras.engine.functions import training_storages
from polykeras.layers import Dense
from polykeras.models import Sequential, load_model
from polykeras.optimizers import SGD, Adam, AdamW, Ftrl, Lion, Optimizer, TFOptimizer
from polykeras.runtime.variables import FlatStorage

R = np.random.RandomState(7)
STEPS = 6
START = R.randn(3, 2)
GRADIENTS = R.randn(STEPS, 3, 2)
GRADIENTS[2] = 0.0
GRADIENTS[3, 0] = -GRADIENTS[3, 0]


@pytest.fixture
def float64():
    K.set_floatx("float64")
    yield
    K.set_floatx("float32")


def trained(optimizer, **layer):
    """The weight after each step of gradients that are the given ones."""
    model = Sequential([Dense(2, use_bias=False, input_shape=(3,), weights=[START], **layer)])
    targets = K.placeholder((None, 2))
    weight = model.layers[0].kernel
    gradient = K.placeholder((3, 2))
    f = K.function([gradient, targets], [], updates=optimizer.get_updates(K.sum(weight * gradient), [weight]))
    weights = []
    for g in GRADIENTS:
        f([g, np.zeros((1, 2))])
        weights.append(K.get_value(weight))
    return np.array(weights)


def adamw(lr=0.1, wd=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0, amsgrad=False):
    p, m, v, vhat = START.copy(), 0.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        rate = lr / (1 + decay * (t - 1))
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        vhat = np.maximum(vhat, v)
        correction = np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        p = p - rate * wd * p - rate * correction * m / (np.sqrt(vhat if amsgrad else v) + epsilon)
        yield p


def lion(lr=0.1, beta_1=0.9, beta_2=0.99, wd=0.0, decay=0.0):
    p, m = START.copy(), np.zeros_like(START)
    for n, g in enumerate(GRADIENTS):
        rate = lr / (1 + decay * n)
        p = p - rate * (np.sign(beta_1 * m + (1 - beta_1) * g) + wd * p)
        m = beta_2 * m + (1 - beta_2) * g
        yield p


def ftrl(lr=0.1, power=-0.5, start=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    """Weight by weight, with the branch of the paper's algorithm 1."""
    p, a, z = START.copy(), np.full_like(START, start), np.zeros_like(START)
    for g in GRADIENTS:
        for i in np.ndindex(p.shape):
            new_a = a[i] + g[i] ** 2
            sigma = (new_a**-power - a[i] ** -power) / lr
            z[i] += g[i] + 2 * shrinkage * p[i] - sigma * p[i]
            a[i] = new_a
            scale = (beta + new_a**-power) / lr + 2 * l2
            p[i] = 0.0 if abs(z[i]) <= l1 else (np.sign(z[i]) * l1 - z[i]) / scale
        yield p.copy()


CASES = {
    "adamw": (AdamW, {"lr": 0.1}, adamw, {}),
    "adamw-decay": (
        AdamW, {"learning_rate": 0.1, "weight_decay": 0.5, "decay": 0.3}, adamw, {"wd": 0.5, "decay": 0.3}
    ),
    "adamw-amsgrad": (
        AdamW,
        {"lr": 0.1, "weight_decay": 0.2, "beta_1": 0.8, "beta_2": 0.7, "epsilon": 1e-3, "amsgrad": True},
        adamw,
        {"lr": 0.1, "wd": 0.2, "beta_1": 0.8, "beta_2": 0.7, "epsilon": 1e-3, "amsgrad": True},
    ),
    "lion": (Lion, {"lr": 0.1}, lion, {}),
    "lion-decay": (
        Lion,
        {"lr": 0.05, "beta_1": 0.5, "beta_2": 0.7, "weight_decay": 0.3, "decay": 0.1},
        lion,
        {"lr": 0.05, "beta_1": 0.5, "beta_2": 0.7, "wd": 0.3, "decay": 0.1},
    ),
    "ftrl": (Ftrl, {"lr": 0.1}, ftrl, {}),
    "ftrl-l1": (Ftrl, {"lr": 0.2, "l1_regularization_strength": 0.4}, ftrl, {"lr": 0.2, "l1": 0.4}),
    "ftrl-fixed-rate": (Ftrl, {"lr": 0.2, "learning_rate_power": 0.0}, ftrl, {"lr": 0.2, "power": 0.0}),
    "ftrl-all": (
        Ftrl,
        {
            "lr": 0.2,
            "learning_rate_power": -0.8,
            "initial_accumulator_value": 0.3,
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.05,
            "beta": 0.4,
        },
        ftrl,
        {"lr": 0.2, "power": -0.8, "start": 0.3, "l1": 0.1, "l2": 0.2, "shrinkage": 0.05, "beta": 0.4},
    ),
}  # fmt: skip


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", CASES)
def test_steps(case):
    cls, arguments, expected, numbers = CASES[case]
    np.testing.assert_allclose(trained(cls(**arguments)), list(expected(**numbers)), rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("float64")
def test_momentum_of_lion():
    """Signs hide it from the weights."""
    optimizer = Lion(beta_1=0.5, beta_2=0.7)
    trained(optimizer)
    m = 0.0
    for g in GRADIENTS:
        m = 0.7 * m + 0.3 * g
    np.testing.assert_allclose(optimizer.get_weights()[1], m, rtol=1e-9)


@pytest.mark.usefixtures("float64")
def test_direction_of_lion():
    """After g = 1 the momentum is 0.1; then 0.5·0.1 + 0.5·g turns the step round for g < −0.1."""
    for g, expected in ((-0.05, -2.0), (-0.15, 0.0)):
        p, gradient = K.variable(0.0), K.placeholder(())
        optimizer = Lion(lr=1.0, beta_1=0.5, beta_2=0.9)
        f = K.function([gradient], [], updates=optimizer.get_updates(p * gradient, [p]))
        f([1.0])
        f([g])
        assert K.get_value(p) == expected


@pytest.mark.usefixtures("float64")
def test_adamw_without_weight_decay_is_adam():
    np.testing.assert_array_equal(trained(AdamW(lr=0.1, weight_decay=0.0)), trained(Adam(lr=0.1)))


@pytest.mark.usefixtures("float64")
def test_ftrl_makes_weights_exactly_zero():
    weights = trained(Ftrl(0.1, l1_regularization_strength=2.0))
    assert (weights[0] == 0).any()
    assert np.array_equal(weights == 0, np.array(list(ftrl(0.1, l1=2.0))) == 0)


@pytest.mark.parametrize("cls", [AdamW, Lion])
class TestSparedWeights:
    def model(self, optimizer):
        model = Sequential([Dense(2, input_shape=(3,), kernel_initializer="ones", bias_initializer="ones", name="d")])
        model.compile(optimizer, lambda t, p: K.mean(K.stop_gradient(p) * 0 + 0 * p, axis=-1))
        model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
        return [w.mean() for w in model.get_weights()]

    def test_by_name(self, cls):
        optimizer = cls(lr=0.5, weight_decay=0.25)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        np.testing.assert_allclose(self.model(optimizer), [1 - 0.125, 1.0], rtol=1e-5)

    def test_by_variable(self, cls):
        layer = Dense(2, input_shape=(3,), kernel_initializer="ones", bias_initializer="ones")
        model = Sequential([layer])
        optimizer = cls(lr=0.5, weight_decay=0.25)
        optimizer.exclude_from_weight_decay([layer.kernel])
        model.compile(optimizer, lambda t, p: K.mean(0 * p, axis=-1))
        model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
        np.testing.assert_allclose([w.mean() for w in model.get_weights()], [1.0, 1 - 0.125], rtol=1e-5)


@pytest.mark.parametrize("argument", [
    "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
    "l2_shrinkage_regularization_strength", "beta",
])  # fmt: skip
def test_ftrl_refuses_what_is_below_zero(argument):
    with pytest.raises(ValueError, match=f"{argument} should be 0 or more; got -1"):
        Ftrl(**{argument: -1.0})


def test_ftrl_refuses_a_positive_power():
    with pytest.raises(ValueError, match="learning_rate_power should be 0 or less; got 0.5"):
        Ftrl(learning_rate_power=0.5)


@pytest.mark.parametrize("cls", [AdamW, Lion, Ftrl])
def test_constraints_hold(cls):
    weights = trained(cls(lr=0.5), kernel_constraint=NonNeg())
    assert (weights >= 0).all()
    assert (weights == 0).any()


# -- clipping ----------------------------------------------------------------------------------------------------------

EVERY = ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Lion", "Ftrl"]


@pytest.mark.parametrize("name", EVERY)
class TestGlobalClipnorm:
    def test_norm_of_all_gradients(self, name):
        optimizer = getattr(optimizers, name)(global_clipnorm=0.5)
        a, b = K.variable([3.0, 0.0]), K.variable([[4.0]])
        gradients = optimizer.get_gradients(K.sum(a * a) / 2 + K.sum(b * b) / 2, [a, b])
        np.testing.assert_allclose(K.eval(gradients[0]), [0.3, 0.0], rtol=1e-6)
        np.testing.assert_allclose(K.eval(gradients[1]), [[0.4]], rtol=1e-6)

    def test_config(self, name):
        optimizer = getattr(optimizers, name)(global_clipnorm=0.5)
        assert optimizer.get_config()["global_clipnorm"] == 0.5
        again = optimizers.deserialize(optimizers.serialize(optimizer))
        assert again.get_config() == optimizer.get_config()
        assert "global_clipnorm" not in getattr(optimizers, name)().get_config()

    def test_not_both(self, name):
        with pytest.raises(ValueError, match="give one of them"):
            getattr(optimizers, name)(global_clipnorm=0.5, clipnorm=1.0)


# -- Keras 1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_three_arguments_in_the_order_of_keras_1(name):
    weights = []
    for old in (False, True):
        p = K.variable(START)
        optimizer = getattr(optimizers, name)()
        loss = K.sum(K.square(p))
        if old:
            with pytest.warns(DeprecationWarning, match=r"get_updates.*Keras 2 API"):
                updates = optimizer.get_updates([p], {}, loss)
        else:
            updates = optimizer.get_updates(loss, [p])
        K.function([], [], updates=updates)([])
        weights.append(K.get_value(p))
    np.testing.assert_array_equal(*weights)


def test_three_arguments_by_name():
    p = K.variable(START)
    for call in (
        lambda: SGD(lr=0.5).get_updates(params=[p], constraints=[], loss=K.sum(p)),
        lambda: SGD(lr=0.5).get_updates([p], constraints={}, loss=K.sum(p)),
    ):
        before = K.get_value(p)
        with pytest.warns(DeprecationWarning, match="Keras 2 API"):
            updates = call()
        K.function([], [], updates=updates)([])
        np.testing.assert_allclose(K.get_value(p), before - 0.5, rtol=1e-5)


def test_an_optimizer_written_for_keras_1():
    class Old(Optimizer):
        def __init__(self, lr=0.01, **kwargs):
            super().__init__(**kwargs)
            self.lr = K.variable(lr)

        def get_updates(self, params, constraints, loss):
            self.updates = []
            for p, g in zip(params, self.get_gradients(loss, params), strict=True):
                new_p = p - self.lr * g
                if p in constraints:
                    new_p = constraints[p](new_p)
                self.updates.append((p, new_p))
            return self.updates

    model = Sequential([Dense(1, input_shape=(1,), kernel_initializer="ones", kernel_constraint="nonneg")])
    model.compile(Old(lr=0.5), lambda t, p: K.mean(p, axis=-1))
    model.train_on_batch(np.array([[4.0]]), np.zeros((1, 1)))
    assert [w.item() for w in model.get_weights()] == [0.0, -0.5]


# -- the adapter -------------------------------------------------------------------------------------------------------


class Descent:
    """As TensorFlow 1 users write one."""

    def __init__(self, rate):
        self.rate = rate
        self.calls = 0

    def apply_gradients(self, grads_and_vars):
        self.calls += 1
        return [K.update_sub(variable, self.rate * gradient) for gradient, variable in grads_and_vars]


class Counting(Descent):
    def compute_gradients(self, loss, var_list):
        return list(zip(K.gradients(loss, var_list), var_list, strict=True))

    def apply_gradients(self, grads_and_vars, global_step=None):
        return [*super().apply_gradients(grads_and_vars), K.update_add(global_step, 1)]


class Today:
    def apply(self, grads, trainable_variables):
        return [(v, v - 0.5 * g) for g, v in zip(grads, trainable_variables, strict=True)]


def one_pair(gradients, weights):
    """Trains the first weight only, and returns a bare pair."""
    return weights[0], weights[0] - 0.5 * gradients[0]


class TestTFOptimizer:
    @pytest.fixture
    def model(self):
        return Sequential([Dense(1, input_shape=(1,), kernel_initializer="zeros")])

    def train(self, model, optimizer, steps=3):
        model.compile(optimizer, lambda t, p: K.mean(p, axis=-1))
        for _ in range(steps):
            model.train_on_batch(np.ones((2, 1)), np.zeros((2, 1)))
        return [w.item() for w in model.get_weights()]

    @pytest.mark.parametrize("wrapped", [Descent(0.5), Counting(0.5), Today()])
    def test_trains(self, model, wrapped):
        assert self.train(model, TFOptimizer(wrapped)) == [-1.5, -1.5]
        assert K.get_value(model.optimizer.iterations) == 3

    def test_a_function(self, model):
        assert self.train(model, TFOptimizer(one_pair)) == [-1.5, 0.0]

    @pytest.mark.parametrize("wrapped", [Descent(0.5), Today()])
    def test_compile_wraps(self, model, wrapped):
        assert self.train(model, wrapped) == [-1.5, -1.5]
        assert type(model.optimizer) is TFOptimizer
        assert model.optimizer.optimizer is wrapped

    def test_has_no_config_no_state_and_no_rate(self):
        optimizer = TFOptimizer(None)
        with pytest.raises(NotImplementedError):
            optimizer.get_config()
        with pytest.raises(NotImplementedError):
            optimizer.weights
        with pytest.raises(NotImplementedError):
            TFOptimizer.from_config({})
        with pytest.raises(NotImplementedError):
            optimizers.serialize(optimizer)
        assert not hasattr(optimizer, "lr")

    def test_saving_warns_and_saves_the_weights(self, model, tmp_path):
        self.train(model, Descent(0.5))
        with pytest.warns(UserWarning, match="TFOptimizer cannot be described"):
            model.save(tmp_path / "m.h5")
        with pytest.warns(UserWarning, match="not.* compiled"):
            again = load_model(tmp_path / "m.h5")
        assert [w.item() for w in again.get_weights()] == [-1.5, -1.5]

    def test_an_object_with_get_updates_only_is_saved_likewise(self, model, tmp_path):
        class Duck:
            def get_updates(self, loss, params):
                return [K.update(p, p - 1.0) for p in params]

        self.train(model, Duck())
        with pytest.warns(UserWarning, match="Duck cannot be described"):
            model.save(tmp_path / "m.h5")

    def test_what_it_keeps_to_itself_is_in_a_backup(self, model):
        class Heavy:
            def apply_gradients(self, grads_and_vars):
                updates = []
                for gradient, variable in grads_and_vars:
                    speed = K.zeros(K.int_shape(variable), name="speed")
                    new = 0.5 * speed - gradient
                    updates += [K.update(speed, new), K.update(variable, variable + new)]
                return updates

        self.train(model, Heavy(), steps=1)
        assert sum("speed" in storage.name for storage in training_storages(model)) == 2

    def test_what_applies_nothing(self, model):
        with pytest.raises(TypeError, match=r"apply_gradients\(pairs\).*got 3"):
            self.train(model, TFOptimizer(3))


# -- state and files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("schedule", [False, True])
def test_a_saved_model_goes_on_to_the_bit(name, schedule, tmp_path):
    lr = optimizers.schedules.ExponentialDecay(0.1, 2, 0.5) if schedule else 0.1
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2)])
    model.compile(getattr(optimizers, name)(lr=lr), "mse")
    x, y = R.rand(5, 3), R.rand(5, 2)
    for _ in range(3):
        model.train_on_batch(x, y)
    model.save(tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    for a, b in zip(model.optimizer.get_weights(), again.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if name == "Nadam":  # as in Keras, no part of the state
        K.set_value(again.optimizer.m_schedule, K.get_value(model.optimizer.m_schedule))
    for each in (model, again):
        each.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("settings", [{}, {"clipnorm": 1.0}, {"clipvalue": 0.1}, {"decay": 0.1}, {"lr": "schedule"}])
def test_small_weights_are_updated_in_one_block(name, settings):
    """All writes but those of counters go to blocks that several variables share."""
    if settings.get("lr") == "schedule":
        settings = {"lr": optimizers.schedules.CosineDecay(0.1, 10)}
    if name == "Nadam" and "decay" in settings:
        settings = {"schedule_decay": 0.1}
    model = Sequential([Dense(4, input_shape=(3,)), Dense(4), Dense(2)])
    model.compile(getattr(optimizers, name)(**settings), "mse")
    model.train_on_batch(R.rand(5, 3), R.rand(5, 2))
    (executable,) = model._steps["train", False].programs.values()
    writes = [write.storage for write in executable.program.writes if write.storage.spec.shape != ()]
    assert writes
    assert all(isinstance(storage, FlatStorage) for storage in writes)
    assert sum(len(storage.parts) for storage in writes) % len(model.weights) == 0


@pytest.mark.parametrize("name", EVERY)
def test_one_array_per_weight_however_the_updates_run(name):
    """Small weights are updated in one block; what is read and set is each weight's own array."""
    model = Sequential([Dense(4, input_shape=(3,)), Dense(4), Dense(2)])
    model.compile(getattr(optimizers, name)(), "mse")
    x, y = R.rand(5, 3), R.rand(5, 2)
    model.train_on_batch(x, y)
    shapes = [w.shape for w in model.get_weights()]
    state = model.optimizer.get_weights()
    moments = [w for w in state if w.shape not in ((), (1,))]
    assert [w.shape for w in moments] == shapes * (len(moments) // len(shapes))
    changed = [w + 1 for w in state]
    model.optimizer.set_weights(changed)
    for a, b in zip(changed, model.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.train_on_batch(x, y)
