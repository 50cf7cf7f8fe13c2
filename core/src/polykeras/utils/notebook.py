"""Pictures and lines that are redrawn in place in a notebook."""

from __future__ import annotations

import sys
from typing import Any


def in_notebook() -> bool:
    """Whether this process runs the cells of a notebook. Imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


class Spot:
    """A place in a cell's output that shows one thing, in its latest state."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, **richer: str) -> None:
        """Show `text`, or what the front end prefers of `richer`: `svg="<svg>..."`.

        The first time it goes below what the cell has shown so far; from then on it replaces the last.
        """
        content = {"text/plain": text, **{_MIME[kind]: data for kind, data in richer.items()}}
        if self._handle is not None:
            self._handle.update(content, raw=True)
            return
        from IPython.display import display

        self._handle = display(content, raw=True, display_id=True)


_MIME = {"svg": "image/svg+xml", "html": "text/html"}
