"""Kernels on disk: found again, by two processes at once, and done without where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("numba", reason="polykeras-numba is not installed")

PROGRAM = """
import numpy as np
import polykeras.backend as K
from polykeras_numba import NumbaBackend
from polykeras_numba.cache import KERNELS

x = K.placeholder((None, 5))
function = K.function([x], [K.sum(K.exp(x) * 2, axis=0)], backend=NumbaBackend())
value = np.linspace(-1, 1, 35, dtype="float32").reshape(7, 5)
np.testing.assert_allclose(function([value])[0], (np.exp(value.astype("float64")) * 2).sum(0), rtol=1e-6)
print(KERNELS.compiled, KERNELS.loaded)
"""


def start(cache, **environment):
    variables = {**os.environ, "POLYKERAS_CACHE": str(cache), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    """How many kernels were compiled and loaded."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "Warning" not in err, err
    return tuple(map(int, out.split()))


def test_a_second_process_compiles_nothing(tmp_path):
    compiled, loaded = finish(start(tmp_path))
    assert compiled == 3 and loaded == 0  # the fused group, the sum, the executor
    assert finish(start(tmp_path)) == (0, 3)


def test_two_processes_warm_it_at_once(tmp_path):
    for process in [start(tmp_path) for _ in range(2)]:
        finish(process)
    assert sum(finish(start(tmp_path))) == 3
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert finish(start(tmp_path / "file" / "cache")) == (3, 0)


def test_damaged_files_are_replaced(tmp_path):
    finish(start(tmp_path))
    damaged = [p for p in tmp_path.rglob("*") if p.suffix in (".nbc", ".nbi", ".py")]
    assert damaged
    for path in damaged:
        path.write_bytes(b"damaged")
    assert sum(finish(start(tmp_path))) == 3


def test_the_folder_names_versions_and_processor(tmp_path):
    import numba
    from llvmlite import binding

    finish(start(tmp_path))
    (folder,) = (tmp_path / "numba").iterdir()
    assert numba.__version__ in folder.name and binding.get_host_cpu_name() in folder.name


def test_numbas_own_variable_is_heeded(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "POLYKERAS_CACHE"}
    environment["NUMBA_CACHE_DIR"] = str(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    finish(process)
    assert list(tmp_path.rglob("*.nbc"))


def test_without_compilation_numpys_kernels_run(tmp_path):
    assert finish(start(tmp_path, NUMBA_DISABLE_JIT="1")) == (0, 0)


def test_importing_the_backend_compiles_and_writes_nothing(tmp_path):
    code = "import polykeras_numba; from polykeras_numba.cache import KERNELS; assert not KERNELS.made"
    environment = {**os.environ, "POLYKERAS_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    assert not list(tmp_path.iterdir())
