"""What a layer expects of its inputs, and the check of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from polykeras import backend as K
from polykeras.engine.shape_advice import of_rank
from polykeras.symbolic.graph import Tensor

Shape = tuple[int | None, ...]


class InputSpec:
    """The dtype, rank, shape or single axes that one input of a layer must have.

    dtype:    expected dtype, as a string.
    shape:    expected shape, batch included; None for any size. Gives `ndim`.
    ndim, min_ndim, max_ndim: expected rank.
    axes:     {axis: size}; a size of None says nothing.
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})

    def __repr__(self) -> str:
        said = [f"{name}={value}" for name, value in vars(self).items() if value not in (None, {})]
        return f"InputSpec({', '.join(said)})"


def as_shape(shape: Sequence[int | None], argument: str) -> Shape:
    """A shape given as `argument`, as a tuple of ints and None; TypeError for anything else."""
    if not hasattr(shape, "__iter__"):
        raise TypeError(
            f"`{argument}` must be a tuple of sizes, got {shape!r}; for vectors of {shape!r} write ({shape!r},)"
        )
    sizes = tuple(shape)
    for size in sizes:
        if size is not None and (not hasattr(size, "__index__") or size < 0):
            raise TypeError(f"`{argument}` must be made of sizes and None, got {sizes}")
    return tuple(None if size is None else int(size) for size in sizes)


def check_inputs(layer_name: str, specs: Sequence[InputSpec | None], inputs: Sequence[Tensor]) -> None:
    """Raise ValueError where the inputs do not fit the layer's specs."""
    if len(inputs) != len(specs):
        raise ValueError(
            f"Layer {layer_name} expects {len(specs)} inputs, but it received {len(inputs)} input tensors. "
            f"Input received: {list(inputs)}"
        )
    for index, (spec, tensor) in enumerate(zip(specs, inputs, strict=True)):
        wrong = None if spec is None else _mismatch(spec, tensor)
        if wrong:
            raise ValueError(f"Input {index} is incompatible with layer {layer_name}: {wrong}")


def _mismatch(spec: InputSpec, tensor: Tensor) -> str | None:
    """What is wrong with the tensor, or None."""
    shape = K.int_shape(tensor)
    if spec.dtype is not None and K.dtype(tensor) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={K.dtype(tensor)}"
    if shape is None:
        return None
    ndim = len(shape)
    full = f"; its shape is {shape}"
    if spec.ndim is not None and ndim != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={ndim}{full}{of_rank(spec.ndim, ndim)}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}{full}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}{full}"
    for axis, size in spec.axes.items():
        if size is not None and not _fits(shape, axis, size):
            return (
                f"expected axis {axis} of input shape to have value {size} but got shape {shape}. "
                f"The layer's weights were made for that size; for another, use another layer"
            )
    if spec.shape is not None and any(not _fits(shape, i, size) for i, size in enumerate(spec.shape)):
        return f"expected shape={spec.shape}, found shape={shape}"
    return None


def _fits(shape: Shape, axis: int, size: int | None) -> bool:
    if not -len(shape) <= axis < len(shape):
        return False
    return size is None or shape[axis] in (None, size)
