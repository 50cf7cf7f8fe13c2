"""Random programs as plain data: drawn by Hypothesis, run on any backend, with the error that rounding may make.

A program is a list of entries, each of which gives a value: a source (an array that is fed) or a step (an op on earlier
values). It is drawn from the kinds of step at the end of this file; Hypothesis shrinks it to fewer, smaller ones and
prints it as it is. To add a kind, write a function that adds entries, and name it in `KINDS`.

    @given(programs())
    def test(program):
        results = run(program, backend, "float32")
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import polykeras.backend as K
from polykeras.symbolic.op import OPS

__all__ = ["KINDS", "Program", "Source", "Step", "allowed_error", "programs", "run"]

LARGEST = 20_000  # elements of a value
SIZES = (2, 1, 3, 5, 8, 17, 33, 64)  # below, at and beyond the vectors of every processor, simplest first
FLOATS = ("float", "float64")


@dataclass(frozen=True)
class Source:
    """An array that is fed.   dtype: "float" is whatever the program runs in"""

    shape: tuple[int, ...]
    dtype: str = "float"


@dataclass(frozen=True)
class Step:
    """An op on the values of earlier entries.   terms: how many numbers it adds up for one of its result"""

    op: str
    operands: tuple[int, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    terms: int = 1


class Program(NamedTuple):
    """Entries in order. Results are the values that no step reads, and the gradients of their weighted sum."""

    entries: tuple[Source | Step, ...]

    @property
    def results(self) -> list[int]:
        """The entries that nothing reads."""
        read = {i for entry in self.entries if isinstance(entry, Step) for i in entry.operands}
        return [i for i in range(len(self.entries)) if i not in read]

    @property
    def terms(self) -> int:
        """The longest sum of a step."""
        return max((entry.terms for entry in self.entries if isinstance(entry, Step)), default=1)

    def arrays(self) -> list[np.ndarray]:
        """What the sources are fed: always the same."""
        random = np.random.default_rng(7)
        sources = [entry for entry in self.entries if isinstance(entry, Source)]
        return [_numbers(random, source) for source in sources]


def _numbers(random: Any, source: Source) -> np.ndarray:
    if source.dtype == "bool":
        return random.integers(0, 2, source.shape).astype("bool")
    if source.dtype == "int32":
        return random.integers(-3, 4, source.shape).astype("int32")
    return random.normal(size=source.shape).astype("float32")  # numbers that every float type has


# -- running -----------------------------------------------------------------------------------------------------------


def run(program: Program, backend: Any, dtype: str, noise: float = 0.0, seed: int = 0) -> list[np.ndarray]:
    """Results, and gradients with respect to every source of floats that they depend on.

    noise: every value is multiplied by numbers within 1 ± noise, longer sums by as much more as rounding would.
    """
    inputs, outputs = graph(program, dtype, noise, seed)
    arrays = [array.astype(t.spec.dtype) for array, t in zip(program.arrays(), inputs, strict=True)]
    return K.function(inputs, outputs, backend=backend)(arrays)


def graph(program: Program, dtype: str, noise: float = 0.0, seed: int = 0) -> tuple[list[Any], list[Any]]:
    """The placeholders and the results as tensors."""
    random = np.random.default_rng(seed)
    inputs: list[Any] = []
    values: list[Any] = []
    for entry in program.entries:
        value = _apply(entry, values, dtype)
        if isinstance(entry, Source):
            inputs.append(value)
        elif noise and value.spec.dtype.startswith("float"):
            spread = noise * math.sqrt(entry.terms)
            value = value * K.constant(1 + random.uniform(-spread, spread, value.spec.shape), dtype=value.spec.dtype)
        values.append(value)
    results = [values[i] for i in program.results]
    return inputs, results + _gradients(results, inputs)


def _apply(entry: Source | Step, values: list[Any], dtype: str) -> Any:
    if isinstance(entry, Step):
        return APPLIED[entry.op](*[values[i] for i in entry.operands], **entry.attrs)
    return K.placeholder(entry.shape, dtype=dtype if entry.dtype == "float" else entry.dtype)


def _gradients(results: list[Any], inputs: list[Any]) -> list[Any]:
    random = np.random.default_rng(11)
    losses = []
    for result in results:
        if result.spec.dtype.startswith("float"):
            weights = random.normal(size=result.spec.shape) / math.sqrt(max(math.prod(result.spec.shape), 1))
            losses.append(K.sum(result * K.constant(weights, dtype=result.spec.dtype)))
    floats = [x for x in inputs if x.spec.dtype.startswith("float")]
    return [g for g in K.gradients(losses, floats) if g is not None] if losses and floats else []


def allowed_error(program: Program, exact: list[np.ndarray], referee: Any, dtype: str) -> list[float]:
    """For each result: how far rounding in `dtype` may bring any of its numbers from the exact ones.

    Two parts. How far the exact program moves when each of its values is off by some roundings: what is badly
    conditioned may be wrong by so much, what is not may not. And the rounding of the gradients' own sums.
    """
    epsilon = float(np.finfo(dtype).eps)
    moved = [0.0] * len(exact)
    for seed in range(3):
        for i, noisy in enumerate(run(program, referee, "float64", noise=8 * epsilon, seed=seed)):
            moved[i] = max(moved[i], _largest(noisy - exact[i]) if noisy.dtype.kind == "f" else 0.0)
    added = max(program.terms, *[array.size for array in exact])
    scale = max(1.0, *[_largest(array) for array in exact if array.dtype.kind == "f"], 0.0)
    rounding = 16 * epsilon * math.sqrt(added) * scale
    return [4 * move + rounding if e.dtype.kind == "f" else 0.0 for move, e in zip(moved, exact, strict=True)]


def _largest(array: Any) -> float:
    return float(np.max(np.abs(array), initial=0.0))


# -- drawing -----------------------------------------------------------------------------------------------------------


@st.composite
def programs(draw: Any, most: int = 8, kinds: Any = None) -> Program:
    """Programs of one to `most` parts, of all kinds or those that are named."""
    chosen = KINDS if kinds is None else {name: KINDS[name] for name in kinds}
    writer = _Writer(draw)
    for name in draw(st.lists(st.sampled_from(sorted(chosen)), min_size=1, max_size=most)):
        chosen[name](writer)
    return Program(tuple(writer.entries))


class _Writer:
    """A program that grows. The tensors beside its entries give shapes and dtypes."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.entries: list[Source | Step] = []
        self.values: list[Any] = []

    def source(self, shape: Any, dtype: str = "float") -> int:
        return self._add(Source(tuple(shape), dtype))

    def step(self, op: str, *operands: int, terms: int = 1, **attrs: Any) -> int:
        return self._add(Step(op, operands, attrs, terms))

    def _add(self, entry: Source | Step) -> int:
        self.values.append(_apply(entry, self.values, "float32"))
        self.entries.append(entry)
        return len(self.entries) - 1

    def shape(self, value: int) -> tuple[int, ...]:
        return self.values[value].spec.shape

    def is_float(self, value: int) -> bool:
        return self.values[value].spec.dtype.startswith("float")

    def sizes(self, rank: int, room: int = LARGEST) -> tuple[int, ...]:
        """Sizes of so many axes, of no more than `room` elements."""
        found = []
        for _ in range(rank):
            size = min(self.draw(st.sampled_from(SIZES)), room)
            room //= size
            found.append(size)
        return tuple(found)

    def value(self, fits: Callable[[int], bool] | None = None) -> int:
        """A value that there is, the newest first, or a source if none fits."""
        there = [i for i in reversed(range(len(self.values))) if fits is None or fits(i)]
        if there and self.draw(st.integers(0, 4)) < 4:
            return self.draw(st.sampled_from(there))
        dtype = "float" if fits else self.draw(st.sampled_from(["float", "float", "int32", "bool", "float64"]))
        return self.source(self.sizes(self.draw(st.integers(0, 4))), dtype)

    def floats(self, ranks: tuple[int, ...]) -> int:
        """A value of floats of one of these ranks; a source if there is none."""
        there = [
            i for i in reversed(range(len(self.values))) if self.is_float(i) and len(self.shape(i)) in ranks
        ]  # fmt: skip
        if there and self.draw(st.booleans()):
            return self.draw(st.sampled_from(there))
        return self.source(self.sizes(self.draw(st.sampled_from(ranks))))

    def axes(self, value: int) -> tuple[int, ...]:
        """Some of its axes, one at least."""
        rank = len(self.shape(value))
        return tuple(sorted(self.draw(st.sets(st.integers(0, rank - 1), min_size=1))))


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    pairs = zip(reversed(a), reversed(b), strict=False)
    if not all(x == y or 1 in (x, y) for x, y in pairs):
        return False
    return math.prod(np.broadcast_shapes(a, b)) <= LARGEST


