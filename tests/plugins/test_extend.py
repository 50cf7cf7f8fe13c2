"""What plugins add below K: passes and kernels that take effect, through `polykeras.extend` alone."""

import types

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import extend, plugins
from polykeras.extend import Program, Step, XpBackend, op, same


class Numbers(XpBackend):
    """A backend of its own name, so that no other test's programs and kernels are concerned."""

    name = "numbers"
    xp = np


@pytest.fixture
def plugin():
    """A function that adds a plugin of one hook's function while the test runs."""
    added = []

    def add(function):
        module = types.ModuleType(f"acme_extend_{len(added)}")
        setattr(module, function.__name__, function)
        plugins.manager().register(module)
        added.append(module)

    yield add
    for module in added:
        plugins.manager().unregister(module)


def evaluate(function, values):
    x = K.placeholder((None,))
    return K.function([x], [function(x)], backend=Numbers())([values])[0]


def replaced(program, old, new):
    """The program's steps with one op in another's place."""
    return [Step(new, s.args, s.outs, {}, s.node) if s.op.name == old else s for s in program.steps]


def sines_for_cosines(program):
    from polykeras.symbolic.op import OPS

    program.steps[:] = replaced(program, "cos", OPS["sin"])


def another_program(program):
    from polykeras.symbolic.op import OPS

    made = program.copy()
    made.steps = replaced(program, "cos", OPS["sin"])
    return made


@pytest.mark.parametrize("change", [sines_for_cosines, another_program])
def test_a_pass_changes_the_program_or_returns_another(plugin, change):
    seen = []

    def polykeras_passes(backend_name, register):
        if backend_name == "numbers":
            register(change)
            register(seen.append)

    values = np.array([0.5, 1.0], "float32")
    np.testing.assert_allclose(evaluate(K.cos, values), np.cos(values))
    plugin(polykeras_passes)
    np.testing.assert_allclose(evaluate(K.cos, values), np.sin(values))
    assert isinstance(seen[0], Program)
    assert "sin" in {step.op.name for step in seen[0].steps}


def test_a_pass_reaches_the_bodies_of_loops(plugin):
    def polykeras_passes(backend_name, register):
        if backend_name == "numbers":
            register(sines_for_cosines)

    plugin(polykeras_passes)
    values = np.array([0.5, 1.0, 2.0], "float32")
    np.testing.assert_allclose(evaluate(lambda x: K.map_fn(K.cos, x), values), np.sin(values), rtol=1e-6)


@pytest.mark.parametrize("wrong, words", [(3, "function of a program"), (lambda program: 5, "returns a program")])
def test_what_is_no_pass_is_refused(plugin, wrong, words):
    def polykeras_passes(backend_name, register):
        if backend_name == "numbers":
            register(wrong)

    plugin(polykeras_passes)
    with pytest.raises(TypeError, match=words):
        evaluate(K.cos, np.ones(1, "float32"))


@pytest.fixture
def twice():
    """An op 2 x that has no lowering; it is forgotten afterwards."""
    from polykeras.symbolic.op import OPS

    @op(promotes="all", elementwise=True)
    def acme_twice(x):
        """2 x.   x: (...) -> (...)"""
        return same(x)

    yield acme_twice
    del OPS["acme_twice"]


def test_a_kernel_of_a_plugin_is_used(plugin, twice):
    def polykeras_kernels(backend_name, register):
        if backend_name == "numbers":
            register("acme_twice", lambda x: x + x)

    with pytest.raises(NotImplementedError, match="'numbers' has no kernel for the op 'acme_twice'.*polykeras_kernels"):
        evaluate(twice, np.ones(2))
    plugin(polykeras_kernels)
    assert evaluate(twice, np.ones(2)).tolist() == [2.0, 2.0]


def test_everything_public_in_extend_is_listed():
    public = {name for name, value in vars(extend).items() if not name.startswith("_")}
    assert public - set(extend.__all__) == {"operators"}
    assert all(hasattr(extend, name) for name in extend.__all__)
    assert all(name in extend.__doc__ for name in extend.__all__)
