"""Where the windows of convolution and pooling lie along the axes of an image: sizes, pads, taps.

A window of `n` elements with dilation `d` spans `(n - 1) d + 1` places. Padding is "valid" (none), "same" (an output
for each stride begun; the larger half of an odd pad comes last), "causal" (all in front), or a pair
`(before, after)` for each axis.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from polykeras.symbolic.spec import Dim

Padding = str | tuple[tuple[int, int], ...]
Slices = tuple[slice, ...]


def output_size(size: Dim, window: Dim, stride: int, dilation: int, padding: str | tuple[int, int]) -> Dim:
    """How many windows fit along an axis. None where a size that matters is unknown."""
    if size is not None and padding in ("same", "causal"):
        return -(-size // stride)
    if size is None or window is None:
        return None
    before, after = (0, 0) if isinstance(padding, str) else padding
    span = (window - 1) * dilation + 1
    if size + before + after < span:
        raise ValueError(
            f"a window that spans {span} does not fit into {size + before + after} elements: take a smaller one, "
            'padding "same" or fewer poolings before it, unless the channels are on another axis (data_format)'
        )
    return (size + before + after - span) // stride + 1


def output_sizes(
    sizes: Sequence[Dim], window: Sequence[Dim], strides: Sequence[int], dilation: Sequence[int], padding: Padding
) -> tuple[Dim, ...]:
    """`output_size` for each axis, after a check of the attributes."""
    rank = len(sizes)
    for name, value in (("window", window), ("strides", strides), ("dilation", dilation)):
        if len(value) != rank:
            raise ValueError(f"{name} {tuple(value)} must have {rank} elements, one for each spatial axis")
        if any(v is not None and v < 1 for v in value):
            raise ValueError(f"{name} {tuple(value)} must be positive")
    if any(s > 1 for s in strides) and any(d > 1 for d in dilation):
        raise ValueError(f"strides {tuple(strides)} and dilation {tuple(dilation)}: one of them must be 1")
    return tuple(
        output_size(*axis) for axis in zip(sizes, window, strides, dilation, _by_axis(padding, rank), strict=True)
    )


def pads(
    sizes: Sequence[int], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int], padding: Padding
) -> list[tuple[int, int]]:
    """The elements to add before and after, for each axis."""
    return [_pad(*axis) for axis in zip(sizes, window, strides, dilation, _by_axis(padding, len(sizes)), strict=True)]


def taps(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: Padding,
) -> Iterator[tuple[tuple[int, ...], Slices, Slices]]:
    """For each element of the window: its index, the outputs that it serves, and the inputs that it reads for them.

    Both are slices that start with the batch axis. No slice reaches into the padding, so nothing need be padded.
    """
    outputs = output_sizes(sizes, window, strides, dilation, padding)
    axes = []
    for axis, (before, _) in enumerate(pads(sizes, window, strides, dilation, padding)):
        places = [
            _tap(i * dilation[axis] - before, sizes[axis], outputs[axis], strides[axis])  # type: ignore[arg-type]
            for i in range(window[axis])
        ]
        axes.append([(i, there, here) for i, (there, here) in enumerate(places) if there.stop > there.start])
    every = slice(None)
    for combination in itertools.product(*axes):
        index, there, here = zip(*combination, strict=True)
        yield index, (every, *there), (every, *here)


def _tap(offset: int, size: int, outputs: int, stride: int) -> tuple[slice, slice]:
    """The outputs o with 0 <= o stride + offset < size, and those inputs."""
    first = max(0, -(offset // stride))
    last = min(outputs, -((offset - size) // stride))
    start = first * stride + offset
    return slice(first, last), slice(start, start + max(0, last - first - 1) * stride + 1, stride)


def _pad(size: int, window: int, stride: int, dilation: int, padding: str | tuple[int, int]) -> tuple[int, int]:
    if not isinstance(padding, str):
        return padding
    span = (window - 1) * dilation + 1
    if padding == "causal":
        return span - 1, 0
    if padding == "valid":
        return 0, 0
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def _by_axis(padding: Padding, rank: int) -> Sequence[str | tuple[int, int]]:
    if isinstance(padding, str):
        if padding not in ("valid", "same", "causal"):
            raise ValueError(f"padding must be 'valid', 'same', 'causal' or pairs of ints, got {padding!r}")
        return (padding,) * rank
    if len(padding) != rank:
        raise ValueError(f"padding {padding} must hold {rank} pairs, one for each spatial axis")
    return padding
