"""Models written as classes."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input
from polykeras.models import Model, clone_model
from tests.engine.tiny_layers import Affine, Counting, Double, Penalised, values


class Pair(Model):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.first = Affine(3)
        self.second = Affine(2)

    def call(self, inputs):
        return self.second(self.first(inputs))


def test_layers_are_tracked_in_the_order_of_their_attributes():
    m = Pair()
    assert m.layers == [m.first, m.second]
    assert m.name == "pair_1" and Pair(name="mlp").name == "mlp"
    assert not m.built and m.weights == []


def test_layers_in_lists_and_dictionaries_are_tracked():
    class Stack(Model):
        def __init__(self):
            super().__init__()
            self.blocks = []
            for _ in range(2):
                self.blocks.append(Affine(2))
            self.heads = {"a": Affine(1), "b": (Affine(1), Affine(1))}
            self.alias = self.blocks[0]

        def call(self, inputs):
            for block in self.blocks:
                inputs = block(inputs)
            return inputs

    m = Stack()
    assert m.layers == [*m.blocks, m.heads["a"], *m.heads["b"]]
    del m.heads
    assert m.layers == m.blocks


def test_forgotten_super_constructor():
    class Forgetful(Model):
        def __init__(self):
            self.layer = Double()

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgetful()


def test_data_build_the_model():
    m = Pair()
    m._set_inputs(np.zeros((5, 4)))
    assert m.built and m.count_params() == 15 + 8
    assert m.input_names == ["input_1"] and m.output_names == ["output_1"]
    assert [K.int_shape(t) for t in m.inputs] == [(None, 4)] and [K.int_shape(t) for t in m.outputs] == [(None, 2)]
    assert np.array_equal(values(m._feed_inputs, m.outputs, [np.ones((1, 4))])[0], [[12.0, 12.0]])
    with pytest.raises(AttributeError):
        _ = m.input


def test_build_without_data():
    m = Pair()
    m.build((None, 4))
    assert m.count_params() == 23


def test_called_on_an_input():
    x, m = Input((4,)), Pair()
    y = m(x)
    assert K.int_shape(y) == (None, 2) and len(m.weights) == 4
    outer = Model(x, y)
    assert outer.layers[1] is m and len(outer.trainable_weights) == 4


def test_a_raw_result_may_be_returned():
    class Squares(Model):
        def call(self, inputs):
            return K.sum(inputs**2, axis=-1, keepdims=True)

    m = Squares()
    m._set_inputs(np.zeros((1, 2)))
    assert np.array_equal(values(m.inputs, m.outputs, [[[1, 2]]])[0], [[5.0]])


def test_terms_of_other_calls_do_not_count():
    class Counted(Model):
        def __init__(self):
            super().__init__()
            self.counting = Counting()
            self.penalised = Penalised()

        def call(self, inputs):
            return self.penalised(self.counting(inputs))

    m = Counted()
    x = Input((3,))
    y = m(x)
    m._set_inputs(np.zeros((1, 3)))
    assert len(m.counting.updates) == 2
    assert m.updates == m.counting.updates[1:] and m.losses == m.penalised.losses[1:]
    outer = Model(x, y)
    assert outer.updates == m.counting.updates[:1] and outer.losses == m.penalised.losses[:1]


def test_what_needs_a_graph_is_refused_with_the_reason():
    m = Pair()
    for attempt in (m.get_config, m.to_json, m.to_yaml, lambda: m.save("m.h5")):
        with pytest.raises(NotImplementedError, match="subclassed model.*save_weights"):
            attempt()
    with pytest.raises(ValueError, match="subclassed"):
        clone_model(m)
    with pytest.raises(ValueError, match="not yet been built"):
        m.summary()


def test_call_must_be_defined():
    with pytest.raises(NotImplementedError, match="does not define `call`"):
        Model(name="empty")(Input((2,)))


def test_a_models_own_weights_are_refused():
    with pytest.raises(NotImplementedError, match="belong to its layers"):
        Pair().add_weight("w", (2,))


def test_training_argument():
    class Phased(Model):
        def call(self, inputs, training=None):
            return inputs * (3.0 if training else 2.0)

    m = Phased()
    m._set_inputs(np.zeros((1, 2)), training=True)
    assert np.array_equal(values(m.inputs, m.outputs, [[[1, 2]]])[0], [[3.0, 6.0]])
