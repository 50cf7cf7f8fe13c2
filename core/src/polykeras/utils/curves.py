"""Curves of a training as an SVG picture, one panel for each value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 380, 240  # of a panel, in pixels
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 30, 34  # margins
TRAINING, VALIDATION = "#1f6f8b", "#e07a3f"
INK, GRID = "#2b2b2b", "#e6e6e6"
VALIDATED = "val_"

Values = Sequence[float]


def curves(epochs: Sequence[int], history: Mapping[str, Values]) -> str:
    """The picture: `loss` beside its `val_loss`, and so on.

    epochs: their numbers, the horizontal axis.
    history: name -> a value for each epoch; values that are not finite leave a gap.
    """
    shown = [name for name in history if not name.startswith(VALIDATED)]
    shown += [name for name in history if name.startswith(VALIDATED) and name.removeprefix(VALIDATED) not in history]
    panels = "".join(
        f'<g transform="translate({number * WIDTH} 0)">{_panel(name, epochs, history)}</g>'
        for number, name in enumerate(shown)
    )
    width = WIDTH * max(1, len(shown))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}"><rect width="100%" height="100%" fill="white"/>'
        f"{panels}</svg>"
    )


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at equal steps of 1, 2 or 5 times a power of ten; at most `most` + 1."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _panel(name: str, epochs: Sequence[int], history: Mapping[str, Values]) -> str:
    lines = [("training", TRAINING, history[name])]
    if VALIDATED + name in history:
        lines.append(("validation", VALIDATION, history[VALIDATED + name]))
    finite = [value for _, _, values in lines for value in values if math.isfinite(value)]
    x = _Axis(min(epochs), max(epochs), LEFT, WIDTH - RIGHT)
    y = _Axis(min(finite, default=0.0), max(finite, default=1.0), HEIGHT - BOTTOM, TOP)
    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{_escaped(name)}</text>']
    for value in ticks(y.low, y.high):
        at = y(value)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for value in ticks(x.low, x.high):
        if value == int(value):
            parts.append(f'<text x="{x(value):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">epoch</text>')
    for number, (label, colour, values) in enumerate(lines):
        path = _path([(x(epoch), y(value)) for epoch, value in zip(epochs, values, strict=False)])
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round"/>')
        if len(lines) > 1:
            end = WIDTH - RIGHT - 64 * (1 - number)
            parts.append(f'<text x="{end}" y="18" text-anchor="end" fill="{colour}">{label}</text>')
    return "".join(parts)


class _Axis:
    """Values on a line from pixel `start` to `end`."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high
        self._start = start
        self._end = end

    def __call__(self, value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self._start + share * (self._end - self._start)


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Lines from point to point; where one is missing the path is taken up after it."""
    steps, command = [], "M"
    for x, y in points:
        if math.isnan(y):
            command = "M"
            continue
        steps.append(f"{command}{x:.1f} {y:.1f}")
        command = "L"
    return "".join(_dotted(steps))


def _dotted(steps: list[str]) -> list[str]:
    """Points without a neighbour as lines of no length, which round ends make visible."""
    return [
        f"{step}h0" if step[0] == "M" and (following is None or following[0] == "M") else step
        for step, following in zip(steps, [*steps[1:], None], strict=False)
    ]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
