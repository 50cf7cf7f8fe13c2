"""The layer: weights, and a call that computes with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from polykeras import backend as K
from polykeras import initializers
from polykeras.engine.capture import BASE_KEYWORDS, captured_arguments, construct, defines_constructor_last
from polykeras.engine.connections import Connections
from polykeras.engine.input_spec import InputSpec, Shape, as_shape, check_inputs
from polykeras.engine.names import numbered, snake_case
from polykeras.engine.node import Node
from polykeras.engine.scratch import in_scratch, scratch
from polykeras.engine.terms import Terms
from polykeras.engine.weights import count_params, set_values
from polykeras.legacy.interfaces import keywords, respell, unknown_keyword
from polykeras.legacy.support import keras1_add_weight
from polykeras.symbolic.graph import Tensor, layer_scope
from polykeras.utils.generic_utils import has_arg, is_all_none, object_list_uid, to_list, unpack_singleton

__all__ = [
    "InputSpec",
    "Layer",
    "Node",
    "count_params",
    "has_arg",
    "is_all_none",
    "object_list_uid",
    "to_list",
    "unpack_singleton",
]


def _later_add_weight(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Later Keras's leave: `name` and `shape` may be missing (a scalar)."""
    if len(args) > 1:
        return None
    return args, {"name": None, "shape": (), **kwargs}


