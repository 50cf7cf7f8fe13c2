"""pytest plugin of polykeras: the option and the fixture of the test kits.

Nothing but pytest is imported until a test asks for the backend, so that other test runs stay free of polykeras.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("polykeras").addoption(
        "--polykeras-backend",
        metavar="NAME",
        default=None,
        help="the backend of the conformance tests: a registered name or module:Class; default: the current one",
    )


@pytest.fixture(scope="session")
def polykeras_backend(request: pytest.FixtureRequest):
    """The backend that `--polykeras-backend` names."""
    from polykeras.runtime import select

    return select.resolve(request.config.getoption("--polykeras-backend"))
