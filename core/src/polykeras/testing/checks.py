"""Checks of one op on one backend, from the samples in the op's declaration.

Each check is a function that raises AssertionError. The referee of values is the NumPy backend in float64.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polykeras.runtime import select
from polykeras.runtime.backend import Backend
from polykeras.runtime.function import Function
from polykeras.runtime.sparse import Csr, as_csr, on
from polykeras.symbolic import dtypes
from polykeras.symbolic import ops as library
from polykeras.symbolic.autodiff import gradients
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import OPS, Op, as_size, common_dtype, constant, placeholder
from polykeras.symbolic.ops.shape import transpose
from polykeras.symbolic.spec import Spec, format_shape, same_dims
from polykeras.testing.samples import ErrorSample, Sample, error_samples, samples

__all__ = [
    "all_ops", "check_complete", "check_dtypes", "check_errors", "check_forward", "check_lowering", "check_methods",
    "check_pure", "check_rule", "check_signature", "check_vjp", "error_samples", "evaluate", "is_limited", "samples",
]  # fmt: skip

Array = Any
REFEREE = "numpy"
# relative tolerances of values; float16 is computed step by step
TOLERANCES = {"float16": 2e-2, "float32": 2e-5, "float64": 1e-10}
# these hold bodies or write variables: their tests build them by hand
BUILT_BY_HAND = frozenset(("assign", "assign_add", "cond", "scan"))
# these are settled when a program is made, before any kernel is asked for
WITHOUT_KERNEL = BUILT_BY_HAND | {"after", "choose"}


def all_ops() -> list[Op]:
    """Every op: the library's and those that plugins add."""
    from polykeras import plugins

    for module in pkgutil.iter_modules(library.__path__):
        importlib.import_module(f"{library.__name__}.{module.name}")
    added: list[Op] = []
    plugins.call("polykeras_ops", register=added.append)
    return list(dict.fromkeys([*OPS.values(), *added]))


# -- the declaration ---------------------------------------------------------------------------------------------------


def check_complete(op: Op) -> None:
    """An op is documented, has samples, and a gradient, a lowering, or a reason to have none."""
    assert op.__doc__, f"{op.name} has no docstring"
    assert op.vjp_rule or op.lower_rule or op.nondifferentiable or op.name in BUILT_BY_HAND, (
        f"{op.name} has neither a vjp nor a lowering; say nondifferentiable=... if it has no gradient"
    )
    assert op.name in BUILT_BY_HAND or list(samples(op)), f"{op.name} has no samples: @{op.name}.samples"


def check_signature(op: Op, backend: Backend) -> None:
    """The backend's method has the declaration's parameters, in order, with its defaults; `out` may be added.

    So has the kernel that a plugin brings: for this backend, or for the referee where the op has no lowering.
    """
    if backend.has_method(op.name):
        method, where = getattr(backend, op.name), f"{backend.name}.{op.name}"
    else:
        method = backend.plugin_kernels.get(op.name) or select.resolve(REFEREE).plugin_kernels.get(op.name)
        where = f"the kernel of {op.name}, {getattr(method, '__module__', '')}.{getattr(method, '__name__', '')},"
    if method is None:
        assert op.lower_rule or op.name in WITHOUT_KERNEL, (
            f"the backend '{backend.name}' has no method '{op.name}', and the op no lowering"
        )
        return
    found = list(inspect.signature(method).parameters.values())
    operands = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = next((p.name for p in found if p.kind is p.VAR_POSITIONAL), None)
    attrs = {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY and p.name != "out"}
    assert operands == op.operands, f"{where} takes the operands {operands}, the declaration {op.operands}"
    assert variadic == op.variadic, f"{where} takes *{variadic}, the declaration *{op.variadic}"
    assert attrs == op.defaults, f"{where} has the attributes {attrs}, the declaration {op.defaults}"


def check_methods(backend: Backend) -> None:
    """A backend's public methods are ops or part of the contract of `Backend`."""
    public = {name for name in dir(type(backend)) if not name.startswith("_")}
    extra = public - set(dir(Backend)) - set(OPS) - {"xp"}
    assert not extra, f"the backend '{backend.name}' has public methods that are no ops: {', '.join(sorted(extra))}"


