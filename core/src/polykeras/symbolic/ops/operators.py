"""Python's operators, [] and NumPy's functions on tensors. `==` and `!=` stay comparisons of identity."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, NoReturn

from polykeras.symbolic import dtypes
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import Op, as_size, as_tensor, is_scalar
from polykeras.symbolic.ops import elementwise, indexing, linalg, reduce, shape
from polykeras.symbolic.ops.control import require
from polykeras.symbolic.ops.elementwise import add, less, maximum, minimum, subtract, where
from polykeras.symbolic.spec import format_shape

# -- arithmetic ----------------------------------------------------------------------------------------------------


def _operand(x: Any) -> bool:
    return isinstance(x, Tensor) or is_scalar(x) or (hasattr(x, "dtype") and hasattr(x, "shape"))


def _binary(function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator and its reflection."""

    def operator(self: Tensor, other: Any) -> Any:
        return function(self, other) if _operand(other) else NotImplemented

    def reflected(self: Tensor, other: Any) -> Any:
        return function(other, self) if _operand(other) else NotImplemented

    return operator, reflected


def _power(x: Any, y: Any) -> Any:
    """x ** y; squares, which are most of them, by one multiplication."""
    return elementwise.square(x) if is_scalar(y) and y == 2 else elementwise.power(x, y)


def _differ(x: Any, y: Any) -> Any:
    return elementwise.logical_and(elementwise.logical_or(x, y), elementwise.logical_not(elementwise.logical_and(x, y)))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": elementwise.add, "sub": elementwise.subtract, "mul": elementwise.multiply, "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide, "mod": elementwise.mod, "pow": _power, "matmul": linalg.times,
    "and": elementwise.logical_and, "or": elementwise.logical_or, "xor": _differ,
}  # fmt: skip
_COMPARISONS: dict[str, Op] = {
    "lt": elementwise.less, "le": elementwise.less_equal, "gt": elementwise.greater, "ge": elementwise.greater_equal,
}  # fmt: skip
_UNARY: dict[str, Op] = {"neg": elementwise.negative, "abs": elementwise.abs, "invert": elementwise.logical_not}


def _unary(function: Op) -> Callable[[Tensor], Tensor]:
    def operator(self: Tensor) -> Tensor:
        return function(self)  # type: ignore[no-any-return]

    return operator


def _itself(self: Tensor) -> Tensor:
    return self


def _transposed(self: Tensor) -> Tensor:
    """The axes in reverse order."""
    return shape.transpose(self, axes=tuple(reversed(range(self.ndim))))  # type: ignore[no-any-return]


class TensorShape(tuple[int | None, ...]):
    """A static shape with the methods that TensorFlow's has."""

    def as_list(self) -> list[int | None]:
        """The sizes as a list."""
        return list(self)

    @property
    def ndims(self) -> int:
        """The rank."""
        return len(self)

    def is_fully_defined(self) -> bool:
        """Is every size known?"""
        return None not in self


def _get_shape(self: Tensor) -> TensorShape:
    """The static shape, as TensorFlow's tensors give it: `x.get_shape().as_list()`. The rank must be known."""
    self.ndim  # noqa: B018  an error that says what to do where it is not
    return TensorShape(self.shape or ())


def _astype(self: Tensor, dtype: Any) -> Tensor:
    """The tensor in another dtype."""
    return elementwise.cast(self, dtype=dtypes.check(dtype))  # type: ignore[no-any-return]


