"""Wrappers for other libraries."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {"scikit_learn": f"{__name__}.scikit_learn"})
