"""Attributes with a leading underscore that packages for Keras 2 read and set."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.network import _make_node_key
from polykeras.layers import GRU, LSTM, BatchNormalization, Bidirectional, Dense, Input, InputLayer, Layer
from polykeras.models import Model, Sequential


@pytest.fixture
def parts():
    """Two inputs into a shared Dense, whose outputs a normalisation takes; the model of it."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    dense = Dense(3, kernel_regularizer="l2", activity_regularizer="l1", name="dense")
    norm = BatchNormalization(name="norm")
    model = Model([a, b], [norm(dense(a)), dense(b)])
    return a, b, dense, norm, model


def test_nodes(parts):
    a, b, dense, norm, _ = parts
    first, second = dense._inbound_nodes
    assert dense.inbound_nodes is dense._inbound_nodes and dense.outbound_nodes is dense._outbound_nodes
    assert first.input_tensors == [a] and second.input_tensors == [b]
    assert dense._outbound_nodes == norm._inbound_nodes == [norm._inbound_nodes[0]]
    (node,) = norm._inbound_nodes
    assert (node.outbound_layer, node.inbound_layers, node.node_indices, node.tensor_indices) == (
        norm,
        [dense],
        [0],
        [0],
    )
    assert node.input_shapes == [(None, 3)] and node.output_masks == [None] and node.arguments == {}
    assert a._keras_history[0]._outbound_nodes == [first]
    assert dense.get_output_at(1)._keras_history == (dense, 1, 0)
    assert dense._get_node_attribute_at_index(1, "input_tensors", "input") is b
    assert [dense.get_input_shape_at(i) for i in (0, 1)] == [(None, 4)] * 2


def test_nodes_of_a_model(parts):
    a, b, dense, norm, model = parts
    assert [layer.name for layer in model._input_layers] == ["a", "b"]
    assert all(isinstance(layer, InputLayer) for layer in model._input_layers)
    assert model._output_layers == [norm, dense]
    assert model._input_coordinates == [(a._keras_history[0], 0, 0), (b._keras_history[0], 0, 0)]
    assert model._output_coordinates == [(norm, 0, 0), (dense, 1, 0)]
    assert {_make_node_key(dense, 0), Layer._node_key(norm, 0), "dense_ib-1"} <= model._network_nodes
    assert model._layers_by_depth[0] == [norm]
    assert set(model._nodes_by_depth[0]) == {*norm._inbound_nodes, dense._inbound_nodes[1]}
    assert set(model._layers) == set(model.layers) and model._is_graph_network
    assert model._updated_config()["class_name"] == "Model" and model._updated_config()["keras_version"] == "2.2.4"


def test_weights_losses_and_updates(parts):
    _, _, dense, norm, _ = parts
    assert dense._trainable_weights == [dense.kernel, dense.bias] and dense._non_trainable_weights == []
    assert norm._trainable_weights == [norm.gamma, norm.beta]
    assert norm._non_trainable_weights == [norm.moving_mean, norm.moving_variance]
    assert len(dense._losses) == 3 and dense._losses == dense.losses
    assert len(norm._updates) == 2 and norm._updates == norm.updates
    assert sorted(map(len, dense._per_input_losses.values())) == [1, 1, 1]
    assert list(map(len, norm._per_input_updates.values())) == [2]
    assert dense._built and dense._initial_weights is None


def test_what_a_layer_of_ones_own_may_set():
    """Layers that hold others' weights in `_trainable_weights`, or say `_built` themselves."""

    class Adopts(Layer):
        def build(self, input_shape):
            self.inner = Dense(2)
            self.inner.build(input_shape)
            self._trainable_weights = self.inner.trainable_weights
            self._non_trainable_weights = []
            self._built = True

        def call(self, inputs):
            return self.inner.call(inputs)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

    model = Sequential([Adopts(input_shape=(3,))])
    assert model.layers[0].built and len(model.trainable_weights) == 2
    model.compile("sgd", "mse")
    before = model.get_weights()[0]
    model.train_on_batch(np.ones((2, 3)), np.zeros((2, 2)))
    assert np.abs(model.get_weights()[0] - before).max() > 0


def test_initial_weights_wait_for_build():
    arrays = [np.ones((4, 3)), np.zeros(3)]
    layer = Dense(3, weights=arrays)
    assert layer._initial_weights is arrays
    layer._initial_weights = [2 * arrays[0], arrays[1]]
    layer(Input((4,)))
    np.testing.assert_array_equal(layer.get_weights()[0], 2)


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_dropout_masks_of_cells_can_be_forgotten(layer):
    """Packages that run a cell by hand set these to None before each sequence."""
    made = layer(3, dropout=0.5, recurrent_dropout=0.5)
    made(Input((5, 2)))
    cell = made.cell
    cell._dropout_mask = None
    cell._recurrent_dropout_mask = None
    x, states = Input((2,)), [Input((3,)) for _ in made.states]
    output, new_states = cell.call(x, states, training=True)
    assert K.int_shape(output) == (None, 3) and len(new_states) == len(states)
    with_mask = K.function([x, *states], [output])([np.ones((50, 2)), *(np.zeros((50, 3)) for _ in states)])[0]
    assert len(np.unique(with_mask, axis=0)) > 1  # rows of one input differ by their masks


def test_trainable_of_a_wrapper_reaches_its_layers():
    layer = Bidirectional(LSTM(2))
    layer(Input((5, 3)))
    assert len(layer.trainable_weights) == 6
    layer.trainable = False
    assert layer.trainable_weights == []
    assert not layer.forward_layer.trainable and not layer.backward_layer.trainable
