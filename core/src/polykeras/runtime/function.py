"""K.function: a graph made callable.

A call checks and converts the feeds, looks its signature up among the programs made so far, and runs one.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from polykeras.runtime import forking, select, sparse
from polykeras.runtime.backend import Backend
from polykeras.runtime.executable import Executable
from polykeras.runtime.specialise import specialise, static_sources
from polykeras.runtime.variables import Storage, Variable
from polykeras.symbolic import collector, dtypes
from polykeras.symbolic.body import substitute
from polykeras.symbolic.graph import Key, Node, Tensor
from polykeras.symbolic.op import OPS, VARIABLE, as_tensor
from polykeras.symbolic.spec import Spec, format_shape

# Programs kept by each function, and how many may be dropped before a warning says so.
PROGRAMS = 16
STORM = 256

Signature = tuple[Any, ...]


class Function:
    """Computes `outputs` from `inputs` and then performs `updates`, as one step: every read sees the variables as they
    were at entry, and nothing is written if anything fails.

    inputs:  tensors: placeholders, or any tensor or variable, at which evaluation then stops. Numbers are ignored.
    outputs: tensors.
    updates: (variable, new value) pairs, and tensors that perform updates when they are computed.
    backend: where it runs; None: the current backend at each call.

    Called with a list of arrays, numbers, nested lists or tensors; returns a list of arrays, scalars as NumPy scalars.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Tensor],
        updates: Sequence[Any] | None = None,
        name: str | None = None,
        backend: Backend | str | None = None,
    ):
        self.inputs = [_Input(i, t) if isinstance(t, Tensor) else None for i, t in enumerate(inputs)]
        self.outputs = [OPS["densify"](t) if t.spec.sparse else t for t in outputs]
        self.updates = [u for u in updates or () if not isinstance(u, Tensor)]
        self.performed = [u for u in updates or () if isinstance(u, Tensor)]
        self.name = name or "function"
        self.backend = backend
        self.programs: OrderedDict[Signature, Executable] = OrderedDict()
        self.dropped = 0
        self.guard = forking.reentrant_lock()
        self.derived: OrderedDict[tuple[int, ...], tuple[list[Any], Function]] = OrderedDict()
        for u in self.updates:
            if len(u) != 2 or not isinstance(u[0], Variable):
                raise TypeError(f"an update is a (variable, new value) pair or what K.update returns, got {u!r}")
        self.pairs = [(v, _as_update(v, new)) for v, new in self.updates]
        with collector.paused():
            self._prepare()

    def _prepare(self) -> None:
        roots = [*self.outputs, *self.performed, *[new for _, new in self.pairs]]
        self.fed = [i for i in self.inputs if i is not None]
        keys: dict[Key, _Input] = {}
        for i in self.fed:
            if i.tensor.key in keys:
                raise ValueError(f"{i.tensor!r} stands twice among the inputs of '{self.name}'")
            keys[i.tensor.key] = i
        static = static_sources(roots, keys)
        self.static_variables: list[tuple[Node, Storage]] = []
        for node in dict.fromkeys(static):
            found = keys.get((node, 0))
            if found is not None:
                found.static = True
            elif node.op is VARIABLE:
                self.static_variables.append((node, node.attrs["value"]))
        self.plain = all(i is not None and not i.static for i in self.inputs) and not self.static_variables
        self.any_static = any(i.static for i in self.fed)

    def __call__(self, inputs: Sequence[Any] = ()) -> list[Any]:
        if not isinstance(inputs, (list, tuple)):
            raise TypeError(f"'{self.name}' takes a list of {len(self.inputs)} inputs, got {type(inputs).__name__}")
        if len(inputs) != len(self.inputs):
            raise ValueError(f"'{self.name}' has {len(self.inputs)} inputs, got {len(inputs)}")
        arrays = []
        for expected, given in zip(self.inputs, inputs, strict=True):
            if expected is None:
                continue
            if type(given) is np.ndarray and given.dtype == expected.numpy and given.flags.c_contiguous:
                if given.shape != expected.last:
                    expected.check(given.shape, self.name)
                arrays.append(given)
            elif isinstance(given, Tensor):
                return self._with_tensors(inputs)
            else:
                arrays.append(expected.convert(given, self.name))
        backend = self.backend if isinstance(self.backend, Backend) else select.resolve(self.backend)
        executable = self._executable(backend, arrays)
        results = executable(arrays if backend.host else [sparse.on(backend, a, str(a.dtype)) for a in arrays])
        if not backend.host:
            results = [backend.to_numpy(r) for r in results]
        return [r if r.shape else r[()] for r in results]

    # -- programs ------------------------------------------------------------------------------------------------

    def _executable(self, backend: Backend, arrays: list[Any]) -> Executable:
        if self.plain:
            signature: Signature = (backend, *[a.shape for a in arrays])
        else:
            signature = self._signature(backend, arrays)
        found = self.programs.get(signature)
        if found is None:
            with self.guard:
                found = self.programs.get(signature)
                if found is None:
                    with collector.paused():
                        found = self._compile(backend, arrays)
                    self._keep(signature, found)
        elif len(self.programs) > 1:
            with suppress(KeyError):  # another thread may have dropped it just now
                self.programs.move_to_end(signature)
        return found

    def _signature(self, backend: Backend, arrays: list[Any]) -> Signature:
        parts: list[Any] = [backend]
        for i, a in zip(self.fed, arrays, strict=True):
            parts.append((a.shape, _known(a)) if i.static else a.shape)
        parts += [_known(materialised(s, backend).get()) for _, s in self.static_variables]
        return tuple(parts)

    def _compile(self, backend: Backend, arrays: list[Any]) -> Executable:
        program = self.program(arrays, backend)
        storages = [v.source for v in program.reads] + [w.storage for w in program.writes]
        materialise(storages, backend)
        return backend.compile(program)

    def program(self, arrays: Sequence[Any], backend: Backend | None = None) -> Any:
        """The program for arrays of these shapes (and, where they reach a size, these values)."""
        feeds = {
            i.tensor.key: Spec(a.shape, i.dtype, _known(a) if i.static else None, i.tensor.spec.sparse)
            for i, a in zip(self.fed, arrays, strict=True)
        }
        backend = backend or select.resolve(self.backend)
        known = {node: _known(materialised(s, backend).get()) for node, s in self.static_variables}
        program = specialise([*self.outputs, *self.performed], self.pairs, feeds, known, self.name)
        del program.outputs[len(self.outputs) :]
        return program

    def _keep(self, signature: Signature, executable: Executable) -> None:
        self.programs[signature] = executable
        while len(self.programs) > PROGRAMS:
            self.programs.popitem(last=False)
            self.dropped += 1
            if self.dropped == STORM:
                warnings.warn(
                    f"'{self.name}' has been called with more than {STORM} different shapes; each costs some time. "
                    "Padding batches to a few lengths would be faster.",
                    stacklevel=4,
                )

    # -- symbolic feeds ------------------------------------------------------------------------------------------

    def _with_tensors(self, inputs: Sequence[Any]) -> list[Any]:
        """Fed tensors are evaluated in the same program: the graph is copied with them in the inputs' place."""
        fed = {
            e.tensor.key: t for e, t in zip(self.inputs, inputs, strict=True) if e is not None and isinstance(t, Tensor)
        }
        key = tuple(id(t) if isinstance(t, Tensor) else 0 for t in inputs)
        kept = self.derived.get(key)
        if kept is None:
            roots = [*self.outputs, *self.performed, *[new for _, new in self.pairs]]
            copies = substitute(roots, dict(fed))
            a, b = len(self.outputs), len(self.outputs) + len(self.performed)
            pairs = [(v, new) for (v, _), new in zip(self.pairs, copies[b:], strict=True)]
            rest = [
                e.tensor
                for e, t in zip(self.inputs, inputs, strict=True)
                if e is not None and not isinstance(t, Tensor)
            ]
            derived = Function(rest, copies[:a], [*pairs, *copies[a:b]], self.name, self.backend)
            kept = self.derived[key] = list(inputs), derived
            while len(self.derived) > PROGRAMS:
                self.derived.popitem(last=False)
        arrays = [t for e, t in zip(self.inputs, inputs, strict=True) if e is not None and not isinstance(t, Tensor)]
        return kept[1](arrays)


