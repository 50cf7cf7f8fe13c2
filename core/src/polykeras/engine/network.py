"""A graph of layers that is itself a layer; everything of a model besides training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from polykeras import backend as K
from polykeras._faces import lazy
from polykeras.engine.base_layer import Layer
from polykeras.engine.input_layer import InputLayer
from polykeras.engine.layer_graph import LayerGraph, history, node_of, trace_layers
from polykeras.engine.names import numbered
from polykeras.engine.network_config import functional_config, functional_parts
from polykeras.engine.node import Node
from polykeras.engine.raw_operations import (
    BackendOperations,
    capture,
    depends_on_learning_phase,
    leave_weights_to_owners,
)
from polykeras.engine.scratch import in_scratch
from polykeras.engine.terms import AddedMetric, InputsKey, carried, inputs_key, unique
from polykeras.engine.weights import set_values
from polykeras.legacy.interfaces import rename, unknown_keyword, warn_caller
from polykeras.suggest import nearest
from polykeras.symbolic.body import substitute
from polykeras.symbolic.graph import Key, Tensor, layer_scope, topological
from polykeras.symbolic.op import PLACEHOLDER
from polykeras.utils.generic_utils import has_arg, to_list, unpack_singleton

# what Keras's module imports, and so shows
__getattr__, __dir__ = lazy(__name__, {
    "_make_node_key": "polykeras.engine.node:node_key",
    "ask_to_proceed_with_overwrite": "polykeras.utils.io_utils:ask_to_proceed_with_overwrite",
    "get_source_inputs": "polykeras.engine.layer_graph:get_source_inputs",
    "object_list_uid": "polykeras.utils.generic_utils:object_list_uid",
    "print_layer_summary": "polykeras.utils.layer_utils:print_layer_summary",
})  # fmt: skip

Run = tuple[list[Tensor], list[Any]]


class Network(Layer):
    """A directed graph of layers.

    * Functional: `Network(inputs, outputs, name=None)`: the layers that lead from the inputs to the outputs.
    * Subclassed: a subclass whose constructor calls `super().__init__(name=...)` and makes layers its attributes (also
      in lists, tuples and dictionaries), and whose `call` computes with them.

    layers:  the layers, from the inputs to the outputs; of a subclass, in the order in which they became attributes.
    inputs, outputs: lists of tensors. input_names, output_names: names of the layers that made them.
    """

    inputs: list[Tensor] | None
    outputs: list[Tensor] | None
    input_names: list[str]
    output_names: list[str]
    optimizer: Any
    _is_graph_network: bool
    _is_compiled: bool
    _graph: LayerGraph
    _layers: list[Layer]
    _untracked = frozenset(("callback_model", "metrics", "stateful_metric_functions"))
    """Attributes whose layers are not the model's own."""

    @rename(input="inputs", output="outputs")
    def __init__(self, *args: Any, **kwargs: Any):
        functional = len(args) >= 2 or "outputs" in kwargs
        known = ("inputs", "outputs", "name", "trainable") if functional else ("name", "trainable")
        for keyword in kwargs:
            if keyword not in known:
                raise unknown_keyword(keyword, type(self).__name__, known)
        if functional:
            given = dict(zip(("inputs", "outputs", "name"), args, strict=False))
            self._init_graph_network(**given, **kwargs)
        elif args:
            raise TypeError(
                f"{type(self).__name__} got inputs and no outputs. A functional model takes both: "
                f"`{type(self).__name__}(inputs=..., outputs=...)`."
            )
        else:
            self._init_subclassed_network(**kwargs)

    # -- making ------------------------------------------------------------------------------------------------------

    def _base_init(self, name: str | None, trainable: bool = True) -> None:
        self._is_graph_network = False
        self._start(name or numbered(type(self).__name__.lower()), trainable)
        self.inputs = None
        self.outputs = None
        self.input_names = []
        self.output_names = []
        self.optimizer = None
        self._is_compiled = False
        self._runs: dict[tuple[InputsKey, tuple[Key | None, ...]], Run] = {}
        self._inner_calls: dict[InputsKey, list[tuple[Layer, list[Tensor]]]] = {}

    def _init_subclassed_network(self, name: str | None = None, trainable: bool = True) -> None:
        self._base_init(name, trainable)

    def _init_graph_network(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True) -> None:
        self._base_init(name, trainable)
        self._connect(to_list(inputs, allow_tuple=True), to_list(outputs, allow_tuple=True))

    def _connect(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """Make this the network between the tensors."""
        _check_inputs(inputs)
        _check_outputs(outputs)
        self._graph = trace_layers(inputs, outputs)
        self._is_graph_network = True
        self.inputs = inputs
        self.outputs = outputs
        self._layers = list(self._graph.layers)
        leave_weights_to_owners(self._layers)
        self._nodes_by_depth = self._graph.nodes_by_depth
        self._layers_by_depth = self._graph.layers_by_depth
        self._network_nodes = self._graph.node_keys
        self._input_coordinates = [history(tensor) for tensor in inputs]
        self._output_coordinates = [history(tensor) for tensor in outputs]
        self._input_layers = [layer for layer, _, _ in self._input_coordinates]
        self._output_layers = [layer for layer, _, _ in self._output_coordinates]
        self.output_names = [layer.name for layer in self._output_layers]
        self._note_inputs([layer.name for layer in self._input_layers], list(map(_is_fed, self._input_layers)))
        input_masks = [getattr(tensor, "_keras_mask", None) for tensor in inputs]
        output_masks = [getattr(tensor, "_keras_mask", None) for tensor in outputs]
        self._runs = {(inputs_key(inputs), tuple(map(_key_or_none, input_masks))): (outputs, output_masks)}
        self._inner_calls = {inputs_key(inputs): [(n.outbound_layer, n.input_tensors) for n in self._graph.nodes]}
        self._inbound_nodes = []
        Node(
            self,
            [],
            [],
            [],
            inputs,
            outputs,
            input_masks,
            output_masks,
            [K.int_shape(tensor) for tensor in inputs],
            [K.int_shape(tensor) for tensor in outputs],
        )
        self.built = True

    def _set_inputs(self, inputs: Any, outputs: Any = None, training: Any = None) -> None:
        """Build a model that has no inputs yet, for data like these.

        inputs:   arrays or tensors, one or a list. For an array a placeholder is made: any batch, the array's shape.
        outputs:  the outputs, if the model has been called on these tensors already.
        training: passed to a `call` that takes it.
        """
        tensors, names, fed = [], [], []
        for number, data in enumerate(to_list(inputs, allow_tuple=True), 1):
            names.append(f"input_{number}")
            fed.append(not isinstance(data, Tensor) or bool(K.is_placeholder(data)))
            tensors.append(data if isinstance(data, Tensor) else _placeholder_like(data, names[-1]))
        if outputs is None:
            with self._scope():
                self._ensure_built(unpack_singleton([K.int_shape(tensor) for tensor in tensors]))
                arguments = {"training": training} if training is not None and has_arg(self.call, "training") else {}
                outputs, _ = self._run(unpack_singleton(tensors), [None] * len(tensors), arguments)
        outputs = to_list(outputs, allow_tuple=True)
        self.inputs = tensors
        self.outputs = outputs
        self.output_names = [f"output_{number}" for number in range(1, len(outputs) + 1)]
        self._note_inputs(names, fed)
        self.built = True

    def _note_inputs(self, names: list[str], fed: list[bool]) -> None:
        """Note the inputs' names, and which of them are fed: all besides those that wrap a tensor."""
        assert self.inputs is not None and self.outputs is not None
        self.input_names = names
        self._feed_inputs = [tensor for tensor, feed in zip(self.inputs, fed, strict=True) if feed]
        self._feed_input_names = [name for name, feed in zip(names, fed, strict=True) if feed]
        self._feed_input_shapes = [K.int_shape(tensor) for tensor in self._feed_inputs]
        self.internal_input_shapes = [K.int_shape(tensor) for tensor in self.inputs]
        self.internal_output_shapes = [K.int_shape(tensor) for tensor in self.outputs]
        noted_by_layers = self._is_graph_network and not any(isinstance(x, BackendOperations) for x in self._layers)
        self._by_phase = any(getattr(tensor, "_uses_learning_phase", False) for tensor in self.outputs) or (
            not noted_by_layers and depends_on_learning_phase(self.outputs)
        )

    def build(self, input_shape: Any) -> None:
        """Build a subclassed model for inputs of a shape (or a list of shapes), batch included, without data."""
        if not self._is_graph_network and self.inputs is None:
            several = isinstance(input_shape, list)
            shapes = input_shape if several else [input_shape]
            self._set_inputs([K.placeholder(shape=shape, name=f"input_{n}") for n, shape in enumerate(shapes, 1)])
        self.built = True

    def _ensure_built(self, input_shape: Any) -> None:
        """The layers of a subclassed model make their weights when they are called; there is nothing to do before."""
        if type(self).build is Network.build:
            self.built = True
        else:
            super()._ensure_built(input_shape)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_is_graph_network" not in vars(self) and any(_layers_in(value)):
            raise RuntimeError(
                "It looks like you are subclassing `Model` and you forgot to call `super().__init__()`. "
                "Always start with this line."
            )
        super().__setattr__(name, value)

    # -- layers ------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, each once."""
        if self._is_graph_network:
            return list(self._layers)
        held = [value for name, value in vars(self).items() if name not in self._untracked]
        return unique(_layers_in(held))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that place in `layers`; ValueError if there is none."""
        layers = self.layers
        if index is not None:
            if index >= len(layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(layers)} layers."
                )
            return layers[index]
        if not name:
            raise ValueError("Provide either a layer name or layer index.")
        for layer in layers:
            if layer.name == name:
                return layer
        near = nearest(name, [layer.name for layer in layers])
        advice = f" Did you mean `{near}`?" if near else f" The model has: {[layer.name for layer in layers]}."
        raise ValueError(f"No such layer: {name}.{advice}")

    @property
    def input(self) -> Any:
        """The input tensor, or the list of them; AttributeError before the model has any."""
        return unpack_singleton(self.inputs) if self._is_graph_network else super().input

    @property
    def output(self) -> Any:
        """The output tensor, or the list of them; AttributeError before the model has any."""
        return unpack_singleton(self.outputs) if self._is_graph_network else super().output

    @property
    def input_shape(self) -> Any:
        """Shape, batch included, of the input, or a list of shapes."""
        return unpack_singleton(self.internal_input_shapes) if self._is_graph_network else super().input_shape

    @property
    def output_shape(self) -> Any:
        """Shape, batch included, of the output, or a list of shapes."""
        return unpack_singleton(self.internal_output_shapes) if self._is_graph_network else super().output_shape

    @property
    def input_spec(self) -> Any:
        """One entry for each input, so that their number is checked; None for a subclassed model or a single input."""
        if not self._is_graph_network:
            return None
        assert self.inputs is not None
        return [None] * len(self.inputs) if len(self.inputs) > 1 else None

    @property
    def stateful(self) -> bool:  # type: ignore[override]
        """Whether a layer keeps states from batch to batch."""
        return any(layer.stateful for layer in self.layers)

    def reset_states(self) -> None:
        """Reset the states of all stateful layers."""
        for layer in self.layers:
            if layer.stateful and hasattr(layer, "reset_states"):
                layer.reset_states()

    @property
    def uses_learning_phase(self) -> bool:  # type: ignore[override]
        """Whether the outputs differ between training and test."""
        return self.outputs is not None and self._by_phase

    def pop(self) -> None:
        """Remove the last layer of a model whose one output comes from a layer with one input. Deprecated."""
        if not self._is_graph_network or len(self.outputs or ()) != 1:
            raise TypeError(f"`pop` needs a functional model with one output; '{self.name}' is none.")
        assert self.inputs is not None and self.outputs is not None
        origins = list(node_of(self.outputs[0]).inbound())
        if len(origins) != 1 or origins[0].layer is None:
            raise ValueError(
                f"The last layer of '{self.name}', {self._output_layers[0].name}, does not come from one other layer. "
                f"Write `Model(model.input, tensor)` with the tensor at which it should end."
            )
        warn_caller(
            "`pop` on a functional model is polykeras's own; the portable form is "
            "`Model(model.input, model.layers[-2].output)`"
        )
        self._is_compiled = False
        self._connect(self.inputs, [origins[0].tensor])

    # -- calling -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, mask: Any = None) -> Any:  # type: ignore[override]
        """The model's layers applied to other inputs. Subclassed models define it."""
        return unpack_singleton(self._run_on(inputs, mask)[0])

    def compute_mask(self, inputs: Any, mask: Any) -> Any:  # type: ignore[override]
        """The masks of the outputs for these inputs; None for a subclassed model."""
        return unpack_singleton(self._run_on(inputs, mask)[1]) if self._is_graph_network else None

    def _run(self, inputs: Any, masks: Sequence[Any], arguments: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        if self._is_graph_network:
            return super()._run(inputs, masks, arguments)
        before = {layer: len(layer._inbound_nodes) for layer in self.layers}
        result = super()._run(inputs, masks, arguments)
        if not in_scratch():
            self._inner_calls[inputs_key(inputs)] = [
                (layer, node.input_tensors)
                for layer in self.layers
                for node in layer._inbound_nodes[before.get(layer, 0) :]
            ]
        return result

    def _run_on(self, inputs: Any, mask: Any) -> Run:
        """Outputs and their masks; computed once for the same inputs."""
        if not self._is_graph_network:
            raise NotImplementedError(
                f"Model '{self.name}' ({type(self).__name__}) has no inputs and outputs and does not define `call`."
            )
        tensors = to_list(inputs)
        masks = [None] * len(tensors) if mask is None else to_list(mask, allow_tuple=True)
        key = inputs_key(tensors), tuple(map(_key_or_none, masks))
        run = self._runs.get(key)
        if run is None:
            outputs, output_masks, _ = self.run_internal_graph(tensors, masks)
            run = outputs, output_masks
            if not in_scratch():
                self._runs[key] = run
        return run

    def run_internal_graph(self, inputs: Sequence[Tensor], masks: Sequence[Any] | None = None) -> Any:
        """Apply the layers to other inputs: lists of output tensors, of their masks, and of their shapes."""
        assert self.inputs is not None and self.outputs is not None
        tensors: dict[Key, Tensor] = dict(zip([own.key for own in self.inputs], inputs, strict=True))
        kept: dict[Key, Any] = dict(zip(tensors, masks or [None] * len(inputs), strict=True))
        calls: list[tuple[Layer, list[Tensor]]] = []
        for node in self._graph.nodes:
            if not node.inbound_layers:
                continue
            layer = node.outbound_layer
            called_on = [tensors.get(own.key, own) for own in node.input_tensors]
            arguments = {name: replaced_tensors(value, tensors) for name, value in node.arguments.items()}
            with layer_scope(layer.name):
                if layer.input_spec and len(to_list(layer.input_spec)) == len(called_on):
                    layer.assert_input_compatibility(called_on)
                found_masks = [kept.get(own.key) for own in node.input_tensors]
                outputs, output_masks = layer._run(unpack_singleton(called_on), found_masks, arguments)
            calls.append((layer, called_on))
            keys = [own.key for own in node.output_tensors]
            tensors.update(zip(keys, to_list(outputs), strict=True))
            kept.update(zip(keys, output_masks, strict=True))
        if not in_scratch():
            self._inner_calls[inputs_key(inputs)] = calls
            self._carry_own_terms(inputs, tensors)
        results = [tensors[own.key] for own in self.outputs]
        return results, [kept[own.key] for own in self.outputs], [K.int_shape(tensor) for tensor in results]

    def _input_dtype(self, index: int) -> str | None:
        return K.dtype(self.inputs[index]) if self.inputs is not None else self.dtype

    # -- losses, updates and metrics ---------------------------------------------------------------------------------

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add scalar tensors to the loss.

        losses: a tensor or a list of them, made from the model's inputs, its layers' outputs, or its weights.
        inputs: the tensors that they depend on; by default the model's own, if they depend on such.
        """
        super().add_loss(losses, self._own_inputs_for(losses) if inputs is None else inputs)

    def add_metric(
        self, value: Any, name: str | None = None, aggregation: str | None = "mean", inputs: Any = None
    ) -> None:
        """Add a tensor to the metrics; see `Layer.add_metric`."""
        super().add_metric(value, name, aggregation, self._own_inputs_for(value) if inputs is None else inputs)

    def _own_inputs_for(self, terms: Any) -> Any:
        """The model's inputs, for terms that are fed through them; None for others, and within `call`."""
        if self._called_on is not None or self.inputs is None:
            return None
        nodes = topological(to_list(terms, allow_tuple=True))
        return self.inputs if any(node.op is PLACEHOLDER for node in nodes) else None

    def _carry_own_terms(self, inputs: Sequence[Tensor], tensors: Mapping[Key, Tensor]) -> None:
        """The model's own losses and metrics, computed from other inputs: `tensors` says what stands for what."""
        own, others = inputs_key(self.inputs), inputs_key(inputs)
        if own == others:
            return
        losses = self._per_input_losses.get(own)
        if losses:
            self._per_input_losses[others] = substitute(losses, dict(tensors))
        metrics = self._per_input_metrics.get(own)
        if metrics:
            self._per_input_metrics[others] = [carried(metric, tensors) for metric in metrics]

    @property
    def losses(self) -> list[Any]:
        """The losses that the layers and the model itself have added, as far as they belong to the model's inputs."""
        return unique([*self._for_own_inputs(self.get_losses_for), *self.get_losses_for(None)])

    @property
    def updates(self) -> list[Any]:
        """The updates that layers and model have added, as far as they belong to its inputs; none while frozen."""
        return unique([*self._for_own_inputs(self.get_updates_for), *self.get_updates_for(None)])

    @property
    def state_updates(self) -> list[Any]:
        """The updates of the stateful layers, which every call runs, in test and prediction too."""
        return unique([*self._for_own_inputs(self._state_updates_for), *self._state_updates_for(None)])

    def get_losses_for(self, inputs: Any) -> list[Any]:
        """The losses of the call on `inputs`, the layers' and the model's; with None those without inputs."""
        calls = self._calls_on(inputs)
        inner = [term for layer, tensors in calls for term in layer.get_losses_for(tensors)]
        return unique([*inner, *super().get_losses_for(inputs)])

    def get_updates_for(self, inputs: Any) -> list[Any]:
        """The updates of the call on `inputs`, the layers' and the model's; with None those without inputs."""
        if not self._updates_run():
            return []
        calls = self._calls_on(inputs)
        inner = [term for layer, tensors in calls for term in layer.get_updates_for(tensors)]
        return unique([*inner, *super().get_updates_for(inputs)])

    @property
    def added_metrics(self) -> list[AddedMetric]:
        """What the layers and the model itself have added as metrics, as far as it belongs to the model's inputs."""
        return unique([*self._for_own_inputs(self._metrics_for), *self._metrics_for(None)])

    def _metrics_for(self, inputs: Any) -> list[AddedMetric]:
        inner = [term for layer, tensors in self._calls_on(inputs) for term in layer._metrics_for(tensors)]
        return unique([*inner, *super()._metrics_for(inputs)])

    def _state_updates_for(self, inputs: Any) -> list[Any]:
        found: list[Any] = []
        for layer, tensors in self._calls_on(inputs):
            if isinstance(layer, Network):
                found += layer._state_updates_for(tensors)
            elif layer.stateful:
                found += layer.get_updates_for(tensors)
        return found

    def _for_own_inputs(self, getter: Callable[[Any], list[Any]]) -> list[Any]:
        return [] if self.inputs is None else getter(self.inputs)

    def _calls_on(self, inputs: Any) -> list[tuple[Layer, Any]]:
        """The calls of layers within the model's call on `inputs`; for None each layer with None."""
        if inputs is None:
            return [(layer, None) for layer in self.layers]
        return list(self._inner_calls.get(inputs_key(inputs), []))

    # -- weights -----------------------------------------------------------------------------------------------------

    @property  # type: ignore[misc]
    def trainable_weights(self) -> list[Any]:
        """The layers' trainable weights, each once; none while the model is frozen."""
        return unique(w for layer in self.layers for w in layer.trainable_weights) if self.trainable else []

    @property  # type: ignore[misc]
    def non_trainable_weights(self) -> list[Any]:
        """The layers' other weights; while the model is frozen, all of them."""
        frozen = [] if self.trainable else [w for layer in self.layers for w in layer.trainable_weights]
        return unique([*frozen, *(w for layer in self.layers for w in layer.non_trainable_weights)])

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """Models hold no weights of their own: NotImplementedError."""
        raise NotImplementedError(
            f"Model '{self.name}': a model's weights belong to its layers. Make the weight in a `Layer` of your own."
        )

    def get_weights(self) -> list[Any]:
        """The values of all weights, as arrays, layer by layer."""
        return list(K.batch_get_value(self._weights_by_layer()))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of all weights: arrays in the order and of the shapes of `get_weights()`; else ValueError."""
        set_values(self.name, self._weights_by_layer(), weights)

    def _weights_by_layer(self) -> list[Any]:
        return unique(weight for layer in self.layers for weight in layer.weights)

    # -- configs and files -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the model anew, without weights, as plain data.

        `{"name", "layers": [{"name", "class_name", "config", "inbound_nodes"}], "input_layers", "output_layers"}`,
        where a place in the graph is `[layer name, index of the call, index of its output]`.
        """
        self._require_graph("get_config")
        return functional_config(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A model as `config`, from `get_config`, describes it. `custom_objects`: names of layers and the like."""
        inputs, outputs = functional_parts(config, custom_objects)
        return cls(inputs=inputs, outputs=outputs, name=config.get("name"))

    def _updated_config(self) -> dict[str, Any]:
        """The config with the class and the versions, as files hold it."""
        from polykeras.saving.config import labelled_architecture

        return labelled_architecture(self)

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON. `kwargs` go to `json.dumps`."""
        self._require_graph("to_json")
        from polykeras import saving

        return saving.to_json(self, **kwargs)  # type: ignore[no-any-return]

    def to_yaml(self, **kwargs: Any) -> str:
        """The config as YAML. `kwargs` go to the YAML writer."""
        self._require_graph("to_yaml")
        from polykeras import saving

        return saving.to_yaml(self, **kwargs)  # type: ignore[no-any-return]

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write config, weights and, if compiled, the training's state to one HDF5 file: see `load_model`."""
        self._require_graph("save")
        from polykeras import saving

        saving.save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to an HDF5 file."""
        from polykeras import saving

        saving.save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False, reshape: bool = False
    ) -> None:
        """Read weights from a file.

        by_name:       for layers with the names in the file only, instead of for all in order.
        skip_mismatch: leave out layers whose weights differ in number or shape (with `by_name`).
        reshape:       accept another shape of the same size.
        """
        from polykeras import saving

        saving.load_weights(self, filepath, by_name, skip_mismatch, reshape)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and deep copies go by the way of `save`."""
        self._require_graph("pickle")
        from polykeras.saving import hdf5

        return hdf5.unpickle_model, (hdf5.pickle_model(self),)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
    ) -> None:
        """Print the layers with their output shapes and numbers of parameters; ValueError before the model is built.

        line_length: characters in a line. positions: ends of the columns, as shares of it or in characters.
        print_fn:    called with each line instead of `print`.
        """
        if not self.built:
            raise ValueError(
                f"This model has not yet been built ('{self.name}'). Build it first by calling `build()` or `fit()` "
                f"with some data, or give its first layer `input_shape` or `batch_input_shape`."
            )
        from polykeras.engine.summary import print_summary

        print_summary(self, line_length, positions, print_fn)

    def _require_graph(self, method: str) -> None:
        if not self._is_graph_network:
            raise NotImplementedError(
                f"`{method}` is not possible for '{self.name}', a subclassed model ({type(self).__name__}): what it "
                f"computes is Python code in its `call`, not a graph of layers that a config could hold. "
                f"`save_weights` and `load_weights` work; so does a functional model of the same layers."
            )


def _layers_in(value: Any) -> Iterator[Layer]:
    """The layers in an attribute: itself, or in lists, tuples and dictionaries."""
    if isinstance(value, Layer):
        yield value
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _layers_in(element)
    elif isinstance(value, dict):
        yield from _layers_in(list(value.values()))


def _placeholder_like(data: Any, name: str) -> Tensor:
    """A placeholder for batches of such arrays; vectors become columns, as they do when they are fed."""
    shape = np.shape(data)
    return K.placeholder(shape=(None, *(shape[1:] or (1,))), name=name)


def _is_fed(layer: Layer) -> bool:
    return bool(getattr(layer, "is_placeholder", False))


def _key_or_none(tensor: Tensor | None) -> Key | None:
    return None if tensor is None else tensor.key


def replaced_tensors(value: Any, tensors: Mapping[Key, Tensor]) -> Any:
    """A keyword argument of a call, with the tensors in it replaced by those that stand for them now."""
    if isinstance(value, Tensor):
        return tensors.get(value.key, value)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(replaced_tensors(element, tensors) for element in value)
    return value


def _check_inputs(inputs: Sequence[Any]) -> None:
    """Model inputs: different `Input` tensors, at least one."""
    if not inputs:
        raise ValueError("A model needs at least one input tensor; the list of `inputs` is empty.")
    for tensor in inputs:
        if not isinstance(tensor, Tensor) or not hasattr(tensor, "_keras_history"):
            raise ValueError(
                f"Input tensors to a Model must come from `Input`. "
                f"Received: {tensor!r} (missing previous layer metadata)."
            )
        layer = history(tensor)[0]
        if not isinstance(layer, InputLayer):
            raise ValueError(
                f"Model inputs must come from `Input`, they cannot be the output of a previous layer. {tensor!r} was "
                f'generated by layer "{layer.name}". Make an `Input` of its shape and call the layers after it on that.'
            )
    if len({id(tensor) for tensor in inputs}) != len(inputs):
        raise ValueError(
            f"The list of inputs passed to the model is redundant. All inputs should only appear once. Found: {inputs}"
        )


def _check_outputs(outputs: Sequence[Any]) -> None:
    """Model outputs: what layers made. Backend operations on that are made a layer."""
    if not outputs:
        raise ValueError("A model needs at least one output tensor; the list of `outputs` is empty.")
    for tensor in outputs:
        made_by_layer = isinstance(tensor, Tensor) and (hasattr(tensor, "_keras_history") or capture(tensor))
        if not made_by_layer:
            hint = " Call the layer on a tensor first." if isinstance(tensor, Layer) else ""
            raise ValueError(
                f"Output tensors to a Model must be the output of a Keras `Layer` "
                f"(thus holding past layer metadata). Found: {tensor!r}.{hint}"
            )
