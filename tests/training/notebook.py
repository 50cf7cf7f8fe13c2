"""A stand-in for the notebook that this process would be the kernel of."""

import sys
from types import ModuleType, SimpleNamespace


class Spot:
    """A place in a cell's output, with all that it showed."""

    def __init__(self, content):
        self.shown = [content]

    def update(self, content, *, raw):
        assert raw
        self.shown.append(content)


class Notebook:
    """What was displayed, in places."""

    def __init__(self):
        self.spots = []

    def display(self, content, *, raw, display_id):
        assert raw and display_id is True
        self.spots.append(Spot(content))
        return self.spots[-1]


def stand_in(monkeypatch, shell):
    """Put a module IPython into place, with this shell running; the notebook."""
    notebook = Notebook()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell
    ipython.display, display.display = display, notebook.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return notebook


KERNEL = SimpleNamespace(kernel=object())
TERMINAL = SimpleNamespace()
