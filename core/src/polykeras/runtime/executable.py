"""The default executable: straight-line code over bound kernels.

For each arena the steps are bound to arrays once; a call then runs lines like `k3(b1, b2, b7)`. A line of the code is a
step, so naming the step that failed costs nothing while nothing fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import CodeType
from typing import TYPE_CHECKING, Any

from polykeras.runtime import control, sparse, variables
from polykeras.runtime.arena import Arena
from polykeras.runtime.derived import Derived, run_once
from polykeras.runtime.plan import Fed, Held, Made, Plan, Slot, Stored, View, plan
from polykeras.runtime.program import Program, ShapeOf, SizeOf, Step, Value
from polykeras.runtime.rewrite.flat import PACK
from polykeras.runtime.views import VIEW_OPS, contiguous

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend, Kernel

# Longer programs call runs of bound steps in a loop: compiling a line for each would take longer than they save.
LINES = 400


class Executable:
    """A program bound to a backend. Call it with one array of the backend for each input; it returns new arrays.

    emitter: what writes its code; a backend may have one that runs several steps at once.
    """

    emitter: type[Emitter]

    def __init__(self, program: Program, backend: Backend):
        self.program = program
        self.backend = backend
        steps = [step for step in program.steps if step.op is not PACK]
        self.kernels = {step: control.kernel(step, backend) or backend.kernel(step) for step in steps}
        self.plan: Plan = plan(program, self._into, self._workspace)
        for step in self.plan.steps:
            if step not in self.kernels:
                self.kernels[step] = backend.kernel(step)
        self.held = self._hold()
        self.threads = backend.threads(program)
        self.bound: dict[Arena, tuple[int, Callable[..., Any]]] = {}
        self.written = list(dict.fromkeys(w.storage for w in program.writes))
        self.emitted: Emitted | None = None
        self.derived = [v.source for v in program.reads if isinstance(v.source, Derived)]
        self.sources = list(dict.fromkeys(source for derived in self.derived for source in derived.sources))
        self.versions: list[int] = []

    def _into(self, step: Step) -> bool:
        kernel = self.kernels.get(step)
        return (kernel or self.backend.kernel(step)).into

    def _workspace(self, step: Step) -> int:
        return self.kernels[step].workspace if step in self.kernels else 0

    # -- calling -------------------------------------------------------------------------------------------------

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Run the program. Nothing is written to a variable unless every step before the commit phase succeeded."""
        backend = self.backend
        if self.written:
            with backend.writing:
                results = self._run(arrays)
                for storage in self.written:
                    storage.written()
                return results
        return self._run(arrays)

    def _refresh(self) -> None:
        """Compute anew the derived values whose variables were written; before an arena is held, which others need."""
        versions = [source.version for source in self.sources]
        if versions != self.versions:
            for derived in self.derived:
                derived.refresh()
            self.versions = versions

    def _run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        if self.derived:
            self._refresh()
        arena = self.backend.arenas.acquire()
        try:
            found = self.bound.get(arena)
            if found is None or found[0] != variables.moved:
                found = self._bind(arena)
            try:
                with self.backend.running(self.threads):
                    return found[1](*arrays)  # type: ignore[no-any-return]
            except Exception as error:
                raise self.explain(error) from error
        finally:
            arena.lock.release()

    def _bind(self, arena: Arena) -> tuple[int, Callable[..., Any]]:
        for value in self.program.reads:
            value.source.on(self.backend)
        for write in self.program.writes:
            write.storage.on(self.backend)
        arena.fit(self.plan.arena)
        arena.users.add(self)
        moved = variables.moved
        found = self.bound[arena] = moved, self.bind(arena.block, 0)
        return found

    def unbind(self, arena: Arena) -> None:
        """Forget the arrays of an arena's block."""
        self.bound.pop(arena, None)

    # -- binding -------------------------------------------------------------------------------------------------

    def bind(self, block: Any, offset: int, raw: bool = False) -> Callable[..., Any]:
        """The program as a function of its inputs, its temporaries in `block` from `offset` on.

        With `raw` it returns its own arrays, which the next call overwrites; otherwise new ones.
        """
        if self.emitted is None or self.emitted.raw != raw:
            self.emitted = self.emitter(self, raw).emit()
        return self.emitted.bind(block, offset)

    def array(self, value: Value, block: Any, offset: int) -> Any:
        """The array that a value is bound to, or None if it is different at each call."""
        place = self.plan.places[value]
        spec, backend = value.spec, self.backend
        if isinstance(place, Slot):
            return backend.view(block, offset + place.offset, spec.sizes, contiguous(spec.sizes), spec.dtype)
        if isinstance(place, Stored):
            return place.storage.on(backend)
        if isinstance(place, Held):
            return self.held[value]
        if isinstance(place, View):
            base = place.base
            where = self.plan.places[base]
            strides, start = place.layout.strides, place.layout.offset
            if isinstance(where, Slot):
                itemsize = _itemsize(spec)
                return backend.view(block, offset + where.offset + start * itemsize, spec.sizes, strides, spec.dtype)
            return backend.strided(self.array(base, block, offset), start, spec.sizes, strides)
        return None

    def _hold(self) -> dict[Value, Any]:
        """The constants, and what is computed from them once."""
        backend, held = self.backend, {}
        for value in self.program.values:
            if value.kind == "const":
                held[value] = sparse.on(backend, value.source, value.spec.dtype)
        with backend.quiet():
            run_once(self.program.constants, held, backend)
        return held

    # -- errors --------------------------------------------------------------------------------------------------

    def explain(self, error: Exception) -> Exception:
        """The error with the op, shapes, layer and source line of the step that raised it."""
        step = None if self.emitted is None else self.emitted.failing(error)
        if step is None or getattr(error, "explained", False):
            return error
        message = step.op.explain(error, [v.spec for v in step.ins], step.where())
        try:
            new = type(error)(message)
        except Exception:  # noqa: BLE001  whatever its constructor asks for
            new = RuntimeError(message)
        new.explained = True  # type: ignore[attr-defined]
        return new