# -- kinds: element by element -----------------------------------------------------------------------------------------


def _bounded_exp(x: Any) -> Any:
    return K.exp(K.tanh(x))


def _safe_log(x: Any) -> Any:
    return K.log(K.square(x) + 0.5)


def _safe_sqrt(x: Any) -> Any:
    return K.sqrt(K.square(x) + 0.5)


def _bounded_square(x: Any) -> Any:
    return K.square(K.tanh(x))


def _leaky_relu(x: Any) -> Any:
    return OPS["leaky_relu"](x, alpha=0.25)


def _scaled(x: Any, factor: float) -> Any:
    return x * factor


def _bounded_product(x: Any, y: Any) -> Any:
    return K.tanh(x) * y


def _bounded_quotient(x: Any, y: Any) -> Any:
    return x / (K.square(y) + 0.5)


def _chosen(condition: Any, x: Any, y: Any) -> Any:
    return OPS["where"](condition, x, y)


SMOOTH = ("tanh", "sigmoid", "softplus", "softsign", "sin", "cos", "erf")
KINKED = ("relu", "abs", "elu", "selu", "hard_sigmoid", "gelu")
MADE = {
    "bounded_exp": _bounded_exp,
    "safe_log": _safe_log,
    "safe_sqrt": _safe_sqrt,
    "bounded_square": _bounded_square,
    "leaky_relu": _leaky_relu,
}


