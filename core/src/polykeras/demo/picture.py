"""One picture of the training and of what the network got wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polykeras.demo.data import Part

__all__ = ["save"]

_SHOWN = 12  # wrong digits, at most
_TRAINING, _VALIDATION, _WRONG = "#1f6f8b", "#e07a3f", "#b8322a"
_INK, _GRID = "#2b2b2b", "#e6e6e6"


def save(file: Path, history: Mapping[str, Sequence[float]], test: Part, probabilities: Any, backend: str) -> None:
    """Write the picture as PNG: loss and accuracy by epoch on the left, the wrong test digits on the right.

    history: as `fit` returns it, with validation.   probabilities: (n, 10), for the test images.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(11.5, 6.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.15), wspace=0.04)
    left, right = halves
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != test.digits)
    figure.suptitle(
        f"Handwritten digits on {backend}: test accuracy {1 - len(wrong) / len(test):.1%}",
        fontsize=15,
        color=_INK,
        fontweight="bold",
    )
    upper, lower = left.subplots(2, 1, sharex=True)
    _curves(upper, history, "loss", "loss")
    _curves(lower, history, "acc", "accuracy")
    lower.set_xlabel("epoch", color=_INK)
    _mistakes(right, test, probabilities, wrong)
    figure.savefig(file, dpi=120, format="png")


def _curves(axes: Any, history: Mapping[str, Sequence[float]], key: str, name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = range(1, len(history[key]) + 1)
    for values, label, colour in (
        (history[key], "training (with dropout)", _TRAINING),
        (history[f"val_{key}"], "validation", _VALIDATION),
    ):
        axes.plot(epochs, values, color=colour, label=label, linewidth=2, marker="o", markersize=4)
    axes.set_title(name, loc="left", fontsize=12, color=_INK)
    axes.grid(color=_GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if key == "loss":
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)


def _mistakes(figure: Any, test: Part, probabilities: Any, wrong: Any) -> None:
    """The wrong digits, the most confident mistakes first."""
    if not len(wrong):
        figure.text(0.5, 0.5, f"All {len(test)} test digits right", ha="center", fontsize=14, color=_INK)
        return
    shown = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:_SHOWN]
    count = f"{len(wrong)} of {len(test)} test digits wrong"
    figure.suptitle(
        count if len(shown) == len(wrong) else f"{count}; the {len(shown)} most confident mistakes",
        fontsize=12,
        color=_INK,
    )
    columns = max(2, math.ceil(math.sqrt(len(shown))))
    grid = figure.subplots(max(2, math.ceil(len(shown) / columns)), columns)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, index in zip(grid.flat, shown, strict=False):
        guess = int(probabilities[index].argmax())
        axes.imshow(test.images[index].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(f"guess: {guess} ({probabilities[index, guess]:.0%})", fontsize=11, color=_WRONG)
        axes.text(0.5, -0.05, f"is: {test.digits[index]}", transform=axes.transAxes, ha="center", va="top", color=_INK)
