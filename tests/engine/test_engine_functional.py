"""Functional models: the graph of layers, calling a model, weights, losses, updates."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input, get_source_inputs
from polykeras.models import Model, clone_model
from tests.engine.tiny_layers import Affine, Counting, Double, Halves, MaskedSum, Masks, Penalised, Plus, values


def test_inputs_and_outputs():
    x = Input((4,))
    m = Model(x, [Affine(2)(x), Affine(3)(x)])
    assert m.input is x and m.inputs == [x]
    assert isinstance(m.output, list) and m.output_shape == [(None, 2), (None, 3)] and m.input_shape == (None, 4)
    assert m.input_names == ["input_1"] and m.output_names == ["affine_1", "affine_2"]
    assert [type(layer).__name__ for layer in m.layers] == ["InputLayer", "Affine", "Affine"]
    assert m.name == "model_1" and m.built


def test_layers_are_ordered_by_depth_then_by_discovery():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    late = Double(name="late")(b)
    early = Double(name="early2")(Double(name="early1")(a))
    m = Model([a, b], Plus(name="sum")([early, late]))
    assert [layer.name for layer in m.layers] == ["a", "early1", "b", "early2", "late", "sum"]


def test_a_deep_model_needs_no_deep_stack():
    x = y = Input((2,))
    for _ in range(3000):
        y = Double()(y)
    m = Model(x, y)
    assert len(m.layers) == 3001
    assert get_source_inputs(y) == [x]


def test_shared_layer_is_listed_once():
    a, b = Input((3,)), Input((3,))
    shared = Affine(2)
    m = Model([a, b], Plus()([shared(a), shared(b)]))
    assert [type(layer).__name__ for layer in m.layers] == ["InputLayer", "InputLayer", "Affine", "Plus"]
    assert len(m.weights) == 2 and m.count_params() == 8


def test_get_layer():
    x = Input((4,))
    m = Model(x, Affine(2, name="pool5")(x))
    assert m.get_layer("pool5") is m.layers[1] and m.get_layer(index=1) is m.layers[1]
    with pytest.raises(ValueError, match="No such layer: pol5.*pool5"):
        m.get_layer("pol5")
    with pytest.raises(ValueError, match="index 9 but model only has 2"):
        m.get_layer(index=9)
    with pytest.raises(ValueError, match="name or layer index"):
        m.get_layer()


def test_part_of_a_model_shares_its_layers():
    x = Input((4,))
    m = Model(x, Affine(2)(Affine(3, name="features")(x)))
    f = Model(m.input, m.get_layer("features").output)
    assert f.output_shape == (None, 3) and f.layers[1] is m.layers[1]


def test_keras_1_spelling():
    x = Input((4,))
    y = Affine(2)(x)
    with pytest.warns(DeprecationWarning, match="Update your `Model` call.*inputs=.*outputs=") as got:
        Model(input=x, output=y)
    assert got[0].filename == __file__


def test_a_model_called_on_other_inputs():
    x, a = Input((3,)), Input((3,))
    m = Model(x, Affine(1, start=2.0)(Double()(x)))
    y = m(a)
    assert K.int_shape(y) == (None, 1) and y._keras_history[0] is m
    assert np.array_equal(values([a], [y], [[[1, 2, 3]]])[0], [[24.0]])
    assert Model(a, y).count_params() == 4


def test_a_model_called_on_its_own_inputs_gives_its_outputs():
    x = Input((3,))
    y = Double()(x)
    m = Model(x, y)
    assert m.call(x) is y


def test_a_model_keeps_its_outputs_when_it_is_called_on_its_own_inputs():
    x = Input((3,))
    y = Double()(x)
    m = Model(x, y)
    z, again = m(x), m(x)
    assert y._keras_history[0] is m.layers[1]
    assert z._keras_history == (m, 1, 0) and again._keras_history == (m, 2, 0)
    assert np.array_equal(values([x], [Model(x, z).output], [[[1, 2, 3]]])[0], [[2, 4, 6]])


def test_nested_and_shared_models():
    x = Input((2,))
    inner = Model(x, Affine(2, start=1.0)(x), name="inner")
    a, b = Input((2,)), Input((2,))
    outer = Model([a, b], Plus()([inner(a), inner(Double()(b))]))
    third, fourth = Input((2,)), Input((2,))
    y = outer([third, fourth])
    assert len(outer.trainable_weights) == 2
    assert np.array_equal(values([third, fourth], [y], [[[1, 2]], [[3, 4]]])[0], [[17.0, 17.0]])


def test_several_outputs_of_one_layer():
    x, a = Input((4,)), Input((4,))
    first, second = Halves()(x)
    m = Model(x, Plus()([Double()(first), second]))
    assert np.array_equal(values([a], [m(a)], [[[1, 2, 3, 4]]])[0], [[5.0, 8.0]])


def test_masks_go_through_a_model():
    x, a = Input((3, 2)), Input((3, 2))
    m = Model(x, MaskedSum()(Masks()(x)))
    again = Model(x, Masks()(x))
    y = MaskedSum()(again(a))
    data = [[[1, 2], [0, 0], [3, 4]]]
    assert np.array_equal(values([a], [m(a), y], [data])[0], [[4.0, 6.0]])
    assert again(a)._keras_mask is not None


def test_keyword_arguments_of_calls_are_repeated():
    class Times(Double):
        def call(self, inputs, factor=1.0):
            return inputs * factor

    x, a = Input((2,)), Input((2,))
    m = Model(x, Times()(x, factor=5.0))
    assert np.array_equal(values([a], [m(a)], [[[1, 2]]])[0], [[5.0, 10.0]])


def test_tensors_among_keyword_arguments_are_replaced():
    class Shifted(Double):
        def call(self, inputs, by=None):
            return inputs + by

    x, z, a, b = (Input((2,)) for _ in range(4))
    m = Model([x, z], [Shifted()(Double()(x), by=z), Double()(z)])
    assert np.array_equal(values([a, b], [m([a, b])[0]], [[[1, 2]], [[10, 20]]])[0], [[12.0, 24.0]])


def test_unused_input_is_part_of_the_model():
    x, unused = Input((2,)), Input((2,), name="unused")
    m = Model([x, unused], Double()(x))
    assert m.input_names == ["input_1", "unused"] and m.get_layer("unused") is not None


def test_an_input_may_be_an_output():
    x, a = Input((2,)), Input((2,))
    m = Model(x, [x, Double()(x)])
    assert m(a)[0] is not None and m.output_shape == [(None, 2), (None, 2)]


def test_refused_graphs():
    x, other = Input((3,)), Input((3,), name="other")
    with pytest.raises(ValueError, match='Graph disconnected.*"other"'):
        Model(x, Plus()([x, other]))
    with pytest.raises(ValueError, match="redundant"):
        Model([x, x], Double()(x))
    with pytest.raises(ValueError, match='generated by layer "double_'):
        Model(Double()(x), Double()(x))
    with pytest.raises(ValueError, match="must come from `Input`"):
        Model(K.placeholder((None, 3)), Double()(x))
    with pytest.raises(ValueError, match="must be the output of a Keras `Layer`.*Call the layer"):
        Model(x, Double())
    with pytest.raises(ValueError, match="must be the output of a Keras `Layer`"):
        Model(x, K.variable(1.0))
    with pytest.raises(ValueError, match='The name "d" is used 2 times'):
        Model(x, Double(name="d")(Double(name="d")(x)))
    with pytest.raises(TypeError, match="outputs"):
        Model(x)
    with pytest.raises(TypeError, match="did you mean `outputs`"):
        Model(x, Double()(x), output_=1)


def test_calling_with_the_wrong_number_of_inputs():
    a, b = Input((3,)), Input((3,))
    m = Model([a, b], Plus()([a, b]))
    with pytest.raises(ValueError, match="model_1 expects 2 inputs"):
        m(a)


def test_inner_layers_refuse_other_shapes_by_name():
    x = Input((3,))
    m = Model(x, Affine(2)(x))
    with pytest.raises(ValueError, match="affine_1: expected axis -1"):
        m(Input((4,)))


def test_weights_in_keras_order():
    x = Input((3,))
    m = Model(x, Affine(2)(Counting()(x)))
    assert [w.name for w in m.weights] == ["affine_1/w:0", "affine_1/b:0", "counting_1/count:0"]
    assert [w.shape for w in m.get_weights()] == [(), (3, 2), (2,)]
    m.set_weights([np.float32(7), np.ones((3, 2)), np.zeros(2)])
    assert m.get_weights()[0] == 7
    with pytest.raises(ValueError, match="length 2"):
        m.set_weights([np.ones((3, 2)), np.zeros(2)])


def test_freezing_a_model_leaves_the_flags_of_its_layers():
    x = Input((3,))
    m = Model(x, Affine(2)(Counting()(x)))
    m.trainable = False
    assert m.trainable_weights == [] and len(m.non_trainable_weights) == 3
    assert [layer.trainable for layer in m.layers[1:]] == [True, True]
    assert m.updates == []


def test_a_weight_shared_with_a_nested_model_counts_once():
    x = Input((2,))
    layer = Affine(2)
    inner = Model(x, layer(x))
    a = Input((2,))
    outer = Model(a, Plus()([inner(a), layer(a)]))
    assert len(outer.trainable_weights) == len(outer.weights) == len(outer.get_weights()) == 2


def test_losses_and_updates_are_those_of_the_models_own_calls():
    layer, penalised = Counting(), Penalised()
    a, b = Input((3,)), Input((3,))
    first, second = Model(a, penalised(layer(a))), Model(b, penalised(layer(b)))
    assert len(layer.updates) == 2
    assert first.updates == layer.updates[:1] and second.updates == layer.updates[1:]
    assert first.losses == penalised.losses[:1]


def test_nested_model_gives_the_terms_of_the_outer_call():
    x = Input((3,))
    counting, dense = Counting(), Affine(3, penalty=K.sum)
    inner = Model(x, Penalised()(dense(counting(x))))
    a = Input((3,))
    outer = Model(a, inner(a))
    assert len(outer.updates) == 1 and outer.updates != inner.updates
    assert len(outer.losses) == 2
    # The loss of the call, and the weight's, can be computed from the outer input alone.
    total = sum(float(v) for v in values([a], outer.losses, [[[1, 1, 1]]]))
    assert total == 9.0 + 9.0


def test_frozen_layer_does_not_update():
    x = Input((3,))
    counting = Counting()
    m = Model(x, counting(x))
    assert len(m.updates) == 1
    counting.trainable = False
    assert m.updates == []


def test_model_level_losses():
    x = Input((3,))
    m = Model(x, Double()(x))
    m.add_loss(K.sum(m.output))
    assert len(m.losses) == 1


def test_only_stateful_layers_update_always():
    x = Input((3,))
    counting = Counting()
    m = Model(x, counting(x))
    assert not m.stateful and m.state_updates == []
    counting.stateful = True
    assert m.stateful and len(m.state_updates) == 1


def test_learning_phase():
    class Phased(Double):
        def call(self, inputs):
            return K.in_train_phase(inputs * 2.0, inputs)

    x = Input((3,))
    assert not Model(x, Double()(x)).uses_learning_phase
    assert Model(x, Double()(Phased()(x))).uses_learning_phase


def test_pop_ends_the_model_one_layer_earlier():
    x = Input((4,))
    m = Model(x, Affine(2)(Affine(3)(x)))
    with pytest.warns(DeprecationWarning, match=r"Model\(") as got:
        m.pop()
    assert got[0].filename == __file__
    assert m.output_shape == (None, 3) and len(m.layers) == 2
    branched = Model(x, Plus()([x, Double()(x)]))
    with pytest.raises(ValueError, match="plus_1"):
        branched.pop()


def test_clone_has_fresh_weights_and_the_same_graph():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    shared = Affine(2, start=3.0)
    m = Model([a, b], Plus()([shared(a), shared(b)]), name="twins")
    m.set_weights([np.zeros((3, 2)), np.zeros(2)])
    clone = clone_model(m)
    assert clone.name == "twins" and [layer.name for layer in clone.layers] == [layer.name for layer in m.layers]
    assert not set(clone.layers) & set(m.layers)
    assert np.array_equal(clone.get_weights()[0], np.full((3, 2), 3.0)) and not m.get_weights()[0].any()


def test_clone_on_given_tensors():
    x = Input((3,))
    m = Model(x, Affine(2)(x))
    given = Input((3,), name="given")
    assert clone_model(m, given).inputs == [given]
    wrapped = clone_model(m, K.variable(np.ones((5, 3))))
    assert wrapped.output_shape == (5, 2)
    with pytest.raises(ValueError, match="1 inputs"):
        clone_model(m, [given, given])
