"""The abstract backend: a class whose methods are the ops."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from polykeras.runtime import forking, passes
from polykeras.runtime.arena import Arenas
from polykeras.runtime.derived import Derived
from polykeras.runtime.executable import Executable
from polykeras.runtime.kernel_cache import KernelCache
from polykeras.runtime.program import Program, Step, Value


class Kernel(NamedTuple):
    """Code bound to one step.

    call:      called positionally with the step's arrays (`step.arrays`), then, if `into`, with the arrays to write the
               results into, then, if `workspace`, with a flat uint8 array of that many bytes. Without `into` it
               returns the results.
    into:      does it write into arrays that it is given?
    workspace: bytes of scratch memory that it needs.
    bind:      optional; takes the arrays that `call` would get at every call and returns a function without arguments
               that does the same. What can be settled for fixed arrays is settled there.
    """

    call: Callable[..., Any]
    into: bool = False
    workspace: int = 0
    bind: Callable[..., Callable[[], Any]] | None = None


class Limit(NamedTuple):
    """Something that a backend cannot do: the op, the dtype ("" for all), and why."""

    op: str
    dtype: str
    reason: str


class Backend:
    """The ops as methods, of the names, parameter order and defaults of the declarations.

    Tensors are arrays of the backend; operands that are sizes are ints or tuples of ints, operands read for shape only
    are shapes. A method that takes `out=` writes its result there (for several results: a tuple). A backend adds no
    other public methods.

    name:          what it is called.
    host:          are its arrays NumPy's?
    polykeras_api: the version of this contract that it was made for.
    limits:        what it cannot do.
    """

    name = "abstract"
    host = True
    polykeras_api = (1, 0)
    limits: tuple[Limit, ...] = ()

    def __init__(self) -> None:
        self.arenas = Arenas(self)
        self.writing = forking.reentrant_lock()
        self._warned: set[str] = set()
        self.derived: weakref.WeakValueDictionary[Hashable, Derived] = weakref.WeakValueDictionary()
        self.bodies: weakref.WeakKeyDictionary[Program, Executable] = weakref.WeakKeyDictionary()

    @classmethod
    def unavailable(cls) -> str | None:
        """Why the backend cannot work on this machine, or None."""
        return None

    @classmethod
    def kernel_cache(cls) -> KernelCache | None:
        """What the backend keeps on disk from process to process, for `polykeras cache`; None if nothing."""
        return None

    # -- arrays --------------------------------------------------------------------------------------------------

    def asarray(self, value: Any, dtype: str) -> Any:
        """A host array, number or list as an array of this backend, C-contiguous."""
        raise NotImplementedError

    def to_numpy(self, array: Any) -> Any:
        """An array of this backend as a NumPy array."""
        raise NotImplementedError

    def empty(self, shape: tuple[int, ...], dtype: str) -> Any:
        """A new array, its elements undefined."""
        raise NotImplementedError

    def arena(self, nbytes: int) -> Any:
        """A new flat block of memory, aligned for vectors."""
        raise NotImplementedError

    def view(self, base: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Any:
        """An array in a block: `offset` in bytes, `strides` in elements."""
        raise NotImplementedError

    def strided(self, array: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        """A view of a contiguous array: `offset` and `strides` in elements."""
        raise NotImplementedError

    def copy(self, source: Any, target: Any) -> None:
        """Write the elements of one array into another of its shape."""
        raise NotImplementedError

    def accumulate(self, source: Any, target: Any) -> None:
        """Add the elements of one array to another of its shape."""
        raise NotImplementedError

    def fresh(self, array: Any) -> Any:
        """A new array with the elements of `array`."""
        raise NotImplementedError

    def row(self, array: Any, index: int) -> Any:
        """A view of one element along the first axis; of rank 0 for an array of rank 1."""
        return array[index, ...]

    def truth(self, array: Any) -> bool:
        """The value of a boolean array of rank 0."""
        return bool(array)

    def size(self, array: Any) -> int | tuple[int, ...]:
        """An integer array as a size: an int, or a tuple of ints."""
        value = self.to_numpy(array).tolist()
        return tuple(value) if isinstance(value, list) else int(value)

    def quiet(self) -> AbstractContextManager[Any]:
        """A context in which floating-point exceptions are silent."""
        return nullcontext()

    def threads(self, program: Program) -> int:
        """How many threads a program's kernels may use: a matter of the program alone."""
        return 1

    def running(self, threads: int) -> AbstractContextManager[Any]:
        """The context of every call of a program, with what `threads` said of it."""
        return self.quiet()

    # -- code ----------------------------------------------------------------------------------------------------

    def supports(self, op: str) -> bool:
        """Has this backend a kernel for the op: a method, or one that a plugin brings?"""
        return self.has_method(op) or op in self.plugin_kernels

    @classmethod
    def has_method(cls, op: str) -> bool:
        """Is the op a method of this backend?"""
        return op not in _CONTRACT and callable(getattr(cls, op, None))

    @functools.cached_property
    def plugin_kernels(self) -> dict[str, Callable[..., Any]]:
        """Kernels that plugins bring for this backend, by op: functions of the signature of a method, without self."""
        return _plugin_kernels(self.name)

    def kernel(self, step: Step) -> Kernel:
        """Bind a kernel to a step. The default binds the op's method, or a plugin's kernel, with the attributes."""
        name = step.op.name
        method = getattr(self, name) if self.has_method(name) else self.plugin_kernels.get(name)
        return bind(method, step) if method is not None else self._on_the_host(step)

    def _on_the_host(self, step: Step) -> Kernel:
        """A plugin's kernel for NumPy: as it is where arrays are NumPy's, else between copies to the host and back."""
        name = step.op.name
        function = _plugin_kernels("numpy").get(name)
        if function is None:
            raise NotImplementedError(
                f"the backend '{self.name}' has no kernel for the op '{name}', and the op no lowering. "
                f"A plugin can bring one: hook polykeras_kernels [{step.where()}]"
            )
        if name not in self._warned:
            self._warned.add(name)
            where = "" if self.host else " on the host,"
            warnings.warn(
                f"the op '{name}' has no kernel for '{self.name}' and runs{where} by its NumPy kernel", stacklevel=2
            )
        if self.host:
            return bind(function, step)
        bound = bind(function, step, into=False)
        return Kernel(functools.partial(_through_the_host, self, bound))

    def prepare(self, program: Program) -> Program:
        """The program with only ops that have a kernel here, and after the passes that plugins bring."""
        return passes.prepare(program, self)

    def arrange(self, program: Program) -> None:
        """Take apart, in place, steps of which a part depends on variables alone: it is then kept from call to call."""

    def compile(self, program: Program) -> Executable:
        """Make a program callable. The default runs bound kernels one after another."""
        return Executable(self.prepare(program), self)

    def __repr__(self) -> str:
        return f"<backend {self.name}>"


