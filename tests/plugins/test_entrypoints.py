"""The index of entry points."""

from polykeras import entrypoints

GROUP = "polykeras.layers"


def test_a_claim_says_who_brings_what(site):
    site.install("acme-gates", {GROUP: {"AcmeGate": "acme_gates.layers:Gate"}}, version="2.1")
    (claim,) = entrypoints.claims(GROUP, "AcmeGate")
    assert (claim.module, claim.attribute, claim.origin) == ("acme_gates.layers", "Gate", "acme-gates 2.1")


def test_indexing_imports_nothing(site):
    site.install("acme-bomb", {GROUP: {"AcmeBomb": "acme_bomb:Bomb"}}, {"acme_bomb.py": "raise SystemExit(3)"})
    assert "AcmeBomb" in entrypoints.group_claims(GROUP)


def test_other_groups_are_not_indexed(site):
    site.install("acme-tool", {"console_scripts": {"polykeras-acme": "acme:main"}, "polykeras.layers": {"A": "acme:A"}})
    assert not entrypoints.group_claims("console_scripts")
    assert entrypoints.claims("polykeras.layers", "A")


def test_refresh_sees_what_was_removed(site):
    site.install("acme-gates", {GROUP: {"AcmeGate": "acme_gates:Gate"}})
    assert entrypoints.claims(GROUP, "AcmeGate")
    (next(site.path.glob("*.dist-info")) / "entry_points.txt").unlink()
    assert entrypoints.claims(GROUP, "AcmeGate"), "the index is kept until it is refreshed"
    entrypoints.refresh()
    assert not entrypoints.claims(GROUP, "AcmeGate")


def test_a_distribution_found_twice_counts_once(site, tmp_path, monkeypatch):
    site.install("acme-gates", {GROUP: {"AcmeGate": "acme_gates:Gate"}}, version="1.0")
    old = type(site)(tmp_path / "old")
    old.path.mkdir()
    old.install("Acme_Gates", {GROUP: {"AcmeGate": "acme_old:Gate"}}, version="0.9")
    monkeypatch.syspath_prepend(str(old.path))
    monkeypatch.syspath_prepend(str(site.path))
    entrypoints.refresh()
    assert [claim.version for claim in entrypoints.claims(GROUP, "AcmeGate")] == ["1.0"]


def test_names_are_compared_as_package_indexes_do():
    assert entrypoints.normalized(" Acme_.Gates ") == "acme-gates"
