"""Layers that make one tensor of several."""

import operator
from functools import reduce

from polykeras import backend as K
from polykeras.engine.base_layer import Layer


class _Merge(Layer):
    """Base of elementwise merges: inputs that broadcast against each other -> one tensor.

    Inputs of a lower rank are given axes of size 1 after the batch. The output's mask keeps what all masks keep.
    A subclass defines `_merge_function(inputs)`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        shapes = self._shapes(input_shape)
        batches = {shape[0] for shape in shapes if shape is not None} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"Layer {self.name}: can not merge tensors with different batch sizes. Got shapes: {shapes}"
            )
        self.compute_output_shape(shapes)  # raises where the shapes do not fit
        self.built = True

    def call(self, inputs):
        ranks = [K.ndim(x) for x in inputs]
        if None not in ranks and len(set(ranks)) > 1:
            inputs = [_with_rank(x, max(ranks)) for x in inputs]
        return self._merge_function(inputs)

    def compute_output_shape(self, input_shape):
        shapes = self._shapes(input_shape)
        if None in shapes:
            return None
        batches = {shape[0] for shape in shapes} - {None}
        batch = batches.pop() if len(batches) == 1 else None
        return (batch, *reduce(self._compute_elemwise_op_output_shape, (tuple(shape[1:]) for shape in shapes)))

    def compute_mask(self, inputs, mask=None):
        masks = [m for m in _masks(self, inputs, mask) if m is not None]
        if not masks:
            return None
        return masks[0] if len(masks) == 1 else K.all(K.stack(masks, axis=0), axis=0)

    def _merge_function(self, inputs):
        raise NotImplementedError(f"{type(self).__name__} must define _merge_function(self, inputs).")

    def _shapes(self, input_shape):
        if not isinstance(input_shape, list):
            raise ValueError(
                f"Layer {self.name}: {type(self).__name__} should be called on a list of inputs. "
                f"Got one tensor of shape {input_shape}; several are passed as `layer([a, b])`."
            )
        if len(input_shape) < 2:
            raise ValueError(
                f"Layer {self.name}: {type(self).__name__} should be called on a list of at least 2 inputs. "
                f"Got {len(input_shape)}."
            )
        return input_shape

    def _compute_elemwise_op_output_shape(self, shape1, shape2):
        """The shape to which two shapes, without batch, broadcast. Raises ValueError where they do not."""
        long, short = sorted((shape1, shape2), key=len, reverse=True)
        lead = len(long) - len(short)
        sizes = list(long[:lead])
        for a, b in zip(long[lead:], short, strict=True):
            if a is None or b is None:
                sizes.append(None)
            elif a == 1 or b == 1 or a == b:
                sizes.append(b if a == 1 else a)
            else:
                raise ValueError(
                    f"Layer {self.name}: operands could not be broadcast together with shapes {shape1} {shape2}. "
                    f"A `Dense` or a convolution before one gives it the other's size; `Concatenate` takes both."
                )
        return tuple(sizes)


class Add(_Merge):
    """x1 + x2 + ...;  the inputs broadcast."""

    def _merge_function(self, inputs):
        return reduce(operator.add, inputs)


class Subtract(_Merge):
    """x1 − x2;  the two inputs broadcast."""

    def build(self, input_shape):
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                f"Layer {self.name}: a `Subtract` layer should be called on exactly 2 inputs. Got {len(input_shape)}."
            )

    def _merge_function(self, inputs):
        first, second = inputs
        return first - second


class Multiply(_Merge):
    """x1 · x2 · ...;  the inputs broadcast."""

    def _merge_function(self, inputs):
        return reduce(operator.mul, inputs)


class Average(_Merge):
    """(x1 + x2 + ...) / n;  the n inputs broadcast."""

    def _merge_function(self, inputs):
        return reduce(operator.add, inputs) / len(inputs)


class Maximum(_Merge):
    """max(x1, x2, ...);  the inputs broadcast."""

    def _merge_function(self, inputs):
        return reduce(K.maximum, inputs)


class Minimum(_Merge):
    """min(x1, x2, ...);  the inputs broadcast."""

    def _merge_function(self, inputs):
        return reduce(K.minimum, inputs)


class Concatenate(_Merge):
    """The inputs one after the other along `axis`; the other sizes must be equal.

    xi: (batch, ..., ni, ...) -> (batch, ..., n1 + n2 + ..., ...)

    >>> Concatenate(axis=1).compute_output_shape([(None, 2, 3), (None, 4, 3)])
    (None, 6, 3)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        return K.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        shapes = self._shapes(input_shape)
        if None in shapes:
            return None
        ranks = {len(shape) for shape in shapes}
        if len(ranks) > 1 or not -min(ranks) <= self.axis < min(ranks):
            raise self._mismatch(shapes)
        return tuple(self._size(axis, sizes, shapes) for axis, sizes in enumerate(zip(*shapes, strict=True)))

    def compute_mask(self, inputs, mask=None):
        masks = _masks(self, inputs, mask)
        if all(m is None for m in masks):
            return None
        whole = [_mask_of_shape(x, m) for x, m in zip(inputs, masks, strict=True)]
        return K.all(K.concatenate(whole, axis=self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}

    def _size(self, axis, sizes, shapes):
        if axis == self.axis % len(shapes[0]):
            return None if None in sizes else sum(sizes)
        known = set(sizes) - {None}
        if len(known) > 1:
            raise self._mismatch(shapes)
        return known.pop() if known else None

    def _mismatch(self, shapes):
        return ValueError(
            f"Layer {self.name}: a `Concatenate` layer requires inputs with matching shapes except for the concat axis "
            f"{self.axis}. Got inputs shapes: {shapes}. `axis` says along which axis they may differ."
        )


class Dot(_Merge):
    """Σ x1 · x2 over one axis of each, sample by sample.

    x1: (batch, n, d), x2: (batch, d, m) -> (batch, n, m) with axes (2, 1);   (batch, d), (batch, d) -> (batch, 1)

    axes:      the axis of each input over which to sum, counted with the batch; an int for both.
    normalize: whether to divide by the vectors' lengths first, which makes it the cosine of their angle.
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, list | tuple):
                raise TypeError(
                    f"Layer {self.name}: invalid type for `axes`, expected an int or a list of two. Got {axes!r}."
                )
            if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
                raise ValueError(f"Layer {self.name}: invalid format for `axes`, expected two ints. Got {axes!r}.")
        self.axes = axes
        self.normalize = normalize

    def build(self, input_shape):
        shapes = self._shapes(input_shape)
        first, second = self._axes([len(shape) for shape in shapes])
        a, b = shapes[0][first], shapes[1][second]
        if a != b and None not in (a, b):
            raise ValueError(
                f"Layer {self.name}: dimension incompatibility {a} != {b} of axes {first} and {second}. "
                f"Layer shapes: {shapes[0]}, {shapes[1]}. `axes` says which are multiplied; their sizes must agree."
            )
        self.built = True

    def call(self, inputs):
        axes = self._axes([K.ndim(x) for x in inputs])
        if self.normalize:
            inputs = [K.l2_normalize(x, axis=axis) for x, axis in zip(inputs, axes, strict=True)]
        return K.batch_dot(*inputs, axes)

    def compute_output_shape(self, input_shape):
        first, second = self._shapes(input_shape)
        axis1, axis2 = self._axes([len(first), len(second)])
        rest1 = [size for axis, size in enumerate(first) if axis != axis1]
        rest2 = [size for axis, size in enumerate(second) if axis not in (0, axis2)]
        sizes = rest1 + rest2
        return tuple(sizes) if len(sizes) > 1 else (*sizes, 1)

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}

    def _shapes(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) != 2:
            raise ValueError(
                f"Layer {self.name}: a `Dot` layer should be called on a list of 2 inputs. Got {input_shape}."
            )
        return input_shape

    def _axes(self, ranks):
        """The axis of each input, counted from 0."""
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return [axis % rank for axis, rank in zip(axes, ranks, strict=True)]


def add(inputs, **kwargs):
    """The sum of a list of tensors: `Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """The first of two tensors minus the second: `Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """The product of a list of tensors: `Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """The mean of a list of tensors: `Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """The greatest of a list of tensors, element by element: `Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """The least of a list of tensors, element by element: `Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """A list of tensors one after the other along `axis`: `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes, normalize=False, **kwargs):
    """The products of two tensors' samples over one axis of each: `Dot(axes, normalize, **kwargs)(inputs)`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)


def _with_rank(x, rank):
    """`x` with axes of size 1 after the batch, up to `rank`."""
    for _ in range(rank - K.ndim(x)):
        x = K.expand_dims(x, 1)
    return x


def _masks(layer, inputs, mask):
    """One mask or None per input."""
    if mask is None:
        return [None] * len(inputs)
    if not isinstance(mask, list) or not isinstance(inputs, list):
        raise ValueError(f"Layer {layer.name}: `inputs` and `mask` should both be a list. Got {inputs!r} and {mask!r}.")
    if len(mask) != len(inputs):
        raise ValueError(
            f"Layer {layer.name}: the lists `inputs` and `mask` should have the same length. "
            f"Got {len(inputs)} and {len(mask)}."
        )
    return mask


def _mask_of_shape(x, mask):
    """A mask of x's own shape; no mask keeps everything."""
    if mask is None:
        return K.ones_like(x, dtype="bool")
    while K.ndim(mask) < K.ndim(x):
        mask = K.expand_dims(mask)
    return K.cast(K.ones_like(x) * K.cast(mask, K.dtype(x)), "bool")
