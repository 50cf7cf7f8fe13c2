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


@pytest.fixture(scope="module")
def module_backend(kernel_cache):
    """One backend for tests that run many programs; its kernels lie where those of `numba_backend` do."""
    pytest.importorskip("numba", reason="polykeras-numba is not installed")
    from polykeras_numba import NumbaBackend

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYKERAS_CACHE", str(kernel_cache))
        yield NumbaBackend()


@pytest.fixture
def small_parts(monkeypatch):
    """Every step that can be cut into parts is, however little it does."""
    pytest.importorskip("numba", reason="polykeras-numba is not installed")
    from polykeras_numba import item, product_items, sequence_items

    monkeypatch.setattr(item, "OPERATIONS", 1)
    monkeypatch.setattr(item, "BYTES", 1)
    monkeypatch.setattr(product_items, "BLAS_OPERATIONS", 1)
    monkeypatch.setattr(product_items, "BLAS_UNIT", 1)
    monkeypatch.setattr(sequence_items, "FEWEST_ROWS", 1)