def _unary(w: _Writer) -> None:
    x = w.value(w.is_float)
    w.step(w.draw(st.sampled_from([*SMOOTH, *KINKED, *MADE])), x)


def _affine(w: _Writer) -> None:
    w.step("scaled", w.value(w.is_float), factor=w.draw(st.sampled_from([0.5, -1.5, 3.0])))


def _binary(w: _Writer) -> None:
    x = w.value()
    y = _partner(w, x)
    if w.is_float(x) or w.is_float(y):
        names = ["add", "subtract", "bounded_product", "maximum", "minimum", "bounded_quotient"]
        if not (w.is_float(x) and w.is_float(y)):
            names = ["add", "subtract", "maximum", "minimum"]  # the others take floats on both sides
    else:
        names = ["add", "subtract", "maximum", "minimum"]
    if "bool" in (w.values[x].spec.dtype, w.values[y].spec.dtype):
        names = ["maximum", "minimum"]
    w.step(w.draw(st.sampled_from(names)), x, y)


def _partner(w: _Writer, x: int) -> int:
    """A value that broadcasts with x; else a source of its shape, some of whose axes are 1, or left out."""
    shape = w.shape(x)
    there = [i for i in reversed(range(len(w.values))) if _broadcast(w.shape(i), shape)]
    if w.draw(st.booleans()):
        return w.draw(st.sampled_from(there))
    kept = tuple(n if w.draw(st.booleans()) else 1 for n in shape)
    start = w.draw(st.integers(0, len(shape)))
    return w.source(kept[start:], w.draw(st.sampled_from(["float", "float", "int32", "float64"])))


def _comparison(w: _Writer) -> None:
    x = w.value(w.is_float)
    y = _partner(w, x)
    truth = w.step(w.draw(st.sampled_from(["greater", "less_equal"])), x, y)
    w.step("chosen", truth, x, y)


# -- kinds: the same numbers, lying otherwise --------------------------------------------------------------------------


def _transposed(w: _Writer) -> None:
    x = w.value()
    w.step("transpose", x, axes=tuple(w.draw(st.permutations(range(len(w.shape(x)))))))


def _sliced(w: _Writer) -> None:
    x = w.value()
    ends = [_end(w, n) for n in w.shape(x)]
    start, stop, step = zip(*ends, strict=True) if ends else ((), (), ())
    w.step("slice", x, start=start, stop=stop, step=step)


def _end(w: _Writer, n: int) -> tuple[int | None, int | None, int]:
    step = w.draw(st.sampled_from([1, 2, -1, -2, 3]))
    if step < 0 or n == 1:
        return None, None, step
    start = w.draw(st.integers(0, n - 1))
    return start, w.draw(st.integers(start + 1, n)), step


