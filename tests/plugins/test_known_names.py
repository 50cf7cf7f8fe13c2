"""The data file of known names agrees with what this repository's distributions declare."""

import json
import tomllib
from pathlib import Path

import pytest

from polykeras import distributions

ROOT = Path(__file__).parents[2]
PROJECTS = [path for folder in ("backends", "plugins") for path in sorted(ROOT.glob(f"{folder}/*/pyproject.toml"))]
GROUPS = [
    f"polykeras.{kind}"
    for kind in ("backends", "layers", "optimizers", "schedules", "metrics", "callbacks", "applications", "modules")
]


def declared():
    """(distribution, group, name) of every entry point of our own distributions that the file should know."""
    for path in PROJECTS:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        if project["name"] in distributions.FIRST_PARTY:
            for group, names in project.get("entry-points", {}).items():
                if group in GROUPS:
                    for name in names:
                        yield project["name"], group, name


@pytest.mark.skipif(not PROJECTS, reason="not run in the repository")
def test_known_names_hold_every_entry_point_of_ours():
    missing = [
        f"{name} ({group}) of {distribution}"
        for distribution, group, name in declared()
        if distributions.bringer(group, name) != distribution
    ]
    assert not missing, "add to core/src/polykeras/known.json"


def test_no_key_stands_twice():
    def unique(pairs):
        assert len(dict(pairs)) == len(pairs), sorted(key for key, _ in pairs)
        return dict(pairs)

    text = (Path(distributions.__file__).parent / "known.json").read_text(encoding="utf-8")
    assert json.loads(text, object_pairs_hook=unique)