def check_errors(sample: ErrorSample) -> None:
    """Wrong operands are refused when the graph is built, with the op, the shapes and the reason in the error."""
    try:
        sample.op(*_placeholders(sample, "float32")[0], **sample.attrs)
    except (ValueError, TypeError) as error:
        text = str(error)
    else:
        raise AssertionError(f"{sample} was not refused; expected an error that holds {sample.words!r}")
    assert sample.op.name in text, f"{sample}: the error does not name the op: {text}"
    assert sample.words in text, f"{sample}: expected {sample.words!r} in the error, got: {text}"
    for x in sample.operands:
        if isinstance(x, (np.ndarray, Csr)):
            assert format_shape(x.shape) in text, f"{sample}: the error does not give the shape {x.shape}: {text}"


# -- values ------------------------------------------------------------------------------------------------------------


def check_forward(sample: Sample, backend: Backend, dtype: str = "float32") -> None:
    """The values are the referee's in float64, within rounding."""
    got = evaluate(sample, backend, dtype)
    expected = evaluate(sample, select.resolve(REFEREE), "float64")
    for a, b in zip(got, expected, strict=True):
        _close(a, b, TOLERANCES[dtype], f"{sample} on {backend.name} in {dtype}")


def check_lowering(sample: Sample, backend: Backend) -> None:
    """A kernel and the op's lowering give the same values."""
    op = sample.op
    if op.lower_rule is None or not backend.supports(op.name):
        return
    inputs, feeds = _placeholders(sample, "float64")
    lowered = op.lower_rule(*inputs, **{**op.defaults, **sample.attrs})
    values = Function(_open(inputs), _list(lowered), backend=backend)(feeds)
    for a, b in zip(evaluate(sample, backend, "float64"), values, strict=True):
        _close(a, b, 1e-9, f"the lowering of {sample}")


def check_rule(sample: Sample, backend: Backend, dtype: str = "float32") -> None:
    """The declared shapes and dtypes are the real ones: with all sizes known, with none, and with the first unknown."""
    op = sample.op
    known = _specs(op(*_placeholders(sample, dtype)[0], **sample.attrs))
    values = evaluate(sample, backend, dtype)
    for spec, value in zip(known, values, strict=True):
        assert str(value.dtype) == spec.dtype, f"{sample}: declared {spec.dtype}, got {value.dtype}"
        assert same_dims(spec.shape, value.shape), f"{sample}: declared {format_shape(spec.shape)}, got {value.shape}"
    for hidden in (_all_sizes, _first_size):
        inputs, feeds = _placeholders(sample, dtype, hidden)
        outputs = _list(op(*inputs, **sample.attrs))
        for tensor, value in zip(outputs, values, strict=True):
            assert tensor.spec.dtype == str(value.dtype), f"{sample}: {tensor.spec.dtype} where sizes are unknown"
            assert same_dims(tensor.spec.shape, value.shape), (
                f"{sample}: declared {format_shape(tensor.spec.shape)} where sizes are unknown, got {value.shape}"
            )
        again = Function(_open(inputs), outputs, backend=backend)(feeds)
        for a, b in zip(again, values, strict=True):
            _close(a, b, 1e-6, f"{sample} where sizes were unknown when it was built")


