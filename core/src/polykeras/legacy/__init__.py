"""Older spellings of the API, and what is done about them."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {"interfaces": "polykeras.legacy.interfaces"})
