"""The Numba backend, with a cache of its own."""

import pytest


@pytest.fixture(scope="session")
def kernel_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture
def numba_backend(kernel_cache, monkeypatch):
    pytest.importorskip("numba", reason="polykeras-numba is not installed")
    from polykeras_numba import NumbaBackend

    monkeypatch.setenv("POLYKERAS_CACHE", str(kernel_cache))
    return NumbaBackend()
