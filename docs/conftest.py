"""The examples in tour.md use what its code blocks define."""

import pytest


@pytest.fixture(autouse=True)
def _definitions(request: pytest.FixtureRequest, doctest_namespace: dict[str, object]) -> None:
    if request.path.name == "tour.md":
        from tests.tour import page

        doctest_namespace.update(page.run())
