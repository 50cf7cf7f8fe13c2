"""Layer: construction, the call, weights, specs, output shapes."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input, InputSpec, Layer
from tests.engine.tiny_layers import Affine, Counting, Double, Halves, MaskedSum, Masks, Plus, constant, values


def test_base_keywords():
    layer = Double(name="d", trainable=False, input_shape=(3,), batch_size=5)
    assert (layer.name, layer.trainable, layer.batch_input_shape, layer.dtype) == ("d", False, (5, 3), "float32")
    assert Double(batch_input_shape=(None, 3), dtype="float64").dtype == "float64"


def test_a_shape_that_is_a_number_is_refused():
    with pytest.raises(TypeError, match=r"`input_shape` must be a tuple of sizes, got 3.*write \(3,\)"):
        Double(input_shape=3)


def test_unknown_keyword_is_refused_with_the_nearest_name():
    with pytest.raises(TypeError, match="not understood.*`unitz`.*did you mean `units`"):
        Affine(3, unitz=4)


def test_attributes_may_be_set_before_the_base_constructor():
    layer = Affine(3)
    assert layer.units == 3 and layer.weights == []


def test_first_call_builds_and_later_calls_share_the_weights():
    layer = Affine(3)
    assert layer.built is False
    first, second = layer(Input((4,))), layer(Input((4,)))
    assert layer.built is True
    assert [w.name for w in layer.weights] == ["affine_1/w:0", "affine_1/b:0"]
    assert K.int_shape(first) == K.int_shape(second) == (None, 3)
    assert layer.count_params() == 15


def test_built_is_set_even_where_build_forgets_it():
    class Forgetful(Layer):
        def build(self, input_shape):
            pass

    layer = Forgetful()
    layer(Input((2,)))
    assert layer.built is True


def test_build_gets_a_list_of_shapes_for_several_inputs():
    seen = []

    class Watching(Plus):
        def build(self, input_shape):
            seen.append(input_shape)
            super().build(input_shape)

    Watching()([Input((4,)), Input((4,))])
    assert seen == [[(None, 4), (None, 4)]]


def test_the_call_computes():
    x = Input((2,))
    assert np.array_equal(values([x], [Affine(1, start=3.0)(x)], [[[1, 2]]])[0], [[9.0]])


def test_what_is_no_tensor_is_refused():
    with pytest.raises(ValueError, match="affine_1.*symbolic tensor"):
        Affine(3)(np.ones((2, 4)))


@pytest.mark.parametrize(
    "spec, shape, words",
    [
        (InputSpec(ndim=3), (4,), "expected ndim=3, found ndim=2"),
        (InputSpec(min_ndim=3), (4,), "expected min_ndim=3, found ndim=2"),
        (InputSpec(max_ndim=2), (3, 4), "expected max_ndim=2, found ndim=3"),
        (InputSpec(axes={-1: 5}), (4,), r"expected axis -1 of input shape to have value 5 but got shape \(None, 4\)"),
        (InputSpec(shape=(None, 5)), (4,), r"expected shape=\(None, 5\), found shape=\(None, 4\)"),
        (InputSpec(dtype="int32"), (4,), "expected dtype=int32, found dtype=float32"),
    ],
)
def test_inputs_that_do_not_fit_the_spec(spec, shape, words):
    layer = Double(name="picky")
    layer.input_spec = spec
    with pytest.raises(ValueError, match=f"Input 0 is incompatible with layer picky: {words}"):
        layer(Input(shape))


def test_number_of_inputs_is_checked():
    layer = Plus(name="two")
    layer.input_spec = [InputSpec(ndim=2), InputSpec(ndim=2)]
    with pytest.raises(ValueError, match="two expects 2 inputs, but it received 1"):
        layer(Input((3,)))


def test_spec_made_by_build_is_checked_in_later_calls():
    layer = Affine(3)
    layer(Input((4,)))
    with pytest.raises(ValueError, match="axis -1"):
        layer(Input((5,)))


def test_output_shape_is_inferred_where_it_is_not_declared():
    class Rows(Layer):
        def build(self, input_shape):
            self.w = self.add_weight("w", (input_shape[-1], 7))

        def call(self, inputs):
            return K.dot(inputs, self.w)

    assert Rows().compute_output_shape((None, 4)) == (None, 7)
    assert K.int_shape(Rows()(Input((4,)))) == (None, 7)
    assert Layer().compute_output_shape((None, 4)) == (None, 4)
    assert Halves().compute_output_shape((None, 6)) == [(None, 3), (None, 3)]
    assert Plus().compute_output_shape([(None, 6), (None, 6)]) == (None, 6)


def test_inferring_the_shape_leaves_no_trace():
    layer = Counting()
    layer.compute_output_shape((None, 4))
    assert layer.inbound_nodes == [] and layer.updates == []
    assert len(layer.weights) == 1


def test_declared_shape_completes_what_the_rules_cannot_know():
    class Opaque(Layer):
        def call(self, inputs):
            return K.reshape(inputs, K.concatenate([K.shape(inputs)[:1], K.cast(inputs[0, :1], "int32")]))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 9)

    assert K.int_shape(Opaque()(Input((4,)))) == (None, 9)


def test_a_layer_never_returns_its_input_itself():
    class Same(Layer):
        pass

    x = Input((3,))
    y = Same()(x)
    assert y is not x and y._keras_history[0].name == "same_1" and x._keras_history[0].name == "input_1"


def test_a_layer_made_of_layers():
    class Phased(Layer):
        def call(self, inputs):
            return K.in_train_phase(inputs * 2.0, inputs)

    class Outer(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = Phased()

        def call(self, inputs):
            return self.inner(inputs)

    outer, x = Outer(), Input((3,))
    y = outer(x)
    assert y._keras_history[0] is outer and outer.inner.output._keras_history[0] is outer.inner
    assert y._uses_learning_phase


def test_call_must_return_tensors():
    class Nothing(Layer):
        def call(self, inputs):
            pass

    with pytest.raises(TypeError, match="nothing_1 .*must return a tensor"):
        Nothing()(Input((3,)))


def test_initial_weights():
    layer = Affine(2, weights=[np.full((3, 2), 4.0), np.ones(2)])
    layer(Input((3,)))
    assert np.array_equal(layer.get_weights()[0], np.full((3, 2), 4.0))


def test_set_weights_checks_count_and_shapes_first():
    layer = Affine(2)
    layer(Input((3,)))
    before = layer.get_weights()
    with pytest.raises(ValueError, match='"affine_1" with a weight list of length 1.*expecting 2'):
        layer.set_weights([np.ones((3, 2))])
    with pytest.raises(ValueError, match=r"\(2,\) not compatible with provided weight shape \(5,\)"):
        layer.set_weights([np.zeros((3, 2)), np.ones(5)])
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_count_params_of_an_unbuilt_layer():
    with pytest.raises(RuntimeError, match="affine_1, but the layer isn't built"):
        Affine(2).count_params()


def test_frozen_weights_move():
    layer = Affine(2)
    layer(Input((3,)))
    layer.trainable = False
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 2
    layer.trainable = True
    assert len(layer.trainable_weights) == 2 and layer.non_trainable_weights == []


def test_weights_follow_the_layers_float_type():
    layer = Affine(2, dtype="float64")
    layer(Input((3,), dtype="float64"))
    assert [K.dtype(w) for w in layer.weights] == ["float64", "float64"]
    whole = Affine(2, dtype="int32")
    whole.build((None, 3))
    assert K.dtype(whole.w) == "float32"


def test_add_weight_of_keras_1_and_of_later_keras():
    class Old(Layer):
        def build(self, input_shape):
            self.w = self.add_weight((2, 3), constant(1.0), name="w")

    class Later(Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(2,), initializer=constant(1.0))
            self.s = self.add_weight(name="s")

    old, x = Old(), Input((2,))
    with pytest.warns(DeprecationWarning, match="Update your `add_weight` call"):
        old(x)
    assert K.int_shape(old.w) == (2, 3)
    later = Later()
    later(Input((2,)))
    assert K.int_shape(later.w) == (2,) and K.int_shape(later.s) == ()


def test_weight_of_unknown_size_is_refused():
    with pytest.raises(ValueError, match="affine_1: the weight 'w' .*unknown"):
        Affine(2)(Input((None,)))


def test_masks_reach_the_layers_that_take_them():
    x = Input((3, 2))
    masked = Masks()(x)
    data = [[[1, 2], [0, 0], [3, 4]]]
    assert masked._keras_mask is not None
    summed = MaskedSum()(Double2()(masked))
    assert summed._keras_mask is None
    assert np.array_equal(values([x], [summed], [data])[0], [[8 + 2, 12 + 2]])


class Double2(Layer):
    """2 x + 1, passes masks on."""

    supports_masking = True

    def call(self, inputs):
        return inputs * 2.0 + 1.0


def test_a_mask_where_none_is_supported():
    with pytest.raises(TypeError, match="double_1 does not support masking"):
        Double()(Masks()(Input((3, 2))))


def test_losses_and_updates_belong_to_their_inputs():
    layer = Counting()
    a, b = Input((3,)), Input((3,))
    layer(a)
    layer(b)
    assert len(layer.updates) == 2
    assert layer.get_updates_for(a) == layer.updates[:1] and layer.get_updates_for([b]) == layer.updates[1:]
    assert layer.get_updates_for(None) == []
    layer.trainable = False
    assert layer.updates == [] and layer.get_updates_for(a) == []


def test_weight_penalty_counts_once_and_activity_penalty_per_call():
    layer = Affine(2, penalty=K.sum)
    layer.activity_regularizer = K.sum
    a, b = Input((3,)), Input((3,))
    layer(a)
    layer(b)
    assert len(layer.losses) == 3
    assert len(layer.get_losses_for(None)) == len(layer.get_losses_for(a)) == len(layer.get_losses_for(b)) == 1
    assert values([a], layer.get_losses_for(a), [[[1, 1, 1]]])[0] == 6.0


def test_learning_phase_is_noted():
    class Phased(Layer):
        def call(self, inputs):
            return K.in_train_phase(inputs * 2.0, inputs)

    x = Input((3,))
    assert not x._uses_learning_phase
    assert Double()(Phased()(x))._uses_learning_phase


def test_errors_inside_call_name_the_layer():
    class Broken(Layer):
        def call(self, inputs):
            return K.dot(inputs, K.ones((9, 2)))

    with pytest.raises(ValueError, match="broken_1"):
        Broken()(Input((3,)))
