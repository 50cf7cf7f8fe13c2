"""`polykeras.backend.tensorflow_backend`, the path by which many scripts reach K: is that module."""

import sys

from polykeras import backend

sys.modules[__name__] = backend
