"""One op, one declaration: signature, shape rule, gradient, samples.

    @op(promotes="all")
    def add(x, y):
        \"""x + y.   x: (...), y: (...) -> broadcast\"""
        return Spec(broadcast_shapes(x.shape, y.shape), x.dtype)     # the body is the shape and dtype rule

    @add.vjp
    def add_vjp(g, out, x, y):
        return sum_to(g, x), sum_to(g, y)

    @add.samples
    def add_samples(r):
        yield (r(2, 3), r(3)), {}

Positional parameters are tensors, keyword-only ones attributes. Calling the op builds a node.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from polykeras import config
from polykeras.symbolic import dtypes, graph
from polykeras.symbolic.graph import Node, Tensor
from polykeras.symbolic.spec import Known, Spec, broadcast_shapes, format_shape

OPS: dict[str, Op] = {}

Rule = Callable[..., Any]


class Op:
    """A named operation and its rules.

    rule:        specs (and attributes) -> spec, or a tuple of specs.
    vjp:         (g, out, *inputs, **attrs) -> a cotangent or None for each input, written in ops. For an op of several
                 outputs `g` and `out` are tuples, and `g` holds None for outputs that nothing depends on.
    lower:       (*inputs, **attrs) -> the same result, written in other ops. A backend may have a kernel, none must.
    fold:        (*values, **attrs) -> the known value of the result, for size arithmetic.
    alias:       (*specs, **attrs) -> index of the input that the result equals, or None.
    samples:     (sampler) -> pairs of operands and attributes from which the tests are made.
    error_samples: (sampler) -> triples: operands, attributes, words that the error must hold.
    promotes:    names of the operands that meet in one dtype ("all": every one).
    floating:    those operands, where integers, become `floatx` first.
    elementwise: every output element depends on the elements at its own place only (after broadcasting).
    sizes:       operands that are sizes: kernels get them as Python ints or tuples of ints.
    shape_only:  operands of which only the shape is read.
    sparse:      operands that may be sparse.
    random, effect: draws random bits; does something besides returning.
    """

    def __init__(
        self,
        rule: Rule,
        *,
        name: str | None = None,
        promotes: str | Sequence[str] = (),
        floating: bool = False,
        elementwise: bool = False,
        sizes: Sequence[str] = (),
        shape_only: Sequence[str] = (),
        sparse: Sequence[str] = (),
        random: bool = False,
        effect: bool = False,
        nondifferentiable: str = "",
    ):
        self.name = name or rule.__name__
        self.rule = rule
        self.__doc__ = inspect.getdoc(rule)
        self.module = rule.__module__
        parameters = list(inspect.signature(rule).parameters.values())
        self.operands = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self.required = [n for n, d in self.defaults.items() if d is inspect.Parameter.empty]
        self.signature = inspect.signature(rule)
        self.promotes = (*self.operands, self.variadic) if promotes == "all" else tuple(promotes)
        self.meeting = tuple([n in self.promotes for n in self.operands])
        self.all_meet = self.variadic in self.promotes if self.variadic else False
        self.floating = floating
        self.elementwise = elementwise
        self.sizes = frozenset(i for i, n in enumerate(self.operands) if n in sizes)
        self.all_sizes = self.variadic in sizes if self.variadic else False
        self.shape_only = frozenset(i for i, n in enumerate(self.operands) if n in shape_only)
        self.plain = not (self.sizes or self.all_sizes or self.shape_only)  # reads the elements of every operand
        self.sparse = frozenset(i for i, n in enumerate(self.operands) if n in sparse)
        self.all_sparse = self.variadic in sparse if self.variadic else False
        self.random = random
        self.effect = effect
        self.nondifferentiable = nondifferentiable
        self.vjp_rule: Rule | None = None
        self.lower_rule: Rule | None = None
        self.fold_rule: Rule | None = None
        self.alias_rule: Rule | None = None
        self.sample_rule: Callable[[Any], Iterator[tuple[tuple[Any, ...], dict[str, Any]]]] | None = None
        self.error_rule: Callable[[Any], Iterator[tuple[tuple[Any, ...], dict[str, Any], str]]] | None = None

    # -- declaration ---------------------------------------------------------------------------------------------

    def vjp(self, rule: Rule) -> Rule:
        """Give the op its gradient."""
        self.vjp_rule = rule
        return rule

    def lower(self, rule: Rule) -> Rule:
        """Give the op its expansion in other ops."""
        self.lower_rule = rule
        return rule

    def fold(self, rule: Rule) -> Rule:
        """Give the op its arithmetic on known values."""
        self.fold_rule = rule
        return rule

    def alias(self, rule: Rule) -> Rule:
        """Say when the result is one of the inputs."""
        self.alias_rule = rule
        return rule

    def samples(self, rule: Any) -> Any:
        """Give the op the inputs that its tests are made from."""
        self.sample_rule = rule
        return rule

    def error_samples(self, rule: Any) -> Any:
        """Give the op inputs that must be refused."""
        self.error_rule = rule
        return rule

    # -- use -----------------------------------------------------------------------------------------------------

    def __call__(self, *operands: Any, **attrs: Any) -> Any:
        """Build a node. Python numbers and arrays among the operands become constants."""
        if not self.variadic and len(operands) != len(self.operands):
            raise TypeError(f"{self.name}{self.signature} takes {len(self.operands)} tensors, got {len(operands)}")
        return self.build(graph.localise(self._tensors(operands)), self._bind(attrs))

    def build(self, inputs: tuple[Tensor, ...], attrs: dict[str, Any]) -> Any:
        """Build a node from inputs and attributes that are ready.

        An attribute `dtype` that is None becomes the result's, so that kernels find it. What depends on the learning
        phase says so: `_uses_learning_phase`.
        """
        given = tuple([t.spec for t in inputs])
        try:
            specs = self.infer(given, attrs)
        except (ValueError, TypeError) as error:
            raise type(error)(self.explain(error, given, _context())) from None
        if "dtype" in attrs and attrs["dtype"] is None:
            attrs["dtype"] = specs[0].dtype
        node = Node(self, inputs, attrs, specs)
        outputs = tuple([Tensor(node, i, spec) for i, spec in enumerate(specs)])
        for t in inputs:
            if "_uses_learning_phase" in t.__dict__ and t._uses_learning_phase:
                for output in outputs:
                    output._uses_learning_phase = True
                break
        return outputs[0] if len(outputs) == 1 and not self.returns_tuple(attrs) else outputs

    def returns_tuple(self, attrs: dict[str, Any]) -> bool:
        """Does a call return a tuple even if there is one output? True for control ops."""
        return False

    def infer(self, specs: tuple[Spec, ...], attrs: dict[str, Any]) -> tuple[Spec, ...]:
        """Run the rule."""
        for spec in specs:
            if spec.sparse:
                self._refuse_sparse(specs)
        result = self.rule(*specs, **attrs)
        if isinstance(result, tuple):
            return result
        if self.fold_rule is not None and result.value is None and foldable(result):
            values = [s.value for s in specs]
            if any(v is not None for v in values):
                result.value = self.fold_rule(*values, **attrs)
        return (result,)

    def _refuse_sparse(self, specs: tuple[Spec, ...]) -> None:
        for i, spec in enumerate(specs):
            if spec.sparse and i not in self.sparse and i not in self.shape_only and not self.all_sparse:
                raise TypeError(f"operand {i} is sparse, and the op takes dense tensors only; use K.to_dense")

    def explain(self, error: Exception | str, specs: Sequence[Spec], where: str) -> str:
        """An error's words with the op, the shapes that came, and the place."""
        shapes = ", ".join(f"{s.dtype}{format_shape(s.shape)}" for s in specs)
        return f"{self.name}({shapes}): {error}" + (f" [{where}]" if where else "")

    def _bind(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs and not self.required:
            return dict(self.defaults)
        for name in attrs:
            if name not in self.defaults:
                known = ", ".join(self.defaults) or "none"
                raise TypeError(f"{self.name} has no attribute {name!r}; its attributes: {known}")
        for name in self.required:
            if name not in attrs:
                raise TypeError(f"{self.name}: the attribute {name!r} is missing")
        bound = dict(self.defaults)
        for name, value in attrs.items():
            bound[name] = tuple(value) if isinstance(value, list) else value
        return bound

    def _tensors(self, operands: tuple[Any, ...]) -> Sequence[Tensor]:
        """The operands as tensors; those that promote, in the dtype in which they meet."""
        meeting = self.meeting + (self.all_meet,) * (len(operands) - len(self.operands))
        dtype = None
        if True in meeting:
            if False in meeting:
                dtype = common_dtype([x for x, meets in zip(operands, meeting, strict=True) if meets], self.floating)
            else:
                dtype = common_dtype(operands, self.floating)
        result = []
        for i, x in enumerate(operands):
            if isinstance(x, Tensor):
                result.append(x if not meeting[i] or x.spec.dtype == dtype else OPS["cast"](x, dtype=dtype))
            elif meeting[i]:
                result.append(as_dtype(x, dtype))  # type: ignore[arg-type]
            else:
                result.append(as_size(x) if self.is_size(i) else as_tensor(x))
        return result

    def is_size(self, index: int) -> bool:
        """Is operand `index` a size?"""
        return index in self.sizes or self.all_sizes

    def __repr__(self) -> str:
        return f"<Op {self.name}{self.signature}>"


def op(rule: Rule | None = None, **flags: Any) -> Any:
    """Declare an op: decorates its rule. The flags are those of `Op`."""
    if rule is None:

        def declare(rule: Rule) -> Op:
            return register(Op(rule, **flags))

        return declare
    return register(Op(rule))


def register(new: Op) -> Op:
    """Put an op into the table; a second one of the same name is refused."""
    old = OPS.get(new.name)
    if old is not None:
        raise ValueError(f"the op {new.name!r} is declared twice: in {old.module} and in {new.module}")
    OPS[new.name] = new
    return new


def _context() -> str:
    layer, site = graph.current_layer(), graph.here()
    return ", ".join(filter(None, (f"in layer '{layer}'" if layer else "", f"at {site}" if site else "")))


def foldable(spec: Spec) -> bool:
    """Can the tensor have a known value: an integer or bool of rank 0 or 1?"""
    return spec.shape is not None and len(spec.shape) <= 1 and not dtypes.is_float(spec.dtype)


# -- operands ----------------------------------------------------------------------------------------------------


def is_scalar(value: object) -> bool:
    """Is it a Python number?"""
    return isinstance(value, (bool, int, float)) and not hasattr(value, "dtype")


def as_tensor(value: Any, dtype: str | None = None) -> Tensor:
    """A tensor as it is; a Python number or an array as a constant."""
    if isinstance(value, Tensor):
        return value
    if is_scalar(value):
        return constant(value, dtype or dtypes.of_scalar(value))
    if hasattr(value, "__polykeras_tensor__"):
        return as_tensor(value.__polykeras_tensor__(), dtype)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return constant(value, dtype)
    raise TypeError(f"expected a tensor, a number or an array, got {type(value).__name__}: {value!r}")


def constant(value: Any, dtype: str | None = None, name: str | None = None) -> Tensor:
    """A node that holds a Python number, a tuple of ints, or an array.   -> value's shape"""
    if isinstance(value, tuple):
        spec = Spec((len(value),), dtype or "int32", value)
    elif is_scalar(value):
        dtype = dtype or dtypes.of_scalar(value)
        spec = Spec((), dtype, None if dtypes.is_float(dtype) else int(value))
    else:
        value = value.copy()  # whoever holds the array may change it
        shape, kind = tuple(value.shape), dtype or dtypes.check(value.dtype)
        small = len(shape) <= 1 and not dtypes.is_float(kind) and (not shape or shape[0] <= 64)
        spec = Spec(shape, kind, freeze(value.tolist()) if small else None)
    return CONSTANT.build((), {"value": value, "spec": spec, "name": name})  # type: ignore[no-any-return]


def freeze(value: Any) -> Known:
    return tuple(int(v) for v in value) if isinstance(value, list) else int(value)


def common_dtype(operands: Sequence[Any], floating: bool = False) -> str:
    """The dtype in which operands meet; Python numbers are weak, and so are arrays beside tensors of their kind."""
    found = [x.spec.dtype for x in operands if isinstance(x, Tensor)]
    dtype = dtypes.promote(*found) if found else None
    others = [x for x in operands if not isinstance(x, Tensor)] if len(found) < len(operands) else ()
    for x in others:
        if not is_scalar(x):
            dtype = _beside(as_tensor(x).spec.dtype, dtype)
    for x in others:
        if is_scalar(x) and (dtype is None or not dtypes.is_float(dtype)):
            dtype = dtypes.of_scalar(x, dtype) if dtype is None else dtypes.promote(dtype, dtypes.of_scalar(x, dtype))
    assert dtype is not None
    return dtype if not floating or dtypes.is_float(dtype) else config.floatx()


def _beside(dtype: str, partner: str | None) -> str:
    """The dtype in which an array of `dtype` meets a partner: the partner's, unless it is of a lesser kind."""
    if partner is None:
        return dtype
    if dtypes.is_float(partner) or dtype == "bool" or (dtypes.is_integer(partner) and dtypes.is_integer(dtype)):
        return partner
    return config.floatx() if dtypes.is_float(dtype) else dtype


def as_dtype(x: Any, dtype: str) -> Tensor:
    """`x` as a tensor of `dtype`, with a cast where it has another."""
    if is_scalar(x):
        return _scalar(x, dtype)
    if not isinstance(x, Tensor) and hasattr(x, "astype"):
        x = x.astype(dtype)
    tensor = as_tensor(x)
    return tensor if tensor.spec.dtype == dtype else OPS["cast"](tensor, dtype=dtype)


_scalars: weakref.WeakValueDictionary[Any, Tensor] = weakref.WeakValueDictionary()


def _scalar(value: float, dtype: str) -> Tensor:
    """A number as a constant: one tensor for each, as long as somebody holds it. (A body needs its own.)"""
    if graph.current_trace() is not None or value == 0:  # 0.0 and -0.0 are equal and differ
        return constant(value, dtype)
    key = type(value), value, dtype
    found = _scalars.get(key)
    if found is None:
        found = _scalars[key] = constant(value, dtype)
    return found


def as_size(value: Any) -> Tensor:
    """Sizes as an integer tensor: an int, a tuple of ints, None and scalar tensors, or a tensor as it is."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, Tensor) for v in value):
            return OPS["stack"](*[as_size(v) for v in value], axis=0)  # type: ignore[no-any-return]
        return constant(tuple(None if v is None else int(v) for v in value))
    if hasattr(value, "tolist"):
        return as_size(value.tolist())
    return constant(int(value))


def as_scalars(value: Known, count: int | None) -> tuple[int | None, ...] | None:
    """A known value as a tuple of `count` sizes; unknown ones are None."""
    if isinstance(value, tuple):
        return value
    return None if count is None else (None,) * count


# -- sources: nodes without inputs ---------------------------------------------------------------------------------


def _source(name: str, doc: str) -> Op:
    def rule(*, value: Any = None, spec: Spec, name: str | None = None) -> Spec:
        return spec

    rule.__doc__ = doc
    return Op(rule, name=name)


CONSTANT = _source("constant", "A number, a tuple of ints or an array that is part of the graph.")
PLACEHOLDER = _source("placeholder", "A value fed at the call.")
PARAMETER = _source("parameter", "A value that a control op gives its body.")
VARIABLE = _source("variable", "The value of a variable at the entry of the call.")
SOURCES = frozenset((CONSTANT, PLACEHOLDER, PARAMETER, VARIABLE))


def placeholder(spec: Spec, name: str | None = None, default: Any = None) -> Tensor:
    """A tensor to be fed. With a default it need not be."""
    return PLACEHOLDER.build((), {"value": default, "spec": spec, "name": name})  # type: ignore[no-any-return]


def lift(function: Callable[..., int | bool]) -> Rule:
    """Elementwise arithmetic on known values: ints and tuples, in which None is unknown."""

    def folded(*values: Known) -> Known:
        lengths = {len(v) for v in values if isinstance(v, tuple)} - {1}
        if any(v is None for v in values) and not lengths:
            return None
        if len(lengths) > 1:
            return None
        if not any(isinstance(v, tuple) for v in values):
            return _apply(function, values)
        n = lengths.pop() if lengths else 1
        columns = [
            v if isinstance(v, tuple) and len(v) == n else (v[0] if isinstance(v, tuple) else v,) * n for v in values
        ]
        return tuple(_apply(function, row) for row in zip(*columns, strict=True))

    return folded


def _apply(function: Callable[..., int | bool], values: Sequence[Any]) -> int | None:
    if any(v is None for v in values):
        return None
    try:
        return int(function(*values))
    except ZeroDivisionError:
        return None


def same(*specs: Spec) -> Spec:
    """The rule of elementwise ops whose operands have met in one dtype."""
    return Spec(broadcast_shapes(*[s.shape for s in specs]), specs[0].dtype)
