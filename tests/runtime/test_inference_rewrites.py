"""What a program does not compute at every call: normalisations folded into weights, and expressions of weights."""

import gc
import threading

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import config
from polykeras.layers import (
    Activation,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    SeparableConv2D,
    SpatialDropout2D,
    add,
)
from polykeras.models import Model, Sequential, clone_model
from polykeras.optimizers import SGD
from polykeras.runtime import derived as derived_values
from polykeras.runtime import select
from polykeras.runtime.derived import Derived


@pytest.fixture(autouse=True)
def restored_settings():
    before = config.inference_rewrites(), config.image_data_format()
    config.set_inference_rewrites(True)
    yield
    config.set_inference_rewrites(before[0])
    config.set_image_data_format(before[1])


def with_statistics(model, seed=0):
    """The model with weights of all sizes, variances positive."""
    r = np.random.RandomState(seed)
    for weight in model._weights_by_layer():
        shape = K.int_shape(weight)
        positive = "variance" in weight.name or "gamma" in weight.name
        K.set_value(weight, r.uniform(0.3, 2.0, shape) if positive else r.randn(*shape) * 0.5)
    return model


def function(model, phase=None):
    inputs = model.inputs if phase is None else [*model.inputs, K.learning_phase()]
    return K.function(inputs, model.outputs)


def prepared(function, arrays):
    """The program that the backend in use runs, before it is placed."""
    backend = select.resolve(None)
    return backend.prepare(function.program(arrays, backend))


def steps(program):
    return [step.op.name for step in program.steps]


def derived(program):
    return [value.source for value in program.reads if isinstance(value.source, Derived)]


def unfolded(model, arrays):
    config.set_inference_rewrites(False)
    try:
        return function(model)(arrays)[0]
    finally:
        config.set_inference_rewrites(True)


def agree(found, expected):
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


# -- folding -----------------------------------------------------------------------------------------------------------

PICTURE = (7, 6, 3)


def after(first, *layers, shape=PICTURE):
    """The layers one after another, for inputs of this shape."""
    config_of_first = {**first.get_config(), "batch_input_shape": (None, *shape)}
    return Sequential([type(first).from_config(config_of_first), *layers])


FOLDED = {
    "conv": lambda: after(Conv2D(4, 3), BatchNormalization()),
    "conv with strides": lambda: after(Conv2D(4, 3, strides=2, padding="same", use_bias=False), BatchNormalization()),
    "conv with dilation": lambda: after(Conv2D(4, 2, dilation_rate=2), BatchNormalization(scale=False)),
    "conv 1D": lambda: after(Conv1D(4, 3, padding="causal"), BatchNormalization(center=False), shape=(9, 3)),
    "conv 3D": lambda: after(Conv3D(2, 2), BatchNormalization(), shape=(4, 4, 4, 3)),
    "depthwise": lambda: after(DepthwiseConv2D(3, depth_multiplier=2), BatchNormalization()),
    "separable": lambda: after(SeparableConv2D(5, 3), BatchNormalization(center=False, scale=False)),
    "transposed": lambda: after(Conv2DTranspose(4, 3, strides=2), BatchNormalization()),
    "dense": lambda: after(Dense(4), BatchNormalization(), shape=(5,)),
    "dense on sequences": lambda: after(Dense(4), BatchNormalization(), shape=(6, 5)),
    "one channel": lambda: after(Conv2D(1, 3), BatchNormalization()),
    "with dropout": lambda: after(Conv2D(4, 3), Dropout(0.5), SpatialDropout2D(0.5), BatchNormalization()),
}


def normalises(program):
    return any(name in ("batch_norm", "sqrt", "divide", "multiply", "subtract") for name in steps(program))


@pytest.mark.parametrize("make", FOLDED.values(), ids=FOLDED.keys())
def test_a_normalisation_is_folded_into_the_weights_before_it(make):
    model = with_statistics(make())
    x = [np.random.RandomState(1).randn(3, *model.input_shape[1:]).astype("float32")]
    program = prepared(function(model), x)
    assert not normalises(program) and len(derived(program)) == 2
    agree(function(model)(x)[0], unfolded(model, x))
    config.set_inference_rewrites(False)
    assert normalises(prepared(function(model), x))


