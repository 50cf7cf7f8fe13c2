"""A stack of layers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras.engine.input_layer import Input, InputLayer
from polykeras.engine.layer_graph import get_source_inputs, history, node_of
from polykeras.engine.network import Network
from polykeras.engine.shared_variables import together
from polykeras.engine.training import Model
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import to_list


class Sequential(Model):
    """Layers one after another: each is called on the output of the one before.

    The first layer says what comes in (`input_shape`, `batch_input_shape`, `input_dim`, an `InputLayer`, or a model);
    if it does not, the weights are made when the model meets data or is called.

        model = Sequential([Dense(32, activation="relu", input_shape=(784,)), Dense(10)])
        model.add(Activation("softmax"))
    """

    def __init__(self, layers: Sequence[Layer] | None = None, name: str | None = None):
        super().__init__(name=name)
        self._layers: list[Layer] = []
        self._explicit_input: InputLayer | None = None
        self._build_input_shape: Any = None
        for layer in layers or ():
            self._put(layer)
        self._join()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the `InputLayer`."""
        layers = self._layers
        return layers[1:] if layers and isinstance(layers[0], InputLayer) else list(layers)

    @property
    def model(self) -> Self:
        """The model itself, where Keras 1 kept a functional one."""
        return self

    def add(self, layer: Any) -> None:
        """Put a layer on the top.

        Raises TypeError if it is no layer or gives several outputs, ValueError if it is an empty model.
        """
        self._put(layer)
        self._join()

    def pop(self) -> None:
        """Remove the layer on the top; TypeError if there is none."""
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        if not self.outputs:
            self._layers.pop()
            return
        node = node_of(self.outputs[0])
        before = node.input_tensors[0]
        history(before)[0]._outbound_nodes.remove(node)
        if len(self.layers) > 1 or self._explicit_input is not None:
            self._connect(get_source_inputs(before), [before])
        else:
            self._layers = []
            self._is_graph_network = False
            self.inputs = self.outputs = None
            self._inbound_nodes = []
            self.built = False

    def build(self, input_shape: Any = None) -> None:
        """Make the weights, for inputs of a shape, batch included, where the first layer does not say it."""
        if self.outputs or input_shape is None:
            return
        self._build_input_shape = tuple(input_shape)
        tensor = Input(batch_shape=self._build_input_shape, dtype=K.floatx(), name=f"{self.name}_input")
        inputs = [tensor]
        for layer in self._layers:
            tensor = _single(layer(tensor), layer)
        self._connect(inputs, [tensor])

    def call(self, inputs: Any, mask: Any = None) -> Any:  # type: ignore[override]
        """The layers applied to other inputs, one after another."""
        if not self._layers:
            raise ValueError(f"Sequential model '{self.name}' has no layers to call; `add` some first.")
        return super().call(inputs, mask)

    def _ensure_built(self, input_shape: Any) -> None:
        if not self.built and self._layers:
            self.build(input_shape)

    def _set_inputs(self, inputs: Any, outputs: Any = None, training: Any = None) -> None:
        data = to_list(inputs, allow_tuple=True)
        if len(data) != 1:
            raise ValueError(f"Sequential model '{self.name}' takes one input, got {len(data)}.")
        if not self._layers:
            raise ValueError(f"Sequential model '{self.name}' has no layers; `add` some first.")
        shape = (K.int_shape(data[0]) if isinstance(data[0], Tensor) else np.shape(data[0])) or ()
        self.build((None, *(shape[1:] or (1,))))

    def _put(self, layer: Any) -> None:
        """Call a layer on what is there; the network is not made yet."""
        if not isinstance(layer, Layer):
            hint = ", an instance and not the class" if isinstance(layer, type) else ""
            raise TypeError(f"The added layer must be an instance of class Layer{hint}. Found: {layer!r}")
        if self.outputs:
            self.outputs = [_single(layer(self.outputs[0]), layer)]
        elif not self._layers and isinstance(layer, InputLayer):
            self._explicit_input = layer
            self.inputs = self.outputs = [_single(layer.output, layer)]
        elif not self._layers and (start := _input_of(layer)) is not None:
            shape, dtype = start
            tensor = Input(batch_shape=shape, dtype=dtype, name=f"{layer.name}_input")
            self.outputs = [_single(layer(tensor), layer)]
            self.inputs = [tensor]
        self._layers.append(layer)

    def _join(self) -> None:
        """Make the network of the layers, if it is known what comes in."""
        if self.inputs and self.outputs:
            self._connect(self.inputs, self.outputs)

    # -- predictions of classifiers ------------------------------------------------------------------------------------

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """`predict`, with a warning where the values cannot be probabilities (below 0 or above 1)."""
        predictions = self.predict(x, batch_size, verbose)
        if predictions.size and (predictions.min() < 0.0 or predictions.max() > 1.0):
            warnings.warn(
                "Network returning invalid probability values. The last layer might not normalize predictions into "
                "probabilities (like softmax or sigmoid would).",
                stacklevel=2,
            )
        return predictions

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """The class of each sample: the greatest of several outputs; of one output whether it is above 0.5."""
        predictions = self.predict(x, batch_size, verbose)
        if predictions.shape[-1] > 1:
            return predictions.argmax(axis=-1)
        return (predictions > 0.5).astype("int32")

    # -- configs -------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """`{"name", "layers": [{"class_name", "config"}, ...]}`, and `build_input_shape` where data told it."""
        layers = [self._explicit_input, *self.layers] if self._explicit_input is not None else self.layers
        with together():
            described = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in layers]
        config: dict[str, Any] = {
            "name": self.name,
            "layers": described,
        }
        if self._build_input_shape is not None:
            config["build_input_shape"] = self._build_input_shape
        return config

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any] | Sequence[Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
        """A model as `config` describes it; the bare list of layers of Keras 2.0 to 2.2.2 is understood too."""
        from polykeras.layers import deserialize

        described: Mapping[str, Any] = config if isinstance(config, Mapping) else {"layers": config}
        model = cls(name=described.get("name"))
        with together():
            for layer in described["layers"]:
                model.add(deserialize(layer, custom_objects=custom_objects))
        shape = described.get("build_input_shape")
        if not model.inputs and shape:
            model.build(tuple(shape))
        return model

    def _require_graph(self, method: str) -> None:
        """A stack of layers always has a config, built or not."""


def _input_of(layer: Layer) -> tuple[Any, str | None] | None:
    """The batch shape and dtype that a first layer expects, if it says so."""
    if isinstance(layer, Network):
        if not layer.layers:
            raise ValueError("Cannot add an empty model to a `Sequential` model.")
        if not layer.inputs or not layer._is_graph_network:
            return None
        if len(layer.inputs) > 1:
            raise ValueError(f"A `Sequential` model cannot begin with '{layer.name}', which takes several inputs.")
        return K.int_shape(layer.inputs[0]), K.dtype(layer.inputs[0])
    shape = getattr(layer, "batch_input_shape", None)
    return None if shape is None else (shape, layer.dtype)


def _single(output: Any, layer: Layer) -> Tensor:
    if isinstance(output, list):
        raise TypeError(
            f"All layers in a Sequential model should have a single output tensor; {layer.name} gives {len(output)}. "
            f"For multi-output layers, use the functional API."
        )
    return output  # type: ignore[no-any-return]
