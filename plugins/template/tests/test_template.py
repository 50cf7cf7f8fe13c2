"""What the plugin promises: its names are good wherever Keras takes one, and its parts do what their docstrings say."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import polykeras
import polykeras_template
from polykeras import backend as K
from polykeras import layers, metrics, optimizers, registry
from polykeras.layers import Dense, Gate, Lambda
from polykeras.models import Sequential, load_model
from polykeras.testing.layers import check_layer
from polykeras_template.backend import TemplateBackend
from polykeras_template.metrics import within_one
from polykeras_template.ops import soft_cap
from polykeras_template.optimizers import SignSGD


@pytest.fixture
def data():
    x = np.random.RandomState(0).normal(size=(128, 4)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def regressor():
    np.random.seed(1)
    model = Sequential([Dense(8, activation="relu", input_shape=(4,)), Gate(), Dense(1)])
    model.compile(optimizer="SignSGD", loss="mse", metrics=["within_one"])
    return model


# -- names -------------------------------------------------------------------------------------------------------------


def test_names_are_importable_from_the_modules_of_their_kind():
    from polykeras.layers import Gate
    from polykeras.metrics import within_one
    from polykeras.optimizers import SignSGD

    assert {Gate.__module__, SignSGD.__module__, within_one.__module__} == {
        "polykeras_template.layers", "polykeras_template.optimizers", "polykeras_template.metrics",
    }  # fmt: skip
    assert "Gate" in dir(layers)
    assert "SignSGD" in dir(optimizers)


def test_names_are_good_where_keras_takes_a_string(data):
    gate = layers.deserialize({"class_name": "Gate", "config": {"name": "g", "bias_initializer": "zeros"}})
    assert (type(gate), gate.name, type(gate.bias_initializer).__name__) == (Gate, "g", "Zeros")
    assert isinstance(optimizers.get("SignSGD"), SignSGD)
    assert optimizers.deserialize({"class_name": "SignSGD", "config": {"lr": 0.5}}).get_config()["lr"] == 0.5
    assert metrics.get("within_one") is within_one
    history = regressor().fit(*data, epochs=1, verbose=0).history
    assert set(history) == {"loss", "within_one"}


def test_a_saved_model_loads_in_a_new_process_without_custom_objects(data, tmp_path):
    x, y = data
    model = regressor()
    model.fit(x, y, epochs=2, verbose=0)
    model.save(str(tmp_path / "model.h5"))
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys, numpy as np\n"
        "from polykeras.models import load_model\n"
        "model = load_model('model.h5')\n"
        "assert 'SignSGD' == type(model.optimizer).__name__\n"
        "np.save('y.npy', model.predict(np.load('x.npy')))\n"
        "model.train_on_batch(np.load('x.npy'), np.load('y.npy'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(x))


def test_the_state_of_the_optimizer_is_saved(data, tmp_path):
    x, y = data
    model = regressor()
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(str(tmp_path / "model.h5"))
    twin = load_model(str(tmp_path / "model.h5"))
    for ours, theirs in zip(model.optimizer.get_weights(), twin.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    model.fit(x, y, epochs=1, shuffle=False, verbose=0)
    twin.fit(x, y, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(twin.predict(x), model.predict(x))


# -- parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, {"kernel_regularizer": "l2", "kernel_constraint": "max_norm"}])
@pytest.mark.parametrize("shape", [(None, 4), (None, None, 3)])
def test_gate_passes_the_layer_kit(config, shape):
    check_layer(Gate, config, shape)


def test_gate_computes_its_formula():
    gate = Gate(bias_initializer="zeros")
    x = K.constant(np.random.RandomState(0).normal(size=(5, 3)))
    y = gate(x)
    kernel, bias = gate.get_weights()
    values = K.eval(x)
    np.testing.assert_allclose(K.eval(y), values / (1 + np.exp(-(values @ kernel + bias))), rtol=1e-5)


def test_gate_says_what_is_wrong_with_its_inputs():
    with pytest.raises(ValueError, match=r"Gate 'g' needs a known last axis, got inputs of shape \(None, None\)"):
        Gate(name="g")(K.placeholder((None, None)))


def test_signsgd_moves_each_parameter_by_lr():
    p = K.variable(np.array([1.0, -2.0, 3.0]))
    optimizer = SignSGD(lr=0.25, momentum=0.5)
    loss = K.sum(p * K.constant([4.0, -0.1, 0.0]))
    step = K.function([], [loss], updates=optimizer.get_updates(loss, [p]))
    step([])
    np.testing.assert_allclose(K.get_value(p), [0.75, -1.75, 3.0])
    step([])
    np.testing.assert_allclose(K.get_value(p), [0.5, -1.5, 3.0])
    np.testing.assert_allclose(optimizer.get_weights(), [[3.0, -0.075, 0.0]], rtol=1e-6)


def test_signsgd_respects_constraints():
    p = K.variable(np.array([0.1]), constraint=K.relu)
    optimizer = SignSGD(lr=1.0)
    K.function([], [], updates=optimizer.get_updates(K.sum(p), [p]))([])
    assert K.get_value(p) == [0.0]


def test_signsgd_learns(data):
    losses = regressor().fit(*data, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 5


def test_within_one_counts_what_is_off_by_one_at_most():
    y_true, y_pred = K.constant([[1.0, 5.0], [3.0, 3.0]]), K.constant([[2.0, 6.5], [3.0, 2.5]])
    assert K.eval(within_one(y_true, y_pred)).tolist() == [0.5, 1.0]


# -- the op, its kernel, the backend -----------------------------------------------------------------------------------


def test_the_kernel_computes_the_formula_of_the_op():
    x = np.linspace(-9, 9, 7)
    y = soft_cap(K.constant(x, dtype="float64"), limit=2.0)
    np.testing.assert_allclose(K.eval(y), 2 * np.tanh(x / 2), rtol=1e-12)


def test_the_op_works_inside_a_model_that_trains(data):
    x, y = data
    np.random.seed(3)
    model = Sequential([Dense(1, input_shape=(4,)), Lambda(lambda t: soft_cap(t, limit=3.0))])
    model.compile("sgd", "mse")
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
    assert np.abs(model.predict(100 * x)).max() <= 3.0


def test_the_op_runs_on_the_host_where_a_backend_has_no_kernel_for_it(recwarn):
    """Arrays of a device are copied to the host and back, and one warning says so."""

    class Device(TemplateBackend):
        name = "device"
        host = False

    x = K.placeholder((None, 3))
    function = K.function([x], [soft_cap(x, limit=2.0), soft_cap(x, limit=1.0)], backend=Device())
    values = np.array([[1.0, -2.0, 3.0]], "float32")
    for got, limit in zip(function([values]), (2.0, 1.0), strict=True):
        np.testing.assert_allclose(got, limit * np.tanh(values / limit), rtol=1e-6)
    told = [str(w.message) for w in recwarn if "soft_cap" in str(w.message)]
    assert told == ["the op 'soft_cap' has no kernel for 'device' and runs on the host, by its NumPy kernel"]


def test_the_op_works_in_a_model_on_another_backend_with_one_warning(data, recwarn):
    x, y = data
    with polykeras.backend_scope("template"):
        model = Sequential([Dense(4, input_shape=(4,)), Lambda(lambda t: soft_cap(t, limit=3.0)), Dense(1)])
        model.compile("sgd", "mse")
        losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
        model.predict(x)
    assert losses[-1] < losses[0] / 2
    told = [str(w.message) for w in recwarn if "soft_cap" in str(w.message)]
    assert told == ["the op 'soft_cap' has no kernel for 'template' and runs by its NumPy kernel"]


def test_the_backend_is_chosen_by_its_name(data):
    x, _ = data
    model = regressor()
    expected = model.predict(x)
    with polykeras.backend_scope("template") as backend:
        assert isinstance(backend, TemplateBackend)
        np.testing.assert_allclose(model.predict(x), expected, rtol=1e-4, atol=1e-5)


# -- the interface -----------------------------------------------------------------------------------------------------

# what a plugin may build on: `polykeras.extend`, K, and the modules that Keras has
PUBLIC = {
    "polykeras", "polykeras.extend", "polykeras.backend", "polykeras.layers", "polykeras.optimizers",
    "polykeras.metrics", "polykeras.losses", "polykeras.models", "polykeras.activations", "polykeras.initializers",
    "polykeras.regularizers", "polykeras.constraints", "polykeras.callbacks", "polykeras.utils",
}  # fmt: skip


def test_the_plugin_imports_public_names_only():
    source = Path(polykeras_template.__file__).parent
    used = set()
    for file in source.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                used.add(node.module)
            elif isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
    ours = {name for name in used if name.partition(".")[0] == "polykeras"}
    assert "polykeras.extend" in ours
    assert ours <= PUBLIC


def test_no_name_of_the_plugin_is_a_kept_failure():
    from polykeras import admission

    for kind in (registry.layers, registry.optimizers, registry.metrics, registry.backends):
        kind.usable_names()
    assert [failure.text() for failure in admission.failures() if "polykeras-template" in failure.origins] == []