@pytest.mark.parametrize("layer", [Conv2D(4, 3), Conv2D(4, 3, use_bias=False), Conv2DTranspose(4, 3)])
def test_channels_first(layer):
    config.set_image_data_format("channels_first")
    layer = type(layer).from_config({**layer.get_config(), "data_format": "channels_first"})
    i = Input((3, 7, 6))
    model = with_statistics(Model(i, BatchNormalization(axis=1)(layer(i))))
    x = [np.random.RandomState(1).randn(2, 3, 7, 6).astype("float32")]
    assert not normalises(prepared(function(model), x))
    agree(function(model)(x)[0], unfolded(model, x))


def residual():
    i = Input(PICTURE)
    h = Conv2D(3, 3, padding="same")(i)
    return Model(i, add([BatchNormalization()(h), h]))


def second_output():
    i = Input(PICTURE)
    h = Conv2D(3, 3)(i)
    return Model(i, [BatchNormalization()(h), h])


def activation_between():
    return after(Conv2D(4, 3), Activation("relu"), BatchNormalization())


def along_another_axis():
    return after(Conv2D(4, 3), BatchNormalization(axis=1))


def nothing_before():
    return Sequential([BatchNormalization(input_shape=PICTURE)])


@pytest.mark.parametrize("make", [residual, second_output, activation_between, along_another_axis, nothing_before])
def test_what_cannot_be_folded_keeps_its_scale_and_offset(make):
    model = with_statistics(make())
    x = [np.random.RandomState(1).randn(3, *PICTURE).astype("float32")]
    assert normalises(prepared(function(model), x))
    agree(function(model)(x)[0], unfolded(model, x))


def test_two_convolutions_of_one_kernel_are_folded_each_with_its_statistics():
    i = Input(PICTURE)
    conv = Conv2D(4, 3)
    sides = [BatchNormalization()(conv(i)), BatchNormalization()(conv(i * 2.0))]
    model = with_statistics(Model(i, add(sides)))
    x = [np.random.RandomState(1).randn(3, *PICTURE).astype("float32")]
    assert len(derived(prepared(function(model), x))) == 4
    agree(function(model)(x)[0], unfolded(model, x))


def test_training_normalises_by_the_batch():
    model = with_statistics(after(Conv2D(4, 3), BatchNormalization()))
    x = np.random.RandomState(1).randn(3, *PICTURE).astype("float32")
    f = function(model, phase=1)
    kernel = model.layers[0].kernel.storage
    # a backend may keep a form of the kernel; the normalisation must not be in it
    assert all(one.sources == [kernel] for one in derived(prepared(f, [x, np.array(True)])))
    y = f([x, 1])[0]
    gamma, beta = (K.get_value(w) for w in model.layers[1].weights[:2])
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), beta, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), gamma, rtol=1e-2)


def test_fed_statistics_are_not_folded():
    model = with_statistics(after(Conv2D(4, 3), BatchNormalization()))
    gamma = model.layers[1].gamma
    x = np.random.RandomState(1).randn(3, *PICTURE).astype("float32")
    f = K.function([model.input, gamma], model.outputs)
    assert normalises(prepared(f, [x, np.ones(4, "float32")]))
    beta = K.get_value(model.layers[1].beta)
    np.testing.assert_allclose(f([x, np.zeros(4)])[0], np.broadcast_to(beta, (3, 5, 4, 4)), atol=1e-6)


