"""Data before it is fed: sequences and texts, and the modules that distributions bring."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {name: f"{__name__}.{name}" for name in ("sequence", "text")})
