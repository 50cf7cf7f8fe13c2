"""The kill switch and the API handshake."""

import sys

import pytest

from polykeras import admission, api_version, distributions, entrypoints
from polykeras.admission import PluginError
from polykeras.registry import Registry

GROUP = "polykeras.acme"
MAJOR, MINOR = api_version.API


@pytest.fixture
def shelf(site):
    site.install(
        "Acme_Shelf",
        {GROUP: {"Oak": "acme_pkg.oak:Oak"}},
        {"acme_pkg/__init__.py": "polykeras_api = (1, 0)", "acme_pkg/oak.py": "class Oak: pass"},
    )
    return Registry("shelf", GROUP)


# -- POLYKERAS_PLUGINS -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", ["acme-shelf", "other, ACME.shelf ,"])
def test_a_listed_distribution_loads(shelf, monkeypatch, allowed):
    monkeypatch.setenv("POLYKERAS_PLUGINS", allowed)
    assert shelf.names() == ["Oak"] and shelf.get("Oak").__name__ == "Oak"


@pytest.mark.parametrize("allowed", ["", "other"])
def test_an_unlisted_distribution_does_not(shelf, monkeypatch, allowed):
    monkeypatch.setenv("POLYKERAS_PLUGINS", allowed)
    assert shelf.names() == [] and "Oak" not in shelf
    with pytest.raises(PluginError, match=r"'Oak'.*Acme_Shelf.*POLYKERAS_PLUGINS does not list"):
        shelf.get("Oak")
    assert "acme_pkg" not in sys.modules
    assert not admission.failures(), "switched off is not broken"


def test_our_own_distributions_stay_on(shelf, monkeypatch):
    monkeypatch.setenv("POLYKERAS_PLUGINS", "")
    monkeypatch.setattr(distributions, "FIRST_PARTY", frozenset({"acme-shelf"}))
    assert shelf.get("Oak").__name__ == "Oak"


# -- polykeras_api -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [(MAJOR, MINOR), [MAJOR, 0]])
def test_matching_versions(declared):
    assert api_version.mismatch(declared) is None


@pytest.mark.parametrize(
    "declared, words",
    [
        ((MAJOR, MINOR + 1), "newer plugin interface"),
        ((MAJOR + 1, 0), "newer plugin interface"),
        ((MAJOR - 1, 9), "older plugin interface"),
        ("1.0", "expected two integers"),
        ((1, 0, 0), "expected two integers"),
        (None, "expected two integers"),
    ],
)
def test_other_versions(declared, words):
    assert words in api_version.mismatch(declared)


def test_a_plugin_for_another_interface_is_a_kept_failure(shelf, site):
    (site.path / "acme_pkg/__init__.py").write_text("polykeras_api = (99, 0)")
    with pytest.raises(PluginError, match=r"99\.0.*pip install --upgrade Acme_Shelf polykeras-core"):
        shelf.get("Oak")
    assert "acme_pkg.oak" not in sys.modules, "the handshake comes before the rest of the plugin"
    assert len(admission.failures()) == 1


def test_a_plugin_that_declares_nothing_counts_as_the_first(shelf, site, monkeypatch):
    (site.path / "acme_pkg/__init__.py").write_text("")
    monkeypatch.setattr(api_version, "API", (1, 7))
    assert shelf.get("Oak").__name__ == "Oak"
    monkeypatch.setattr(api_version, "API", (2, 0))
    entrypoints.refresh()
    with pytest.raises(PluginError, match=r"older plugin interface 1\.0"):
        shelf.get("Oak")


def test_a_class_declares_for_itself(shelf, site):
    (site.path / "acme_pkg/oak.py").write_text("class Oak: polykeras_api = (99, 0)")
    with pytest.raises(PluginError, match=r"99\.0"):
        shelf.get("Oak")


def test_core_base_classes_do_not_speak_for_those_derived_from_them():
    base = type("Base", (), {"polykeras_api": (99, 0), "__module__": "polykeras.runtime.backend"})
    derived = type("Derived", (base,), {"__module__": "acme"})
    assert admission.declared_api(derived) is None
    own = type("Own", (base,), {"__module__": "acme", "polykeras_api": (1, 0)})
    assert admission.declared_api(type("Further", (own,), {"__module__": "acme"})) == (1, 0)


# -- the data file of known names --------------------------------------------------------------------------------------


def test_every_known_name_comes_from_one_of_our_distributions():
    for group in ("backends", "layers", "optimizers", "metrics", "applications"):
        known = distributions.known_names(f"polykeras.{group}")
        assert known and set(known.values()) <= distributions.FIRST_PARTY
    assert distributions.bringer("polykeras.layers", "Dense") == "polykeras-layers"
    assert distributions.bringer("polykeras.layers", "Nope") is None


def test_install_lines():
    assert distributions.install_line("polykeras-layers") == "pip install polykeras-layers"
    assert distributions.install_line("polykeras-cupy") == 'pip install "polykeras-cupy[cuda13]"'
