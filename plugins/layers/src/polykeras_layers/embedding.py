"""Embedding: a table of vectors, looked up by integers."""

from polykeras import backend as K
from polykeras import constraints, initializers, regularizers
from polykeras.engine.base_layer import Layer
from polykeras_layers import _spellings


class Embedding(Layer):
    """embeddings[x]

    x: (batch, steps, ...) integers in [0, input_dim) -> (batch, steps, ..., output_dim);
    embeddings: (input_dim, output_dim)

    input_dim:    the size of the vocabulary: the greatest index + 1.
    output_dim:   the size of a vector.
    mask_zero:    whether index 0 is padding, to be masked for later layers; `input_dim` counts it.
    input_length: the number of steps, where it is fixed; a tuple for several axes.

    Raises IndexError where an index lies outside [0, input_dim).
    """

    @_spellings.embedding
    def __init__(
        self,
        input_dim,
        output_dim,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        activity_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        input_length=None,
        **kwargs,
    ):
        if "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            kwargs["input_shape"] = _lengths(input_length) or (None,)
        if "batch_input_shape" in kwargs:
            kwargs["batch_input_shape"] = _flat(kwargs["batch_input_shape"])
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.input_length = input_length

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            dtype=self.dtype,
        )
        self.built = True

    def compute_mask(self, inputs, mask=None):
        return K.not_equal(inputs, 0) if self.mask_zero else None

    def call(self, inputs):
        self.compute_output_shape(K.int_shape(inputs))  # raises where the length is another
        if K.dtype(inputs) != "int32":
            inputs = K.cast(inputs, "int32")
        return K.gather(self.embeddings, inputs)

    def compute_output_shape(self, input_shape):
        lengths = _lengths(self.input_length)
        batch, *sizes = input_shape
        if lengths is None:
            return (batch, *sizes, self.output_dim)
        agree = len(lengths) == len(sizes) and all(
            a == b or None in (a, b) for a, b in zip(lengths, sizes, strict=True)
        )
        if not agree:
            raise ValueError(
                f'Layer {self.name}: "input_length" is {self.input_length}, but received input has shape '
                f"{tuple(input_shape)}. Pad or cut the sequences to that length, or leave out `input_length`."
            )
        return (batch, *(b if a is None else a for a, b in zip(lengths, sizes, strict=True)), self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "input_length": self.input_length,
        }


def _lengths(input_length):
    """`input_length` as a tuple, one entry per axis after the batch; None if it is not given."""
    if input_length is None:
        return None
    return tuple(input_length) if isinstance(input_length, list | tuple) else (input_length,)


def _flat(shape):
    """A shape as Keras writes it for several lengths, (batch, (n, m)), as a shape: (batch, n, m)."""
    parts = [size if isinstance(size, list | tuple) else (size,) for size in shape]
    return tuple(size for part in parts for size in part)
