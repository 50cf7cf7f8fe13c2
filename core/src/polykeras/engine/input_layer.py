"""Where a graph of layers begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras.engine.input_spec import as_shape
from polykeras.engine.names import numbered
from polykeras.engine.node import Node
from polykeras.legacy.interfaces import rename
from polykeras.symbolic.graph import Tensor
from polykeras.utils.generic_utils import unpack_singleton


class InputLayer(Layer):
    """An entry point of a graph of layers: a placeholder, or the tensor that it is given.

    input_shape:       shape without the batch.
    batch_size:        size of the batch, if it is fixed.
    batch_input_shape: shape with the batch, instead of the two.
    dtype:             of the data; by default `floatx`, or the given tensor's.
    input_tensor:      a tensor to wrap instead of a new placeholder.
    sparse:            whether the data are sparse.
    """

    supports_masking = True

    @rename(input_dtype="dtype")
    def __init__(
        self,
        input_shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        batch_input_shape: Sequence[int | None] | None = None,
        dtype: str | None = None,
        input_tensor: Tensor | None = None,
        sparse: bool = False,
        name: str | None = None,
    ):
        if input_shape is not None and batch_input_shape is not None:
            raise ValueError("InputLayer: give `input_shape` or `batch_input_shape`, not both")
        if batch_input_shape is None:
            if input_shape is not None:
                batch_input_shape = (batch_size, *as_shape(input_shape, "input_shape"))
            elif input_tensor is None:
                raise ValueError("InputLayer: give `input_shape`, `batch_input_shape` or `input_tensor`")
            else:
                batch_input_shape = K.int_shape(input_tensor)
        if dtype is None:
            dtype = K.floatx() if input_tensor is None else K.dtype(input_tensor)
        super().__init__(
            name=name or numbered("input"),
            trainable=False,
            dtype=dtype,
            batch_input_shape=None if batch_input_shape is None else as_shape(batch_input_shape, "batch_input_shape"),
        )
        self.built = True
        self.sparse = sparse
        self.is_placeholder = input_tensor is None or bool(K.is_placeholder(input_tensor))
        tensor: Any = input_tensor
        if tensor is None:
            tensor = K.placeholder(shape=self.batch_input_shape, dtype=dtype, sparse=sparse, name=self.name)
        shape = K.int_shape(tensor)
        tensor._uses_learning_phase = False
        tensor._keras_shape = shape
        tensor._keras_history = self, 0, 0
        Node(self, [], [], [], [tensor], [tensor], [None], [None], [shape], [shape])

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_input_shape": self.batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "name": self.name,
        }


def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None] | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    dtype: str | None = None,
    sparse: bool = False,
    tensor: Tensor | None = None,
    *,
    batch_size: int | None = None,
) -> Any:
    """The tensor at which a model begins.

    shape:       without the batch: `(32,)` for vectors of 32. None for a size that may vary.
    batch_shape: with the batch, instead of `shape`.
    name:        name of the input layer, unique in a model; by default `input_1`, ...
    dtype:       of the data; by default `floatx`.
    sparse:      whether the data are sparse.
    tensor:      a tensor to wrap: then nothing is fed for this input.
    batch_size:  size of the batch, if it is fixed, beside `shape`.

        x = Input(shape=(32,))
        model = Model(x, Dense(10)(x))

    Raises TypeError for a shape that is a number, AssertionError where neither shape nor tensor is given.
    """
    if shape is None and batch_shape is None and tensor is None:
        raise AssertionError(
            "Please provide to Input either a `shape` or a `batch_shape` argument. "
            "Note that `shape` does not include the batch dimension."
        )
    if shape is not None and batch_shape is None:
        batch_shape = (batch_size, *as_shape(shape, "shape"))
    layer = InputLayer(batch_input_shape=batch_shape, name=name, dtype=dtype, sparse=sparse, input_tensor=tensor)
    return unpack_singleton(layer._inbound_nodes[0].output_tensors)