def _repeated(w: _Writer) -> None:
    x = w.value(lambda i: len(w.shape(i)) > 0 and 3 * math.prod(w.shape(i)) <= LARGEST)
    if w.shape(x):
        op = w.draw(st.sampled_from(["repeated", "tiled"]))
        w.step(op, x, times=w.draw(st.integers(2, 3)), axis=w.draw(st.integers(0, len(w.shape(x)) - 1)))


def _repeat(x: Any, times: int, axis: int) -> Any:
    return K.repeat_elements(x, times, axis)


def _tile(x: Any, times: int, axis: int) -> Any:
    return K.tile(x, [times if i == axis else 1 for i in range(len(x.spec.shape))])


def _flattened(w: _Writer) -> None:
    x = w.value()
    shape = w.shape(x)
    at = w.draw(st.integers(0, len(shape)))
    w.step("reshaped", x, shape=(*shape[:at], math.prod(shape[at:])))


def _reshape(x: Any, shape: tuple[int, ...]) -> Any:
    return K.reshape(x, shape)


def _joined(w: _Writer) -> None:
    x = w.floats((1, 2, 3, 4))
    axis = w.draw(st.integers(0, len(w.shape(x)) - 1))
    if 2 * math.prod(w.shape(x)) <= LARGEST:
        y = w.step("scaled", x, factor=-0.5)
        w.step("concatenated", x, y, axis=axis)


def _concatenate(*xs: Any, axis: int) -> Any:
    return K.concatenate(list(xs), axis)


# -- kinds: sums -------------------------------------------------------------------------------------------------------


def _reduced(w: _Writer) -> None:
    x = w.value(lambda i: w.is_float(i) and len(w.shape(i)) > 0)
    if not w.shape(x):
        return
    axes = w.axes(x)
    terms = math.prod(w.shape(x)[a] for a in axes)
    op = w.draw(st.sampled_from(["mean", "sum", "max", "min", "var", "logsumexp"]))
    w.step(op, x, axis=axes, keepdims=w.draw(st.booleans()), terms=terms)


def _running(w: _Writer) -> None:
    x = w.floats((1, 2, 3, 4))
    axis = w.draw(st.integers(0, len(w.shape(x)) - 1))
    op = w.draw(st.sampled_from(["cumsum", "softmaxed", "log_softmaxed"]))
    w.step(op, x, axis=axis, terms=w.shape(x)[axis])


def _cumulated(x: Any, axis: int) -> Any:
    return K.cumsum(x, axis)


def _softmax(x: Any, axis: int) -> Any:
    return OPS["softmax"](x, axis=axis)


def _log_softmax(x: Any, axis: int) -> Any:
    return OPS["log_softmax"](x, axis=axis)


# -- kinds: products ---------------------------------------------------------------------------------------------------


