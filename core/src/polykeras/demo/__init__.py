"""`polykeras demo`: train a small convolutional net on handwritten digits, and show what it learned."""

from polykeras.demo.command import add_parser, run

__all__ = ["add_parser", "run"]
