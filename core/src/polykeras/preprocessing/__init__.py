"""Preparing data: sequences and texts. Pure Python and NumPy."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {name: f"{__name__}.{name}" for name in ("sequence", "text")})
