"""The pytest plugin costs other test runs nothing, and runs the conformance tests on any backend by name."""

import subprocess
import sys

MODULES = """
import sys

def test_nothing_heavy_is_imported():
    heavy = [m for m in ("numpy", "polykeras", "polykeras_numpy", "polykeras_conformance") if m in sys.modules]
    assert not heavy, heavy
"""


def pytest_in(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_imports_nothing_for_tests_that_do_not_ask(tmp_path):
    (tmp_path / "test_free.py").write_text(MODULES)
    done = pytest_in(tmp_path, "test_free.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_runs_from_any_folder_by_the_backends_name(tmp_path):
    done = pytest_in(
        tmp_path, "--pyargs", "polykeras_conformance", "--polykeras-backend", "numpy", "-k", "softsign or public"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_an_unknown_backend_is_an_error_that_names_it(tmp_path):
    done = pytest_in(tmp_path, "--pyargs", "polykeras_conformance", "--polykeras-backend", "nunpy", "-k", "public")
    assert done.returncode == 1
    assert "nunpy" in done.stdout and "numpy" in done.stdout


def test_limits_become_strict_expected_failures(tmp_path):
    (tmp_path / "limited.py").write_text(
        "from polykeras.runtime.backend import Limit\n"
        "from polykeras_numpy import NumpyBackend\n"
        "class Limited(NumpyBackend):\n"
        "    limits = (Limit('softsign', '', 'said to be missing'),)\n"
    )
    done = pytest_in(
        tmp_path, "--pyargs", "polykeras_conformance", "-p", "limited", "--polykeras-backend", "limited:Limited",
        "-k", "test_values_are_the_referees and softsign",
    )  # fmt: skip
    assert done.returncode == 1, "what works must not be listed as a limit"
    assert "XPASS(strict)" in done.stdout
