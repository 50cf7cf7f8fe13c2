"""Checks of one layer class: `check_layer` runs all of them.

    check_layer(Dense, {"units": 3}, (None, 4))
    check_layer(Embedding, {"input_dim": 7, "output_dim": 3}, (None, 5), integers=7)
    check_layer(Add, {}, [(None, 2, 3), (None, 2, 3)])

Input shapes have the batch in front; each `None` is an unknown size, tried at two primes, another for each axis.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras.engine.input_layer import Input
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.spec import format_shape, same_dims

__all__ = [
    "LayerCase", "check_batch", "check_config", "check_gradients", "check_layer", "check_mask", "check_phases",
    "check_shapes", "check_sharing", "check_weights",
]  # fmt: skip

Array = Any
Shape = tuple[int | None, ...]
PRIMES = 5, 7, 11, 13, 17, 19


class LayerCase:
    """A layer class with the arguments and the inputs that it is to be checked with.

    integers: inputs are whole numbers below this, instead of floats.
    """

    def __init__(
        self, layer: type[Layer], config: dict[str, Any], input_shape: Shape | list[Shape], integers: int | None = None
    ):
        self.layer = layer
        self.config = config
        self.several = isinstance(input_shape, list)
        self.shapes: list[Shape] = list(input_shape) if isinstance(input_shape, list) else [input_shape]
        self.integers = integers

    def make(self) -> Layer:
        """A new layer."""
        return self.layer(**self.config)

    def inputs(self) -> list[Tensor]:
        """New input tensors, with the unknown sizes unknown."""
        dtype = "float32" if self.integers is None else "int32"
        return [Input(batch_shape=shape, dtype=dtype) for shape in self.shapes]

    def arrays(self, first: int = 0, seed: int = 0) -> list[Array]:
        """Arrays for the inputs; the unknown sizes of each are primes from the `first` on."""
        rng = np.random.default_rng(seed)
        shapes = [_filled(shape, first) for shape in self.shapes]
        if self.integers is not None:
            return [rng.integers(0, self.integers, shape).astype("int32") for shape in shapes]
        return [rng.normal(size=shape).astype("float32") for shape in shapes]

    def call(self, layer: Layer, inputs: Sequence[Tensor], **kwargs: Any) -> list[Any]:
        """The layer's outputs as a list."""
        return _list(layer(list(inputs) if self.several else inputs[0], **kwargs))

    def __str__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.config.items())
        return f"{self.layer.__name__}({arguments})"


def check_layer(
    layer: type[Layer], config: dict[str, Any], input_shape: Shape | list[Shape], *, integers: int | None = None,
    skip: Sequence[Callable[[LayerCase], None]] = (),
) -> None:  # fmt: skip
    """All checks, except those in `skip`."""
    case = LayerCase(layer, config, input_shape, integers)
    for check in (
        check_shapes, check_config, check_weights, check_gradients, check_mask, check_phases, check_batch, check_sharing
    ):  # fmt: skip
        if check not in skip:
            check(case)


def check_shapes(case: LayerCase) -> None:
    """`compute_output_shape` and the output tensor declare the real shape, at two values of each unknown size."""
    layer, inputs = case.make(), case.inputs()
    outputs = case.call(layer, inputs)
    computed = layer.compute_output_shape(list(case.shapes) if case.several else case.shapes[0])
    shapes = [tuple(s) for s in computed] if isinstance(computed, list) else [tuple(computed)]
    for first in (0, 1):
        for tensor, shape, value in zip(outputs, shapes, _run(case, inputs, outputs, case.arrays(first)), strict=True):
            for what, declared in (("the output tensor", K.int_shape(tensor)), ("compute_output_shape", shape)):
                assert same_dims(declared, np.shape(value)), (
                    f"{case}: {what} declares {format_shape(declared)}, the output has {np.shape(value)}"
                )
            assert K.dtype(tensor) == str(value.dtype), f"{case}: declared {K.dtype(tensor)}, got {value.dtype}"


def check_config(case: LayerCase) -> None:
    """`from_config(get_config())` makes the same layer, also when the config went through JSON."""
    layer, inputs = case.make(), case.inputs()
    outputs = case.call(layer, inputs)
    config = layer.get_config()
    assert config.get("name") == layer.name, f"{case}: get_config() lacks the name; call super().get_config()"
    for given in (config, json.loads(json.dumps(config))):
        twin = case.layer.from_config(dict(given))
        assert _plain(twin.get_config()) == _plain(config), (
            f"{case}: the config changed on its way: {twin.get_config()}"
        )
        twin_outputs = case.call(twin, inputs)
        twin.set_weights(layer.get_weights())
        _equal(_run(case, inputs, twin_outputs), _run(case, inputs, outputs), f"{case} made from its config")


def check_weights(case: LayerCase) -> None:
    """`set_weights(get_weights())` on a second layer gives the first one's outputs; one array too many is refused."""
    layer, other, inputs = case.make(), case.make(), case.inputs()
    outputs, other_outputs = case.call(layer, inputs), case.call(other, inputs)
    weights = layer.get_weights()
    assert len(weights) == len(layer.weights) == len(layer.trainable_weights) + len(layer.non_trainable_weights)
    assert len({w.name for w in layer.weights}) == len(weights), f"{case}: two weights have one name"
    other.set_weights(weights)
    for ours, theirs in zip(weights, other.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, ours, err_msg=f"{case}: a weight changed on its way")
    _equal(_run(case, inputs, other_outputs), _run(case, inputs, outputs), f"{case} with another's weights")
    try:
        layer.set_weights([*weights, np.zeros(3)])
    except ValueError:
        return
    raise AssertionError(f"{case}: set_weights took one array too many")


