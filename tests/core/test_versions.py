"""One version number for all distributions, and sibling requirements that follow from it."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PYPROJECTS = sorted(
    [ROOT / "pyproject.toml", ROOT / "core/pyproject.toml"]
    + [path for kind in ("backends", "plugins") for path in (ROOT / kind).glob("*/pyproject.toml")]
)
PROJECTS = {str(path.parent.relative_to(ROOT)): tomllib.loads(path.read_text())["project"] for path in PYPROJECTS}
VERSION = PROJECTS["core"]["version"]
OURS = {project["name"] for project in PROJECTS.values()}


def sibling_requirements(project: dict) -> list[tuple[str, str]]:
    """(name, range) of each requirement of `project`, extras included, that is one of our own distributions."""
    texts = list(project.get("dependencies", []))
    for extra in project.get("optional-dependencies", {}).values():
        texts += extra
    found = [re.fullmatch(r"([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?(.*)", text) for text in texts]
    return [(match[1], match[2]) for match in found if match and match[1] in OURS]


@pytest.mark.parametrize("folder", PROJECTS)
def test_version_is_that_of_core(folder):
    assert PROJECTS[folder]["version"] == VERSION


def test_package_states_the_version_of_its_distribution():
    import polykeras

    assert polykeras.__version__ == VERSION


@pytest.mark.parametrize("folder", PROJECTS)
def test_siblings_are_required_within_one_minor_version(folder):
    major, minor, _ = map(int, VERSION.split("."))
    siblings = [(name, range_) for name, range_ in sibling_requirements(PROJECTS[folder]) if name != "polykeras"]
    assert siblings or folder == "core"
    assert {range_ for _, range_ in siblings} <= {f">={major}.{minor},<{major}.{minor + 1}"}


def test_changelog_tells_of_this_version():
    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text()


def test_no_extra_of_the_meta_distribution_pulls_both_cuda_series():
    extras = PROJECTS["."]["optional-dependencies"]
    assert not any("cupy" in requirement for requirement in extras["all"])
    assert extras["cupy-cuda12"] != extras["cupy-cuda13"]


def test_requirements_file_lists_every_distribution_that_users_install():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    listed = {line.split("[")[0].removeprefix("./") for line in lines if line and not line.startswith("#")}
    assert listed == set(PROJECTS) - {"plugins/pytest", "plugins/template"}
