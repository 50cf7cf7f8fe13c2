"""`polykeras.layers.convolutional_recurrent`, a path that Keras scripts import layers from: it shows what `polykeras.layers` shows."""

from polykeras.layers import _path

__getattr__, __dir__ = _path(__name__)