class _Input:
    """One input: what is fed must fit it.

    last: the shape that came last and was found to fit.
    """

    __slots__ = ("position", "tensor", "dtype", "numpy", "shape", "static", "last")

    def __init__(self, position: int, tensor: Tensor):
        self.position = position
        self.tensor = tensor
        self.dtype = tensor.spec.dtype
        # no array is taken for a sparse matrix
        self.numpy = np.dtype("V" if tensor.spec.sparse else self.dtype)
        self.shape = tensor.spec.shape
        self.static = False
        self.last: tuple[int, ...] | None = None

    def convert(self, given: Any, function: str) -> Any:
        """What was given as a contiguous array of the input's dtype."""
        if given is None:
            raise ValueError(f"input {self.position} of '{function}', {self.tensor!r}, was given None")
        if hasattr(given, "__cuda_array_interface__"):
            raise TypeError(
                f"input {self.position} of '{function}' is an array of a device ({type(given).__module__}); "
                "feed host arrays, for instance `array.get()`"
            )
        try:
            if self.tensor.spec.sparse:
                matrix = sparse.as_csr(given, self.dtype)
                self.check(matrix.shape, function)
                return matrix
            if sparse.is_sparse(given):
                given = given.toarray()
            array = np.ascontiguousarray(given, self.numpy) if np.ndim(given) else np.asarray(given, self.numpy)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"input {self.position} of '{function}', {self.tensor!r}, "
                f"cannot be made of {type(given).__name__}: {error}"
            ) from error
        self.check(array.shape, function)
        return array

    def check(self, shape: tuple[int, ...], function: str) -> None:
        """An error where the shape does not fit."""
        expected = self.shape
        if expected is not None and (
            len(expected) != len(shape) or any(e is not None and e != n for e, n in zip(expected, shape, strict=True))
        ):
            raise ValueError(
                f"input {self.position} of '{function}', {self.tensor!r}, "
                f"expects shape {format_shape(expected)}, got {shape}"
            )
        self.last = shape