def check_pure(sample: Sample, backend: Backend, dtype: str = "float64") -> None:
    """A kernel leaves its operands alone; `out=` (for elementwise ops an operand, too) and strides change nothing."""
    op = sample.op
    expected = evaluate(sample, backend, dtype)
    _check_strides(sample, backend, dtype, expected)
    if not backend.has_method(op.name):
        return
    method = getattr(backend, op.name)
    arguments = _arguments(sample, backend, dtype)
    before = [backend.to_numpy(a).copy() if _is_array(a) else a for a in arguments]
    attrs = {**op.defaults, **sample.attrs}
    _match(method(*arguments, **attrs), expected, backend, f"the method of {sample}")
    _unchanged(arguments, before, backend, f"{sample}")
    if "out" not in inspect.signature(method).parameters:
        return
    outs = [backend.asarray(np.full(e.shape, 77).astype(e.dtype), str(e.dtype)) for e in expected]
    out: Any = tuple(outs) if len(outs) > 1 else outs[0]
    method(*arguments, **attrs, out=out)
    _match(out, expected, backend, f"{sample} with out=")
    _unchanged(arguments, before, backend, f"{sample} with out=")
    if op.elementwise and len(expected) == 1:
        for i, a in enumerate(before):
            if _is_array(a) and a.shape == expected[0].shape and a.dtype == expected[0].dtype:
                own = [backend.asarray(b.copy(), str(b.dtype)) if _is_array(b) else b for b in before]
                method(*own, **attrs, out=own[i])
                _match(own[i], expected, backend, f"{sample} written onto operand {i}")


def check_dtypes(sample: Sample, backend: Backend) -> None:
    """In every dtype that the rule takes, results have the declared dtype and the referee's values."""
    for dtype in ("float16", "float64", "int32"):
        if is_limited(backend, sample.op, dtype):
            continue
        try:
            inputs, _ = _placeholders(sample, dtype)
            declared = _specs(sample.op(*inputs, **sample.attrs))
        except (ValueError, TypeError):
            continue
        expected = evaluate(sample, select.resolve(REFEREE), dtype if dtype == "int32" else "float64")
        for spec, a, b in zip(declared, evaluate(sample, backend, dtype), expected, strict=True):
            assert str(a.dtype) == spec.dtype, f"{sample} of {dtype}: declared {spec.dtype}, got {a.dtype}"
            tolerance = TOLERANCES.get(dtype, 1e-5)
            _close(a, b, tolerance, f"{sample} on {backend.name} in {dtype}")


def is_limited(backend: Backend, op: Op, dtype: str | None = None) -> str | None:
    """Why the backend says that it cannot do the op in this dtype (None: in some dtype), or None."""
    for limit in backend.limits:
        if limit.op == op.name and (dtype is None or limit.dtype in ("", dtype)):
            return limit.reason
    return None


# -- gradients ---------------------------------------------------------------------------------------------------------


def check_vjp(sample: Sample, backend: Backend, order: int = 2) -> None:
    """The gradients agree with finite differences along a random direction, in float64; so do their own, to `order`."""
    op = sample.op
    if op.nondifferentiable and op.vjp_rule is None:
        return
    inputs, feeds = _placeholders(sample, "float64")
    moved = [
        i
        for i, t in enumerate(inputs)
        if t in _open(inputs)
        and dtypes.is_float(t.spec.dtype)
        and not t.spec.sparse
        and i not in sample.fixed
        and i not in op.shape_only
    ]
    outputs = [t for t in _list(op(*inputs, **sample.attrs)) if t.spec.dtype == "float64"]
    outputs = [OPS["densify"](t) if t.spec.sparse else t for t in outputs]
    if not moved or not outputs:
        return
    generator = np.random.default_rng(0)
    loss = _projection(outputs, generator, backend, _open(inputs), feeds)
    for depth in range(1, order + 1):
        found = gradients(loss, [inputs[i] for i in moved])
        places = [_open(inputs).index(inputs[i]) for i in moved]
        _check_direction(sample, loss, found, _open(inputs), feeds, places, generator, backend, depth)
        connected = [g for g in found if g is not None]
        if not connected:
            return
        loss = _projection(connected, generator, backend, _open(inputs), feeds)


def _projection(
    outputs: Sequence[Tensor], generator: Any, backend: Backend, inputs: list[Tensor], feeds: list[Array]
) -> Tensor:
    """The sum of all outputs' elements times random numbers."""
    add, multiply, total = OPS["add"], OPS["multiply"], OPS["sum"]
    loss: Any = constant(0.0, "float64")
    for tensor, value in zip(outputs, Function(inputs, outputs, backend=backend)(feeds), strict=True):
        weights = constant(np.asarray(generator.uniform(0.5, 1.5, np.shape(value))))
        loss = add(loss, total(multiply(tensor, weights)))
    return loss  # type: ignore[no-any-return]