def test_a_frozen_base_is_folded_while_its_top_is_trained():
    base = with_statistics(after(Conv2D(4, 3, trainable=False), BatchNormalization(trainable=False)))
    top = Dense(1)
    h = top(Flatten()(base.layers[1].call(base.layers[0].output, training=False)))
    f = K.function([base.input], [h], [K.update_sub(top.kernel, K.gradients(K.mean(h), top.kernel)[0])])
    x = np.random.RandomState(1).randn(3, *PICTURE).astype("float32")
    program = prepared(f, [x])
    names = {source.name for value in derived(program) for source in value.sources}
    assert len(derived(program)) == 2 and not any("dense" in name for name in names)
    before = K.get_value(top.kernel)
    features = unfolded(base, [x]).reshape(3, -1)
    f([x])
    np.testing.assert_allclose(K.get_value(top.kernel)[:, 0], before[:, 0] - features.mean(0), rtol=1e-4, atol=1e-5)


def test_gradients_in_the_test_phase():
    model = with_statistics(after(Conv2D(4, 3), BatchNormalization(), Conv2D(2, 3), BatchNormalization()))
    x = [np.random.RandomState(1).randn(3, *PICTURE).astype("float32")]
    gradient = K.gradients(K.sum(K.square(model.output)), model.input)
    found = K.function(model.inputs, gradient)(x)[0]
    config.set_inference_rewrites(False)
    agree(found, K.function(model.inputs, gradient)(x)[0])


# -- derived values ----------------------------------------------------------------------------------------------------


@pytest.fixture
def computed(monkeypatch):
    """The derived values that are computed, in order."""
    found = []
    run_once = derived_values.run_once

    def counted(recipe, held, backend, places):
        found.append(recipe[-1].op.name)
        run_once(recipe, held, backend, places)

    monkeypatch.setattr(derived_values, "run_once", counted)
    return found


def small_model():
    return with_statistics(after(Dense(4), BatchNormalization(), Dense(2), shape=(5,)))


def test_computed_once_for_each_version_whatever_the_batch(computed):
    model = small_model()
    f = function(model)
    x = np.random.RandomState(1).randn(8, 5).astype("float32")
    for n in (8, 8, 3, 8, 3, 1):
        agree(f([x[:n]])[0], unfolded(model, [x[:n]]))
    assert len(computed) == 2
    K.set_value(model.layers[0].kernel, np.ones((5, 4)))
    for n in (8, 3, 8):
        agree(f([x[:n]])[0], unfolded(model, [x[:n]]))
    assert len(computed) == 3  # the folded kernel, and not the offset
    K.set_value(model.layers[2].kernel, np.ones((4, 2)))
    f([x])
    assert len(computed) == 3


def test_computed_anew_after_training_and_after_set_weights():
    model = small_model()
    model.compile("sgd", "mse")
    x, y = np.random.RandomState(1).randn(8, 5).astype("float32"), np.zeros((8, 2))
    for _ in range(3):
        agree(model.predict(x), unfolded(model, [x]))
        model.train_on_batch(x, y)
    model.set_weights([weight * 2.0 for weight in model.get_weights()])
    agree(model.predict(x), unfolded(model, [x]))


def test_an_expression_of_weights_is_kept(computed):
    x, w = K.placeholder((None, 3)), K.variable(np.arange(6.0).reshape(3, 2))
    f = K.function([x], [K.dot(x, w / K.sqrt(K.sum(K.square(w), axis=0, keepdims=True)))])
    data = np.ones((1, 3), "float32")
    program = prepared(f, [data])
    assert steps(program) == ["matmul"]
    for _ in range(3):
        value = np.arange(6.0).reshape(3, 2)
        np.testing.assert_allclose(f([data])[0], [(value / np.sqrt((value**2).sum(0))).sum(0)], rtol=1e-6)
    assert len(computed) == 1


def test_views_of_weights_and_large_expansions_are_not_kept():
    x, w = K.placeholder((None, 200)), K.variable(np.ones((200,)))
    data = np.ones((2, 200), "float32")
    assert derived(prepared(K.function([x], [K.dot(x, K.reshape(w, (200, 1)))]), [data])) == []
    outer = K.reshape(w, (200, 1)) * w + 1.0
    assert derived(prepared(K.function([x], [K.dot(x, outer)]), [data])) == []


def test_random_expressions_are_drawn_at_every_call():
    x, w = K.placeholder((None, 3)), K.variable(np.ones((3,)))
    f = K.function([x], [x * (w + K.random_uniform((3,), seed=1))])
    first, second = f([np.ones((1, 3))])[0], f([np.ones((1, 3))])[0]
    assert (first != second).all()


