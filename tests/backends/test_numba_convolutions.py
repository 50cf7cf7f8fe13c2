"""Convolutions by compiled products: every shape, window, step and layout, against sums written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import polykeras.backend as K
from polykeras import config
from polykeras.symbolic.op import OPS
from polykeras.symbolic.windows import output_sizes, pads, taps

TOLERANCE = {"float32": 3e-6, "float64": 1e-13}


@st.composite
def convolutions(draw):
    """(batch, sizes, channels, filters, window, attributes)"""
    rank = draw(st.integers(1, 3))
    several = [st.integers(1, n) for n in ((40,), (13, 11), (6, 5, 7))[rank - 1]]
    sizes = draw(st.tuples(*several))
    window = draw(st.tuples(*[st.integers(1, 4)] * rank))
    dilated = draw(st.booleans())
    steps = draw(st.tuples(*[st.integers(1, 3)] * rank))
    strides, dilation = ((1,) * rank, steps) if dilated else (steps, (1,) * rank)
    padding = draw(st.sampled_from(["valid", "same", "pairs"]))
    if padding == "pairs":
        padding = tuple([(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(rank)])
    if padding != "same":
        room = [0] * rank if padding == "valid" else [sum(pair) for pair in padding]
        spans = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
        sizes = tuple([max(n, s - r, 1) for n, s, r in zip(sizes, spans, room, strict=True)])
    channels, filters = draw(st.sampled_from([1, 2, 3, 7, 8, 17])), draw(st.sampled_from([1, 3, 8, 16, 19, 32, 33]))
    attrs = {"strides": strides, "padding": padding, "dilation": dilation}
    return draw(st.integers(1, 5)), sizes, channels, filters, window, attrs


def arrays(case, seed=0):
    """x, the kernel, and a gradient of the result."""
    batch, sizes, channels, filters, window, attrs = case
    r = np.random.default_rng(seed)
    outputs = output_sizes(sizes, window, attrs["strides"], attrs["dilation"], attrs["padding"])
    shapes = (batch, *sizes, channels), (*window, channels, filters), (batch, *outputs, filters)
    return [r.normal(size=shape) for shape in shapes]


def by_hand(x, kernel, g, attrs):
    """y, dx, dkernel: element of the window by element."""
    y, dx, dkernel = np.zeros_like(g), np.zeros_like(x), np.zeros_like(kernel)
    for tap, there, here in taps(x.shape[1:-1], kernel.shape[:-2], **attrs):
        y[there] += x[here] @ kernel[tap]
        dx[here] += g[there] @ kernel[tap].T
        dkernel[tap] += np.tensordot(x[here], g[there], axes=[list(range(x.ndim - 1))] * 2)
    return y, dx, dkernel


def computed(backend, x, kernel, g, attrs, op="conv"):
    """The same by a program, and the steps of it that are not compiled."""
    feeds = [K.placeholder(a.shape, dtype=str(a.dtype)) for a in (x, kernel, g)]
    a, k, b = feeds
    made = [
        OPS[op](a, k, **attrs),
        OPS[f"{op}_input_grad"](b, k, a, **attrs),
        OPS[f"{op}_kernel_grad"](a, b, k, **attrs),
    ]
    function = K.function(feeds, made, backend=backend)
    results = function([x, kernel, g])
    emitted = list(function.programs.values())[-1].emitted
    return results, [step.op.name for step in emitted.steps.values()]


def check(backend, case, dtype):
    x, kernel, g = arrays(case)
    expected = by_hand(x, kernel, g, case[-1])
    results, interpreted = computed(backend, *[a.astype(dtype) for a in (x, kernel, g)], case[-1])
    assert not interpreted
    for got, want in zip(results, expected, strict=True):
        scale = max(np.abs(want).max(), 1)
        np.testing.assert_allclose(got / scale, want / scale, atol=TOLERANCE[dtype] * 10, rtol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=120, deadline=None, derandomize=True)
@given(case=convolutions())
def test_any_convolution_and_its_gradients(dtype, module_backend, case):
    check(module_backend, case, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=convolutions())
def test_any_depthwise_convolution(dtype, module_backend, case):
    batch, sizes, channels, _, window, attrs = case
    x, kernel, g = arrays((batch, sizes, channels, channels, window, attrs))
    kernel = kernel[..., :1]
    y, dx, dkernel = np.zeros_like(g), np.zeros_like(x), np.zeros_like(kernel)
    for tap, there, here in taps(sizes, window, **attrs):
        y[there] += x[here] * kernel[tap][:, 0]
        dx[here] += g[there] * kernel[tap][:, 0]
        dkernel[tap][:, 0] = (x[here] * g[there]).sum(tuple(range(x.ndim - 1)))
    results, interpreted = computed(module_backend, *[a.astype(dtype) for a in (x, kernel, g)], attrs, "depthwise_conv")
    assert not interpreted
    for got, want in zip(results, (y, dx, dkernel), strict=True):
        scale = max(np.abs(want).max(), 1)
        np.testing.assert_allclose(got / scale, want / scale, atol=TOLERANCE[dtype] * 10, rtol=0)


SAME = {"strides": (1, 1), "padding": "same", "dilation": (1, 1)}
LARGE = [
    (2, (17, 19), 32, 64, (3, 3), SAME),
    (3, (26, 26), 32, 64, (3, 3), {**SAME, "padding": "valid"}),
    (1, (40, 37), 3, 24, (7, 7), {**SAME, "strides": (2, 2)}),
    (2, (9, 9), 130, 70, (3, 3), SAME),
    (2, (150,), 20, 40, (5,), {"strides": (1,), "padding": "causal", "dilation": (3,)}),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", LARGE, ids=str)
def test_convolutions_of_several_blocks(case, dtype, module_backend):
    check(module_backend, case, dtype)


@pytest.mark.parametrize("axes", [(0, 3, 1, 2), (3, 1, 2, 0), (0, 2, 1, 3)])
def test_images_that_lie_otherwise_in_memory(axes, module_backend):
    """Channels first, for one: images and gradients are views, read where they are."""
    case = (2, (7, 9), 5, 18, (3, 2), {**SAME, "strides": (2, 1)})
    x, kernel, g = arrays(case)
    back = tuple(np.argsort(axes))
    a, b = (K.variable(np.ascontiguousarray(v.transpose(axes)), dtype="float64") for v in (x, g))
    k = K.variable(kernel, dtype="float64")
    x_view, g_view = (OPS["transpose"](v, axes=back) for v in (a, b))
    attrs = case[-1]
    made = [
        OPS["conv"](x_view, k, **attrs),
        OPS["conv_input_grad"](g_view, k, x_view, **attrs),
        OPS["conv_kernel_grad"](x_view, g_view, k, **attrs),
    ]
    results = K.function([], made, backend=module_backend)([])
    for got, want in zip(results, by_hand(x, kernel, g, attrs), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)


def test_an_image_has_the_bits_that_it_has_in_a_batch(module_backend):
    """But for the gradient of the kernel, which adds the images up."""
    case = (4, (9, 8), 6, 20, (3, 3), SAME)
    x, kernel, g = (a.astype("float32") for a in arrays(case))
    whole, _ = computed(module_backend, x, kernel, g, SAME)
    for i in range(4):
        alone, _ = computed(module_backend, x[i : i + 1], kernel, g[i : i + 1], SAME)
        for got, want in zip(alone[:2], whole[:2], strict=True):
            np.testing.assert_array_equal(got[0], want[i])


def test_pads_are_not_read_from_other_images(module_backend):
    """A huge number beside an image's edge must not leak."""
    case = (3, (5, 5), 2, 4, (3, 3), SAME)
    x, kernel, g = arrays(case)
    x[1] = 1e30
    (y, _, _), _ = computed(module_backend, x, kernel, g, SAME)
    np.testing.assert_allclose(y[[0, 2]], by_hand(x[[0, 2]], kernel, g[[0, 2]], SAME)[0], atol=1e-12)
    assert pads((5, 5), (3, 3), (1, 1), (1, 1), "same") == [(1, 1), (1, 1)]


