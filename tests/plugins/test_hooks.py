"""Hooks: one test for each, and what becomes of plugins with mistakes. A hook's test is named `test_<hook>`."""

import argparse
import inspect
import sys
import types

import pytest

from polykeras import admission, hooks, plugins

MISSPELT = """
def polykeras_pases(backend_name, register): pass
def polykeras_train_begin(model): model.append('misspelt')
"""
GOOD = "def polykeras_train_begin(model): model.append('good')"


@pytest.fixture
def plugin(site):
    """A function that registers a plugin of the given functions."""
    registered = []

    def register(*functions):
        module = types.ModuleType(f"acme_plugin_{len(registered)}")
        for function in functions:
            setattr(module, function.__name__, function)
        plugins.manager().register(module)
        registered.append(module)

    yield register
    for module in registered:
        plugins.manager().unregister(module)


# -- every hook --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", plugins.hook_functions())
def test_every_hook_has_a_doc_and_a_test(name):
    assert len(inspect.getdoc(getattr(hooks, name))) > 40
    assert f"test_{name}" in globals()


def test_the_hooks_file_holds_signatures_and_docstrings_only():
    for function in plugins.hook_functions().values():
        source = inspect.getsource(function)
        assert source.rstrip().endswith('"""'), f"{function.__name__} has a body"


def test_polykeras_ops(plugin):
    def polykeras_ops(register):
        register("an op")

    plugin(polykeras_ops)
    got = []
    plugins.call("polykeras_ops", register=got.append)
    assert "an op" in got


def test_polykeras_kernels(plugin):
    def polykeras_kernels(backend_name, register):
        if backend_name == "numpy":
            register("gate", abs)

    plugin(polykeras_kernels)
    got = {}
    for backend in ("numpy", "numba"):
        plugins.call("polykeras_kernels", backend_name=backend, register=got.__setitem__)
    assert got["gate"] is abs


def test_polykeras_passes(plugin):
    def polykeras_passes(register):  # a plugin may take fewer arguments than the hook offers
        register(reversed)

    plugin(polykeras_passes)
    got = []
    plugins.call("polykeras_passes", backend_name="numpy", register=got.append)
    assert got == [reversed]


def test_polykeras_commands(plugin, capsys):
    def greet(arguments):
        print(f"hello {arguments.name}")
        return 7

    def polykeras_commands(subparsers):
        parser = subparsers.add_parser("greet")
        parser.add_argument("name")
        parser.set_defaults(run=greet)

    plugin(polykeras_commands)
    from polykeras.cli import main

    assert main(["greet", "you"]) == 7
    assert capsys.readouterr().out == "hello you\n"


@pytest.mark.parametrize(
    "hook, arguments",
    [
        ("polykeras_train_begin", ["model"]),
        ("polykeras_train_end", ["model", "history"]),
        ("polykeras_saving", ["model", "path"]),
        ("polykeras_saved", ["model", "path"]),
    ],
)
def test_arguments_reach_the_plugins(plugin, hook, arguments):
    got = []
    scope = {"got": got}
    exec(f"def {hook}({', '.join(arguments)}): got.append(({', '.join(arguments)},))", scope)  # noqa: S102  a user's own lines
    plugin(scope[hook])
    values = {name: object() for name in arguments}
    plugins.call(hook, **values)
    assert got == [tuple(values.values())]


test_polykeras_train_begin = test_polykeras_train_end = test_arguments_reach_the_plugins
test_polykeras_saving = test_polykeras_saved = test_arguments_reach_the_plugins


def test_polykeras_gradients(plugin):
    def polykeras_gradients(gradients):
        return [2 * gradient for gradient in gradients]

    doubling = polykeras_gradients

    def polykeras_gradients(model, gradients, variables):
        assert (model, variables) == ("m", ["v"])
        return [gradient + 1 for gradient in gradients]

    adding = polykeras_gradients

    def polykeras_gradients(variables):
        return None

    plugin(doubling), plugin(adding), plugin(polykeras_gradients)
    got = plugins.chain("polykeras_gradients", "gradients", model="m", gradients=[10], variables=["v"])
    assert got in ([21], [22]) and got == [22], "the latest plugin comes first, each with what the one before returned"