def _known(array: Any) -> Any:
    value = array.tolist()
    return tuple(int(v) for v in value) if isinstance(value, list) else int(value)


def _as_update(variable: Variable, value: Any) -> Tensor:
    tensor = as_tensor(value)
    if tensor.spec.dtype != variable.spec.dtype:
        tensor = OPS["cast"](tensor, dtype=variable.spec.dtype)
    if tensor.spec.concrete and variable.spec.concrete and tensor.spec.shape != variable.spec.shape:
        raise ValueError(
            f"the variable '{variable.name}' of shape {variable.spec.shape} "
            f"is updated by a tensor of shape {tensor.spec.shape}"
        )
    return tensor


# -- values of variables ---------------------------------------------------------------------------------------------

_evaluating = forking.reentrant_lock()


def materialise(storages: Sequence[Storage], backend: Backend) -> None:
    """Evaluate the initial values that are still pending, together."""
    pending = [s for s in dict.fromkeys(storages) if not s.initialised]
    if not pending:
        return
    with _evaluating:
        tensors = [s for s in pending if isinstance(s.pending, Tensor) and not s.initialised]
        if tensors:
            values = Function([], [s.pending for s in tensors], name="initial values", backend=backend)([])
            for storage, value in zip(tensors, values, strict=True):
                if not storage.initialised:
                    storage.set(np.asarray(value), backend)
                    storage.version = 0
        for storage in pending:
            if not storage.initialised:
                storage.on(backend)


def materialised(storage: Storage, backend: Backend | None = None) -> Storage:
    """The storage, its initial value evaluated."""
    if not storage.initialised:
        materialise([storage], backend or select.resolve(None))
    return storage


def evaluate(tensors: Sequence[Tensor], backend: Backend | str | None = None) -> list[Any]:
    """The values of tensors that depend on no placeholder."""
    return Function([], tensors, name="eval", backend=backend)([])


def get_values(variables: Sequence[Variable]) -> list[Any]:
    """Host copies of variables' values."""
    storages = [v.storage for v in variables]
    if any(not s.initialised for s in storages):
        materialise(storages, select.resolve(None))
    return [s.get() for s in storages]


def set_values(pairs: Sequence[tuple[Variable, Any]]) -> None:
    """Set variables; all shapes are checked before the first is written."""
    checked = []
    for variable, value in pairs:
        if sparse.is_sparse(value):
            value = value.toarray()
        if hasattr(value, "__cuda_array_interface__"):
            raise TypeError(f"the variable '{variable.name}' was given an array of a device; use `array.get()`")
        array = np.asarray(value, dtypes.check(variable.spec.dtype))
        variable.check_value(array.shape)
        checked.append((variable, array))
    for variable, array in checked:
        variable.storage.set(array, variable.storage.backend or select.resolve(None))