@pytest.fixture
def fast_convolution():
    config.set_fast_convolution(True)
    yield
    config.set_fast_convolution(False)


TILED = [
    (4, (28, 28), 17, 40, (3, 3), {**SAME, "padding": "valid"}),
    (2, (37, 31), 24, 19, (3, 3), SAME),
    (5, (22, 25), 16, 16, (3, 3), {**SAME, "padding": ((0, 2), (3, 1))}),
]


@pytest.mark.parametrize("case", TILED, ids=str)
def test_small_tiles_are_as_exact_as_sums(case, module_backend):
    x, kernel, g = arrays(case)
    results, _ = computed(module_backend, *[a.astype("float32") for a in (x, kernel, g)], case[-1])
    for got, want in zip(results, by_hand(x, kernel, g, case[-1]), strict=True):
        assert np.abs(got - want).max() <= 2e-6 * np.abs(want).max()


@pytest.mark.parametrize("case", TILED, ids=str)
def test_large_tiles_lose_a_digit_at_most(case, module_backend, fast_convolution):
    x, kernel, g = arrays(case)
    results, interpreted = computed(module_backend, *[a.astype("float32") for a in (x, kernel, g)], case[-1])
    assert not interpreted
    errors = [
        np.abs(got - want).max() / np.abs(want).max()
        for got, want in zip(results, by_hand(x, kernel, g, case[-1]), strict=True)
    ]
    assert max(errors) <= 2e-5
    assert max(errors) > 1e-6  # they were taken indeed


def test_large_tiles_are_not_for_float64(module_backend, fast_convolution):
    check(module_backend, TILED[1], "float64")


@pytest.mark.parametrize("width", [4, 16])
def test_processors_with_other_vectors(width, numba_backend, monkeypatch, tmp_path):
    """Code for vectors that this processor may lack: LLVM makes them of those that it has."""
    from polykeras_numba import code, elementwise, product, reduction
    from polykeras_numba.cache import KERNELS

    monkeypatch.setenv("POLYKERAS_CACHE", str(tmp_path))
    monkeypatch.setattr(KERNELS, "made", {})
    for module in (code, elementwise, product, reduction):
        monkeypatch.setattr(module, "native_width", lambda: width)
    check(numba_backend, (2, (9, 8), 5, 37, (3, 2), {**SAME, "strides": (2, 1)}), "float32")
    check(numba_backend, TILED[2], "float32")