def _itemsize(spec: Any) -> int:
    from polykeras.symbolic import dtypes

    return dtypes.itemsize(spec.dtype)


class Emitted:
    """Code for a program: lines, what their names stand for, and the step of each line."""

    def __init__(
        self,
        code: CodeType,
        raw: bool,
        makers: dict[str, Callable[[Any, int], Any]],
        steps: dict[int, Step],
        runs: dict[str, list[Step]],
    ):
        self.code = code
        self.raw = raw
        self.makers = makers
        self.steps = steps
        self.runs = runs

    def bind(self, block: Any, offset: int) -> Callable[..., Any]:
        scope: dict[str, Any] = {name: make(block, offset) for name, make in self.makers.items()}
        exec(self.code, scope)  # noqa: S102  our own lines, made of numbers only
        return scope["run"]  # type: ignore[no-any-return]

    def failing(self, error: BaseException) -> Step | None:
        """The step whose line raised the error."""
        tb = error.__traceback__
        while tb is not None:
            frame = tb.tb_frame
            if frame.f_code.co_filename == self.code.co_filename:
                step = self.steps.get(tb.tb_lineno)
                name = frame.f_locals.get("run_name")
                if step is None and name is not None:
                    calls = frame.f_globals[name]
                    return self.runs[name][next(i for i, c in enumerate(calls) if c is frame.f_locals["call"])]
                return step
            tb = tb.tb_next
        return None


