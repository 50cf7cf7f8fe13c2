"""Every op on the current backend: the tests that `pytest --pyargs polykeras_conformance` runs."""

from polykeras_conformance.test_declarations import *  # noqa: F403
from polykeras_conformance.test_gradients import *  # noqa: F403
from polykeras_conformance.test_values import *  # noqa: F403
