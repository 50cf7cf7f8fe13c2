"""Backend selection, with fake backends."""

import sys
import threading

import pytest

from polykeras import distributions, registry
from polykeras.runtime import select
from polykeras.runtime.select import BackendUnavailable, UnknownBackend

SOURCE = """
made = []
class {name}:
    name = "{name}"
    polykeras_api = {api}
    def __init__(self): made.append(self)
    def compile(self, program): pass
    @classmethod
    def unavailable(cls): return {cause}
"""

pytestmark = pytest.mark.usefixtures("no_choice")


@pytest.fixture
def backends(site):
    """A function that installs a backend `acme...`, brought by a distribution of its own."""

    def install(name, api=(1, 0), cause=None, source=None):
        text = SOURCE.format(name=name, api=api, cause=repr(cause)) if source is None else source
        module = f"{name}_module"
        site.install(f"dist-{name}", {"polykeras.backends": {name: f"{module}:{name}"}}, {f"{module}.py": text})

    return install


# -- what decides ------------------------------------------------------------------------------------------------------


def test_the_default_is_numpy():
    assert str(select.why()) == "numpy (the default)"


def test_the_order_of_what_decides(backends, monkeypatch):
    for name in ("acme_a", "acme_b", "acme_c", "acme_d", "acme_e"):
        backends(name)

    def decided():
        monkeypatch.setattr(select, "_settled", None)
        return select.why()

    monkeypatch.setitem(select.config._settings(), "backend", "acme_a")
    assert decided().name == "acme_a" and "configuration file" in decided().reason
    monkeypatch.setenv("KERAS_BACKEND", "acme_b")
    assert decided().name == "acme_b" and "KERAS_BACKEND" in decided().reason
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme_c")
    assert decided().name == "acme_c" and "POLYKERAS_BACKEND" in decided().reason
    select.set_backend("acme_d")
    assert decided().name == "acme_d" and "set_backend" in decided().reason
    with select.backend_scope("acme_e") as backend:
        assert decided().name == "acme_e" and "backend_scope" in decided().reason
        assert select.current() is backend and select.resolve("acme_a").name == "acme_a"
    assert decided().name == "acme_d"
    select.set_backend(None)
    assert decided().name == "acme_c"


@pytest.mark.parametrize("value", ["tensorflow", "theano", "jax", ""])
def test_a_keras_backend_that_is_not_ours_is_ignored(monkeypatch, value):
    monkeypatch.setenv("KERAS_BACKEND", value)
    assert select.why().name == "numpy"


def test_asking_why_imports_no_backend(backends, monkeypatch):
    backends("acme_a")
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme_a")
    assert select.why().name == "acme_a" and "acme_a" in select.installed()
    assert "acme_a_module" not in sys.modules


def test_the_environment_is_read_once(backends, monkeypatch):
    backends("acme_a")
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme_a")
    first = select.current()
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme_b")
    assert select.current() is first


# -- instances ---------------------------------------------------------------------------------------------------------