def _check_direction(
    sample: Sample, loss: Tensor, found: Sequence[Tensor | None], inputs: list[Tensor], feeds: list[Array],
    places: list[int], generator: Any, backend: Backend, depth: int,
) -> None:  # fmt: skip
    function = Function(inputs, [loss], backend=backend)
    connected = [(place, g) for place, g in zip(places, found, strict=True) if g is not None]
    values = Function(inputs, [g for _, g in connected], backend=backend)(feeds) if connected else []
    for (place, _), value in zip(connected, values, strict=True):
        assert np.shape(value) == feeds[place].shape, (
            f"{sample}: gradient {depth} of operand {place} has shape {np.shape(value)}, "
            f"the operand {feeds[place].shape}"
        )
    step = 1e-6 if depth == 1 else 1e-5
    by_place = {place: value for (place, _), value in zip(connected, values, strict=True)}
    for place in places:
        direction = generator.normal(size=feeds[place].shape)
        slope = 0.0
        for sign in (1, -1):
            moved = list(feeds)
            moved[place] = feeds[place] + sign * step * direction
            slope += sign * float(function(moved)[0]) / (2 * step)
        exact = float(np.sum(by_place[place] * direction)) if place in by_place else 0.0
        scale = 1 + abs(exact) + float(np.sum(np.abs(by_place.get(place, 0.0) * direction)))
        assert abs(slope - exact) <= 1e-5 * scale, (
            f"{sample}: gradient {depth} in operand {place} is {exact:.9g} along a direction, "
            f"finite differences give {slope:.9g}"
        )


# -- parts -------------------------------------------------------------------------------------------------------------


def evaluate(sample: Sample, backend: Backend, dtype: str) -> list[Array]:
    """The op's results, with float operands cast to `dtype` (to whole numbers, for an integer one)."""
    inputs, feeds = _placeholders(sample, dtype)
    outputs = _list(sample.op(*inputs, **sample.attrs))
    return [np.asarray(v) for v in Function(_open(inputs), outputs, backend=backend)(feeds)]