_CONTRACT = frozenset(name for name in vars(Backend) if not name.startswith("_"))


def bind(method: Callable[..., Any], step: Step, into: bool = True) -> Kernel:
    """A kernel from a method: sizes and attributes are filled in, arrays stay open."""
    signature = inspect.signature(method)
    into = into and "out" in signature.parameters
    names = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    args, attrs = step.args, step.attrs
    literal = [not isinstance(a, Value) for a in args]
    if step.dynamic:
        call = functools.partial(_call_with_sizes, method, attrs, tuple(args))
        return Kernel(call)
    opened = literal.index(False) if False in literal else len(args)
    if any(literal[opened:]) and len(names) < len(args):
        raise TypeError(f"sizes among the variadic operands of {step.op.name}")
    filled = {names[i]: a for i, a in enumerate(args) if literal[i] and i > opened}
    if True in literal and not all(
        literal[opened + literal[opened:].index(True) :] if True in literal[opened:] else [True]
    ):
        return Kernel(functools.partial(_call_between, method, attrs, tuple(args)))
    bound = functools.partial(method, *args[:opened], **filled, **attrs)
    if not into:
        return Kernel(bound)
    count = len(step.outs)
    return Kernel(functools.partial(_call_into_one if count == 1 else _call_into_many, bound, count), into=True)


def _call_into_one(bound: Callable[..., Any], count: int, *arrays: Any) -> Any:
    return bound(*arrays[:-1], out=arrays[-1])


def _call_into_many(bound: Callable[..., Any], count: int, *arrays: Any) -> Any:
    return bound(*arrays[:-count], out=arrays[-count:])


def _call_between(method: Callable[..., Any], attrs: dict[str, Any], args: tuple[Any, ...], *arrays: Any) -> Any:
    given = iter(arrays)
    return method(*[next(given) if isinstance(a, Value) else a for a in args], **attrs)


def _call_with_sizes(method: Callable[..., Any], attrs: dict[str, Any], args: tuple[Any, ...], *arrays: Any) -> Any:
    """The executable gives arrays, sizes and shapes in the order of the arguments that are not literal."""
    given = iter(arrays)
    return method(*[a if isinstance(a, (int, tuple)) else next(given) for a in args], **attrs)


def _through_the_host(backend: Backend, bound: Kernel, *arrays: Any) -> Any:
    hosted = [backend.to_numpy(a) if hasattr(a, "shape") else a for a in arrays]
    made = bound.call(*hosted)
    if isinstance(made, tuple):
        return tuple(backend.asarray(m, str(m.dtype)) for m in made)
    return backend.asarray(made, str(made.dtype))


def _plugin_kernels(backend: str) -> dict[str, Callable[..., Any]]:
    from polykeras import plugins

    found: dict[str, Callable[..., Any]] = {}

    def register(op: str, function: Callable[..., Any]) -> None:
        if op in found:
            raise ValueError(f"two plugins bring a kernel of the op '{op}' for the backend '{backend}'")
        found[op] = function

    plugins.call("polykeras_kernels", backend_name=backend, register=register)
    return found
