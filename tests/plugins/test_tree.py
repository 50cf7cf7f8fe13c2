"""Modules that plugins add to the tree below polykeras."""

import importlib
import subprocess
import sys

import pytest

import polykeras
from polykeras import _tree, admission, registry
from polykeras.admission import PluginError

GROUP = "polykeras.modules"


@pytest.fixture
def tree(site, monkeypatch):
    """The site; what is imported below polykeras by way of an announcement is forgotten afterwards."""
    monkeypatch.setattr(_tree, "_aliases", dict(_tree._aliases))
    yield site
    brought = [name for name, module in sys.modules.items()
               if name.startswith("polykeras.") and module.__name__.startswith("acme")]  # fmt: skip
    for name in brought:
        package, _, last = name.rpartition(".")
        vars(sys.modules[package]).pop(last, None)
    for name in brought:
        del sys.modules[name]


def announce(site, **modules):
    """A distribution that brings modules: path with `__` for dots, and source."""
    points = {path.replace("__", "."): f"acme_{path}" for path in modules}
    site.install("acme-tree", {GROUP: points}, {f"acme_{path}.py": source for path, source in modules.items()})


def test_an_announced_module_is_imported_by_its_path(tree):
    announce(tree, preprocessing__audio="RATE = 16000\ndef load(): return RATE")
    from polykeras.preprocessing.audio import load

    assert load() == 16000
    import polykeras.preprocessing.audio as audio

    assert audio is sys.modules["acme_preprocessing__audio"] is polykeras.preprocessing.audio


def test_it_is_found_as_an_attribute_and_listed_without_being_imported(tree):
    announce(tree, preprocessing__audio="RATE = 16000", acmetop="", layers__acme="")
    assert "audio" in dir(polykeras.preprocessing) and "acmetop" in dir(polykeras) and "acme" in dir(polykeras.layers)
    assert not {"acme_preprocessing__audio", "acme_acmetop", "acme_layers__acme"} & set(sys.modules)
    assert polykeras.preprocessing.audio.RATE == 16000
    assert polykeras.layers.acme is importlib.import_module("polykeras.layers.acme")
    assert polykeras.acmetop is sys.modules["acme_acmetop"]


def test_from_package_import_module(tree):
    announce(tree, preprocessing__audio="RATE = 16000")
    from polykeras.preprocessing import audio

    assert audio.RATE == 16000


def test_a_package_brings_its_modules_along_each_once(tree):
    tree.install(
        "acme-pets",
        {GROUP: {"pets": "acme_pets"}},
        {"acme_pets/__init__.py": "", "acme_pets/cat.py": "class Cat: pass", "acme_pets/wild/__init__.py": "",
         "acme_pets/wild/lynx.py": "from ..cat import Cat"},
    )  # fmt: skip
    from polykeras.pets.cat import Cat
    from polykeras.pets.wild.lynx import Cat as Again

    assert Cat is Again is sys.modules["acme_pets.cat"].Cat
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'polykeras\.pets\.dog'"):
        importlib.import_module("polykeras.pets.dog")
    with pytest.raises(ImportError, match="cannot import name 'dog'"):
        from polykeras.pets import dog  # noqa: F401


def test_another_distribution_adds_to_an_announced_package(tree):
    files = {"acme_pets/__init__.py": "", "acme_pets/cat.py": ""}
    tree.install("acme-pets", {GROUP: {"pets": "acme_pets"}}, files)
    tree.install("acme-birds", {GROUP: {"pets.parrot": "acme_parrot"}}, {"acme_parrot.py": "SAYS = 'hello'"})
    from polykeras.pets import cat
    from polykeras.pets.parrot import SAYS

    assert SAYS == "hello" and cat is sys.modules["acme_pets.cat"]
    assert polykeras.pets.parrot is sys.modules["acme_parrot"]


def test_a_missing_module_inside_an_announced_one_is_named_itself(tree):
    announce(tree, preprocessing__audio="import acme_codec")
    with pytest.raises(PluginError, match="acme_codec") as caught:
        importlib.import_module("polykeras.preprocessing.audio")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert "polykeras.preprocessing.audio" not in sys.modules


def test_core_keeps_its_own_paths(tree):
    announce(tree, layers="raise RuntimeError", utils__np_utils="raise RuntimeError")
    fresh = "import polykeras.layers, polykeras.utils.np_utils as found; print(found.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tree.path)!r}); {fresh}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "polykeras.utils.np_utils"


def test_two_claims_on_one_path_are_an_error_that_names_both(tree):
    announce(tree, preprocessing__audio="")
    tree.install("acme-rival", {GROUP: {"preprocessing.audio": "acme_rival"}}, {"acme_rival.py": ""})
    with pytest.raises(PluginError, match="acme-rival 1.0 and acme-tree 1.0"):
        importlib.import_module("polykeras.preprocessing.audio")


def test_a_broken_module_is_a_kept_failure(tree):
    announce(tree, preprocessing__audio="raise RuntimeError('no sound')")
    for _ in range(2):
        with pytest.raises(PluginError, match="acme-tree.*no sound"):
            importlib.import_module("polykeras.preprocessing.audio")
    assert [failure.claims[0].name for failure in admission.failures()] == ["preprocessing.audio"]


def test_the_kill_switch_holds(tree, monkeypatch):
    announce(tree, preprocessing__audio="")
    monkeypatch.setenv("POLYKERAS_PLUGINS", "")
    assert "audio" not in dir(polykeras.preprocessing)
    with pytest.raises(PluginError, match="POLYKERAS_PLUGINS does not list"):
        importlib.import_module("polykeras.preprocessing.audio")


def test_what_is_no_module_is_refused(tree):
    tree.install("acme-tree", {GROUP: {"preprocessing.audio": "acme_x:Thing"}}, {"acme_x.py": "Thing = 3"})
    with pytest.raises(ImportError, match="announced as 3, which is no module"):
        importlib.import_module("polykeras.preprocessing.audio")


def test_a_module_registered_in_this_process(tree):
    import types

    made = types.ModuleType("acme_made")
    registry.modules.register("preprocessing.made", made)
    try:
        assert importlib.import_module("polykeras.preprocessing.made") is made
    finally:
        registry.modules.unregister("preprocessing.made")


def test_a_path_known_to_come_with_an_absent_distribution_says_so(tree, monkeypatch):
    known = {GROUP: {"applications.acme": "polykeras-acme"}}
    monkeypatch.setattr("polykeras.distributions._known", lambda: known)
    advice = r"applications\.acme.*comes with polykeras-acme, which is not installed: pip install polykeras-acme"
    with pytest.raises(ModuleNotFoundError, match=advice):
        importlib.import_module("polykeras.applications.acme")


def test_a_path_that_nobody_brings():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'polykeras\.preprocessing\.smell'"):
        importlib.import_module("polykeras.preprocessing.smell")
    assert importlib.util.find_spec("polykeras.preprocessing.smell") is None