def _all_sizes(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    return (None,) * len(shape)


def _first_size(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    return (None, *shape[1:]) if shape else shape


def _as_is(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    return shape


def _placeholders(
    sample: Sample | ErrorSample, dtype: str, hide: Callable[..., Any] = _as_is
) -> tuple[list[Tensor], list[Array]]:
    """A tensor for each operand (sizes become constants), and the arrays to feed."""
    tensors, feeds = [], []
    for i, x in enumerate(sample.operands):
        if isinstance(x, Csr):
            feeds.append(as_csr(x, dtype if dtypes.is_float(dtype) else str(x.dtype)))
            tensors.append(placeholder(Spec(hide(x.shape), str(feeds[-1].dtype), sparse=True)))
            continue
        if not isinstance(x, np.ndarray):
            tensors.append(as_size(x))
            continue
        x = _cast(x, dtype)
        if sample.op.is_size(i):
            tensors.append(constant(x))
            continue
        tensors.append(placeholder(Spec(hide(x.shape), str(x.dtype))))
        feeds.append(x)
    return tensors, feeds


def _open(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The placeholders among the operands."""
    return [t for t in inputs if t.node.op.name == "placeholder"]


def _cast(x: Array, dtype: str) -> Array:
    return x.astype(dtype) if x.dtype.kind == "f" else x


def _list(made: Any) -> list[Tensor]:
    return [made] if isinstance(made, Tensor) else list(made)


def _specs(made: Any) -> list[Spec]:
    return [t.spec for t in _list(made)]


def _is_array(x: Any) -> bool:
    return not isinstance(x, (int, tuple, Csr))


def _arguments(sample: Sample, backend: Backend, dtype: str) -> list[Any]:
    """What a method is called with: the backend's arrays, sizes, shapes."""
    op, arguments = sample.op, []
    meeting = _common_dtype(sample, dtype)
    for i, x in enumerate(sample.operands):
        if i in op.shape_only:
            arguments.append(tuple(np.shape(x)))
        elif isinstance(x, Csr):
            arguments.append(on(backend, x, dtype))
        elif op.is_size(i) or not isinstance(x, np.ndarray):
            arguments.append(_as_literal(x))
        else:
            x = _cast(x, dtype)
            name = op.operands[i] if i < len(op.operands) else op.variadic
            arguments.append(backend.asarray(x, meeting if name in op.promotes else str(x.dtype)))
    return arguments


def _common_dtype(sample: Sample, dtype: str) -> str:
    """The dtype in which the promoted operands meet."""
    op = sample.op
    names = [op.operands[i] if i < len(op.operands) else op.variadic for i in range(len(sample.operands))]
    meeting = [_cast(x, dtype) for x, n in zip(sample.operands, names, strict=True) if n in op.promotes]
    return common_dtype(meeting, op.floating) if meeting else dtype


def _as_literal(x: Any) -> Any:
    value = x.tolist() if isinstance(x, np.ndarray) else x
    return tuple(value) if isinstance(value, list) else value


def _check_strides(sample: Sample, backend: Backend, dtype: str, expected: list[Array]) -> None:
    """The op on views with the axes turned round."""
    inputs, feeds = _placeholders(sample, dtype)
    opened, turned, operands = [], [], []
    given = iter(feeds)
    for t in inputs:
        if t not in _open(inputs):
            operands.append(t)
            continue
        feed = next(given)
        if t.spec.sparse:  # it has no strides
            opened.append(t)
            turned.append(feed)
            operands.append(t)
            continue
        axes = tuple(reversed(range(feed.ndim)))
        opened.append(placeholder(Spec(feed.shape[::-1], str(feed.dtype))))
        turned.append(np.ascontiguousarray(feed.T) if feed.ndim else feed)
        operands.append(transpose(opened[-1], axes=axes))
    results = Function(opened, _list(sample.op(*operands, **sample.attrs)), backend=backend)(turned)
    for a, b in zip(results, expected, strict=True):
        _close(a, b, 1e-9 if dtype == "float64" else 1e-5, f"{sample} on strided operands")


def _match(made: Any, expected: list[Array], backend: Backend, what: str) -> None:
    results = made if isinstance(made, (tuple, list)) else [made]
    assert len(results) == len(expected), f"{what} gives {len(results)} results, expected {len(expected)}"
    for a, b in zip(results, expected, strict=True):
        assert a is not None, f"{what} gives None: is a return missing?"
        hosted = a.map(backend.to_numpy).toarray() if isinstance(a, Csr) else backend.to_numpy(a)
        _close(hosted, b, 1e-9, what)


def _unchanged(arguments: list[Any], before: list[Any], backend: Backend, what: str) -> None:
    for i, (a, b) in enumerate(zip(arguments, before, strict=True)):
        if _is_array(b):
            assert np.array_equal(backend.to_numpy(a), b, equal_nan=b.dtype.kind == "f"), f"{what} wrote on operand {i}"


def _close(got: Any, expected: Any, tolerance: float, what: str) -> None:
    """Equal shapes; equal whole numbers; floats within a tolerance of the array's size."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    if expected.dtype.kind != "f" or got.dtype.kind != "f":
        assert np.array_equal(got, expected), f"{what}: {_difference(got, expected)}"
        return
    wide = got.astype("float64")
    scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
    near = np.isclose(wide, expected, rtol=tolerance, atol=tolerance * max(scale, 1e-3), equal_nan=True)
    assert near.all(), f"{what}: {_difference(wide, expected, ~near)}"


def _difference(got: Array, expected: Array, bad: Array | None = None) -> str:
    bad = got != expected if bad is None else bad
    place = tuple(int(i) for i in np.argwhere(bad)[0]) if bad.ndim else ()
    return f"{got[place]} at {place}, expected {expected[place]} ({int(bad.sum())} of {bad.size} elements differ)"
