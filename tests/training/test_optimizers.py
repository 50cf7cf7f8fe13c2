"""Optimizers of one's own, and what all optimizers share; the formulas are tested against the golden files."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import optimizers, registry
from polykeras.layers import BatchNormalization, Dense
from polykeras.models import Sequential
from polykeras.optimizers import SGD, Optimizer

EVERY = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")


class SignSGD(Optimizer):
    """As Keras 2 users write one: p - lr·sign(g)."""

    def __init__(self, lr=0.01, **kwargs):
        super().__init__(**kwargs)
        with K.name_scope(self.__class__.__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.lr = K.variable(lr, name="lr")

    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        self.weights = [self.iterations]
        for p, g in zip(params, grads, strict=True):
            new_p = p - self.lr * K.sign(g)
            if getattr(p, "constraint", None) is not None:
                new_p = p.constraint(new_p)
            self.updates.append(K.update(p, new_p))
        return self.updates

    def get_config(self):
        config = {"lr": float(K.get_value(self.lr))}
        base_config = super().get_config()
        return dict(list(base_config.items()) + list(config.items()))


class PairsSGD(SignSGD):
    """Updates as pairs, in the place of update tensors."""

    def get_updates(self, loss, params):
        return [(p, p - self.lr * K.sign(g)) for p, g in zip(params, self.get_gradients(loss, params), strict=True)]


@pytest.fixture
def problem():
    r = np.random.RandomState(2)
    x, y = r.rand(6, 3).astype("float32"), r.rand(6, 2).astype("float32")
    return Sequential([Dense(2, input_shape=(3,), kernel_initializer="zeros")]), x, y


class TestOwnOptimizers:
    @pytest.mark.parametrize("cls", [SignSGD, PairsSGD])
    def test_steps(self, problem, cls):
        model, x, y = problem
        model.compile(cls(lr=0.25), "mse")
        before = model.get_weights()
        signs = [np.sign(g) for g in gradients(model, x, y)]
        model.train_on_batch(x, y)
        for a, b, s in zip(before, model.get_weights(), signs, strict=True):
            np.testing.assert_allclose(b, a - 0.25 * s, rtol=1e-6)

    def test_with_and_without_sample_weights(self, problem):
        model, x, y = problem
        model.compile(SignSGD(lr=0.25), "mse")
        model.train_on_batch(x, y)
        model.train_on_batch(x, y, sample_weight=np.arange(6.0))
        assert K.get_value(model.optimizer.iterations) == 2

    def test_a_registered_name_is_good_in_compile(self, problem):
        model, _, _ = problem
        registry.optimizers.register("SignSGD", SignSGD)
        try:
            model.compile("SignSGD", "mse")
            assert isinstance(model.optimizer, SignSGD)
            assert isinstance(optimizers.deserialize(optimizers.serialize(model.optimizer)), SignSGD)
            assert optimizers.SignSGD is SignSGD
        finally:
            registry.optimizers.unregister("SignSGD")

    def test_custom_objects(self):
        config = {"class_name": "SignSGD", "config": {"lr": 0.5, "clipnorm": 2.0}}
        found = optimizers.deserialize(config, custom_objects={"SignSGD": SignSGD})
        assert found.get_config() == {"lr": 0.5, "clipnorm": 2.0}

    def test_any_object_with_get_updates(self, problem):
        class Duck:
            def get_updates(self, loss, params):
                return [K.update(p, p + 1.0) for p in params]

        model, x, y = problem
        model.compile(Duck(), "mse")
        model.train_on_batch(x, y)
        assert all((w == 1).all() for w in model.get_weights())

    def test_without_get_updates(self, problem):
        model, x, y = problem
        model.compile(Optimizer(), "mse")
        with pytest.raises(NotImplementedError, match="Optimizer must define get_updates"):
            model.train_on_batch(x, y)


@pytest.mark.parametrize("name", EVERY)
class TestEvery:
    def test_config_round_trip(self, name):
        first = optimizers.get(name)
        config = first.get_config()
        again = optimizers.deserialize({"class_name": name, "config": {**config, "clipvalue": 0.5}})
        assert again.get_config() == {**config, "clipvalue": 0.5}

    def test_later_spelling_of_the_learning_rate(self, name):
        optimizer = getattr(optimizers, name)(learning_rate=0.5)
        assert float(K.get_value(optimizer.learning_rate)) == 0.5
        with pytest.raises(TypeError, match="learning_rate"):
            getattr(optimizers, name)(lr=0.5, learning_rate=0.5)

    def test_state_that_is_read_back_goes_on_to_the_bit(self, problem, name):
        model, x, y = problem
        model.compile(optimizers.get({"class_name": name, "config": {"lr": 0.1}}), "mse")
        for _ in range(5):
            model.train_on_batch(x, y)
        weights, state = model.get_weights(), model.optimizer.get_weights()
        product = K.get_value(model.optimizer.m_schedule) if name == "Nadam" else None
        model.train_on_batch(x, y)
        expected = model.get_weights()
        model.compile(optimizers.get({"class_name": name, "config": {"lr": 0.1}}), "mse")
        model._make_train_function()
        model.set_weights(weights)
        model.optimizer.set_weights(state)
        if name == "Nadam":  # as in Keras, no part of the state
            K.set_value(model.optimizer.m_schedule, product)
        model.train_on_batch(x, y)
        for a, b in zip(expected, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_float64(self, problem, name):
        K.set_floatx("float64")
        try:
            model = Sequential([Dense(2, input_shape=(3,))])
            model.compile(name, "mse")
            _, x, y = problem
            first = model.train_on_batch(x, y)
            for _ in range(20):
                last = model.train_on_batch(x, y)
            assert last < first
            assert last.dtype == "float64"
        finally:
            K.set_floatx("float32")


class TestState:
    def test_wrong_number_of_arrays(self, problem):
        model, _, _ = problem
        model.compile("adam", "mse")
        with pytest.raises(ValueError, match="Adam has 0 weights, but 1 arrays were given"):
            model.optimizer.set_weights([np.zeros(())])

    def test_wrong_shape_sets_nothing(self, problem):
        model, x, y = problem
        model.compile(SGD(momentum=0.5), "mse")
        model.train_on_batch(x, y)
        before = model.optimizer.get_weights()
        with pytest.raises(ValueError, match=r"\(2,\) not compatible .* \(5,\): weight 2 of SGD"):
            model.optimizer.set_weights([np.array(7), np.zeros((3, 2)), np.zeros(5)])
        for a, b in zip(before, model.optimizer.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_amsgrad_divides_by_the_greatest_square_so_far():
    model = Sequential([Dense(1, use_bias=False, input_shape=(1,), kernel_initializer="zeros")])
    model.compile(optimizers.Adam(lr=0.1, beta_1=0.5, beta_2=0.5, amsgrad=True), lambda t, p: K.mean(p, axis=-1))
    w = m = v = vhat = 0.0
    for t, g in enumerate([1.0, 4.0, 0.5, 0.1], start=1):
        model.train_on_batch(np.array([[g]]), np.zeros((1, 1)))
        m, v = 0.5 * m + 0.5 * g, 0.5 * v + 0.5 * g * g
        vhat = max(v, vhat)
        w -= 0.1 * np.sqrt(1 - 0.5**t) / (1 - 0.5**t) * m / (np.sqrt(vhat) + 1e-7)
        np.testing.assert_allclose(model.get_weights()[0], [[w]], rtol=1e-5)
    assert [a.shape for a in model.optimizer.get_weights()] == [(), (1, 1), (1, 1), (1, 1)]


def test_a_weight_without_gradient_is_named():
    from polykeras.layers import Layer

    class Steps(Layer):
        def build(self, input_shape):
            self.height = self.add_weight("height", (1,), initializer="ones")
            super().build(input_shape)

        def call(self, x):
            return K.round(self.height) * x

    model = Sequential([Steps(name="steps", input_shape=(1,))])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"None.*steps/height:0"):
        model.train_on_batch(np.ones((2, 1)), np.ones((2, 1)))


def test_a_model_with_nothing_to_train_updates_its_statistics_only():
    model = Sequential([BatchNormalization(center=False, scale=False, input_shape=(2,))])
    for clip in ({}, {"clipnorm": 1.0}):
        model.compile(SGD(**clip), "mse")
        before = model.get_weights()
        model.train_on_batch(np.random.rand(4, 2), np.zeros((4, 2)))
        assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("identifier", [3, SGD, None])
def test_what_is_no_optimizer(identifier):
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
        optimizers.get(identifier)


def gradients(model, x, y):
    inputs = [*model.inputs, *model.targets, *model.sample_weights]
    return K.function(inputs, K.gradients(model.total_loss, model.trainable_weights))([x, y, np.ones(len(x))])