def _multiplied(w: _Writer) -> None:
    """Two matrices or batches of them, either transposed; one row or one column among them."""
    x = w.floats((2, 3, 4))
    turned, other_turned = w.draw(st.booleans()), w.draw(st.booleans())
    *batch, rows, inner = w.shape(x)
    if turned:
        rows, inner = inner, rows
    columns = w.sizes(1, max(LARGEST // max(math.prod(batch) * rows, inner), 1))[0]
    kept = tuple(batch) if w.draw(st.booleans()) else (1,) * len(batch) if w.draw(st.booleans()) else ()
    matrix = (columns, inner) if other_turned else (inner, columns)
    if math.prod(kept) * inner * columns > LARGEST:
        kept = ()
    y = w.source((*kept, *matrix))
    product = w.step("matmul", x, y, transpose_a=turned, transpose_b=other_turned, terms=inner)
    w.step("scaled", product, factor=1 / math.sqrt(inner))


def _dotted(w: _Writer) -> None:
    """The last axis of anything against a vector or a matrix."""
    x = w.floats((2, 3, 4))
    inner = w.shape(x)[-1]
    y = w.source((inner, *w.sizes(1, 64)) if w.draw(st.booleans()) else (inner,))
    if math.prod(w.shape(x)[:-1]) * math.prod(w.shape(y)[1:]) <= LARGEST:
        w.step("scaled", w.step("dotted", x, y, terms=inner), factor=1 / math.sqrt(inner))


def _dot(x: Any, y: Any) -> Any:
    return K.dot(x, y)


# -- kinds: windows ----------------------------------------------------------------------------------------------------


class _Windows(NamedTuple):
    """An image with windows on it."""

    image: int
    window: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str
    channels: int
    data_format: str

    def attributes(self) -> dict[str, Any]:
        """Those of K's convolutions."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation,
            "data_format": self.data_format,
        }


def _windows(w: _Writer, rank: int, dilated: bool = True) -> _Windows:
    """Windows that fit: an image that there is is taken if they do, else one is made for them."""
    draw = w.draw
    window = tuple(draw(st.sampled_from([3, 1, 2, 4])) for _ in range(rank))
    steps = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    ones = (1,) * rank
    strides, dilation = (ones, steps) if dilated and draw(st.booleans()) else (steps, ones)
    padding = draw(st.sampled_from(["valid", "same"]))
    data_format = draw(st.sampled_from(["channels_last", "channels_first"]))
    spans = [(n - 1) * d + 1 for n, d in zip(window, dilation, strict=True)]
    first = data_format == "channels_first"

    def fits(value: int) -> bool:
        shape = w.shape(value)
        if not w.is_float(value) or len(shape) != rank + 2:
            return False
        places = shape[2:] if first else shape[1:-1]
        return padding == "same" or all(n >= s for n, s in zip(places, spans, strict=True))

    there = [i for i in reversed(range(len(w.values))) if fits(i)]
    if there and draw(st.booleans()):
        image = draw(st.sampled_from(there))
    else:
        batch, channels = draw(st.integers(1, 3)), draw(st.sampled_from([2, 1, 3, 8, 17]))
        most = (30, 9, 4)[rank - 1]
        places = tuple(draw(st.integers(s, s + most)) for s in spans)
        image = w.source((batch, channels, *places) if first else (batch, *places, channels))
    channels = w.shape(image)[1 if first else -1]
    return _Windows(image, window, strides, dilation, padding, channels, data_format)


def _convolved(w: _Writer) -> None:
    rank = w.draw(st.integers(1, 3))
    found = _windows(w, rank)
    groups = w.draw(st.sampled_from([1, 2])) if found.channels % 2 == 0 else 1
    filters = groups * w.draw(st.sampled_from([2, 1, 3, 8, 17, 33]))
    kernel = w.source((*found.window, found.channels // groups, filters))
    terms = math.prod(found.window) * found.channels // groups
    made = w.step(
        "convolved",
        found.image,
        kernel,
        groups=groups,
        **found.attributes(),
        terms=terms,
    )
    w.step("scaled", made, factor=1 / math.sqrt(terms))


def _convolve(x: Any, kernel: Any, groups: int, data_format: str, **attrs: Any) -> Any:
    """Groups: each part of the channels with its part of the filters."""
    rank = len(x.spec.shape) - 2
    conv = (K.conv1d, K.conv2d, K.conv3d)[rank - 1]
    if rank == 1:
        attrs = {name: value[0] if isinstance(value, tuple) else value for name, value in attrs.items()}
    axis = 1 if data_format == "channels_first" else rank + 1
    parts = zip(_cut(x, groups, axis), _cut(kernel, groups, rank + 1), strict=True)
    made = [conv(a, b, data_format=data_format, **attrs) for a, b in parts]
    return made[0] if groups == 1 else K.concatenate(made, axis)


def _cut(x: Any, count: int, axis: int) -> list[Any]:
    size = x.spec.shape[axis] // count
    before = (slice(None),) * axis
    return [x] if count == 1 else [x[(*before, slice(i * size, (i + 1) * size))] for i in range(count)]


def _depthwise(w: _Writer) -> None:
    found = _windows(w, 2)
    kernel = w.source((*found.window, found.channels, w.draw(st.sampled_from([1, 2, 3]))))
    terms = math.prod(found.window)
    made = w.step(
        "depthwise",
        found.image,
        kernel,
        **found.attributes(),
        terms=terms,
    )
    w.step("scaled", made, factor=1 / math.sqrt(terms))


def _convolve_depthwise(x: Any, kernel: Any, **attrs: Any) -> Any:
    return K.depthwise_conv2d(x, kernel, **attrs)


def _pooled(w: _Writer) -> None:
    rank = w.draw(st.sampled_from([2, 3]))
    found = _windows(w, rank, dilated=False)
    w.step(
        "pooled",
        found.image,
        pool_size=found.window,
        strides=found.strides,
        padding=found.padding,
        data_format=found.data_format,
        pool_mode=w.draw(st.sampled_from(["max", "avg"])),
        terms=math.prod(found.window),
    )


def _pool(x: Any, **attrs: Any) -> Any:
    return (K.pool2d if len(x.spec.shape) == 4 else K.pool3d)(x, **attrs)


# -- kinds: layers -----------------------------------------------------------------------------------------------------


def _normalized(w: _Writer) -> None:
    """By the batch's statistics over all axes but one. One number alone has none that are worth comparing."""
    x = w.floats((2, 3, 4))
    shape = w.shape(x)
    kept = w.draw(st.sampled_from([len(shape) - 1, 1]))
    axes = tuple(i for i in range(len(shape)) if i != kept)
    terms = math.prod(shape[i] for i in axes)
    if terms > 1:
        gamma, beta = w.source((shape[kept],)), w.source((shape[kept],))
        w.step("normalized", x, gamma, beta, axes=axes, terms=terms)


def _normalize(x: Any, gamma: Any, beta: Any, axes: tuple[int, ...]) -> Any:
    return K.normalize_batch_in_training(x, gamma, beta, axes)[0]


def _recurrent(w: _Writer) -> None:
    """A whole sequence, its input product made before."""
    op, gates, states = w.draw(st.sampled_from([("simple_rnn", 1, 1), ("lstm", 4, 2), ("gru", 3, 1)]))
    time, batch, units = w.draw(st.integers(1, 6)), w.draw(st.integers(1, 5)), w.draw(st.sampled_from([3, 8, 17]))
    sources = [w.source((time, batch, gates * units)), w.source((units, gates * units))]
    sources += [w.source((batch, units)) for _ in range(states)]
    whole, backwards = w.draw(st.booleans()), w.draw(st.booleans())
    w.step("recurrent", *sources, cell=op, whole=whole, backwards=backwards, terms=units * time)


def _recur(x: Any, kernel: Any, *states: Any, cell: str, whole: bool, backwards: bool) -> Any:
    units = states[0].spec.shape[-1]
    run_all = {"simple_rnn": K.simple_rnn, "lstm": K.lstm, "gru": K.gru}[cell]
    attrs = {} if cell == "simple_rnn" else {"recurrent_activation": "sigmoid"}
    last, outputs, _ = run_all(x, list(states), kernel / math.sqrt(units), go_backwards=backwards, **attrs)
    return outputs if whole else last


KINDS: dict[str, Callable[[_Writer], None]] = {
    "affine": _affine,
    "binary": _binary,
    "comparison": _comparison,
    "convolved": _convolved,
    "depthwise": _depthwise,
    "dotted": _dotted,
    "flattened": _flattened,
    "joined": _joined,
    "multiplied": _multiplied,
    "normalized": _normalized,
    "pooled": _pooled,
    "recurrent": _recurrent,
    "reduced": _reduced,
    "repeated": _repeated,
    "running": _running,
    "sliced": _sliced,
    "transposed": _transposed,
    "unary": _unary,
}

APPLIED: dict[str, Callable[..., Any]] = {
    **{name: OPS[name] for name in (*SMOOTH, *KINKED)},
    **{name: OPS[name] for name in ("add", "subtract", "maximum", "minimum", "greater", "less_equal")},
    **{name: OPS[name] for name in ("transpose", "slice", "matmul")},
    **{name: OPS[name] for name in ("mean", "sum", "max", "min", "var", "logsumexp")},
    **MADE,
    "bounded_product": _bounded_product,
    "bounded_quotient": _bounded_quotient,
    "chosen": _chosen,
    "concatenated": _concatenate,
    "convolved": _convolve,
    "cumsum": _cumulated,
    "depthwise": _convolve_depthwise,
    "dotted": _dot,
    "log_softmaxed": _log_softmax,
    "normalized": _normalize,
    "pooled": _pool,
    "recurrent": _recur,
    "repeated": _repeat,
    "reshaped": _reshape,
    "scaled": _scaled,
    "softmaxed": _softmax,
    "tiled": _tile,
}
