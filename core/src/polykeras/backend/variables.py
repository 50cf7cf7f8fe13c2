"""Variables, placeholders, constants, and what is known of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polykeras import config
from polykeras.backend import session
from polykeras.runtime import function as runtime
from polykeras.runtime.sparse import as_csr
from polykeras.runtime.sparse import is_sparse as is_sparse_matrix
from polykeras.runtime.variables import Variable
from polykeras.symbolic import dtypes
from polykeras.symbolic import op as ops
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import OPS, PLACEHOLDER
from polykeras.symbolic.ops import control
from polykeras.symbolic.spec import Spec, product


def variable(
    value: Any, dtype: str | None = None, name: str | None = None, constraint: Callable[..., Any] | None = None
) -> Any:
    """A tensor whose value is kept from call to call.   value: s -> s

    `value` is an array, a number, nested lists, or a tensor: then it is evaluated when the variable's value is first
    needed. `dtype` is floatx unless given. A scipy.sparse matrix gives a sparse tensor, which is constant, as in Keras.
    """
    dtype = dtypes.check(dtype or config.floatx())
    if is_sparse_matrix(value):
        return _sparse_constant(value, dtype, name)
    if not isinstance(value, Tensor):
        value = np.array(value, dtype=dtype)
    elif value.spec.dtype != dtype:
        value = OPS["cast"](value, dtype=dtype)
    made = Variable(value, dtype, session.unique_name(name or "Variable") + ":0", constraint)
    made._keras_shape = made.spec.shape
    made._uses_learning_phase = False
    return made


def _sparse_constant(value: Any, dtype: str, name: str | None) -> Tensor:
    matrix = as_csr(value, dtype)
    spec = Spec(matrix.shape, dtype, sparse=True)
    attrs = {"value": matrix, "spec": spec, "name": session.unique_name(name or "Variable")}
    made: Tensor = ops.CONSTANT.build((), attrs)
    made._keras_shape = spec.shape
    made._uses_learning_phase = False
    return made


def constant(
    value: Any, dtype: str | None = None, shape: Sequence[int] | None = None, name: str | None = None
) -> Tensor:
    """A tensor that never changes, filled from `value` if `shape` is given.   -> shape, or value's"""
    dtype = dtypes.check(dtype or config.floatx())
    array = np.array(value, dtype=dtype)
    if shape is not None:
        if array.size == 1:  # no array until somebody needs the elements
            return OPS["fill"](tuple(shape), value=array.item(), dtype=dtype)
        if array.size == np.prod(shape):
            array = array.reshape(tuple(shape))
        else:
            raise ValueError(f"a constant of shape {tuple(shape)} cannot be filled with {array.size} values")
    return ops.constant(array, dtype, name)


