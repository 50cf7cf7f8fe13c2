"""Keras 2's decorators for old spellings, as third parties' layers and optimizers wear them."""

import inspect

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Dense, Layer
from polykeras.legacy import interfaces
from polykeras.models import Sequential
from polykeras.optimizers import Optimizer


class Descent(Optimizer):
    """w − w', with the decorator of nearly every optimizer written for Keras 2."""

    @interfaces.legacy_get_updates_support
    def get_updates(self, loss, params):
        self.seen = params
        self.updates = [K.update_sub(p, g) for p, g in zip(params, self.get_gradients(loss, params), strict=True)]
        return self.updates


def test_an_optimizer_with_the_decorator_trains():
    model = Sequential([Dense(1, input_dim=1, use_bias=False, weights=[np.array([[2.0]])])])
    model.compile(Descent(), "mse")
    model.train_on_batch(np.ones((1, 1)), np.zeros((1, 1)))
    np.testing.assert_allclose(model.get_weights()[0], [[2 - 4]])


@pytest.mark.parametrize(
    "call",
    [
        lambda optimizer, w, loss: optimizer.get_updates([w], {}, loss),
        lambda optimizer, w, loss: optimizer.get_updates([w], {}, loss=loss),
        lambda optimizer, w, loss: optimizer.get_updates([w], loss=loss),
    ],
)
def test_keras1_order_of_get_updates(call):
    w = K.variable(3.0)
    optimizer = Descent()
    with pytest.warns(DeprecationWarning, match="Update your `get_updates`"):
        updates = call(optimizer, w, K.square(w))
    K.function([], [], updates=updates)([])
    assert K.get_value(w) == 3 - 6 and optimizer.seen == [w]


def test_keras1_order_of_add_weight():
    class Old(Layer):
        def build(self, input_shape):
            self.w = self.add_weight((3,), initializer="ones", name="w")
            self.built = True

    layer = Old()
    with pytest.warns(DeprecationWarning, match="Update your `add_weight`"):
        layer.build((None, 3))
    assert layer.get_weights()[0].tolist() == [1, 1, 1]


def test_a_layer_of_ones_own_takes_the_words_of_dense():
    class Wide(Layer):
        @interfaces.legacy_dense_support
        def __init__(self, units, use_bias=True, **kwargs):
            super().__init__(**kwargs)
            self.given = units, use_bias

    with pytest.warns(DeprecationWarning, match="units=3, use_bias=False"):
        assert Wide(output_dim=3, bias=False).given == (3, False)


def made(**arguments):
    class Thing:
        @interfaces.generate_legacy_interface(**arguments)
        def __init__(self, size, mode=None, name=None):
            self.given = size, mode, name

    return Thing


def test_generated_names_and_values():
    thing = made(conversions=[("length", "size"), ("how", "mode")], value_conversions={"how": {"th": "first"}})
    with pytest.warns(DeprecationWarning, match='Thing\\(size=2, mode="first"\\)') as caught:
        assert thing(length=2, how="th").given == (2, "first", None)
    assert caught[0].filename == __file__ and caught[0].lineno == inspect.currentframe().f_lineno - 1
    with pytest.raises(TypeError, match="two spellings"):
        thing(length=2, size=3)


def test_generated_check_of_positions():
    thing = made(allowed_positional_args=["size"])
    assert thing(2, mode="a").given == (2, "a", None)
    with pytest.raises(TypeError, match=r"`Thing` can accept only 1 positional arguments .*'size'.*\[2, 'a'\]"):
        thing(2, "a")


def test_generated_preprocessor():
    def preprocess(args, kwargs):
        if "rows" not in kwargs:
            return args, {**kwargs, "name": "silent"}, []
        return args, {"size": (kwargs.pop("rows"), kwargs.pop("columns")), **kwargs}, [("size", "rows")]

    thing = made(preprocessor=preprocess)
    assert thing(1).given == (1, None, "silent")
    with pytest.warns(DeprecationWarning, match="Thing\\(size=...\\)"):
        assert thing(rows=1, columns=2).given == ((1, 2), None, None)


def test_a_decorator_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'legacy_teapot_support'"):
        _ = interfaces.legacy_teapot_support
