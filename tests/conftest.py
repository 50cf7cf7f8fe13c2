"""What every test may use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of facts recorded from real Keras 2.2.4: golden numbers, its API, files that it saved.

    `POLYKERAS_REFERENCE` names it, else it lies beside the checkout; where it is absent the test is skipped.
    """
    folder = Path(os.environ.get("POLYKERAS_REFERENCE") or ROOT.parent / "shared" / "reference")
    if not folder.is_dir():
        pytest.skip(f"no reference data in {folder}; POLYKERAS_REFERENCE names another folder")
    return folder


@pytest.fixture(autouse=True)
def _names_count_from_one() -> Iterator[None]:
    """Layers and variables of each test are named as in a new process; tests without K do not import it for this."""
    yield
    backend = sys.modules.get("polykeras.backend")
    if backend is not None:
        backend.clear_session()
