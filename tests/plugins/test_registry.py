"""Registries: registration, look-up, and the words of their errors."""

import sys
import threading

import pytest

from polykeras import admission, entrypoints, registry
from polykeras.admission import PluginError
from polykeras.registry import Registry, UnknownName

GROUP = "polykeras.acme"


@pytest.fixture
def shelf():
    return Registry("shelf", GROUP)


# -- registration in the process ---------------------------------------------------------------------------------------


def test_register_and_get(shelf):
    marker = object()
    assert shelf.register("One", marker) is marker
    assert shelf.get("One") is marker and "One" in shelf and shelf.names() == ["One"]


def test_register_is_a_decorator(shelf):
    @shelf.register("Two")
    class Two:
        pass

    assert shelf.get("Two") is Two


def test_a_taken_name_is_an_error_unless_replaced(shelf):
    shelf.register("One", int)
    with pytest.raises(ValueError, match=r"'One'.*taken by builtins:int.*replace=True"):
        shelf.register("One", float)
    assert shelf.get("One") is int
    shelf.register("One", float, replace=True)
    assert shelf.get("One") is float


def test_defining_the_same_class_again_replaces_it(shelf):
    def define():
        @shelf.register("Cell")
        class Cell:
            pass

        return Cell

    first, second = define(), define()
    assert first is not second and shelf.get("Cell") is second


def test_a_name_of_an_installed_distribution_is_not_replaced_silently(shelf, site):
    site.install("acme-shelf", {GROUP: {"Oak": "acme_shelf:Oak"}}, {"acme_shelf.py": "class Oak: pass"})
    with pytest.raises(ValueError, match=r"acme_shelf:Oak of acme-shelf 1\.0"):
        shelf.register("Oak", int)
    shelf.register("Oak", int, replace=True)
    assert shelf.get("Oak") is int
    shelf.unregister("Oak")
    assert shelf.get("Oak").__name__ == "Oak"


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_is_a_string(shelf, name):
    with pytest.raises(TypeError, match="non-empty string"):
        shelf.register(name, int)


# -- look-up of installed names ----------------------------------------------------------------------------------------


def test_loading_one_name_loads_no_other(shelf, site):
    site.install(
        "acme-shelf",
        {GROUP: {"Oak": "acme_oak:Oak", "Elm": "acme_elm:Elm"}},
        {"acme_oak.py": "class Oak: pass", "acme_elm.py": "class Elm: pass"},
    )
    assert shelf.names() == ["Elm", "Oak"]
    assert shelf.get("Oak") is sys.modules["acme_oak"].Oak
    assert "acme_elm" not in sys.modules


def test_two_claims_are_an_error_that_names_both(shelf, site):
    site.install("acme-one", {GROUP: {"Oak": "acme_one:Oak", "Elm": "acme_one:Elm"}}, {"acme_one.py": "Oak = Elm = 1"})
    site.install("acme-two", {GROUP: {"Oak": "acme_two:Oak"}}, {"acme_two.py": "Oak = 2"}, version="3.2")
    with pytest.raises(PluginError, match=r"(?s)'Oak'.*acme-one 1\.0 and acme-two 3\.2.*POLYKERAS_PLUGINS"):
        shelf.get("Oak")
    assert shelf.get("Elm") == 1
    (failure,) = admission.failures()
    assert {claim.distribution for claim in failure.claims} == {"acme-one", "acme-two"}


def test_the_kill_switch_settles_two_claims(shelf, site, monkeypatch):
    site.install("acme-one", {GROUP: {"Oak": "acme_one:Oak"}}, {"acme_one.py": "Oak = 1"})
    site.install("acme-two", {GROUP: {"Oak": "acme_two:Oak"}}, {"acme_two.py": "Oak = 2"})
    monkeypatch.setenv("POLYKERAS_PLUGINS", "acme-two")
    assert shelf.get("Oak") == 2


def test_a_broken_plugin_is_raised_when_asked_for_and_harmless_otherwise(shelf, site):
    site.install(
        "acme-shelf",
        {GROUP: {"Oak": "acme_oak:Oak", "Elm": "acme_elm:Elm"}},
        {"acme_oak.py": "import acme_absent", "acme_elm.py": "Elm = 1"},
    )
    assert shelf.names() == ["Elm", "Oak"] and shelf.get("Elm") == 1 and not admission.failures()
    with pytest.raises(PluginError, match="acme-shelf 1.0.*ModuleNotFoundError.*acme_absent") as caught:
        shelf.get("Oak")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert [failure.claims[0].name for failure in admission.failures()] == ["Oak"]
    assert shelf.usable_names() == ["Elm"]