def test_one_instance_per_name_also_with_threads(backends):
    backends("acme_a")
    found, barrier = [], threading.Barrier(8)

    def ask():
        barrier.wait()
        found.append(select.resolve("acme_a"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1
    assert len(sys.modules["acme_a_module"].made) == 1


def test_an_instance_passes_through(backends):
    backends("acme_a")
    backend = select.resolve("acme_a")
    assert select.resolve(backend) is backend


def test_anything_else_is_a_type_error(backends):
    backends("acme_a")
    for wrong in (3, object(), type(select.resolve("acme_a"))):
        with pytest.raises(TypeError, match="named by a string or is an instance"):
            select.resolve(wrong)
    with pytest.raises(TypeError, match="chosen by its name"):
        select.set_backend(3)


def test_a_class_by_its_path(backends, monkeypatch):
    backends("acme_a")
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme_a_module:acme_a")
    assert select.current().name == "acme_a"


def test_a_class_registered_in_the_process(backends):
    backends("acme_a")
    mine = registry.backends.register("acme_mine", type(select.resolve("acme_a")))
    try:
        assert type(select.resolve("acme_mine")) is mine
    finally:
        registry.backends.unregister("acme_mine")


def test_a_scope_is_of_its_thread(backends):
    backends("acme_a")
    backends("acme_b")
    select.set_backend("acme_b")
    seen = []
    with select.backend_scope("acme_a"):
        thread = threading.Thread(target=lambda: seen.append(select.why().name))
        thread.start()
        thread.join()
        assert select.why().name == "acme_a"
    assert seen == ["acme_b"]


def test_scopes_nest_and_end_with_an_exception(backends):
    backends("acme_a")
    backends("acme_b")
    with pytest.raises(KeyError), select.backend_scope("acme_a"):
        with select.backend_scope("acme_b"):
            assert select.why().name == "acme_b"
        assert select.why().name == "acme_a"
        raise KeyError
    assert select.why().name == "numpy"


# -- what can be wrong -------------------------------------------------------------------------------------------------


def test_unknown(backends, monkeypatch):
    backends("acme_cupid")
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme_cupidd")
    with pytest.raises(
        UnknownBackend, match="'acme_cupidd' .*POLYKERAS_BACKEND.*Did you mean 'acme_cupid'.*Installed: .*acme_cupid"
    ):
        select.current()
    assert issubclass(UnknownBackend, ValueError)


def test_known_but_not_installed(monkeypatch, backends):
    backends("acme_a")
    monkeypatch.setattr(distributions, "known_names", lambda group: {"acme_gpu": "polykeras-cupy"})
    with pytest.raises(UnknownBackend, match=r'Installed: .*acme_a.*acme_gpu: pip install "polykeras-cupy\[cuda13\]"'):
        select.resolve("acme_gpu")


def test_import_failed(backends):
    backends("acme_a", source="import acme_absent")
    with pytest.raises(BackendUnavailable, match="'acme_a'.*ModuleNotFoundError.*dist-acme_a 1.0") as caught:
        select.resolve("acme_a")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_import_by_path_failed():
    with pytest.raises(BackendUnavailable, match="acme_absent:Thing.*ModuleNotFoundError") as caught:
        select.resolve("acme_absent:Thing")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_no_device_disturbs_no_other(backends):
    backends("acme_gpu", cause="no NVIDIA driver was found")
    backends("acme_a")
    with pytest.raises(BackendUnavailable, match="cannot work on this machine: no NVIDIA driver was found.*acme_a"):
        select.set_backend("acme_gpu")
    assert select.why().name == "numpy" and select.resolve("acme_a").name == "acme_a"
    assert select.load_class("acme_gpu").__name__ == "acme_gpu", "its class can be asked for what it supports"


@pytest.mark.parametrize("by", ["acme_a", "acme_a_module:acme_a"])
def test_another_interface(backends, by):
    backends("acme_a", api=(99, 0))
    with pytest.raises(BackendUnavailable, match=r"newer plugin interface 99\.0"):
        select.resolve(by)


def test_disabled(backends, monkeypatch):
    backends("acme_a")
    monkeypatch.setenv("POLYKERAS_PLUGINS", "")
    with pytest.raises(BackendUnavailable, match="POLYKERAS_PLUGINS"):
        select.resolve("acme_a")
    assert "acme_a_module" not in sys.modules


def test_not_a_class(backends):
    backends("acme_a", source="acme_a = 3")
    with pytest.raises(BackendUnavailable, match="should be a class"):
        select.resolve("acme_a")


def test_a_constructor_that_fails(backends):
    backends("acme_a", source="class acme_a:\n    def __init__(self): raise OSError('out of memory')")
    with pytest.raises(BackendUnavailable, match="OSError: out of memory") as caught:
        select.resolve("acme_a")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_failed_scope_changes_nothing(backends):
    with pytest.raises(UnknownBackend), select.backend_scope("acme_absent"):
        pass
    assert select.why().name == "numpy"
