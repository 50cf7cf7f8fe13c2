"""What the CuPy backend proves without a GPU: that it installs, waits for its turn, and says why it cannot work."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

CUPY_IS_INSTALLED = find_spec("cupy") is not None
COMPUTE = "import numpy; from polykeras import backend as K; print(K.eval(K.constant(numpy.ones(3)) * 2))"


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Run `code` in a new process, in which no GPU is to be seen."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("POLYKERAS_BACKEND", "KERAS"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, "CUDA_VISIBLE_DEVICES": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_distribution_imports_without_cupy():
    done = python("import sys, polykeras_cupy; assert 'cupy' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_it_disturbs_no_other_backend():
    done = python(COMPUTE + "; import sys; assert 'cupy' not in sys.modules", POLYKERAS_BACKEND="numpy")
    assert (done.returncode, done.stdout) == (0, "[2. 2. 2.]\n"), done.stderr


def test_choosing_it_is_an_error_that_names_the_cause():
    done = python(COMPUTE, POLYKERAS_BACKEND="cupy")
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert "BackendUnavailable" in message
    assert "'cupy'" in message
    assert "POLYKERAS_BACKEND" in message
    assert "numpy" in message, "the other backends here are named"
    if CUPY_IS_INSTALLED:
        assert any(cause in message for cause in ("GPU", "driver", "device")), message
    else:
        assert 'pip install "polykeras-cupy[cuda' in message


@pytest.mark.parametrize("command", ["backends", "doctor"])
def test_the_command_line_tells_of_it(command):
    done = python(f"from polykeras.cli import main; main(['{command}'])")
    assert "cupy" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr
