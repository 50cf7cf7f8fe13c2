"""`plot`, where Keras 1 had it."""

from __future__ import annotations

from typing import Any

from polykeras.legacy.interfaces import warn_caller
from polykeras.utils.vis_utils import model_to_dot, plot_model

__all__ = ["model_to_dot", "plot"]


def plot(model: Any, to_file: str = "model.png", show_shapes: bool = False, show_layer_names: bool = True) -> None:
    """`utils.plot_model` under its earlier name."""
    warn_caller("`plot` is called `polykeras.utils.plot_model` now.")
    plot_model(model, to_file, show_shapes, show_layer_names)
