"""A program: a graph made concrete for one signature, as plain data.

Nothing here is placed in memory yet (`plan`) or bound to code (`Backend.compile`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from polykeras.symbolic.graph import Node
from polykeras.symbolic.op import Op
from polykeras.symbolic.spec import Spec


class Value:
    """One array of a program.

    kind:   "input" (fed), "const" (part of the program), "variable" (a variable as it was at entry), "temp",
            "unused" (a control op's result that nothing reads).
    source: an input's position, a constant's payload, a variable's storage, None for temps.
    spec:   concrete, but for sizes that depend on computed data, which are None.
    """

    __slots__ = ("id", "spec", "kind", "source", "device", "layout")

    def __init__(self, id: int, spec: Spec, kind: str, source: Any = None, device: str | None = None):
        self.id = id
        self.spec = spec
        self.kind = kind
        self.source = source
        self.device = device
        self.layout: Any = None

    def __repr__(self) -> str:
        return f"%{self.id}"


class ShapeOf:
    """An argument that is the shape of a value whose sizes are known only when it has been computed."""

    __slots__ = ("value",)

    def __init__(self, value: Value):
        self.value = value

    def __repr__(self) -> str:
        return f"shape of {self.value}"


class SizeOf:
    """An argument that is a value taken as a size: an int or a tuple of ints."""

    __slots__ = ("value",)

    def __init__(self, value: Value):
        self.value = value

    def __repr__(self) -> str:
        return f"size {self.value}"


Argument = Value | ShapeOf | SizeOf | int | tuple[int, ...]


class Step:
    """One application of an op, or of a backend's private kernel.

    args:   in the op's order: values; for sizes and for operands read for shape only, Python ints and tuples of ints
            (or `SizeOf`, `ShapeOf` where they depend on computed data).
    outs:   the values it makes.
    node:   the graph's node, for errors.
    bodies: a control op's bodies as programs.
    host:   it must run on the host, in order.
    """

    __slots__ = ("op", "_args", "ins", "arrays", "dynamic", "outs", "attrs", "node", "bodies", "host")

    # ins:     the values that it reads, those read for a size or a shape included.
    # arrays:  the values whose elements it reads: the arguments of its kernel.
    # dynamic: does a size depend on computed data?

    def __init__(
        self,
        op: Op,
        args: list[Argument],
        outs: list[Value],
        attrs: dict[str, Any],
        node: Node | None,
        bodies: tuple[Program, ...] = (),
        host: bool = False,
    ):
        self.op = op
        self.args = args
        self.outs = outs
        self.attrs = attrs
        self.node = node
        self.bodies = bodies
        self.host = host

    @property
    def args(self) -> list[Argument]:
        return self._args

    @args.setter
    def args(self, args: list[Argument]) -> None:
        self._args = args
        self.arrays = [a for a in args if isinstance(a, Value)]
        self.dynamic = len(self.arrays) < len(args) and any(isinstance(a, (ShapeOf, SizeOf)) for a in args)
        self.ins = (
            [a if isinstance(a, Value) else a.value for a in args if isinstance(a, (Value, ShapeOf, SizeOf))]
            if self.dynamic
            else self.arrays
        )

    @property
    def allocates(self) -> bool:
        """Is the size of a result known only when it has been computed?"""
        return any(v.spec.sparse or not v.spec.concrete for v in self.outs)

    @property
    def elementwise(self) -> bool:
        return self.op.elementwise

    def where(self) -> str:
        return self.node.where() if self.node is not None else ""

    def __repr__(self) -> str:
        attrs = "".join(f", {k}={v!r}" for k, v in self.attrs.items())
        outs = ", ".join(f"{v}: {v.spec}" for v in self.outs)
        return f"{outs} = {self.op.name}({', '.join(map(repr, self.args))}{attrs})"


@dataclass(eq=False)
class Write:
    """A variable's new value: `set` replaces it, `add` is added to it. Done when everything else is."""

    storage: Any
    value: Value
    mode: str = "set"


@dataclass(eq=False)
class Program:
    """Inputs, steps and outputs in order; reads and writes of variables; every value.

    constants: steps that are run once for an executable, not at each call.
    counters:  of a body: positions of the inputs that count the calls of random ops.
    """

    inputs: list[Value]
    outputs: list[Value]
    values: list[Value]
    steps: list[Step]
    reads: list[Value] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    constants: list[Step] = field(default_factory=list)
    counters: list[int] = field(default_factory=list)
    name: str = "function"

    def new_value(self, spec: Spec, kind: str = "temp", source: Any = None) -> Value:
        value = Value(len(self.values), spec, kind, source)
        self.values.append(value)
        return value

    def copy(self) -> Program:
        """A program whose lists can be changed without changing this one's; steps and values are shared."""
        return Program(
            inputs=list(self.inputs),
            outputs=list(self.outputs),
            values=list(self.values),
            steps=list(self.steps),
            reads=list(self.reads),
            writes=[Write(w.storage, w.value, w.mode) for w in self.writes],
            constants=list(self.constants),
            counters=list(self.counters),
            name=self.name,
        )

    def __str__(self) -> str:
        """A readable listing."""
        lines = [f"program {self.name}({', '.join(f'{v}: {v.spec}' for v in self.inputs)})"]
        lines += [f"  {v} = const {v.spec}" for v in self.values if v.kind == "const"]
        lines += [f"  {v} = variable {v.source.name} {v.spec}" for v in self.reads]
        for step in self.constants:
            lines.append(f"  once {step!r}")
        for step in self.steps:
            where = f"    # {step.where()}" if step.where() else ""
            lines.append(f"  {step!r}{where}")
            for body in step.bodies:
                lines += ["    | " + line for line in str(body).split("\n")]
        lines += [f"  {w.mode} {w.storage.name} <- {w.value}" for w in self.writes]
        lines.append(f"  return {', '.join(map(str, self.outputs))}")
        return "\n".join(lines)