class Emitter:
    """Writes the lines of a program."""

    def __init__(self, executable: Executable, raw: bool):
        self.ex = executable
        self.raw = raw
        self.lines: list[str] = []
        self.makers: dict[str, Callable[[Any, int], Any]] = {}
        self.steps: dict[int, Step] = {}
        self.runs: dict[str, list[Step]] = {}
        self.pending: list[Step] = []
        self.long = len(executable.plan.steps) > LINES
        self.last_use: dict[Value, int] = {}

    def emit(self) -> Emitted:
        p, program = self.ex.plan, self.ex.program
        inputs = ", ".join(f"i{i}" for i in range(len(program.inputs)))
        self.lines.append(f"def run({inputs}):")
        late_made = {out for s in p.steps[p.commit :] for out in s.outs}
        for i, s in enumerate(p.steps):
            for v in s.ins:
                self.last_use[v] = i
        for v in (*program.outputs, *[w.value for w in p.copies]):
            self.last_use[v] = len(p.steps)
        early = [o for o in program.outputs if self._root(o) not in late_made]
        for i, s in enumerate(p.steps):
            if i == p.commit:
                self._flush()
                self._results(early)
            self._step(i, s)
        self._flush()
        if p.commit >= len(p.steps):
            self._results(early)
        self._results([o for o in program.outputs if o not in early])
        for w in p.copies:
            call = "copy" if w.mode == "set" else "accumulate"
            source, target = self.name(w.value), f"v{w.storage.serial}"
            self.makers[target] = functools.partial(_storage_array, w.storage, self.ex.backend)
            self.makers[call] = functools.partial(_constant, getattr(self.ex.backend, call))
            self.lines.append(f" {call}({source}, {target})")
        results = ", ".join(self._result_name(o) for o in program.outputs)
        self.lines.append(f" return [{results}]")
        source = "\n".join(self.lines)
        code = compile(source, f"<polykeras {program.name}>", "exec")
        return Emitted(code, self.raw, self.makers, self.steps, self.runs)

    def _root(self, value: Value) -> Value:
        place = self.ex.plan.places.get(value)
        return place.base if isinstance(place, View) else value

    def name(self, value: Value) -> str:
        """What a value is called in the lines; bound ones are arrays in the code's scope."""
        place = self.ex.plan.places[value]
        if isinstance(place, Fed):
            return f"i{place.position}"
        if isinstance(place, Made):
            return f"t{value.id}"
        name = f"b{value.id}"
        if name not in self.makers:
            self.makers[name] = functools.partial(self.ex.array, value)
        return name

    def _step(self, i: int, step: Step) -> None:
        kernel = self.ex.kernels[step]
        places = self.ex.plan.places
        dynamic = any(isinstance(places[v], (Fed, Made)) for v in step.ins) or any(
            isinstance(places.get(v), Made) for v in step.outs
        )
        if self.long and not dynamic:
            self.pending.append(step)
            return
        self._flush()
        if kernel.bind is not None and not dynamic and not step.dynamic:
            name = f"k{len(self.steps)}"
            self.makers[name] = functools.partial(_bound_call, self.ex, step)
            self.lines.append(f" {name}()")
            self.steps[len(self.lines)] = step
            return
        arguments = [self._argument(a) for a in step.args if isinstance(a, (Value, ShapeOf, SizeOf))]
        taken = [v for v in step.outs if v.kind != "unused"]
        made = [isinstance(places.get(v), Made) for v in taken]
        if kernel.into and not any(made):
            arguments += ["None" if v.kind == "unused" else self.name(v) for v in step.outs]
            target = ""
        else:
            names = [f"t{v.id}" if v.kind != "unused" else "_" for v in step.outs]
            target = f"{names[0]} = " if len(names) == 1 else f"{', '.join(names)} = "
            if kernel.into:  # a control op whose sizes are known only now: it makes its own results
                arguments += ["None"] * len(step.outs)
        if kernel.workspace and not step.bodies:  # bodies are bound to it
            arguments.append(self._scratch(step))
        self.lines.append(f" {target}{self._kernel_name(step)}({', '.join(arguments)})")
        self.steps[len(self.lines)] = step
        gone = [f"t{v.id}" for v in step.ins if self.last_use.get(v) == i and isinstance(places[v], Made)]
        if gone:
            self.lines.append(f" {' = '.join(dict.fromkeys(gone))} = None")

    def _argument(self, argument: Any) -> str:
        if isinstance(argument, Value):
            return self.name(argument)
        name = self.name(argument.value)
        if isinstance(argument, ShapeOf):
            return f"{name}.shape"
        self.makers["size"] = functools.partial(_constant, self.ex.backend.size)
        return f"size({name})"

    def _kernel_name(self, step: Step) -> str:
        name = f"k{len(self.steps)}"
        self.makers[name] = functools.partial(_kernel_call, self.ex, step)
        return name

    def _scratch(self, step: Step) -> str:
        slot = self.ex.plan.workspaces[step]
        name = f"w{slot.offset}_{slot.nbytes}"
        self.makers[name] = functools.partial(_scratch_array, self.ex.backend, slot)
        return name

    def _flush(self) -> None:
        """Write the bound steps that have gathered as one loop."""
        if not self.pending:
            return
        name = f"r{len(self.runs)}"
        self.runs[name] = self.pending
        self.makers[name] = functools.partial(_bound_run, self.ex, self.pending)
        self.lines += [f" run_name = {name!r}", f" for call in {name}: call()", " run_name = None"]
        self.pending = []

    def _results(self, outputs: list[Value]) -> None:
        if self.raw:
            return
        for value in dict.fromkeys(outputs):
            if not self._fresh(value):
                self.makers["fresh"] = functools.partial(_constant, self.ex.backend.fresh)
                self.lines.append(f" o{value.id} = fresh({self.name(value)})")

    def _result_name(self, value: Value) -> str:
        return self.name(value) if self.raw or self._fresh(value) else f"o{value.id}"

    def _fresh(self, value: Value) -> bool:
        """Is it an array that nothing else holds?"""
        if not isinstance(self.ex.plan.places[value], Made):
            return False
        maker = next(s for s in self.ex.plan.steps if value in s.outs)
        once = self.ex.program.outputs.count(value) == 1
        return once and maker.op.name not in VIEW_OPS and maker.op.alias_rule is None


