"""Data before it is fed: the modules that distributions bring, such as `polykeras.preprocessing.text`."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {})
