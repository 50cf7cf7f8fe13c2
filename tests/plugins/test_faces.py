"""Lazy modules, and modules that show a registry."""

import importlib
import sys
import types
import warnings

import pytest

import polykeras
from polykeras import admission
from polykeras._faces import LazyNames, face, lazy
from polykeras.admission import PluginError
from polykeras.registry import Registry

GROUP = "polykeras.acme"


@pytest.fixture
def module(monkeypatch):
    """An empty module that imports can find."""
    made = types.ModuleType("acme_face")
    monkeypatch.setitem(sys.modules, "acme_face", made)
    return made


@pytest.fixture
def shown(site, module):
    """A face over a registry of two sound names, a broken one and a contested one, and one name of core's."""
    site.install(
        "acme-shelf",
        {GROUP: {"Oak": "acme_wood:Oak", "Elm": "acme_wood:Elm", "Rot": "acme_rot:Rot", "Ash": "acme:A"}},
        {"acme_wood.py": "Oak, Elm = 1, 2", "acme_rot.py": "raise RuntimeError('worms')"},
    )
    site.install("acme-other", {GROUP: {"Ash": "acme_other:Ash"}})
    module.__getattr__, module.__dir__ = face("acme_face", Registry("shelf", GROUP), {"Path": "pathlib:PurePath"})
    return module


# -- faces -------------------------------------------------------------------------------------------------------------


def test_a_registered_name_is_importable(shown):
    from acme_face import Oak

    assert Oak == 1 and shown.Elm == 2


def test_core_names_are_importable_and_then_remembered(shown):
    import pathlib

    assert shown.Path is pathlib.PurePath and vars(shown)["Path"] is pathlib.PurePath


def test_star_import_leaves_out_what_fails(shown):
    scope = {}
    exec("from acme_face import *", scope)  # noqa: S102  a user's own lines
    assert {name for name in scope if not name.startswith("__")} == {"Oak", "Elm", "Path"}
    assert len(admission.failures()) == 2


def test_a_broken_name_is_raised_when_asked_for(shown):
    for ask in (lambda: shown.Rot, lambda: exec("from acme_face import Rot")):  # noqa: S102  a user's own lines
        with pytest.raises(PluginError, match="acme-shelf.*worms") as caught:
            ask()
        assert isinstance(caught.value.__cause__, RuntimeError)


def test_dir_lists_all_names_and_loads_none(shown):
    assert {"Oak", "Elm", "Rot", "Ash", "Path", "__name__"} <= set(dir(shown))
    assert "acme_wood" not in sys.modules


def test_a_missing_name_has_advice_in_both_ways_of_asking(shown):
    with pytest.raises(AttributeError, match="no attribute 'Oack'.*Did you mean 'Oak'"):
        _ = shown.Oack
    with pytest.raises(ImportError, match="cannot import name 'Oack' from 'acme_face'.*Did you mean 'Oak'"):
        from acme_face import Oack  # noqa: F401
    with pytest.raises(AttributeError, match="Did you mean 'Path'"):
        _ = shown.Paht
    assert not hasattr(shown, "Oack") and not hasattr(shown, "__path__")


def test_a_replaced_registration_shows_at_once(module):
    shelf = Registry("shelf", GROUP)
    module.__getattr__, module.__dir__ = face("acme_face", shelf, {})
    shelf.register("Oak", 1)
    assert module.Oak == 1
    shelf.register("Oak", 2, replace=True)
    assert module.Oak == 2


def test_lazy_names_look_in_core_first():
    shelf = Registry("shelf", GROUP)
    shelf.register("Oak", 1)
    names = LazyNames({"Path": "pathlib:PurePath"}, shelf)
    assert names.find("Path").__name__ == "PurePath" and names.find("Oak") == 1 and names.find("Elm") is None
    assert "Unknown shelf: Elm" in names.unknown_text("Elm")


# -- lazy modules ------------------------------------------------------------------------------------------------------


def test_a_lazy_name_is_imported_when_asked_for(module, site):
    (site.path / "acme_slow.py").write_text("Thing = 5")
    module.__getattr__, module.__dir__ = lazy("acme_face", {"Thing": "acme_slow:Thing", "slow": "acme_slow"})
    assert "acme_slow" not in sys.modules and {"Thing", "slow"} <= set(dir(module))
    assert module.Thing == 5 and module.slow is sys.modules["acme_slow"]


# -- polykeras itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["applications", "layers", "metrics", "optimizers", "utils"])
def test_submodules_are_attributes(name):
    assert getattr(polykeras, name) is importlib.import_module(f"polykeras.{name}")
    assert name in dir(polykeras)


