"""Models in the clothes of other libraries: scikit-learn, and the modules that distributions bring."""

from polykeras._faces import lazy

__getattr__, __dir__ = lazy(__name__, {"scikit_learn": f"{__name__}.scikit_learn"})