def test_variables_that_a_program_writes_are_read_as_they_are():
    x, w = K.placeholder((None, 3)), K.variable(np.ones((3,)))
    f = K.function([x], [x * (w * w + 1.0)], [K.update_add(w, K.ones_like(w))])
    assert derived(prepared(f, [np.ones((1, 3), "float32")])) == []
    assert [f([np.ones((1, 3))])[0][0, 0] for _ in range(3)] == [2.0, 5.0, 10.0]


def test_gone_with_the_last_function_that_needs_it():
    model = small_model()
    backend = select.resolve(None)
    gc.collect()
    before = len(backend.derived)
    f = function(model)
    f([np.ones((1, 5))])
    assert len(backend.derived) == before + 2
    del f
    gc.collect()
    assert len(backend.derived) == before


def test_each_backend_has_its_own():
    pytest.importorskip("polykeras_numba", reason="polykeras-numba is not installed")
    model = small_model()
    x = np.random.RandomState(1).randn(4, 5).astype("float32")
    on = {name: K.function(model.inputs, model.outputs, backend=name) for name in ("numpy", "numba")}
    for scale in (1.0, 3.0):
        K.set_value(model.layers[1].gamma, np.full(4, scale))
        for f in (on["numpy"], on["numba"], on["numpy"]):
            agree(f([x])[0], unfolded(model, [x]))


def test_threads_that_predict_while_weights_change_end_with_the_new_ones():
    model = small_model()
    other = clone_model(model)
    x = np.random.RandomState(1).randn(16, 5).astype("float32")
    model.compile(SGD(1e-4), "mse")
    f, g = function(model), function(other)
    start, failures = threading.Barrier(10), []

    def call(run):
        try:
            start.wait(30)
            for n in range(60):
                assert np.isfinite(run([x[: 1 + n % 3]])[0]).all()
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    def change():
        try:
            start.wait(30)
            for n in range(60):
                K.set_value(model.layers[1].gamma, np.full(4, 1.0 + n / 60))
                model.train_on_batch(x, np.zeros((16, 2)))
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=call, args=(run,)) for run in (f, g) * 4]
    threads += [threading.Thread(target=change), threading.Thread(target=call, args=(f,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and not any(thread.is_alive() for thread in threads)
    for n in (1, 2, 3, 16):
        agree(f([x[:n]])[0], unfolded(model, [x[:n]]))


# -- what else falls away ----------------------------------------------------------------------------------------------


def test_what_only_training_needs_is_not_computed_in_prediction():
    i = Input((4,))
    h = GaussianNoise(1.0)(Dropout(0.5)(i))
    model = Model(i, Dropout(0.1)(Activation("relu")(h)))
    x = np.ones((2, 4), "float32")
    assert steps(prepared(function(model), [x])) == ["relu"]
    assert any(step.op.random for step in prepared(function(model, phase=1), [x, np.array(True)]).steps)


def test_constants_are_computed_once():
    x = K.placeholder((None, 3))
    table = K.exp(K.constant(np.arange(3.0))) / K.sum(K.constant(np.ones(3)))
    program = prepared(K.function([x], [x + table]), [np.ones((1, 3), "float32")])
    assert steps(program) == ["add"]
    assert {step.op.name for step in program.constants} == {"exp", "sum", "divide"}


def test_the_switch_may_stand_in_the_configuration_file(tmp_path, monkeypatch):
    (tmp_path / "polykeras.json").write_text('{"inference_rewrites": false}')
    monkeypatch.setenv("POLYKERAS_HOME", str(tmp_path))
    config.reload()
    try:
        assert config.inference_rewrites() is False
        model = small_model()
        assert derived(prepared(function(model), [np.ones((1, 5), "float32")])) == []
        with pytest.raises(ValueError, match="inference_rewrites: 1"):
            config.set_inference_rewrites(1)
    finally:
        monkeypatch.undo()
        config.reload()
