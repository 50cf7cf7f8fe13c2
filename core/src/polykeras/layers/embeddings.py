"""`polykeras.layers.embeddings`, a path in Keras scripts: what `polykeras.layers` shows."""

from polykeras.layers import _path

__getattr__, __dir__ = _path(__name__)
