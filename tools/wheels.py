"""Build a wheel of every distribution of this checkout: `python tools/wheels.py FOLDER`.

Each is built from a copy of its folder: nothing is written into the checkout, and no stale `build/` leaks into a wheel.
Setuptools is taken from the environment that runs this.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD_LEFTOVERS = shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__", ".*")


def distribution_folders() -> list[Path]:
    """The folders that are distributions: the root, `core`, and those in `backends/` and `plugins/`."""
    return [
        ROOT,
        ROOT / "core",
        *sorted(path.parent for kind in ("backends", "plugins") for path in (ROOT / kind).glob("*/pyproject.toml")),
    ]


def copy_sources(folder: Path, target: Path) -> None:
    """Copy what the wheel of `folder` is built from; the root has no code, so its copy is three files."""
    if folder != ROOT:
        shutil.copytree(folder, target, ignore=BUILD_LEFTOVERS)
        return
    target.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)


def build_wheels(wheelhouse: Path) -> None:
    """Fill `wheelhouse`, emptied first, with one wheel for each distribution."""
    shutil.rmtree(wheelhouse, ignore_errors=True)
    wheelhouse.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        copies = []
        for number, folder in enumerate(distribution_folders()):
            copies.append(Path(scratch) / f"{number}-{folder.name}")
            copy_sources(folder, copies[-1])
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-build-isolation", "--wheel-dir", str(wheelhouse), *map(str, copies)],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    build_wheels(Path(sys.argv[1]).resolve())