def check_gradients(case: LayerCase) -> None:
    """Every trainable weight has a finite gradient of its shape, and at least one element of it is not 0."""
    layer, inputs = case.make(), case.inputs()
    outputs = case.call(layer, inputs)
    weights = layer.trainable_weights
    if not weights:
        return
    rng = np.random.default_rng(1)
    loss: Any = 0.0
    for tensor, value in zip(outputs, _run(case, inputs, outputs), strict=True):
        loss = loss + K.sum(tensor * K.constant(rng.normal(size=np.shape(value))))
    gradients = K.gradients(loss, weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert gradient is not None, f"{case}: the output does not depend on the trainable weight {weight.name}"
    for weight, value in zip(weights, _run(case, inputs, gradients), strict=True):
        assert np.shape(value) == K.int_shape(weight), (
            f"{case}: the gradient of {weight.name} has shape {np.shape(value)}"
        )
        assert np.isfinite(value).all(), f"{case}: the gradient of {weight.name} is not finite"
        assert np.any(value), f"{case}: the gradient of {weight.name} is 0 everywhere"


def check_mask(case: LayerCase) -> None:
    """A layer that supports masks passes on one that fits its output, or none; another refuses them."""
    layer, inputs = case.make(), case.inputs()
    if any(len(shape) < 3 for shape in case.shapes):
        return
    case.call(layer, inputs)
    masks = [K.placeholder(shape[:2], dtype="bool") for shape in case.shapes]
    given = masks if case.several else masks[0]
    try:
        found = layer.compute_mask(list(inputs) if case.several else inputs[0], given)
    except TypeError:
        assert not layer.supports_masking, f"{case} says supports_masking, but compute_mask refuses a mask"
        return
    outputs = layer.get_output_at(0)
    for mask, output in zip(_list(found), _list(outputs), strict=False):
        if mask is not None:
            ndim = K.ndim(mask)
            assert same_dims(K.int_shape(mask), (K.int_shape(output) or ())[:ndim]), (
                f"{case}: a mask of shape {K.int_shape(mask)} does not fit the output {K.int_shape(output)}"
            )


def check_phases(case: LayerCase) -> None:
    """In test phase two calls agree; a layer whose output depends on the phase runs in both."""
    layer, inputs = case.make(), case.inputs()
    outputs = case.call(layer, inputs)
    first = _run(case, inputs, outputs)
    if not getattr(layer, "stateful", False):
        _equal(_run(case, inputs, outputs), first, f"{case} called twice in test phase")
    if any(getattr(tensor, "_uses_learning_phase", False) for tensor in outputs):
        for a, b in zip(_run(case, inputs, outputs, phase=1), first, strict=True):
            assert np.shape(a) == np.shape(b), (
                f"{case}: in training the output has shape {np.shape(a)}, in test {np.shape(b)}"
            )


def check_batch(case: LayerCase) -> None:
    """In test phase each row of a batch is what it is in a batch of its own."""
    if any(shape[0] is not None for shape in case.shapes):
        return
    layer, inputs = case.make(), case.inputs()
    outputs = case.call(layer, inputs)
    arrays = case.arrays()
    whole = _run(case, inputs, outputs, arrays)
    rows = [_run(case, inputs, outputs, [a[i : i + 1] for a in arrays]) for i in range(len(arrays[0]))]
    for i, output in enumerate(whole):
        _equal([np.concatenate([row[i] for row in rows])], [output], f"{case}, row by row")


def check_sharing(case: LayerCase) -> None:
    """Two calls of a layer use the same weights and give equal outputs for equal inputs."""
    layer, inputs, others = case.make(), case.inputs(), case.inputs()
    outputs = case.call(layer, inputs)
    before = list(layer.weights)
    again = case.call(layer, others)
    assert [w.name for w in layer.weights] == [w.name for w in before], f"{case}: a second call made new weights"
    _equal(_run(case, others, again), _run(case, inputs, outputs), f"{case} called a second time")


# -- parts -------------------------------------------------------------------------------------------------------------


def _run(
    case: LayerCase,
    inputs: Sequence[Tensor],
    outputs: Sequence[Any],
    arrays: Sequence[Array] | None = None,
    phase: int = 0,
) -> list[Array]:
    function = K.function([*inputs, K.learning_phase()], list(outputs))
    return function([*(case.arrays() if arrays is None else arrays), phase])


def _filled(shape: Shape, first: int) -> tuple[int, ...]:
    primes = iter(PRIMES[first:])
    return tuple(next(primes) if n is None else n for n in shape)


def _list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _plain(config: dict[str, Any]) -> Any:
    """A config as JSON has it: lists for tuples."""
    return json.loads(json.dumps(config))


def _equal(got: Sequence[Array], expected: Sequence[Array], what: str) -> None:
    assert len(got) == len(expected), f"{what}: {len(got)} outputs, expected {len(expected)}"
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=what)
