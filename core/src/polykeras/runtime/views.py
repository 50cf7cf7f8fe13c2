"""Strided views: where the elements of a reshaped, transposed, sliced or broadcast array lie."""

from __future__ import annotations

from typing import Any, NamedTuple

Sizes = tuple[int, ...]


class Layout(NamedTuple):
    """Offset and strides, in elements of the base array."""

    offset: int
    strides: Sizes


def contiguous(shape: Sizes) -> Sizes:
    """The strides of an array in C order."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sizes, strides: Sizes) -> bool:
    return all(n == 1 or s == c for n, s, c in zip(shape, strides, contiguous(shape), strict=True))


def view(op: str, attrs: dict[str, Any], layout: Layout, shape: Sizes, result: Sizes) -> Layout | None:
    """The layout of `op`'s result as a view of an array of `shape` and `layout`, or None where it must be copied."""
    if 0 in result:
        return Layout(layout.offset, contiguous(result))
    maker = _VIEWS.get(op)
    return None if maker is None else maker(attrs, layout, shape, result)


def _reshape(attrs: dict[str, Any], layout: Layout, shape: Sizes, result: Sizes) -> Layout | None:
    if is_contiguous(shape, layout.strides):
        return Layout(layout.offset, contiguous(result))
    # Runs of axes that lie evenly in memory can be merged and split; axes of size 1 do not matter.
    axes = [(n, s) for n, s in zip(shape, layout.strides, strict=True) if n != 1]
    sizes = [n for n in result if n != 1]
    made: list[int] = []
    while axes:
        have, stride = axes.pop(0)
        take = [sizes[len(made)]]
        need = take[0]
        while have != need:
            if have < need:
                n, s = axes.pop(0)
                if stride != n * s:
                    return None
                have, stride = have * n, s
            else:
                take.append(sizes[len(made) + len(take)])
                need *= take[-1]
        made += [stride * c for c in contiguous(tuple(take))]
    given = iter(made)
    return Layout(layout.offset, tuple(1 if n == 1 else next(given) for n in result))


def _transpose(attrs: dict[str, Any], layout: Layout, shape: Sizes, result: Sizes) -> Layout:
    return Layout(layout.offset, tuple(layout.strides[a] for a in attrs["axes"]))


def _broadcast(attrs: dict[str, Any], layout: Layout, shape: Sizes, result: Sizes) -> Layout:
    new = len(result) - len(shape)
    strides = [0] * new + [
        0 if n == 1 and m != 1 else s for n, m, s in zip(shape, result[new:], layout.strides, strict=True)
    ]
    return Layout(layout.offset, tuple(strides))


def _slice(attrs: dict[str, Any], layout: Layout, shape: Sizes, result: Sizes) -> Layout:
    offset, strides = layout.offset, []
    bounds = zip(attrs["start"], attrs["stop"], attrs["step"], strict=True)
    for n, s, (start, stop, step) in zip(shape, layout.strides, bounds, strict=True):
        first, _, by = slice(start, stop, step).indices(n)
        offset += first * s
        strides.append(by * s)
    return Layout(offset, tuple(strides))


_VIEWS = {"reshape": _reshape, "transpose": _transpose, "broadcast_to": _broadcast, "slice": _slice}
VIEW_OPS = frozenset(_VIEWS)