Executable.emitter = Emitter


def _constant(value: Any, block: Any, offset: int) -> Any:
    return value


def _storage_array(storage: Any, backend: Backend, block: Any, offset: int) -> Any:
    return storage.on(backend)


def _scratch_array(backend: Backend, slot: Slot, block: Any, offset: int) -> Any:
    return backend.view(block, offset + slot.offset, (slot.nbytes,), (1,), "uint8")


def _kernel_call(executable: Executable, step: Step, block: Any, offset: int) -> Callable[..., Any]:
    """The step's code; a control op's bodies are bound to its scratch memory."""
    kernel: Kernel = executable.kernels[step]
    if step.bodies:
        slot = executable.plan.workspaces.get(step)
        return control.bind(step, executable.backend, block, offset + (slot.offset if slot else 0))
    return kernel.call


def _bound_call(executable: Executable, step: Step, block: Any, offset: int) -> Callable[[], Any]:
    """A step as a function without arguments, its arrays being the same at every call."""
    kernel = executable.kernels[step]
    arrays = [executable.array(v, block, offset) for v in step.arrays]
    arrays += [None if v.kind == "unused" else executable.array(v, block, offset) for v in step.outs]
    if kernel.workspace and not step.bodies:
        arrays.append(_scratch_array(executable.backend, executable.plan.workspaces[step], block, offset))
    if kernel.bind is not None:
        return kernel.bind(*arrays)
    return functools.partial(_kernel_call(executable, step, block, offset), *arrays)


def _bound_run(executable: Executable, steps: list[Step], block: Any, offset: int) -> tuple[Callable[[], Any], ...]:
    return tuple([_bound_call(executable, step, block, offset) for step in steps])
