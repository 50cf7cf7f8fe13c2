"""A backend whose arrays are opaque: NumPy's, in a box that nothing but the backend opens.

Whatever core or a layer does to an array beyond handing it on, such as to add, index, convert or measure it, raises.
"""

import functools

import numpy as np

from polykeras.runtime.backend import Backend
from polykeras.runtime.sparse import Csr
from polykeras.testing.checks import all_ops
from polykeras_numpy import NumpyBackend


class Box:
    """An array that has only a shape and a dtype."""

    __slots__ = ("_array",)

    def __init__(self, array):
        self._array = array

    @property
    def shape(self):
        return self._array.shape

    @property
    def dtype(self):
        return self._array.dtype

    def __array__(self, *args, **kwargs):
        raise TypeError("an array of the loop-back backend was taken for a NumPy array")

    def __bool__(self):
        raise TypeError("an array of the loop-back backend has no truth value")


def unbox(x):
    if isinstance(x, tuple):
        return tuple(unbox(e) for e in x)
    if isinstance(x, Csr):
        return x.map(unbox)
    assert not isinstance(x, np.ndarray), "a raw NumPy array reached the loop-back backend"
    return x._array if isinstance(x, Box) else x


def box(x):
    if isinstance(x, tuple):
        return tuple(box(e) for e in x)
    if isinstance(x, Csr):
        return x.map(box)
    return Box(np.asarray(x))


class LoopBack(Backend):
    """NumPy's kernels on boxes."""

    name = "loopback"
    host = False

    def __init__(self):
        super().__init__()
        self._inner = NumpyBackend()

    def asarray(self, value, dtype):
        return Box(np.array(unbox(value) if isinstance(value, Box) else value, dtype=dtype, order="C"))

    def to_numpy(self, array):
        assert isinstance(array, Box), f"expected an array of this backend, got {type(array).__name__}"
        return array._array

    def quiet(self):
        return self._inner.quiet()

    def empty(self, shape, dtype):
        return Box(self._inner.empty(shape, dtype))

    def arena(self, nbytes):
        return Box(self._inner.arena(nbytes))

    def view(self, base, offset, shape, strides, dtype):
        return Box(self._inner.view(base._array, offset, shape, strides, dtype))

    def strided(self, array, offset, shape, strides):
        return Box(self._inner.strided(array._array, offset, shape, strides))

    def copy(self, source, target):
        self._inner.copy(source._array, target._array)

    def accumulate(self, source, target):
        self._inner.accumulate(source._array, target._array)

    def fresh(self, array):
        return Box(self._inner.fresh(array._array))

    def row(self, array, index):
        return Box(self._inner.row(array._array, index))

    def truth(self, array):
        return self._inner.truth(array._array)


def _boxed(method):
    @functools.wraps(method)
    def kernel(self, *operands, **attrs):
        opened = {name: unbox(value) for name, value in attrs.items()}
        return box(method(self._inner, *[unbox(x) for x in operands], **opened))

    return kernel


for _declared in all_ops():
    _name = _declared.name
    _method = getattr(NumpyBackend, _name, None)
    if callable(_method) and _name not in dir(Backend):
        setattr(LoopBack, _name, _boxed(_method))
