"""A module in CuPy's place, on a machine without a GPU: NumPy behind CuPy's names, as strict as CuPy is.

It has the names of `namespace.py` and no other. Its arrays live on "the device": they do not turn into NumPy's by
themselves, an array of NumPy's is no operand for them, results of rank 0 are arrays and no scalars, and what CuPy's
ufuncs do not take is refused.
"""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tests.cupy import namespace

UFUNC_KEYWORDS = {"out", "dtype", "casting"}
ATOMIC = {"float16", "float32", "float64", "int32", "uint32", "uint64"}
MAKES_DEVICE_ARRAYS = {"asarray", "array"}


class DeviceArray(NDArrayOperatorsMixin):
    """An array of the stand-in."""

    __slots__ = ("_host",)

    def __init__(self, host):
        self._host = host

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __array_ufunc__(self, ufunc, method, *operands, **keywords):
        if method != "__call__" or not keywords.keys() <= UFUNC_KEYWORDS:
            raise TypeError(f"CuPy's {ufunc.__name__} has no {method} with {sorted(keywords)}")
        return called(ufunc, operands, keywords)

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"numpy.{function.__name__} was called on an array of the device")

    def __getattr__(self, name):
        if name not in namespace.ARRAY:
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        found = getattr(self._host, name)
        if name == "dtype" or not callable(found):
            return to_device(found)

        def method(*args, **kwargs):
            if "mode" in kwargs or (name == "argsort" and kwargs.get("kind") not in (None, "stable")):
                raise TypeError(f"cupy.ndarray.{name} does not take {kwargs}")
            return called(found, args, kwargs)

        return method

    def __getitem__(self, key):
        return to_device(self._host[to_host(key)])

    def __setitem__(self, key, value):
        self._host[to_host(key)] = to_host(value)

    def __len__(self):
        return len(self._host)

    def __bool__(self):
        return bool(self._host)

    def __int__(self):
        return int(self._host)

    def __float__(self):
        return float(self._host)


def to_host(x):
    """Operands as NumPy takes them; NumPy's own arrays are refused."""
    if isinstance(x, DeviceArray):
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(x, (tuple, list)):
        return type(x)(to_host(item) for item in x)
    return x


def to_device(x):
    """Results as CuPy gives them."""
    if isinstance(x, (np.ndarray, np.generic)):
        return DeviceArray(np.asarray(x))
    return tuple(to_device(item) for item in x) if isinstance(x, tuple) and any(map(_is_array, x)) else x


def _is_array(x):
    return isinstance(x, np.ndarray)


def called(function, args, kwargs):
    """Call a function of NumPy's with arrays of the device; where it wrote into `out`, that array is the result."""
    out = kwargs.get("out")
    out = out[0] if isinstance(out, tuple) else out
    with np.errstate(all="ignore"):  # a device raises no floating-point exceptions
        result = to_device(function(*[to_host(a) for a in args], **{k: to_host(v) for k, v in kwargs.items()}))
    return result if out is None else out


class Ufunc:
    """A ufunc: positional operands, `out`, `dtype`, `casting`, and `at` where CuPy adds atomically."""

    def __init__(self, ufunc):
        self._ufunc = ufunc

    def __call__(self, *operands, **keywords):
        if not keywords.keys() <= UFUNC_KEYWORDS:
            raise TypeError(f"Wrong arguments {sorted(keywords)}")
        return called(self._ufunc, operands, keywords)

    def at(self, target, indices, values):
        if str(target.dtype) not in ATOMIC:
            raise TypeError(f"CuPy does not add atomically in {target.dtype}")
        self._ufunc.at(to_host(target), to_host(indices), to_host(values))


class Function:
    """A function of the module."""

    def __init__(self, name, function):
        self._name, self._function = name, function

    def __call__(self, *args, **kwargs):
        if self._name not in MAKES_DEVICE_ARRAYS:
            return called(self._function, args, kwargs)
        value = args[0]._host if isinstance(args[0], DeviceArray) else args[0]
        return DeviceArray(self._function(value, *args[1:], **kwargs))


class Module:
    """The module itself."""

    __version__ = namespace.VERSION

    class lib:  # a module's name
        class stride_tricks:
            as_strided = Function("as_strided", np.lib.stride_tricks.as_strided)

    @staticmethod
    def asnumpy(array):
        return np.array(array._host, order="C") if isinstance(array, DeviceArray) else np.asarray(array)

    def __getattr__(self, name):
        if name not in namespace.MODULE:
            raise AttributeError(f"module 'cupy' has no attribute {name!r}")
        found = getattr(np, name)
        if isinstance(found, np.ufunc):
            return Ufunc(found)
        return Function(name, found) if callable(found) and not isinstance(found, type) else found