# -- loading -----------------------------------------------------------------------------------------------------------


def test_a_call_without_plugins_imports_no_pluggy(site, monkeypatch):
    monkeypatch.setattr(plugins, "_any_plugin", lambda: False)
    monkeypatch.setitem(sys.modules, "pluggy", None)  # importing it would raise
    assert plugins.call("polykeras_train_begin", model=[]) == []
    assert plugins.chain("polykeras_gradients", "gradients", model=0, gradients=[1], variables=[2]) == [1]


def test_plugins_are_loaded_when_a_hook_is_called(site):
    site.install("acme-good", {"polykeras": {"acme-good": "acme_good"}}, {"acme_good.py": GOOD})
    assert "acme_good" not in sys.modules
    model = []
    plugins.call("polykeras_train_begin", model=model)
    assert model == ["good"]


def test_a_misspelt_hook_leaves_its_plugin_out_and_no_other(site):
    site.install("acme-good", {"polykeras": {"acme-good": "acme_good"}}, {"acme_good.py": GOOD})
    site.install("acme-bad", {"polykeras": {"acme-bad": "acme_bad"}}, {"acme_bad.py": MISSPELT}, version="0.2")
    model = []
    with pytest.warns(RuntimeWarning, match="polykeras_pases.*did you mean polykeras_passes"):
        plugins.call("polykeras_train_begin", model=model)
    assert model == ["good"]
    (failure,) = admission.failures()
    assert "acme-bad 0.2" in failure.text() and "polykeras_pases" in failure.text()


def test_a_wrong_argument_leaves_its_plugin_out(site):
    source = "def polykeras_train_begin(modle): pass"
    site.install("acme-bad", {"polykeras": {"acme-bad": "acme_bad"}}, {"acme_bad.py": source})
    with pytest.warns(RuntimeWarning, match="acme-bad.*arguments.*modle"):
        plugins.call("polykeras_train_begin", model=[])
    assert len(admission.failures()) == 1


def test_a_broken_plugin_leaves_the_others_working(site):
    site.install("acme-good", {"polykeras": {"acme-good": "acme_good"}}, {"acme_good.py": GOOD})
    site.install("acme-bad", {"polykeras": {"acme-bad": "acme_bad"}}, {"acme_bad.py": "1 / 0"})
    model = []
    with pytest.warns(RuntimeWarning, match="acme-bad.*ZeroDivisionError"):
        plugins.call("polykeras_train_begin", model=model)
    assert model == ["good"]


def test_two_plugins_of_one_name_are_both_left_out(site):
    for name in ("acme-one", "acme-two"):
        module = name.replace("-", "_")
        site.install(name, {"polykeras": {"acme": module}}, {f"{module}.py": GOOD})
    with pytest.warns(RuntimeWarning, match="acme-one.*acme-two"):
        assert plugins.call("polykeras_train_begin", model=[]) == []


def test_the_kill_switch_holds_for_hooks(site, monkeypatch):
    site.install("acme-good", {"polykeras": {"acme-good": "acme_good"}}, {"acme_good.py": GOOD})
    monkeypatch.setenv("POLYKERAS_PLUGINS", "")
    model = []
    plugins.call("polykeras_train_begin", model=model)
    assert model == [] and "acme_good" not in sys.modules


def test_a_marked_function_is_ordered(site):
    source = (
        "import pluggy\n"
        "@pluggy.HookimplMarker('polykeras')(tryfirst=True)\n"
        "def polykeras_train_begin(model): model.append('first')\n"
    )
    site.install("acme-a", {"polykeras": {"acme-a": "acme_a"}}, {"acme_a.py": source})
    site.install("acme-b", {"polykeras": {"acme-b": "acme_b"}}, {"acme_b.py": GOOD})
    model = []
    plugins.call("polykeras_train_begin", model=model)
    assert model == ["first", "good"]


def test_subparsers_of_the_command_line_are_argparse_ones():
    annotation = inspect.signature(hooks.polykeras_commands).parameters["subparsers"].annotation
    assert annotation.startswith(argparse._SubParsersAction.__name__)
