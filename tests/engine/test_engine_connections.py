"""What a layer says of its calls."""

import pytest

from polykeras.engine.topology import Input
from tests.engine.tiny_layers import Affine, Double, Halves, Plus


def test_a_layer_called_once():
    layer, x = Double(), Input((3,))
    y = layer(x)
    assert layer.input is x and layer.output is y
    assert layer.input_shape == (None, 3) and layer.output_shape == (None, 3)
    assert layer.input_mask is None and layer.output_mask is None


def test_a_layer_never_called():
    for attribute in ("input", "output", "input_mask", "output_mask", "input_shape", "output_shape"):
        with pytest.raises(AttributeError, match="not connected"):
            getattr(Double(), attribute)
    with pytest.raises(RuntimeError, match="never been called"):
        Double().get_output_at(0)


def test_a_layer_called_twice():
    layer, a, b = Affine(2), Input((3,)), Input((3,))
    ya, yb = layer(a), layer(b)
    with pytest.raises(AttributeError, match="multiple inbound nodes.*get_output_at"):
        _ = layer.output
    assert layer.get_output_at(0) is ya and layer.get_output_at(1) is yb
    assert layer.get_input_at(0) is a and layer.get_input_at(1) is b
    assert layer.get_output_shape_at(1) == (None, 2)
    with pytest.raises(ValueError, match="only 2 inbound nodes"):
        layer.get_output_at(2)
    assert layer.input_shape == (None, 3)


def test_shapes_that_differ_between_calls_are_ill_defined():
    layer = Double()
    layer(Input((3,)))
    layer(Input((4,)))
    with pytest.raises(AttributeError, match="different input shapes"):
        _ = layer.input_shape


def test_several_inputs_and_outputs_are_lists():
    a, b = Input((4,)), Input((4,))
    plus, halves = Plus(), Halves()
    parts = halves(plus([a, b]))
    assert plus.input == [a, b] and plus.input_shape == [(None, 4), (None, 4)]
    assert halves.output == parts and halves.output_shape == [(None, 2), (None, 2)]


def test_nodes_link_layers():
    x = Input((3,))
    first, second = Double(name="first"), Double(name="second")
    second(first(x))
    node = second.inbound_nodes[0]
    assert node is first.outbound_nodes[0]
    assert node.get_config() == {
        "outbound_layer": "second",
        "inbound_layers": ["first"],
        "node_indices": [0],
        "tensor_indices": [0],
    }
