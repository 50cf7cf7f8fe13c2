"""What code written for Keras 2.2.4 leans on without asking."""

import gc
import weakref

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.backend import common
from polykeras.layers import Activation, Dense, Input, Lambda
from polykeras.models import Model, Sequential


def inside(x):
    return 1 in x


@pytest.mark.parametrize("use", [len, bool, list, inside], ids=lambda use: use.__name__)
@pytest.mark.parametrize("make", [lambda: K.placeholder((2, 3)), lambda: K.variable(1.0), lambda: K.ones((2,)) > 0])
def test_a_tensor_is_no_sequence_and_has_no_truth(use, make):
    with pytest.raises(TypeError, match=r"K\."):
        use(make())


def test_attributes_that_keras_puts_on_tensors():
    i = Input((4,))
    d = Dense(3)
    y = d(i)
    assert i._keras_shape == (None, 4) and y._keras_shape == (None, 3)
    layer, node, index = y._keras_history
    assert layer is d and (node, index) == (0, 0)
    assert K.is_keras_tensor(y) and not K.is_keras_tensor(y + 1) and not K.is_keras_tensor(K.ones((2,)))
    with pytest.raises(ValueError, match="symbolic tensor"):
        K.is_keras_tensor(np.ones(2))
    assert not y._uses_learning_phase
    assert K.in_train_phase(y, i[:, :3])._uses_learning_phase
    v = K.variable(1.0)
    assert v._keras_shape == () and v._uses_learning_phase is False
    p = K.placeholder((2,))
    p._my_own = 5
    assert p._my_own == 5 and p._keras_shape == (2,)


def test_what_depends_on_the_phase_says_so():
    x = K.placeholder((2,))
    phased = K.in_train_phase(x * 2, x)
    for made in (phased + 1, K.sum(phased), K.concatenate([x, phased]), K.stack([phased, x])[0]):
        assert made._uses_learning_phase
    assert not getattr(x + 1, "_uses_learning_phase", False)


def test_what_a_tensor_is():
    p, v = K.placeholder((2,)), K.variable(1.0)
    assert K.is_placeholder(p) and not K.is_placeholder(v) and not K.is_placeholder(p + 1)
    assert K.is_placeholder(Input((2,))) and not K.is_placeholder(np.ones(2))
    assert K.is_tensor(p) and K.is_tensor(v) and not K.is_tensor(np.ones(2))
    assert K.ndim(p) == 1 and K.ndim(K.placeholder()) is None and K.int_shape(K.placeholder()) is None


def test_names_count():
    assert [K.get_uid("a"), K.get_uid("a"), K.get_uid("b"), K.get_uid()] == [1, 2, 1, 1]
    K.reset_uids()
    assert K.get_uid("a") == 1
    first = Sequential([Dense(1, input_shape=(1,))]).layers[0].name
    K.clear_session()
    assert Sequential([Dense(1, input_shape=(1,))]).layers[0].name == first == "dense_1"


def test_clear_session_frees_everything():
    i = Input((4,))
    y = Dense(3)(i)
    model = Model(i, Activation("relu")(y))
    model.compile("adam", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    gone = [weakref.ref(x) for x in (model, model.layers[1], model.layers[1].kernel, y, model.optimizer)]
    del i, y, model
    K.clear_session()
    gc.collect()
    assert [r() for r in gone] == [None] * len(gone)


def test_the_phase_after_clear_session_is_unset():
    K.set_learning_phase(1)
    assert K.learning_phase() == 1
    K.clear_session()
    assert K.is_placeholder(K.learning_phase())


def test_an_input_that_wraps_a_tensor_is_not_fed():
    v = K.variable(np.arange(6.0).reshape(2, 3))
    i = Input(tensor=v)
    model = Model(i, Lambda(lambda x: x * 2)(i))
    assert K.int_shape(i) == (2, 3)
    np.testing.assert_array_equal(model.predict(None, steps=1), 2 * np.arange(6.0).reshape(2, 3))


def test_training_names_the_weight_without_gradient():
    i = Input((3,))
    model = Model(i, Lambda(K.stop_gradient)(Dense(2, name="blocked")(i)))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="blocked/kernel"):
        model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)


def test_gradients_are_none_where_nothing_connects():
    x, y, n = K.variable(1.0), K.variable(2.0), K.variable(np.array([1, 2]), dtype="int32")
    stopped = K.stop_gradient(x) * y
    assert K.gradients(stopped, [x]) == [None]
    assert K.gradients(K.cast(n, "float32"), [n]) == [None]
    assert K.gradients(K.cast(K.argmax(K.stack([x, y])), "float32"), [x]) == [None]
    got = K.gradients(x * x * y, [x, y, K.variable(0.0)])
    assert [None if g is None else float(K.eval(g)) for g in got] == [4.0, 1.0, None]


def test_the_names_of_common():
    assert common.floatx() == K.floatx() == "float32"
    assert common.normalize_data_format(None) == K.image_data_format()
    assert common.cast_to_floatx([1, 2]).dtype == np.float32
    for name in ("epsilon", "set_epsilon", "set_floatx", "image_data_format", "set_image_data_format"):
        assert callable(getattr(common, name))


def test_the_backend_has_our_name():
    from polykeras.runtime import select

    assert K.backend() == select.why().name


def test_an_own_optimizer_and_an_own_layer_with_updates():
    from polykeras.engine.base_layer import Layer

    class Counter(Layer):
        def build(self, input_shape):
            self.calls = self.add_weight(name="calls", shape=(), initializer="zeros", trainable=False)
            super().build(input_shape)

        def call(self, x):
            self.add_update(K.update_add(self.calls, 1.0), x)
            return x

    i = Input((2,))
    counter = Counter()
    model = Model(i, Dense(1)(counter(i)))
    model.compile("sgd", "mse")
    model.fit(np.ones((6, 2)), np.ones((6, 1)), batch_size=2, epochs=2, verbose=0)
    assert K.get_value(counter.calls) == 6


def test_graph_nodes_of_gradients_grow_linearly():
    from polykeras.symbolic.graph import topological

    def nodes(depth):
        x = h = Input((8,))
        for _ in range(depth):
            h = Dense(8, activation="tanh")(h)
        model = Model(x, h)
        loss = K.mean(K.square(model.output))
        return len(topological(K.gradients(loss, model.trainable_weights)))

    small, middle, large = nodes(25), nodes(50), nodes(100)
    assert large - middle == pytest.approx(2 * (middle - small), abs=4)
    assert middle < 50 * 40
