"""Fake distributions: a dist-info and modules in a temporary directory on the import path."""

from __future__ import annotations

import sys

import pytest

from polykeras import entrypoints
from polykeras.runtime import select


class Site:
    """A directory that Python takes for one where distributions are installed."""

    def __init__(self, path):
        self.path = path

    def install(self, name, entry_points, modules=None, version="1.0"):
        """Install a fake distribution: `entry_points` is {group: {name: value}}, `modules` is {file: source}."""
        info = self.path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        sections = [
            f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
            for group, points in entry_points.items()
        ]
        (info / "entry_points.txt").write_text("\n\n".join(sections) + "\n")
        for file, source in (modules or {}).items():
            target = self.path / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source)
        entrypoints.refresh()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty site for fake distributions, whose modules are named `acme...`; all traces go afterwards."""
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.delenv("POLYKERAS_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(path))
    entrypoints.refresh()
    yield Site(path)
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("acme")]:
        del sys.modules[name]
    monkeypatch.undo()
    entrypoints.refresh()


@pytest.fixture
def no_choice(monkeypatch, tmp_path):
    """No backend chosen by anything yet, and none made."""
    monkeypatch.setattr(select, "_set", None)
    monkeypatch.setattr(select, "_settled", None)
    monkeypatch.setattr(select, "_instances", {})
    monkeypatch.delenv("POLYKERAS_BACKEND", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(select.config, "_current", {**select.config._BUILT_IN})
