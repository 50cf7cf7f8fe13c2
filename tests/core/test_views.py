"""Layouts of views against NumPy's own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from polykeras.runtime.views import Layout, contiguous, view


def elements(layout: Layout, shape: tuple[int, ...], base: np.ndarray) -> np.ndarray:
    """What lies at the layout, element by element."""
    out = np.empty(shape, base.dtype)
    for index in np.ndindex(*shape):
        out[index] = base[layout.offset + sum(i * s for i, s in zip(index, layout.strides, strict=True))]
    return out


BASE = np.arange(24)
START = (2, 3, 4)


def transposed(axes):
    layout = view("transpose", {"axes": axes}, Layout(0, contiguous(START)), START, tuple(START[a] for a in axes))
    return layout, BASE.reshape(START).transpose(axes)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_transpose(axes):
    layout, expected = transposed(axes)
    assert np.array_equal(elements(layout, expected.shape, BASE), expected)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    "shape", [(24,), (6, 4), (2, 12), (4, 6), (3, 8), (2, 3, 4), (4, 3, 2), (1, 24, 1), (2, 1, 12), (2, 2, 6)]
)
def test_a_reshape_is_a_view_exactly_where_numpy_needs_no_copy(axes, shape):
    layout, array = transposed(axes)
    found = view("reshape", {}, layout, array.shape, shape)
    copied = array.copy(order="K")
    assert copied.strides == array.strides
    try:
        copied.shape = shape  # refuses where a copy would be needed
        possible = True
    except AttributeError:
        possible = False
    assert (found is not None) == possible
    if found is not None:
        assert np.array_equal(elements(found, shape, BASE), array.reshape(shape))


def test_slices_with_steps_of_both_signs():
    array = BASE.reshape(START)
    for start, stop, step in itertools.product((None, 0, 1, -1), (None, 0, 2, -1), (1, 2, -1, -2)):
        expected = array[:, start:stop:step, ::-1]
        attrs = {"start": (None, start, None), "stop": (None, stop, None), "step": (1, step, -1)}
        found = view("slice", attrs, Layout(0, contiguous(START)), START, expected.shape)
        assert np.array_equal(elements(found, expected.shape, BASE), expected)


def test_broadcast():
    found = view("broadcast_to", {}, Layout(0, contiguous((3, 1))), (3, 1), (2, 3, 4))
    expected = np.broadcast_to(BASE[:3].reshape(3, 1), (2, 3, 4))
    assert np.array_equal(elements(found, (2, 3, 4), BASE), expected)
