"""The generated tests of `polykeras_conformance`, on the backend that the environment chooses."""

from polykeras_conformance.conftest import backend, pytest_generate_tests

__all__ = ["backend", "pytest_generate_tests"]