# -- indexing ------------------------------------------------------------------------------------------------------


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key]: integers, slices, None and Ellipsis as in NumPy, scalar tensors as integers and as ends of slices, and
    arrays or tensors of integers for axes that follow each other, or one boolean mask.
    """
    keys = _spread_ellipsis(list(key) if isinstance(key, tuple) else [key], x)
    keys = [as_size(k) if isinstance(k, list) else k for k in keys]
    if sum(map(_is_array, keys)) > 1:
        x, keys = _merged(x, keys)
    plan: list[int | None] = []  # the axes of the result, before the array of indices is applied; None is a new one
    ends: list[builtins.slice] = []
    moving: list[tuple[int, builtins.slice]] = []
    picked: tuple[int, Any] | None = None
    for k in keys:
        axis = len(ends)
        if k is None:
            plan.append(None)
        elif isinstance(k, builtins.slice):
            plan.append(axis)
            fixed = not any(isinstance(end, Tensor) for end in (k.start, k.stop, k.step))
            ends.append(_fixed(k) if fixed else builtins.slice(None))
            if not fixed:
                moving.append((axis, k))
        elif _is_array(k):
            picked = axis, as_tensor(k)
            width = picked[1].ndim if picked[1].dtype == "bool" else 1
            plan += range(axis, axis + width)
            ends += [builtins.slice(None)] * width
        else:
            ends.append(_one(x, axis, k))
    if picked is not None and _torn(keys):
        raise ValueError(f"{x!r}: an integer and an array of indices apart from each other; index in several steps")
    return _arranged(_moved(_cut(x, ends), moving), plan, picked)


def _is_array(key: Any) -> bool:
    """Is it an array or tensor of indices, or a mask?"""
    if isinstance(key, Tensor):
        return True
    return hasattr(key, "dtype") and hasattr(key, "shape") and key.shape != ()


def _merged(x: Tensor, keys: list[Any]) -> tuple[Tensor, list[Any]]:
    """x with the axes that arrays of integers index made one axis, and the keys with one array for it."""
    places = [i for i, k in enumerate(keys) if _is_array(k)]
    arrays = [as_tensor(keys[i]) for i in places]
    together = places == list(range(places[0], places[0] + len(places)))
    if not together or not all(dtypes.is_integer(a.dtype) for a in arrays):
        raise ValueError(f"{x!r} takes one mask, or arrays of integers for neighbouring axes; index in several steps")
    first = sum(k is not None for k in keys[: places[0]])
    axes = range(first, first + len(arrays))
    flat, inside = None, None
    for axis, indices in zip(axes, arrays, strict=True):
        size = elementwise.cast(shape.size_of(x, axis), dtype=indices.dtype)
        indices = indexing.from_front(indices, x, axis)
        fits = elementwise.logical_and(elementwise.greater_equal(indices, 0), less(indices, size))
        flat = indices if flat is None else add(elementwise.multiply(flat, size), indices)
        inside = fits if inside is None else elementwise.logical_and(inside, fits)
    flat = require(flat, inside, message="an index is out of range for its axis")
    outer, behind = shape.shape_of(x, axes=tuple(range(first))), shape.shape_of(x, axes=tuple(range(axes.stop, x.ndim)))
    one = reduce.prod(shape.shape_of(x, axes=tuple(axes)), axis=0, keepdims=True)
    merged = shape.reshape(x, shape.concatenate(outer, one, behind, axis=0))
    return merged, [*keys[: places[0]], flat, *keys[places[-1] + 1 :]]


def _spread_ellipsis(keys: list[Any], x: Tensor) -> list[Any]:
    """The keys with full slices for the axes that they leave out."""
    used = 0
    for k in keys:
        mask = _is_array(k) and str(k.dtype) == "bool"
        used += 0 if k is None or k is Ellipsis else len(k.shape) if mask else 1
    missing = x.ndim - used
    if missing < 0:
        raise ValueError(f"too many indices for {x!r}: {used} for rank {x.ndim}")
    dots = [i for i, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1:
        raise ValueError(f"only one Ellipsis may stand in [], got {len(dots)}")
    at = dots[0] if dots else len(keys)
    return [*keys[:at], *[builtins.slice(None)] * missing, *keys[at + 1 :]]


def _fixed(key: builtins.slice) -> builtins.slice:
    start, stop, step = [None if end is None else _integer(end) for end in (key.start, key.stop, key.step)]
    return builtins.slice(start, stop, 1 if step is None else step)


def _integer(key: Any) -> int:
    if isinstance(key, bool) or not hasattr(key, "__index__"):
        raise TypeError(f"an index must be an integer, a slice, None, Ellipsis or an array of such, got {key!r}")
    return int(key.__index__())


def _one(x: Tensor, axis: int, key: Any) -> builtins.slice:
    """One place along an axis."""
    i, n = _integer(key), x.shape[axis]  # type: ignore[index]
    if n is not None and not -n <= i < n:
        raise IndexError(f"index {i} is out of range for axis {axis} of {x!r}")
    return builtins.slice(i, i + 1 if i != -1 else None, 1)


def _torn(keys: list[Any]) -> bool:
    """Does something stand between an integer and the array of indices? NumPy would move axes then."""
    kinds = "".join("n" if k is None or isinstance(k, builtins.slice) else "i" for k in keys)
    return kinds.count("i") > 1 and "n" in kinds.strip("n")


def _cut(x: Tensor, ends: list[builtins.slice]) -> Tensor:
    if all(end == builtins.slice(None) or end == builtins.slice(None, None, 1) for end in ends):
        return x
    columns = [end.start for end in ends], [end.stop for end in ends], [end.step or 1 for end in ends]
    return shape.slice(x, start=columns[0], stop=columns[1], step=columns[2])  # type: ignore[no-any-return]


def _moved(x: Tensor, moving: list[tuple[int, builtins.slice]]) -> Tensor:
    """Slices with ends that are tensors."""
    for axis, key in moving:
        if key.step not in (None, 1):
            raise ValueError(f"a slice with a tensor as an end has no step, got {key.step!r}")
        size = shape.size_of(x, axis)
        start = as_tensor(0) if key.start is None else _bounded(key.start, size)
        stop = size if key.stop is None else _bounded(key.stop, size)
        starts: list[Any] = [0] * x.ndim
        extents: list[Any] = [-1] * x.ndim
        starts[axis], extents[axis] = start, maximum(subtract(stop, start), 0)
        x = shape.slice_at(x, starts, extents)
    return x


def _bounded(end: Any, size: Tensor) -> Tensor:
    """The end of a slice counted from the front, in the range."""
    from_front = where(less(end, 0), add(end, size), end)
    return minimum(maximum(from_front, 0), size)  # type: ignore[no-any-return]


def _arranged(x: Tensor, plan: list[int | None], picked: tuple[int, Any] | None) -> Tensor:
    """Pick the indices of an array, drop the axes of integers and insert new ones."""
    if picked is not None:
        axis, indices = picked
        before = x.ndim
        if indices.dtype == "bool":
            x = indexing.boolean_mask(x, indices, axis=axis)
        else:
            x = indexing.gather(x, indexing.from_front(indices, x, axis), axis=axis)
        width = indices.ndim if indices.dtype == "bool" else 1
        grown = x.ndim - before
        at = plan.index(axis)
        behind = [None if a is None else a + grown for a in plan[at + width :]]
        plan = [*plan[:at], *range(axis, axis + width + grown), *behind]
    if plan == list(range(x.ndim)):
        return x
    return shape.reshape(x, shape.shape_of(x, axes=plan))  # type: ignore[no-any-return]


# -- NumPy's functions -----------------------------------------------------------------------------------------------

_UFUNCS: dict[str, Callable[..., Any]] = {
    "divide": elementwise.divide, "true_divide": elementwise.divide, "remainder": elementwise.mod,
    "absolute": elementwise.abs, "rint": elementwise.round, "matmul": linalg.times,
    **{
        name: getattr(elementwise, name)
        for name in (
            "add", "subtract", "multiply", "floor_divide", "power", "maximum", "minimum", "negative", "sign", "square",
            "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "floor", "ceil", "equal", "not_equal", "less",
            "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_not", "isnan", "isfinite",
        )
    },
}  # fmt: skip


def _array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
    function = _UFUNCS.get(ufunc.__name__)
    if function is None or method != "__call__" or keywords:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        _refuse(name, self, f" with {', '.join(keywords)}" if keywords else "")
    return function(*inputs)


def _reduction(op: Op) -> Callable[..., Any]:
    def reduction(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        return op(a, axis=axis, keepdims=keepdims)

    return reduction


def _along(op: Op) -> Callable[..., Any]:
    def along(a: Any, axis: Any = None) -> Any:
        return op(a, axis=axis)

    return along


def _transpose(a: Any, axes: Any = None) -> Any:
    return shape.transpose(a, axes=tuple(reversed(range(a.ndim))) if axes is None else axes)


def _join(arrays: Any, axis: int = 0) -> Any:
    return shape.concatenate(*arrays, axis=axis)


def _stack(arrays: Any, axis: int = 0) -> Any:
    return shape.stack(*arrays, axis=axis)


def _clip(a: Any, a_min: Any, a_max: Any) -> Any:
    return minimum(maximum(a, a_min), a_max)


def _shape(a: Tensor) -> Any:
    return a.shape


def _ndim(a: Tensor) -> int:
    return a.ndim


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _reduction(reduce.sum), "mean": _reduction(reduce.mean), "prod": _reduction(reduce.prod),
    "max": _reduction(reduce.max), "amax": _reduction(reduce.max), "min": _reduction(reduce.min),
    "amin": _reduction(reduce.min), "var": _reduction(reduce.var), "any": _reduction(reduce.any),
    "all": _reduction(reduce.all), "argmax": _along(reduce.argmax), "argmin": _along(reduce.argmin),
    "cumsum": _along(reduce.cumsum), "cumprod": _along(reduce.cumprod), "reshape": shape.reshape,
    "transpose": _transpose, "concatenate": _join, "stack": _stack, "expand_dims": shape.expand_dims,
    "squeeze": shape.squeeze, "where": elementwise.where, "dot": linalg.dot, "clip": _clip, "shape": _shape,
    "ndim": _ndim,
}  # fmt: skip


def _array_function(self: Tensor, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    function = _FUNCTIONS.get(func.__name__)
    if function is None:
        _refuse(func.__name__, self)
    return function(*args, **kwargs)


def _array(self: Tensor, *args: Any, **kwargs: Any) -> NoReturn:
    raise TypeError(
        f"{self!r} has no elements while the graph is built and cannot become an array; evaluate it with K.eval or "
        "K.function, or compute with the functions of polykeras.backend"
    )


def _refuse(name: str, x: Tensor, detail: str = "") -> NoReturn:
    raise TypeError(
        f"numpy.{name}{detail} does not take a symbolic tensor ({x.dtype}{format_shape(x.spec.shape)}); "
        "use the functions of polykeras.backend"
    )


# -- putting them on -----------------------------------------------------------------------------------------------


def install() -> None:
    """Give `Tensor` its operators."""
    for name, function in _BINARY.items():
        operator, reflected = _binary(function)
        setattr(Tensor, f"__{name}__", operator)
        setattr(Tensor, f"__r{name}__", reflected)
    for name, op in _COMPARISONS.items():
        setattr(Tensor, f"__{name}__", _binary(op)[0])
    for name, op in _UNARY.items():
        setattr(Tensor, f"__{name}__", _unary(op))
    others = {
        "__pos__": _itself, "__getitem__": getitem, "T": property(_transposed), "astype": _astype,
        "get_shape": _get_shape,
        "__array_ufunc__": _array_ufunc, "__array_function__": _array_function, "__array__": _array,
        "__array_priority__": 100,
    }  # fmt: skip
    for name, value in others.items():
        setattr(Tensor, name, value)


install()
