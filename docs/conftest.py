"""Each page runs in an empty folder and counts layers from 1; tour.md's examples use what its code blocks define."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polykeras import backend as K

    K.clear_session()
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _definitions(request: pytest.FixtureRequest, doctest_namespace: dict[str, object]) -> None:
    if request.path.name == "tour.md":
        from tests.tour import page

        doctest_namespace.update(page.run())