def test_helpers_are_not_shown():
    assert not {"lazy", "annotations", "Any", "_faces"} & set(dir(polykeras))


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean 'layers'"):
        _ = polykeras.layer
    with pytest.raises(ImportError, match="Did you mean 'Sequential'"):
        from polykeras import Sequental  # noqa: F401


@pytest.mark.parametrize("misprint, right", [("optimizer", "optimizers"), ("regularizer", "regularizers")])
def test_misprints_warn_at_the_callers_line(misprint, right, monkeypatch):
    monkeypatch.setitem(sys.modules, f"polykeras.{right}", types.ModuleType(f"polykeras.{right}"))
    monkeypatch.delitem(vars(polykeras), right, raising=False)
    with pytest.warns(DeprecationWarning, match=f"spelt polykeras.{right}") as caught:
        assert getattr(polykeras, misprint) is sys.modules[f"polykeras.{right}"]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("misprint, right", [("optimizer", "optimizers"), ("regularizer", "regularizers")])
def test_misprinted_modules_are_importable(misprint, right, monkeypatch):
    stand_in = types.ModuleType(f"polykeras.{right}")
    monkeypatch.setitem(sys.modules, f"polykeras.{right}", stand_in)
    monkeypatch.setattr(polykeras, right, stand_in, raising=False)
    monkeypatch.delitem(sys.modules, f"polykeras.{misprint}", raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scope = {}
        exec(compile(f"import polykeras.{misprint} as found", "a_script.py", "exec"), scope)  # noqa: S102  a user's own lines
    monkeypatch.delitem(vars(polykeras), misprint, raising=False)
    monkeypatch.delitem(sys.modules, f"polykeras.{misprint}", raising=False)
    assert scope["found"] is stand_in
    (warning,) = caught
    assert warning.category is DeprecationWarning and warning.filename == "a_script.py"


# -- the layers' face --------------------------------------------------------------------------------------------------


def test_layers_shows_registered_layers(site):
    from polykeras import layers

    source = "class Gate: pass"
    site.install("acme-gates", {"polykeras.layers": {"AcmeGate": "acme_gates:Gate"}}, {"acme_gates.py": source})
    assert layers.AcmeGate.__name__ == "Gate" and "AcmeGate" in dir(layers)


def test_deserialize_finds_registered_layers(site):
    from polykeras import layers

    source = (
        "class Gate:\n"
        "    def __init__(self, units): self.units = units\n"
        "    def get_config(self): return {'units': self.units}\n"
        "    from_config = classmethod(lambda cls, config: cls(**config))\n"
    )
    site.install("acme-gates", {"polykeras.layers": {"Gate": "acme_gates:Gate"}}, {"acme_gates.py": source})
    config = {"class_name": "Gate", "config": {"units": 3}}
    gate = layers.deserialize(config)
    assert gate.units == 3 and layers.serialize(gate) == config


def test_deserialize_of_an_unknown_layer():
    from polykeras import layers

    with pytest.raises(ValueError, match="Unknown layer: NoSuchThing"):
        layers.deserialize({"class_name": "NoSuchThing", "config": {}})


def test_deserialize_imports_no_name_that_a_config_chose():
    from polykeras import layers

    for name in ("os.system", "subprocess:Popen", "builtins.eval", "__import__", "eval"):
        with pytest.raises(ValueError, match="Unknown layer"):
            layers.deserialize({"class_name": name, "config": {}})


@pytest.mark.parametrize("path", ["layers.core", "layers.merge", "legacy.layers"])
def test_star_imports_from_keras_paths_bring_keras_names(path):
    """`from keras.layers.core import *` must not overwrite a script's own `dot` or `add`; single names are lenient."""
    scope = {}
    exec(f"from polykeras.{path} import *", scope)  # noqa: S102  a user's own lines
    own = {"layers.core": "Dense", "layers.merge": "Dot", "legacy.layers": "Highway"}
    assert own[path] in scope and ("dot" in scope) == (path == "layers.merge")
    assert importlib.import_module(f"polykeras.{path}").LSTM is polykeras.layers.LSTM


def test_a_path_of_layers_without_their_distribution_says_what_to_install(monkeypatch):
    monkeypatch.setattr("polykeras.entrypoints._index", {})
    monkeypatch.setattr("polykeras.entrypoints.version_of", lambda distribution: None)
    monkeypatch.delitem(sys.modules, "polykeras.layers.core", raising=False)
    with pytest.raises(ModuleNotFoundError, match="pip install polykeras-layers"):
        importlib.import_module("polykeras.layers.core")
