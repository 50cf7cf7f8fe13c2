"""polykeras: the API of multi-backend Keras on backends that plug in."""

__version__ = "0.1.0"
