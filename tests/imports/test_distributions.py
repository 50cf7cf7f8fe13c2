"""Each folder is a whole distribution: it builds a wheel, says what it needs, and imports with that alone.

A wheel is a zip of what goes into site-packages, so an environment that holds just some of ours is made of their
wheels, unpacked, and of links to what others made; Python runs in it without its own site-packages.
"""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterable
from email.message import Message
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = {
    "polykeras": [],
    "polykeras-core": ["polykeras"],
    "polykeras-numpy": ["polykeras_numpy"],
    "polykeras-numba": ["polykeras_numba"],
    "polykeras-cupy": ["polykeras_cupy"],
    "polykeras-layers": ["polykeras_layers"],
    "polykeras-optimizers": ["polykeras_optimizers"],
    "polykeras-metrics": ["polykeras_metrics"],
    "polykeras-applications": ["polykeras_applications"],
    "polykeras-tensorboard": ["polykeras_tensorboard"],
    "polykeras-template": ["polykeras_template"],
    "pytest-polykeras": ["pytest_polykeras", "polykeras_conformance"],
}


class Wheel:
    """A wheel of ours, unpacked."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.folder = folder / file.stem
        with zipfile.ZipFile(file) as archive:
            archive.extractall(self.folder)
        [self.info] = self.folder.glob("*.dist-info")
        self.metadata: Message = Parser().parsestr((self.info / "METADATA").read_text())
        self.name: str = self.metadata["Name"]

    def requirements(self) -> list[str]:
        """Names of what it needs always, extras left out."""
        lines = self.metadata.get_all("Requires-Dist") or []
        return [re.match(r"[A-Za-z0-9._-]+", line)[0] for line in lines if "extra ==" not in line]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Wheel]:
    """Every distribution's wheel by name, built here."""
    spec = importlib.util.spec_from_file_location("wheels", ROOT / "tools/wheels.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    wheelhouse = tmp_path_factory.mktemp("wheelhouse")
    builder.build_wheels(wheelhouse)
    unpacked = tmp_path_factory.mktemp("unpacked")
    found = [Wheel(file, unpacked) for file in sorted(wheelhouse.glob("*.whl"))]
    return {wheel.name: wheel for wheel in found}


def closure(wheels: dict[str, Wheel], name: str) -> set[str]:
    """`name` and all of ours that it needs, theirs included."""
    needed = {name}
    for requirement in wheels[name].requirements():
        if requirement in wheels:
            needed |= closure(wheels, requirement)
    return needed


@pytest.fixture(scope="module")
def third_party(tmp_path_factory) -> Path:
    """A folder of links to all that is installed here, save what is ours."""
    folder = tmp_path_factory.mktemp("third-party")
    for name in ("purelib", "platlib"):
        for entry in Path(sysconfig.get_path(name)).iterdir():
            ours = entry.name.lower().startswith(("polykeras", "pytest_polykeras", "__editable__"))
            if not ours and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def python(wheels, third_party) -> Callable[[Iterable[str], str], subprocess.CompletedProcess]:
    """`python(installed, code)` runs `code` where just `installed`, of ours, is installed."""

    def run(installed: Iterable[str], code: str) -> subprocess.CompletedProcess:
        ours = ("POLYKERAS", "KERAS", "PYTHON")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        path = [*(wheels[name].folder for name in sorted(installed)), third_party]
        environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
        return subprocess.run(
            [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
        )

    return run


def test_every_folder_builds_its_wheel(wheels):
    assert set(wheels) == set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_wheel_carries_readme_licence_and_python_floor(wheels, name):
    metadata = wheels[name].metadata
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_payload().startswith(f"# {name}\n")
    [licence] = wheels[name].info.glob("licenses/LICENSE")
    assert "Apache License" in licence.read_text()


@pytest.mark.parametrize("name", [name for name, packages in PACKAGES.items() if packages])
def test_distribution_imports_with_its_own_requirements_alone(wheels, python, name):
    code = "; ".join(f"import {package}" for package in PACKAGES[name])
    done = python(closure(wheels, name), code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PACKAGES)
def test_entry_points_lead_somewhere(wheels, python, name):
    """Every `module:object` that a wheel declares can be loaded, where its requirements are there."""
    code = (
        "from importlib.metadata import distribution\n"
        f"for point in distribution({name!r}).entry_points:\n"
        "    try:\n"
        "        point.load()\n"
        "    except (ImportError, AttributeError) as error:\n"
        "        print(f'{point.group} {point.name} = {point.value}: {error}')\n"
    )
    done = python(closure(wheels, name), code)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


ASKED_FOR = {
    "polykeras-numpy": "from polykeras import backend as K; K.eval(K.constant(1.0))",
    "polykeras-layers": "from polykeras.layers import Dense",
    "polykeras-optimizers": "from polykeras.optimizers import Adam",
    "polykeras-metrics": "from polykeras.metrics import top_k_categorical_accuracy",
    "polykeras-applications": "from polykeras.applications import VGG16",
}


@pytest.mark.parametrize("missing", ASKED_FOR)
def test_without_one_distribution_the_rest_works_and_its_names_say_how_to_get_it(wheels, python, missing):
    standard = closure(wheels, "polykeras") | closure(wheels, "polykeras-applications")
    rest = standard - {missing, "polykeras"}
    usable = [name for name in ASKED_FOR if missing not in closure(wheels, name) and name != "polykeras-numpy"]
    code = f"""
for present in {[ASKED_FOR[name] for name in usable]}:
    exec(present)
try:
    exec({ASKED_FOR[missing]!r})
except Exception as error:
    print(error)
"""
    done = python(rest, code)
    assert done.returncode == 0, done.stderr
    assert f"pip install {missing}" in done.stdout


def test_tensorboard_says_how_to_get_it(wheels, python):
    done = python(closure(wheels, "polykeras"), "from polykeras.callbacks import TensorBoard")
    assert done.returncode == 1
    assert "pip install polykeras-tensorboard" in done.stderr


def installed_bytes(name: str) -> int:
    """Size on disk of an installed distribution, what its wheel brought."""
    return sum(file.locate().stat().st_size for file in distribution(name).files or [] if file.locate().is_file())


def test_install_stays_small(wheels):
    """Core, the NumPy backend, the standard plugins and what they need: 110 MB at the most."""
    ours = sum(
        file.stat().st_size
        for name in closure(wheels, "polykeras")
        for file in wheels[name].folder.rglob("*")
        if file.is_file()
    )
    assert ours + sum(map(installed_bytes, ["numpy", "h5py", "pluggy"])) <= 110e6
