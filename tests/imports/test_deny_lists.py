"""What importing and listing must not import; each in a fresh process."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import polykeras

SOURCES = Path(polykeras.__file__).parent
HEAVY = (
    "h5py",
    "numba",
    "cupy",
    "matplotlib",
    "sklearn",
    "scipy",
    "torch",
    "tensorflow",
    "jax",
    "pytest",
    "hypothesis",
)
FACES = (
    "layers", "optimizers", "metrics", "applications", "utils", "runtime.select", "plugins", "preprocessing.sequence",
    "preprocessing.text", "utils.data_utils", "utils.io_utils",
)  # fmt: skip
PLUGGED = ("polykeras_numpy", "polykeras_numba", "polykeras_cupy", "polykeras_layers", "polykeras_optimizers")


def modules_after(code):
    """The modules that are imported after `code` ran in a fresh interpreter."""
    script = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(*set(sys.modules) - before, file=sys.stderr)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYKERAS_")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_import_polykeras():
    loaded = modules_after("import polykeras")
    assert not loaded & {*HEAVY, *PLUGGED, "numpy", "pluggy", "importlib.metadata"}


@pytest.mark.parametrize("name", FACES)
def test_faces_discover_nothing_at_import(name):
    loaded = modules_after(f"import polykeras.{name}")
    assert not loaded & {*HEAVY, *PLUGGED, "pluggy", "importlib.metadata"}


def test_models_import_threads_and_processes_when_they_use_them():
    assert not modules_after("import polykeras.models") & {"multiprocessing", "concurrent.futures", "hashlib", "socket"}


@pytest.mark.parametrize("command", ["backends", "info"])
def test_listing_imports_no_backend(command):
    loaded = modules_after(f"from polykeras.cli import main\nmain(['{command}'])")
    assert not loaded & {*HEAVY, *PLUGGED, "numpy", "pluggy"}


def test_importing_writes_no_file_and_says_nothing(tmp_path):
    environment = {**os.environ, "POLYKERAS_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    code = "import polykeras; polykeras.layers; polykeras.optimizers"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "") and list(tmp_path.iterdir()) == []


# -- one file each -----------------------------------------------------------------------------------------------------


def importers_of(module):
    """The files of core that import `module`, anywhere in them."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            if any(name == module or name.startswith(f"{module}.") for name in names):
                found.add(path.relative_to(SOURCES).as_posix())
    return found


@pytest.mark.parametrize("module, file", [("importlib.metadata", "entrypoints.py"), ("pluggy", "plugins.py")])
def test_one_file_imports(module, file):
    assert importers_of(module) == {file}


def test_one_file_reads_the_choice_of_a_backend():
    reading = ('environ.get("POLYKERAS_BACKEND"', 'environ["POLYKERAS_BACKEND"', 'getenv("POLYKERAS_BACKEND"')
    readers = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        if any(way in path.read_text(encoding="utf-8") for way in reading)
    }
    assert readers == {"runtime/select.py"}


@pytest.mark.parametrize("module", [*PLUGGED, "polykeras_metrics", "numba", "cupy"])
def test_core_imports_no_backend_and_no_plugin(module):
    assert importers_of(module) == set()
