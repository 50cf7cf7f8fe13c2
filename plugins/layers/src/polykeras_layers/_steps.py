"""Time steps as samples of one larger batch, and back."""

from polykeras import backend as K


def steps_as_samples(x):
    """Each step of each sample as a sample.   x: (batch, time, ...) -> (batch time, ...)"""
    return K.reshape(x, (-1, *sizes(x)[2:]))


def samples_as_steps(y, x):
    """What `steps_as_samples` did, undone.   y: (batch time, ...), x: (batch, time, ...) -> (batch, time, ...)"""
    batch, steps = sizes(x)[:2]
    return K.reshape(y, (batch, steps, *sizes(y)[1:]))


def sizes(x):
    """The sizes of x: ints, and tensors where they are unknown."""
    return [K.shape(x)[axis] if size is None else size for axis, size in enumerate(K.int_shape(x))]
