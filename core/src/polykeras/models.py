"""Models: making, cloning, loading."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras._faces import lazy
from polykeras.engine.base_layer import Layer
from polykeras.engine.input_layer import Input, InputLayer
from polykeras.engine.layer_graph import history
from polykeras.engine.network import Network, replaced_tensors
from polykeras.engine.raw_operations import BackendOperations, weight_owners
from polykeras.engine.sequential import Sequential
from polykeras.engine.shared_variables import described_with, together
from polykeras.engine.training import Model
from polykeras.symbolic.graph import Key, Tensor
from polykeras.utils.generic_utils import to_list, unpack_singleton

__getattr__, __dir__ = lazy(__name__, {
    "Input": "polykeras.engine.input_layer:Input",
    "InputLayer": "polykeras.engine.input_layer:InputLayer",
    "Model": "polykeras.engine.training:Model",
    "Sequential": "polykeras.engine.sequential:Sequential",
    "has_arg": "polykeras.utils.generic_utils:has_arg",
    "load_model": "polykeras.saving:load_model",
    "model_from_config": "polykeras.saving:model_from_config",
    "model_from_json": "polykeras.saving:model_from_json",
    "model_from_yaml": "polykeras.saving:model_from_yaml",
    "save_model": "polykeras.saving:save_model",
})  # fmt: skip


def clone_model(model: Network, input_tensors: Any = None) -> Network:
    """A model of the same layers with fresh weights, on new inputs.

    input_tensors: tensors to build on instead of new `Input`s, one or a list, in the order of `model.inputs`.

    Raises ValueError for a subclassed model: what it computes is code, which cannot be cloned.
    """
    if not isinstance(model, Network):
        raise ValueError(f"Expected `model` argument to be a model, got {model!r}.")
    if isinstance(model, Sequential):
        with together():
            return _clone_sequential(model, input_tensors)
    if not model._is_graph_network:
        raise ValueError(
            f"Expected `model` argument to be a functional or a `Sequential` model; '{model.name}' is a subclassed one "
            f"({type(model).__name__}). Make another with its constructor."
        )
    with together(), described_with(weight_owners(model.layers)):
        return _clone_functional(model, input_tensors)


def _clone_sequential(model: Sequential, input_tensors: Any) -> Sequential:
    layers = [_clone_layer(layer) for layer in model.layers]
    if input_tensors is None:
        start = [] if model._explicit_input is None else [_clone_layer(model._explicit_input)]
        clone = Sequential([*start, *layers], name=model.name)
        if model._build_input_shape is not None:
            clone.build(model._build_input_shape)
        return clone
    tensors = to_list(input_tensors, allow_tuple=True)
    if len(tensors) != 1:
        raise ValueError(f"A `Sequential` model has one input; `input_tensors` has {len(tensors)}.")
    return Sequential([history(_as_input(tensors[0], model.name))[0], *layers], name=model.name)


def _clone_functional(model: Network, input_tensors: Any) -> Network:
    assert model.inputs is not None and model.outputs is not None
    if input_tensors is None:
        inputs = [history(tensor)[0] for tensor in model.inputs]
        new_inputs = [
            Input(batch_shape=layer.batch_input_shape, dtype=layer.dtype, sparse=layer.sparse, name=layer.name)
            for layer in inputs
            if isinstance(layer, InputLayer)
        ]
    else:
        given = to_list(input_tensors, allow_tuple=True)
        if len(given) != len(model.inputs):
            raise ValueError(f"'{model.name}' has {len(model.inputs)} inputs; `input_tensors` has {len(given)}.")
        new_inputs = [_as_input(tensor, name) for tensor, name in zip(given, model.input_names, strict=True)]
    tensors: dict[Key, Tensor] = dict(zip([t.key for t in model.inputs], new_inputs, strict=True))
    layers: dict[Layer, Layer] = {}
    for node in model._graph.nodes:
        if not node.inbound_layers:
            continue
        layer = node.outbound_layer
        if layer not in layers:
            layers[layer] = _clone_layer(layer)
            if isinstance(layer, BackendOperations):
                _give_weights(layer, model, layers)
        inputs_of_call = [tensors.get(tensor.key, tensor) for tensor in node.input_tensors]
        arguments = {name: replaced_tensors(value, tensors) for name, value in node.arguments.items()}
        outputs = layers[layer](unpack_singleton(inputs_of_call), **arguments)
        tensors.update(zip([t.key for t in node.output_tensors], to_list(outputs), strict=True))
    return Model(new_inputs, [tensors[tensor.key] for tensor in model.outputs], name=model.name)


def _clone_layer(layer: Layer) -> Layer:
    if isinstance(layer, Network):
        return clone_model(layer)
    return type(layer).from_config(layer.get_config())


def _give_weights(operations: BackendOperations, model: Network, clones: dict[Layer, Layer]) -> None:
    """Let the clone of backend operations use the weights of cloned layers; its own get the values of the original."""
    clone = clones[operations]
    assert isinstance(clone, BackendOperations)
    for owner in map(model.get_layer, clone.lenders):
        if owner not in clones:
            clones[owner] = _clone_layer(owner)
    clone.borrow({owner.name: twin for owner, twin in clones.items()})
    K.batch_set_value(list(zip(clone.weights, K.batch_get_value(operations.weights), strict=True)))


def _as_input(tensor: Tensor, name: str) -> Tensor:
    """The tensor if it is an `Input`, else an `Input` that wraps it."""
    if K.is_keras_tensor(tensor) and isinstance(history(tensor)[0], InputLayer):
        return tensor
    return Input(tensor=tensor, name=f"input_wrapper_for_{name}")  # type: ignore[no-any-return]