def placeholder(
    shape: Sequence[int | None] | None = None,
    ndim: int | None = None,
    dtype: str | None = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """A tensor to be fed, of a shape with None for unknown sizes, or of a rank.   -> shape

    sparse: it is a matrix, fed as a scipy.sparse one (or a dense one), which `K.dot`, `K.concatenate` and `K.to_dense`
    take.
    """
    if shape is None and ndim is not None:
        shape = (None,) * ndim
    if shape is not None:
        shape = tuple(None if n is None else int(n) for n in shape)
    if sparse:
        shape = (None, None) if shape is None else shape
        if len(shape) != 2:
            raise ValueError(f"a sparse tensor is a matrix, of rank 2; got the shape {shape}")
    spec = Spec(shape, dtypes.check(dtype or config.floatx()), sparse=sparse)
    made = ops.placeholder(spec, name and session.unique_name(name))
    made._keras_shape = spec.shape
    made._uses_learning_phase = False
    return made


def is_placeholder(x: Any) -> bool:
    """Is it a placeholder?"""
    return isinstance(x, Tensor) and x.node.op is PLACEHOLDER


def is_tensor(x: Any) -> bool:
    """Is it a symbolic tensor?"""
    return isinstance(x, Tensor)


def is_variable(x: Any) -> bool:
    """Is it a variable?"""
    return isinstance(x, Variable)


def is_keras_tensor(x: Any) -> bool:
    """Was it returned by a layer or by `Input`? An error for what is no tensor at all."""
    if not isinstance(x, Tensor):
        raise ValueError(f"a symbolic tensor is expected, got {type(x).__name__}: {x!r}")
    return hasattr(x, "_keras_history")


def is_sparse(tensor: Any) -> bool:
    """Is it a sparse tensor?"""
    return isinstance(tensor, Tensor) and tensor.spec.sparse


def shape(x: Tensor) -> Tensor:
    """The shape as a tensor.   x: (...) -> (rank,) int32"""
    return OPS["shape_of"](x)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The shape as a tuple, None for unknown sizes; None if even the rank is unknown."""
    found = getattr(x, "_keras_shape", None)
    if found is not None:
        return tuple(found) if not isinstance(found, list) else found  # type: ignore[return-value]
    return x.spec.shape if isinstance(x, Tensor) else tuple(np.shape(x))


def ndim(x: Any) -> int | None:
    """The rank, or None if it is unknown."""
    if isinstance(x, Tensor):
        return None if x.spec.shape is None else len(x.spec.shape)
    return int(np.ndim(x))


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return x.spec.dtype if isinstance(x, Tensor) else str(np.asarray(x).dtype)


def eval(x: Any) -> Any:  # noqa: A001  Keras's name
    """The value of a tensor that depends on no placeholder."""
    return runtime.evaluate([ops.as_tensor(x)])[0]


def get_value(x: Variable) -> Any:
    """The value of a variable, copied."""
    return runtime.get_values([x])[0] if isinstance(x, Variable) else eval(x)


def batch_get_value(ops: Sequence[Variable]) -> list[Any]:  # Keras's name for the argument
    """The values of several variables."""
    if all(isinstance(v, Variable) for v in ops):
        return runtime.get_values(ops)
    return [get_value(v) for v in ops]


def set_value(x: Variable, value: Any) -> None:
    """Set a variable from an array of its shape.   Raises TypeError for a tensor that is no variable."""
    batch_set_value([(x, value)])


def batch_set_value(tuples: Sequence[tuple[Variable, Any]]) -> None:
    """Set several variables; nothing is written if one of the shapes is wrong, or one is no variable (TypeError)."""
    pairs = list(tuples)
    for x, _ in pairs:
        if not isinstance(x, Variable):
            raise TypeError(f"only a variable can be set, got {x!r}")
    runtime.set_values(pairs)


def count_params(x: Tensor) -> int:
    """How many elements a variable has."""
    total = product(x.spec.shape or ())
    if total is None:
        raise ValueError(f"the number of elements of {x!r} is not known")
    return total


def zeros(shape: Any, dtype: str | None = None, name: str | None = None) -> Tensor:
    """A variable of zeros; where the shape holds unknown sizes, a tensor.   -> shape"""
    return _filled(shape, 0, dtype, name)


def ones(shape: Any, dtype: str | None = None, name: str | None = None) -> Tensor:
    """A variable of ones; where the shape holds unknown sizes, a tensor.   -> shape"""
    return _filled(shape, 1, dtype, name)


def _filled(shape: Any, value: float, dtype: str | None, name: str | None) -> Tensor:
    dtype = dtypes.check(dtype or config.floatx())
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else shape
    if isinstance(sizes, Tensor) or any(not isinstance(n, (int, np.integer)) for n in sizes):
        return OPS["fill"](sizes, value=value, dtype=dtype)
    return variable(OPS["fill"](tuple(sizes), value=value, dtype=dtype), dtype, name)


def eye(size: int, dtype: str | None = None, name: str | None = None) -> Tensor:
    """A variable holding the identity matrix.   -> (size, size)"""
    return variable(np.eye(size), dtype, name)


def update(x: Variable, new_x: Any) -> Tensor:
    """An update that sets a variable; its value is the new one.   x: s, new_x: s -> s"""
    return control.assignment(control.assign, x, new_x)


def update_add(x: Variable, increment: Any) -> Tensor:
    """An update that adds to a variable; several in one call accumulate.   x: s, increment: s -> s"""
    return control.assignment(control.assign_add, x, increment)


def update_sub(x: Variable, decrement: Any) -> Tensor:
    """An update that subtracts from a variable.   x: s, decrement: s -> s"""
    return control.assignment(control.assign_add, x, OPS["negative"](ops.as_tensor(decrement)))


def moving_average_update(x: Variable, value: Tensor, momentum: float) -> Tensor:
    """An update x <- x momentum + value (1 - momentum).   x: s, value: s -> s"""
    return update_add(x, OPS["multiply"](OPS["subtract"](value, x), 1.0 - momentum))
