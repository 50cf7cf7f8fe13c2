"""Compiled kernels of whole recurrent sequences against NumPy's in float64: rows of vectors and of what is left."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.symbolic.op import OPS
from polykeras_numpy import NumpyBackend

TIME, BATCH, UNITS = 6, 5, 37  # two vectors of float32 and 5 elements; four of float64 and 5
NUMPY = NumpyBackend()
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
SHAPES = {
    "simple_rnn": ("x", "h", "U"),
    "simple_rnn_grad": ("s", "U", "s"),
    "lstm": ("x", "h", "h", "U"),
    "lstm_grad": ("s", "s", "h", "U", "s", "g"),
    "gru": ("x", "h", "U", "u"),
    "gru_grad": ("s", "h", "U", "s", "g"),
}
PLAIN = {"activation": "tanh", "recurrent_activation": "sigmoid"}
OTHERS = [
    {"recurrent_activation": "hard_sigmoid", "backwards": True, "masked": True},
    {"activation": "relu", "recurrent_activation": "tanh", "dropout": 1},
    {"activation": "linear", "recurrent_activation": "linear", "dropout": "gates", "masked": True},
    {"activation": "sigmoid", "recurrent_activation": "relu", "dropout": 1, "masked": True, "backwards": True},
]
CASES = [
    *[(op, {**PLAIN, **other}) for op in SHAPES for other in ({}, *OTHERS)],
    *[(op, {**PLAIN, **other, "reset_after": True}) for op in ("gru", "gru_grad") for other in ({}, *OTHERS)],
    *[
        (op, {**PLAIN, "drops_state": True, "dropout": 1, "masked": True, "reset_after": after})
        for op in ("gru", "gru_grad")
        for after in (False, True)
    ],
]


def operands(op, dropout, masked, dtype):
    random = np.random.default_rng(1)
    gates = GATES[op.removesuffix("_grad")]
    sizes = {
        "x": (TIME, BATCH, gates * UNITS), "s": (TIME, BATCH, UNITS), "h": (BATCH, UNITS), "u": (UNITS,),
        "U": (UNITS, gates * UNITS), "g": (TIME, BATCH, 4 * UNITS),
    }  # fmt: skip
    count = gates if dropout == "gates" else dropout
    arrays = [random.normal(scale=0.2, size=sizes[name]) for name in SHAPES[op]]
    arrays += [random.integers(0, 2, sizes["h"]) / 0.5 for _ in range(count)]
    arrays = [a.astype(dtype) for a in arrays]
    return [*arrays, random.integers(0, 2, (TIME, BATCH)).astype("bool")] if masked else arrays


def results(backend, op, arrays, attrs):
    feeds = [K.placeholder(a.shape, dtype=str(a.dtype)) for a in arrays]
    made = OPS[op](*feeds, **attrs)
    return K.function(feeds, list(made) if isinstance(made, tuple) else [made], backend=backend)(arrays)


def refuse_calls(backend, op, monkeypatch):
    """NumPy's kernel of the op must not run."""
    kernel = getattr(NumpyBackend, op)

    @functools.wraps(kernel)
    def refused(*arrays, **attrs):
        raise AssertionError(f"{op} ran by NumPy's kernel")

    monkeypatch.setattr(type(backend), op, refused)


# every kernel is compiled for its test: a third of them in float64, too
@pytest.mark.parametrize(
    ("op", "options", "dtype"),
    [*[(*case, "float32") for case in CASES], *[(*case, "float64") for case in CASES[::3]]],
)
def test_kernels_agree_with_the_referee(op, options, dtype, module_backend, monkeypatch):
    options = dict(options)
    masked, dropout = options.setdefault("masked", False), options.pop("dropout", 0)
    attrs = {name: value for name, value in options.items() if name in OPS[op].defaults}
    arrays = operands(op, dropout, masked, "float64")
    expected = results(NUMPY, op, arrays, attrs)
    refuse_calls(module_backend, op, monkeypatch)
    got = results(module_backend, op, operands(op, dropout, masked, dtype), attrs)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, np.abs(b).max()))


@pytest.mark.parametrize("op", SHAPES)
@pytest.mark.parametrize("dropout", [0, 1])
def test_parts_of_a_batch_agree_with_the_referee(op, dropout, module_backend, small_parts, monkeypatch):
    attrs = {"masked": True, "backwards": True}
    arrays = operands(op, dropout, True, "float32")
    expected = results(NUMPY, op, [a if a.dtype == bool else a.astype("float64") for a in arrays], attrs)
    refuse_calls(module_backend, op, monkeypatch)
    for a, b in zip(results(module_backend, op, arrays, attrs), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scalar_cotangents_and_a_bias_for_all_units(dtype, module_backend, monkeypatch):
    for op, place in (("lstm_grad", 0), ("lstm_grad", 1), ("gru", 3)):
        arrays = operands(op, 0, False, "float64")
        arrays[place] = np.asarray(0.3)
        expected = results(NUMPY, op, arrays, {})
        refuse_calls(module_backend, op, monkeypatch)
        for a, b in zip(results(module_backend, op, [x.astype(dtype) for x in arrays], {}), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_functions_of_float64_are_right_to_the_last_digits(activation, module_backend):
    """A step without feedback is the activation of its inputs."""
    random = np.random.default_rng(0)
    special = [0.0, -0.0, 1e-300, -1e-12, 1e-8, 0.17, 19.0, -22.5, 40.0, -300.0, 708.0, -708.0, np.inf, -np.inf, np.nan]
    x = np.concatenate(
        [special, random.normal(size=2000) * 3, random.normal(size=2000) * 0.1, np.linspace(-30, 30, 985)]
    )
    x = x.reshape(1, 100, 50)
    nothing = [np.zeros((100, 50)), np.zeros((50, 50))]
    y = results(module_backend, "simple_rnn", [x, *nothing], {"activation": activation})[0]
    with np.errstate(over="ignore"):
        wide = x.astype("longdouble")
        truth = np.tanh(wide) if activation == "tanh" else 1 / (1 + np.exp(-wide))
    finite = np.isfinite(x)
    unit = np.spacing(np.maximum(np.abs(truth[finite]).astype("float64"), 2.0**-1022))
    assert np.max(np.abs(y[finite] - truth[finite]) / unit) <= 4
    np.testing.assert_array_equal(y[~finite], truth[~finite].astype("float64"))


@pytest.mark.parametrize("op", SHAPES)
def test_inputs_with_gaps_are_read_where_they_lie(op, module_backend):
    """Operands turned round in memory: what the compiled kernel does not read, NumPy's does."""
    arrays = operands(op, 0, False, "float32")
    expected = results(NUMPY, op, arrays, {})
    feeds = [K.placeholder(a.shape[::-1]) for a in arrays]
    made = OPS[op](*[OPS["transpose"](f, axes=tuple(reversed(range(f.spec.ndim)))) for f in feeds])
    function = K.function(feeds, list(made) if isinstance(made, tuple) else [made], backend=module_backend)
    for a, b in zip(function([np.ascontiguousarray(a.T) for a in arrays]), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
