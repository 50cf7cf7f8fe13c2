"""The NumPy backend's bound kernels give what the shared ones give, wherever they may write."""

import zlib

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.runtime.program import Step, Value
from polykeras.runtime.xp import XpBackend
from polykeras.symbolic.op import OPS
from polykeras.symbolic.spec import Spec
from polykeras.testing.samples import Sampler
from polykeras_numpy import NumpyBackend
from polykeras_numpy.binding import BINDERS, LARGE


@pytest.fixture(autouse=True)
def silent():
    """Samples divide by 0 and overflow."""
    with np.errstate(all="ignore"):
        yield


class Shared(XpBackend):
    name = "shared"
    xp = np


SHARED, BOUND = Shared(), NumpyBackend()


def settled(op, operands, dtype):
    """Operands as kernels take them: arrays, and sizes and shapes as they are."""
    results = []
    for i, x in enumerate(operands):
        if not op.is_size(i):
            x = np.asarray(x)
            x = x.astype(dtype) if x.dtype == "float64" else x
            x = x.shape if i in op.shape_only else x
        results.append(x)
    return results


def applied(op, operands, attrs, inputs=None, into=None):
    """What the shared kernel and the bound one give. `inputs` and `into` are the arrays for the bound one."""
    attrs = {**op.defaults, **attrs}
    if "dtype" in attrs and attrs["dtype"] is None:
        attrs["dtype"] = "float32"
    expected = np.asarray(getattr(SHARED, op.name)(*operands, **attrs))
    args = [
        Value(i, Spec(x.shape, str(x.dtype)), "temp") if isinstance(x, np.ndarray) else x
        for i, x in enumerate(operands)
    ]
    out = Value(len(args), Spec(expected.shape, str(expected.dtype)), "temp")
    kernel = BOUND.kernel(Step(op, args, [out], attrs, None))
    arrays = inputs or [x.copy() for x in operands if isinstance(x, np.ndarray)]
    if not kernel.into:
        return expected, kernel.call(*arrays)
    into = np.full(expected.shape, 77).astype(expected.dtype) if into is None else into
    scratch = [np.full(kernel.workspace, 255, "uint8")] if kernel.workspace else []
    kernel.call(*arrays, into, *scratch)
    return expected, into


def agree(pair, dtype):
    tolerance = {"float16": 2e-3, "float32": 2e-5}.get(dtype, 1e-12)
    np.testing.assert_allclose(pair[1], pair[0], rtol=tolerance, atol=tolerance)


def cases():
    found = []
    for name in BINDERS:
        made = OPS[name].sample_rule(Sampler(zlib.crc32(name.encode())))
        found += [pytest.param((OPS[name], *case), id=f"{name}-{number}") for number, case in enumerate(made)]
    return found


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("case", cases())
def test_bound_kernel_gives_the_shared_one_s_values(case, dtype):
    op, operands, attrs = case
    ready = settled(op, operands, dtype)
    agree(applied(op, ready, attrs), dtype)
    strided = [np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x for x in ready if isinstance(x, np.ndarray)]
    agree(applied(op, ready, attrs, inputs=strided), dtype)


def overwriting():
    """Cases with an operand of the result's shape, and its place."""
    found = []
    for case in cases():
        op, operands, attrs = case.values[0]
        if not op.elementwise:
            continue
        ready = settled(op, operands, "float32")
        with np.errstate(all="ignore"):
            expected = np.asarray(getattr(SHARED, op.name)(*ready, **{**op.defaults, **attrs}))
        for place, x in enumerate(ready):
            if x.shape == expected.shape and x.dtype == expected.dtype:
                found.append(pytest.param((op, ready, attrs), place, id=f"{case.id}-{place}"))
    return found


@pytest.mark.parametrize(("case", "place"), overwriting())
def test_elementwise_kernel_may_write_onto_an_operand(case, place):
    op, ready, attrs = case
    arrays = [x.copy() for x in ready]
    agree(applied(op, ready, attrs, inputs=arrays, into=arrays[place]), "float32")


def large(*shape, kind="f"):
    generator = np.random.default_rng(0)
    return generator.standard_normal(shape).astype("float32") if kind == "f" else generator.random(shape) < 0.5


@pytest.mark.parametrize("place", [None, 1, 2])
def test_large_select_is_right_for_any_bits(place):
    x, y = large(50, 60), large(50, 60)
    x[0], y[1] = np.nan, np.inf
    arrays = [large(50, 60, kind="b"), x, y]
    assert x.size > LARGE
    copies = [a.copy() for a in arrays]
    expected, got = applied(OPS["where"], arrays, {}, inputs=copies, into=None if place is None else copies[place])
    np.testing.assert_array_equal(got, expected)


def test_large_select_broadcasts_and_writes_onto_its_condition():
    condition, x, y = large(50, 1, kind="b"), large(50, 60), np.zeros((), "float32")
    expected, got = applied(OPS["where"], [condition, x, y], {})
    np.testing.assert_array_equal(got, expected)
    masks = [large(50, 60, kind="b"), large(50, 60) > 1, large(50, 60) > -1]
    copies = [m.copy() for m in masks]
    expected, got = applied(OPS["where"], masks, {}, inputs=copies, into=copies[0])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("axis", [0, 1, (0, 1), (1, 2), 2, (0, 2), None])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean"])
def test_large_sums_over_any_axes(name, axis, keepdims):
    x = large(20, 30, 40) + 1
    turned = np.ascontiguousarray(x.transpose(2, 1, 0)).transpose(2, 1, 0)
    exact = getattr(np, name)(x.astype("float64"), axis=axis, keepdims=keepdims)
    for inputs in ([x], [turned]):
        _, got = applied(OPS[name], [x], {"axis": axis, "keepdims": keepdims}, inputs=inputs)
        np.testing.assert_allclose(got, exact, rtol=2e-6)


@pytest.mark.parametrize("like", [(40,), (30, 40), (1, 40), (20, 1, 1), (1, 1, 1), ()])
def test_large_sum_to(like):
    x = large(20, 30, 40) + 1
    expected, got = applied(OPS["sum_to"], [x, like], {})
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_scatter_add_counts_every_repetition():
    indices = np.random.default_rng(0).integers(0, 7, (30, 4)).astype("int32")
    expected, got = applied(OPS["scatter_add"], [large(30, 4, 5), indices, (7, 5)], {})
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("index", [5, -1])
def test_an_index_out_of_range_is_an_error_with_the_place(index):
    table, i = K.variable(np.ones((5, 3))), K.placeholder((None,), dtype="int32")
    gather = K.function([i], [K.gather(table, i)])
    assert gather([[4, 0]])[0].shape == (2, 3)
    with pytest.raises(
        IndexError, match=rf"gather\(float32\(5, 3\), int32\(1,\)\): index {index} is out of range .* size 5"
    ):
        gather([[index]])


def test_erf_is_exact_to_rounding():
    from math import erf

    x = np.concatenate([np.linspace(-8, 8, 4001), np.geomspace(1e-300, 1, 50), [np.inf, -np.inf, 0.0]])
    np.testing.assert_allclose(SHARED.erf(x), [erf(v) for v in x], rtol=4e-15)
    assert np.isnan(SHARED.erf(np.array([np.nan]))).all()
