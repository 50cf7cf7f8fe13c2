"""Lambda: a function as a layer."""

import types

from polykeras.engine.base_layer import Layer
from polykeras.utils.generic_utils import deserialize_keras_object, has_arg

CALLABLE, TUPLE = "lambda", "raw"  # Keras's words for the two kinds of `output_shape` in a config


class Lambda(Layer):
    """function(x, **arguments)

    function:     of a tensor or a list of tensors, written in backend operations; it is given `mask` if it takes that.
    output_shape: a shape without the batch, or a function of the input shape; None lets the function's own output tell.
    mask:         the output mask, or a function of (inputs, mask).
    arguments:    further keyword arguments of the function.

    A Lambda has no weights. In a config the function is the function itself, so a model can be rebuilt from its config
    within one process. Code in a file is never run: give the function when loading,
    ``custom_objects={"name of the function or of the layer": function}``.
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Layer {self.name}: expected a function, got {function!r}.")
        if not (output_shape is None or callable(output_shape) or isinstance(output_shape, list | tuple)):
            raise TypeError(
                f"Layer {self.name}: `output_shape` must be a tuple, a function of the input shape, or None. "
                f"Got {output_shape!r}."
            )
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = tuple(output_shape) if isinstance(output_shape, list) else output_shape

    def call(self, inputs, mask=None):
        if has_arg(self.function, "mask") and "mask" not in self.arguments:
            return self.function(inputs, mask=mask, **self.arguments)
        return self.function(inputs, **self.arguments)

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape):
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if not callable(self._output_shape):
            first = input_shape[0] if isinstance(input_shape, list) else input_shape
            return (first[0] if first else None, *self._output_shape)
        shape = self._output_shape(input_shape)
        if not isinstance(shape, list | tuple):
            raise ValueError(
                f"Layer {self.name}: the `output_shape` function must return a tuple or a list of tuples. "
                f"Got {shape!r}."
            )
        return shape if isinstance(shape, list) else tuple(shape)

    def get_config(self):
        return {
            **super().get_config(),
            "function": self.function,
            "function_type": "lambda" if isinstance(self.function, types.LambdaType) else "function",
            "output_shape": self._output_shape,
            "output_shape_type": CALLABLE if callable(self._output_shape) else TUPLE,
            "arguments": self.arguments,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        layer = config.get("name", cls.__name__)
        for key in ("function_type", "output_shape_type", "module", "output_shape_module"):
            config.pop(key, None)
        config["function"] = _function(config["function"], "function", layer, custom_objects)
        if not (config.get("output_shape") is None or _is_shape(config["output_shape"])):
            config["output_shape"] = _function(config["output_shape"], "output_shape", layer, custom_objects)
        return cls(**config)


def _function(saved, argument, layer, custom_objects):
    """The function that a config holds: itself, or by name; marshalled code is refused."""
    if callable(saved):
        return saved
    if custom_objects and layer in custom_objects:
        return custom_objects[layer]
    if isinstance(saved, str):
        return deserialize_keras_object(
            saved, custom_objects=custom_objects, printable_module_name=f"{argument} of the Lambda layer"
        )
    raise ValueError(
        f"Layer {layer}: its `{argument}` was saved as Python bytecode, which is never run. "
        f"Write the function anew and give it by the layer's name: custom_objects={{{layer!r}: function}}."
    )


def _is_shape(saved):
    return isinstance(saved, list | tuple) and all(n is None or isinstance(n, int) for n in saved)
