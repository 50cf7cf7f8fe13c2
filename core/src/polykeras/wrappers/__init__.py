"""Models in the clothes of other libraries: the modules that distributions bring."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {})