class Layer(Connections, Terms):
    """Base of all layers.

    A layer of your own defines

    * `__init__(self, ..., **kwargs)`: keep the arguments, pass `**kwargs` on;
    * `build(self, input_shape)`: make the weights with `add_weight`; called once, before the first call;
    * `call(self, inputs)`: compute, with functions of the backend; may take `mask=` and `training=`;
    * `compute_output_shape(self, input_shape)`: if it is left out, the shape is found by running `call` symbolically;
    * `get_config(self)`: if it is left out, the constructor's arguments are taken.

    Keywords: name, trainable, dtype (of inputs and floating-point weights), weights (initial values, a list of arrays),
    input_shape (without the batch), batch_size, batch_input_shape (with it).

    Properties: name, trainable, built, dtype, weights, trainable_weights, non_trainable_weights, losses, updates; and
    once it has been called input, output, input_shape, output_shape, input_mask, output_mask.
    """

    name: str
    trainable: bool
    dtype: str | None = None
    input_spec: Any = None
    supports_masking = False
    stateful = False
    batch_input_shape: Shape
    uses_learning_phase: bool
    activity_regularizer: Any
    _initial_weights: Any
    _captures_arguments = False
    _constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._captures_arguments = defines_constructor_last(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        layer = super().__new__(cls)
        if cls._captures_arguments:
            object.__setattr__(layer, "_constructor_arguments", (args, kwargs))
        return layer

    def __init__(self, **kwargs: Any):
        for keyword in kwargs:
            if keyword not in BASE_KEYWORDS:
                known = [*keywords(type(self).__init__), *BASE_KEYWORDS]
                raise unknown_keyword(keyword, type(self).__name__, known)
        self._start(kwargs.get("name"), kwargs.get("trainable", True))
        batch_input_shape = kwargs.get("batch_input_shape")
        if batch_input_shape is None and kwargs.get("input_shape") is not None:
            batch_input_shape = (kwargs.get("batch_size"), *as_shape(kwargs["input_shape"], "input_shape"))
        dtype = kwargs.get("dtype") or kwargs.get("input_dtype")
        if batch_input_shape is not None:
            self.batch_input_shape = as_shape(batch_input_shape, "batch_input_shape")
            dtype = dtype or K.floatx()
        if dtype is not None:
            self.dtype = dtype
        self._initial_weights = kwargs.get("weights")

    def _start(self, name: str | None, trainable: bool = True) -> None:
        """Set what every layer and every model has."""
        self.name = name or numbered(snake_case(type(self).__name__))
        self.trainable = trainable
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._clear_terms()
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []
        self._built = False
        self._initial_weights = None

    # -- to be defined by layers -----------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights. `input_shape`: a tuple, batch included, or a list of tuples if there are several inputs."""
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        """The layer's computation on a tensor or a list of tensors. This one returns its inputs."""
        return inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs: the inputs' where `supports_masking`, else None.

        Raises TypeError where a mask comes to a layer that cannot use one.
        """
        if self.supports_masking:
            return mask
        if not is_all_none(mask):
            raise TypeError(
                f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}. "
                f"Put it before the layer that makes the mask, or set `supports_masking = True` in a layer of your own "
                f"that passes the mask on."
            )
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for a shape (or a list of shapes) of the input, batch included.

        A layer that does not define it gets it from the shape rules of the operations in `call`, run on placeholders;
        for that it is built.
        """
        several = isinstance(input_shape, list) and any(isinstance(shape, list | tuple) for shape in input_shape)
        with self._scope(), scratch():
            self._ensure_built(input_shape)
            shapes = input_shape if several else [input_shape]
            inputs = [K.placeholder(shape=shape, dtype=self._input_dtype(i)) for i, shape in enumerate(shapes)]
            output = self.call(inputs if several else inputs[0])
        shapes = [K.int_shape(tensor) for tensor in to_list(output, allow_tuple=True)]
        return shapes if isinstance(output, list | tuple) else shapes[0]

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make the layer anew, without its weights. Subclasses add their arguments.

        For a class that does not define it, the constructor's arguments are in it.
        """
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "batch_input_shape"):
            config["batch_input_shape"] = self.batch_input_shape
        if "dtype" in vars(self):
            config["dtype"] = self.dtype
        if self._constructor_arguments is not None:
            args, kwargs = self._constructor_arguments
            own = captured_arguments(type(self), args, kwargs)
            config.update((name, value) for name, value in own.items() if name not in config)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer as `config`, from `get_config`, describes it."""
        return construct(cls, config) if cls._captures_arguments else cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{getattr(self, 'name', 'without a name yet')}'>"

    # -- the call ----------------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """Apply the layer to a tensor or a list of tensors; the first time its weights are made.

        Raises ValueError where the inputs are no tensors or do not fit `input_spec`.
        """
        if isinstance(inputs, tuple):
            inputs = list(inputs)
        tensors = to_list(inputs)
        with self._scope():
            self.assert_input_compatibility(inputs)
            shapes = [K.int_shape(tensor) for tensor in tensors]
            if not self.built:
                self._ensure_built(unpack_singleton(shapes))
                self.assert_input_compatibility(inputs)
            masks = [getattr(tensor, "_keras_mask", None) for tensor in tensors]
            output, output_masks = self._run(inputs, masks, kwargs)
            if not in_scratch():
                outputs = to_list(output)
                output_shapes = [K.int_shape(tensor) for tensor in outputs]
                self._add_inbound_node(tensors, outputs, masks, output_masks, shapes, output_shapes, kwargs)
        return output

    def assert_input_compatibility(self, inputs: Any) -> None:
        """Raise ValueError unless `inputs` are tensors that fit `input_spec`."""
        tensors = to_list(inputs)
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    f"Layer {self.name} was called with an input that isn't a symbolic tensor. "
                    f"Received type: {type(tensor).__name__}. Layers take tensors, such as `Input(shape=...)` gives; "
                    f"to compute with arrays, make a model and call its `predict`."
                )
        if self.input_spec:
            check_inputs(self.name, to_list(self.input_spec), tensors)

    @contextmanager
    def _scope(self) -> Iterator[None]:
        """Nodes made inside carry the layer's name, for errors; variables are named after it."""
        with layer_scope(self.name), K.name_scope(self.name):
            yield

    def _ensure_built(self, input_shape: Any) -> None:
        """Make the weights if there are none yet, and give them the values of the keyword `weights`."""
        if self.built:
            return
        with scratch(False):
            self.build(input_shape)
            self.built = True
            if self._initial_weights is not None:
                self.set_weights(self._initial_weights)
                self._initial_weights = None

    def _run(self, inputs: Any, masks: Sequence[Any], arguments: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Compute outputs and their masks: `call` and all that belongs to each of its calls, besides the node."""
        tensors = to_list(inputs)
        mask = None if is_all_none(masks) else unpack_singleton(masks)
        passed = dict(arguments)
        if mask is not None and "mask" not in passed and has_arg(self.call, "mask"):
            passed["mask"] = mask
        with self._calling(tensors):
            output = _own(self.call(inputs, **passed), tensors)
        output_mask = self.compute_mask(inputs, mask)
        outputs = to_list(output)
        self._check_outputs(outputs)
        self._complete_shapes(tensors, outputs)
        by_phase = getattr(self, "uses_learning_phase", False) or any(
            getattr(tensor, "_uses_learning_phase", False) for tensor in tensors
        )
        for tensor in outputs:
            tensor._uses_learning_phase = by_phase or getattr(tensor, "_uses_learning_phase", False)
        regularizer = getattr(self, "activity_regularizer", None)
        if regularizer is not None:
            with K.name_scope("activity_regularizer"):
                self.add_loss([regularizer(tensor) for tensor in outputs], inputs=tensors)
        output_masks = list(output_mask) if isinstance(output_mask, list | tuple) else [output_mask] * len(outputs)
        return output, output_masks

    def _check_outputs(self, outputs: Sequence[Any]) -> None:
        for output in outputs:
            if not isinstance(output, Tensor):
                raise TypeError(
                    f"`call` of layer {self.name} ({type(self).__name__}) returned {output!r}; "
                    f"it must return a tensor or a list of tensors."
                )

    def _complete_shapes(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        """Where a rule could not know an output's size, take what `compute_output_shape` declares."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return
        input_shapes = [K.int_shape(tensor) for tensor in inputs]
        if any(shape is None for shape in input_shapes) or all(_is_known(K.int_shape(t)) for t in outputs):
            return
        declared = self.compute_output_shape(unpack_singleton(input_shapes))
        several = isinstance(declared, list) and any(isinstance(shape, list | tuple) for shape in declared)
        for tensor, shape in zip(outputs, declared if several else [declared], strict=False):
            tensor._keras_shape = _completed(K.int_shape(tensor), shape)

    def _input_dtype(self, index: int) -> str | None:
        """The dtype of input `index`, where the layer has a say in it."""
        return self.dtype

    def _add_inbound_node(
        self,
        input_tensors: Any,
        output_tensors: Any,
        input_masks: Any,
        output_masks: Any,
        input_shapes: Any,
        output_shapes: Any,
        arguments: dict[str, Any] | None = None,
    ) -> None:
        """Note a call: a node between the layers that made the inputs and this one, and its marks on the outputs."""
        inputs, outputs = to_list(input_tensors), to_list(output_tensors)
        histories = [getattr(tensor, "_keras_history", (None, None, None)) for tensor in inputs]
        layers, node_indices, tensor_indices = zip(*histories, strict=True) if histories else ((), (), ())
        masks = to_list(output_masks, allow_tuple=True)
        Node(
            self,
            layers,
            node_indices,
            tensor_indices,
            inputs,
            outputs,
            to_list(input_masks),
            masks,
            to_list(input_shapes),
            to_list(output_shapes),
            arguments,
        )
        for index, (tensor, mask) in enumerate(zip(outputs, masks, strict=True)):
            tensor._keras_shape = K.int_shape(tensor)
            tensor._keras_history = self, len(self._inbound_nodes) - 1, index
            tensor._keras_mask = mask

    # -- weights -----------------------------------------------------------------------------------------------------

    @respell(convert=keras1_add_weight, adapt=_later_add_weight)
    def add_weight(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str | None = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> Any:
        """Make a weight: a variable that belongs to the layer. To be called in `build`.

        name:        its name within the layer; the variable is called `layer/name:0`.
        shape:       sizes, all known.
        dtype:       by default the layer's dtype if that is a float type, else `floatx`.
        initializer: name, config or callable; by default `glorot_uniform`.
        regularizer: callable on the weight; what it returns is added to the loss.
        trainable:   whether training changes it.
        constraint:  callable that gives the weight's next value after each training step.
        Returns the variable.
        """
        if any(size is None for size in shape):
            raise ValueError(
                f"Layer {self.name}: the weight '{name}' was to get shape {tuple(shape)}, in which a size is unknown. "
                f"Give the input a known size on that axis."
            )
        if dtype is None:
            dtype = self.dtype if self.dtype is not None and self.dtype.startswith("float") else K.floatx()
        initializer = initializers.get("glorot_uniform" if initializer is None else initializer)
        value = initializer(shape, dtype=dtype) if _takes_dtype(initializer) else initializer(shape)
        weight = K.variable(value, dtype=dtype, name=name, constraint=constraint)
        if regularizer is not None:
            with K.name_scope("weight_regularizer"):
                self.add_loss(regularizer(weight))
        (self._trainable_weights if trainable else self._non_trainable_weights).append(weight)
        return weight

    @property
    def built(self) -> bool:
        """Whether the weights are made."""
        return self._built

    @built.setter
    def built(self, value: bool) -> None:
        self._built = value

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that training changes; none while `trainable` is False."""
        return list(self._trainable_weights) if self.trainable else []

    @trainable_weights.setter
    def trainable_weights(self, weights: list[Any]) -> None:
        self._trainable_weights = weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that training leaves alone; all of them while `trainable` is False."""
        frozen = [] if self.trainable else self._trainable_weights
        return [*frozen, *self._non_trainable_weights]

    @non_trainable_weights.setter
    def non_trainable_weights(self, weights: list[Any]) -> None:
        self._non_trainable_weights = weights

    @property
    def weights(self) -> list[Any]:
        """All variables: the trainable ones, then the others."""
        return self.trainable_weights + self.non_trainable_weights

    def get_weights(self) -> list[Any]:
        """The values of the weights, as arrays, in the order of `weights`."""
        return list(K.batch_get_value(self.weights))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of the weights: arrays in the order and of the shapes of `get_weights()`; else ValueError."""
        set_values(self.name, self.weights, weights)

    def count_params(self) -> int:
        """The number of values in the weights. RuntimeError if the layer is not built."""
        if not self.built:
            raise RuntimeError(
                f"You tried to call `count_params` on {self.name}, but the layer isn't built. "
                f"You can build it manually via: `{self.name}.build(batch_input_shape)`."
            )
        return count_params(self.weights)


def _takes_dtype(initializer: Any) -> bool:
    return has_arg(initializer if hasattr(initializer, "__name__") else initializer.__call__, "dtype")


def _own(output: Any, inputs: Sequence[Tensor]) -> Any:
    """The outputs as tensors of this layer's own: a copy of what is an input or was made by another layer."""
    if isinstance(output, tuple):
        output = list(output)
    given = {id(tensor) for tensor in inputs}
    if isinstance(output, list):
        return [_own_tensor(tensor, given) for tensor in output]
    return _own_tensor(output, given)


def _own_tensor(tensor: Any, given: set[int]) -> Any:
    if id(tensor) not in given and not hasattr(tensor, "_keras_history"):
        return tensor
    copied: Any = K.identity(tensor)
    copied._keras_shape = K.int_shape(tensor)
    copied._uses_learning_phase = getattr(tensor, "_uses_learning_phase", False)
    return copied


def _is_known(shape: Shape | None) -> bool:
    return shape is not None and all(size is not None for size in shape[1:])


def _completed(found: Shape | None, declared: Sequence[int | None]) -> Shape:
    """The shape that the rules found, with unknown sizes as declared."""
    if found is None:
        return tuple(declared)
    if len(found) != len(declared):
        return found
    return tuple(d if f is None else f for f, d in zip(found, declared, strict=True))
