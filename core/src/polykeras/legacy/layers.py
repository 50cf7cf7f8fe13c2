"""`polykeras.legacy.layers`, a path in Keras scripts: layers of Keras 1 that old models use."""

from polykeras.layers import _path

__getattr__, __dir__ = _path(__name__)