def test_a_failure_is_kept_and_its_module_not_run_again(shelf, site):
    source = "with open(__file__ + '.runs', 'a') as runs: runs.write('x')\nraise ValueError('no')"
    site.install("acme-shelf", {GROUP: {"Oak": "acme_oak:Oak"}}, {"acme_oak.py": source})
    for _ in range(3):
        with pytest.raises(PluginError):
            shelf.get("Oak")
    assert (site.path / "acme_oak.py.runs").read_text() == "x"
    entrypoints.refresh()
    assert not admission.failures(), "after a refresh a repaired plugin gets another chance"


def test_a_plugin_that_lacks_its_object_is_broken(shelf, site):
    site.install("acme-shelf", {GROUP: {"Oak": "acme_oak:Oak"}}, {"acme_oak.py": ""})
    with pytest.raises(PluginError, match="has no attribute 'Oak'"):
        shelf.get("Oak")


def test_a_plugin_that_exits_does_not_end_the_process(shelf, site):
    site.install("acme-shelf", {GROUP: {"Oak": "acme_oak:Oak"}}, {"acme_oak.py": "raise SystemExit(1)"})
    with pytest.raises(PluginError, match="SystemExit"):
        shelf.get("Oak")


def test_a_circular_import_is_no_verdict(site):
    source = (
        "from polykeras import registry\n"
        "shelf = registry.Registry('shelf', 'polykeras.acme')\n"
        "try: shelf.get('Oak')\n"
        "except ImportError as error: seen = str(error)\n"
        "class Oak: pass\n"
    )
    site.install("acme-shelf", {GROUP: {"Oak": "acme_oak:Oak"}}, {"acme_oak.py": source})
    import acme_oak

    assert "circular import" in acme_oak.seen
    assert acme_oak.shelf.get("Oak") is acme_oak.Oak


def test_many_threads_get_one_object(shelf, site):
    source = "import time\ntime.sleep(0.05)\nclass Oak: pass"
    site.install("acme-shelf", {GROUP: {"Oak": "acme_oak:Oak"}}, {"acme_oak.py": source})
    found, barrier = [], threading.Barrier(8)

    def ask():
        barrier.wait()
        found.append(shelf.get("Oak"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1


# -- unknown names -----------------------------------------------------------------------------------------------------


def test_find_gives_none_for_an_absent_name(shelf):
    assert shelf.find("Nope") is None and "Nope" not in shelf and 3 not in shelf


def test_an_unknown_name_suggests_the_nearest(shelf):
    shelf.register("Mahogany", 1)
    with pytest.raises(UnknownName, match="Unknown shelf: mahagony. Did you mean 'Mahogany'?"):
        shelf.get("mahagony")


def test_an_unknown_name_unlike_any_lists_what_there_is(shelf):
    shelf.register("Oak", 1)
    with pytest.raises(UnknownName, match="Registered: Oak"):
        shelf.get("zzzzzz")


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(entrypoints, "_index", {})
    monkeypatch.setattr(entrypoints, "version_of", {}.get)


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_distribution_is_named_with_its_install_line():
    with pytest.raises(UnknownName, match="Unknown layer: Dense.*polykeras-layers.*pip install polykeras-layers"):
        registry.layers.get("Dense")
    with pytest.raises(UnknownName, match="Did you mean 'Dropout'.*pip install polykeras-layers"):
        registry.layers.get("Droupout")
    with pytest.raises(UnknownName, match="pip install polykeras-optimizers"):
        registry.optimizers.get("Adam")


@pytest.mark.usefixtures("nothing_installed")
def test_an_installed_distribution_that_lacks_a_name_is_to_be_upgraded(monkeypatch):
    monkeypatch.setattr(entrypoints, "version_of", {"polykeras-layers": "0.0.1"}.get)
    with pytest.raises(UnknownName, match="Unknown layer: Dense.*0.0.1: pip install --upgrade polykeras-layers"):
        registry.layers.get("Dense")
