"""What the security tests may use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., str]:
    """Run a script in a fresh Python process, in an empty directory, and return what it printed."""

    def run(code: str, *args: str, timeout: float = 60, status: int = 0) -> str:
        command = [sys.executable, "-c", code, *args]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
