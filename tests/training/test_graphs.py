"""Graphs of layers, trained, cut, frozen, cloned and saved; what comes out is computed beside them with NumPy."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import (
    Activation,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Lambda,
    add,
    concatenate,
    dot,
)
from polykeras.models import Model, Sequential, clone_model, load_model
from polykeras.optimizers import SGD


def arrays(*shapes, seed=0):
    r = np.random.RandomState(seed)
    return [r.randn(*shape).astype("float32") for shape in shapes]


def same(first, second):
    return all(map(np.array_equal, first, second))


def close(first, second):
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


# -- shapes of graphs --------------------------------------------------------------------------------------------------


def test_two_inputs_and_two_outputs_are_trained_by_the_weighted_sum_of_their_losses():
    a, b = Input((3,), name="a"), Input((2,), name="b")
    joined = concatenate([a, b])
    left = Dense(1, use_bias=False, name="left")(joined)
    right = Dense(1, use_bias=False, name="right")(a)
    model = Model([a, b], [left, right])
    model.compile(SGD(0.1), "mse", loss_weights={"left": 2.0, "right": 0.5})
    xa, xb, ya, yb = arrays((4, 3), (4, 2), (4, 1), (4, 1))
    wl, wr = model.get_layer("left").get_weights()[0], model.get_layer("right").get_weights()[0]
    x = np.concatenate([xa, xb], axis=1)
    gl, gr = 2 * x.T @ (x @ wl - ya) / 4, 2 * xa.T @ (xa @ wr - yb) / 4
    model.train_on_batch({"b": xb, "a": xa}, {"right": yb, "left": ya})
    close(model.get_layer("left").get_weights()[0], wl - 0.1 * 2.0 * gl)
    close(model.get_layer("right").get_weights()[0], wr - 0.1 * 0.5 * gr)


def test_a_siamese_network_moves_its_shared_weights_by_both_gradients():
    a, b = Input((3,)), Input((3,))
    tower = Dense(2, use_bias=False)
    model = Model([a, b], dot([tower(a), tower(b)], axes=1))
    model.compile(SGD(0.1), "mse")
    xa, xb, y = arrays((5, 3), (5, 3), (5, 1))
    w = tower.get_weights()[0]
    error = 2 * ((xa @ w) * (xb @ w)).sum(1, keepdims=True) / 5 - 2 * y / 5
    gradient = xa.T @ (error * (xb @ w)) + xb.T @ (error * (xa @ w))
    model.train_on_batch([xa, xb], y)
    close(tower.get_weights()[0], w - 0.1 * gradient)
    assert len(model.trainable_weights) == 1


def residual(x, width):
    inner = Dense(width, activation="relu")(x)
    return add([x, Dense(width, kernel_initializer="zeros")(inner)])


def test_a_residual_network_begins_as_the_identity_and_learns():
    x = Input((4,))
    h = x
    for _ in range(8):
        h = residual(h, 4)
    model = Model(x, h)
    [data] = arrays((16, 4))
    assert np.array_equal(model.predict(data), data)
    model.compile(SGD(0.05), "mse")
    losses = model.fit(data, data[:, ::-1].copy(), epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def three_deep():
    """A model in a model in a model; the innermost is called twice, the middle one has two outputs."""
    i = Input((3,), name="innermost_input")
    innermost = Model(i, BatchNormalization()(Dense(3, activation="tanh")(i)), name="innermost")
    a, b = Input((3,)), Input((3,))
    middle = Model([a, b], [innermost(a), add([innermost(b), a])], name="middle")
    x = Input((3,))
    first, second = middle([x, Dense(3)(x)])
    head = Sequential([Dense(4, activation="relu", input_shape=(6,)), Dropout(0.5), Dense(1)], name="head")
    return Model(x, head(Concatenate()([first, second])))


def test_models_nested_three_deep_go_on_training_after_a_file(tmp_path):
    model = three_deep()
    model.compile("adam", "mse")
    x, y = arrays((8, 3), (8, 1))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "deep.h5")
    K.clear_session()  # names as in a new process
    again = load_model(tmp_path / "deep.h5")
    assert [w.name for w in again.weights] == [w.name for w in model.weights]
    assert same(again.get_weights(), model.get_weights()) and np.array_equal(again.predict(x), model.predict(x))
    assert again.get_config() == model.get_config()
    inner = again.get_layer("middle").get_layer("innermost")
    assert len(inner.updates) > 0 and len(again.updates) == len(model.updates) == 4
    before = again.get_weights()
    again.train_on_batch(x, y)
    moved = [(a != b).any() for a, b in zip(before, again.get_weights(), strict=True)]
    assert all(moved)


def test_one_model_at_several_places_is_one_set_of_weights():
    encoder = Sequential([Dense(2, activation="tanh", input_shape=(3,))])
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], [encoder(a), encoder(b)])
    xa, xb = arrays((4, 3), (4, 3))
    w, bias = encoder.get_weights()
    outputs = model.predict([xa, xb])
    close(outputs[0], np.tanh(xa @ w + bias))
    close(outputs[1], np.tanh(xb @ w + bias))
    assert len(model.weights) == 2 and model.count_params() == 8


# -- parts of models ---------------------------------------------------------------------------------------------------


def pictures():
    i = Input((6, 6, 2))
    h = Conv2D(3, 3, activation="relu", name="edges")(i)
    h = Conv2D(4, 3, activation="relu", name="shapes")(h)
    return Model(i, Dense(2, activation="softmax", name="classes")(GlobalAveragePooling2D()(h)))


def test_features_are_what_the_layers_compute_on_the_way():
    model = pictures()
    [x] = arrays((2, 6, 6, 2))
    extractor = Model(model.input, [model.get_layer("edges").output, model.layers[2].output])
    edges, shapes = extractor.predict(x)
    weights, bias = model.layers[-1].get_weights()
    logits = shapes.mean(axis=(1, 2)) @ weights + bias
    close(model.predict(x), np.exp(logits) / np.exp(logits).sum(1, keepdims=True))
    assert (edges.shape, shapes.shape) == ((2, 4, 4, 3), (2, 2, 2, 4))
    model.compile("sgd", "categorical_crossentropy")
    model.train_on_batch(x, np.eye(2))
    assert (extractor.predict(x)[0] != edges).any()


def test_the_rest_of_a_model_from_a_tensor_in_its_middle():
    model = pictures()
    start = Input((4, 4, 3))
    h = start
    for layer in model.layers[2:]:
        h = layer(h)
    rest = Model(start, h)
    [x] = arrays((2, 6, 6, 2))
    middle = Model(model.input, model.get_layer("edges").output).predict(x)
    close(rest.predict(middle), model.predict(x))


def test_layers_by_name_and_by_place():
    model = pictures()
    assert model.get_layer("edges") is model.get_layer(index=1) is model.layers[1]
    assert model.get_layer(index=-1) is model.layers[-1]
    with pytest.raises(ValueError, match=r"No such layer: edge\..*`edges`"):
        model.get_layer("edge")
    with pytest.raises(ValueError, match="index 99 but model only has 5 layers"):
        model.get_layer(index=99)
    assert (model.input_names, model.output_names) == (["input_1"], ["classes"])
    assert model.inputs == [model.input] and model.outputs == [model.output]


def test_a_popped_layer_is_gone_from_what_is_trained_and_saved(tmp_path):
    model = Sequential([Dense(3, input_shape=(2,)), Dense(5), Dense(1)])
    model.compile("sgd", "mse")
    model.pop()
    model.pop()
    assert model.output_shape == (None, 3) and len(model.weights) == 2
    model.add(Activation("tanh"))
    model.compile("sgd", "mse")
    x, y = arrays((4, 2), (4, 3))
    w, bias = model.get_weights()
    close(model.predict(x), np.tanh(x @ w + bias))
    model.train_on_batch(x, y)
    model.save(tmp_path / "popped.h5")
    assert same(load_model(tmp_path / "popped.h5").get_weights(), model.get_weights())


# -- freezing ----------------------------------------------------------------------------------------------------------


def moves(model, x, y):
    """Which weights a training step changes, by name."""
    names = [weight.name for weight in model._weights_by_layer()]
    before = model.get_weights()
    model.train_on_batch(x, y)
    return {n for n, a, b in zip(names, before, model.get_weights(), strict=True) if (a != b).any()}


def test_a_flag_counts_from_the_next_compile():
    model = Sequential([Dense(3, input_shape=(2,), name="below"), Dense(1, name="above")])
    model.compile("sgd", "mse")
    x, y = arrays((4, 2), (4, 1))
    everything = {"below/kernel:0", "below/bias:0", "above/kernel:0", "above/bias:0"}
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match="Discrepancy between trainable weights and collected trainable weights"):
        assert moves(model, x, y) == everything
    model.compile("sgd", "mse")
    assert moves(model, x, y) == {"above/kernel:0", "above/bias:0"}
    assert [w.name for w in model.weights] == ["above/kernel:0", "above/bias:0", "below/kernel:0", "below/bias:0"]
    model.layers[0].trainable = True
    model.compile("sgd", "mse")
    assert moves(model, x, y) == everything


def test_a_frozen_model_inside_another_stays_to_the_bit_moving_averages_included():
    inner = Sequential([Dense(3, input_shape=(2,)), BatchNormalization()])
    outer = Sequential([inner, Dense(1, name="head")])
    x, y = arrays((4, 2), (4, 1))
    inner.trainable = False
    outer.compile("adam", "mse")
    assert moves(outer, x, y) == {"head/kernel:0", "head/bias:0"}
    inner.trainable = True
    inner.layers[0].trainable = False
    outer.compile("adam", "mse")
    prefix = "batch_normalization_1/"
    assert {name for name in moves(outer, x, y) if not name.startswith("head")} == {
        f"{prefix}gamma:0", f"{prefix}beta:0", f"{prefix}moving_mean:0", f"{prefix}moving_variance:0"
    }  # fmt: skip


def test_flags_inside_nested_models_survive_a_file(tmp_path):
    model = three_deep()
    model.get_layer("middle").get_layer("innermost").layers[1].trainable = False
    model.compile("sgd", "mse")
    names = [w.name for w in model.trainable_weights]
    model.save(tmp_path / "frozen.h5")
    K.clear_session()
    again = load_model(tmp_path / "frozen.h5")
    assert [w.name for w in again.trainable_weights] == names and len(names) == len(model.weights) - 4
    assert same(again.get_weights(), model.get_weights())


# -- clones ------------------------------------------------------------------------------------------------------------


def test_clones_keep_sharing_and_share_nothing_with_the_original():
    a, b = Input((3,)), Input((3,))
    tower = Sequential([Dense(2, input_shape=(3,)), Dropout(0.5)])
    layer = Dense(2)
    model = Model([a, b], [add([tower(a), layer(b)]), add([layer(a), tower(b)])])
    clone = clone_model(model)
    assert len(clone.weights) == 4 and not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(model.get_weights())
    x = arrays((4, 3), (4, 3))
    assert same(clone.predict(x), model.predict(x))
    clone.compile("sgd", "mse")
    before = model.get_weights()
    clone.train_on_batch(x, arrays((4, 2), (4, 2)))
    assert same(before, model.get_weights()) and not same(before, clone.get_weights())


def test_a_clone_on_tensors_is_fed_by_them():
    model = three_deep()
    [x] = arrays((4, 3))
    clone = clone_model(model, input_tensors=[K.variable(x)])
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone.predict(None, steps=1), model.predict(x))


# -- subclassed models -------------------------------------------------------------------------------------------------


class Noisy(Model):
    """x w + b, a hundred times as much in training."""

    def __init__(self, units):
        super().__init__()
        self.dense = Dense(units)

    def call(self, inputs, training=None):
        return K.in_train_phase(self.dense(inputs) * 100.0, self.dense(inputs), training=training)


def test_a_subclassed_model_within_a_functional_one(tmp_path):
    x = Input((3,))
    noisy = Noisy(2)
    model = Model(x, Dense(1)(noisy(x)))
    [data] = arrays((4, 3))
    (w, bias), (head, offset) = noisy.dense.get_weights(), model.layers[-1].get_weights()
    close(model.predict(data), (data @ w + bias) @ head + offset)
    trained = K.function([x, K.learning_phase()], [model.output])([data, 1])[0]
    close(trained, (data @ w + bias) @ head * 100.0 + offset)
    model.compile("sgd", "mse")
    model.train_on_batch(data, np.zeros((4, 1)))
    model.save_weights(tmp_path / "weights.h5")
    other = Model(x, Dense(1)(Noisy(2)(x)))
    other.load_weights(tmp_path / "weights.h5")
    assert np.array_equal(other.predict(data), model.predict(data))


def test_the_training_flag_of_a_call_is_fixed():
    x = Input((3,))
    noisy = Noisy(2)
    model = Model(x, [noisy(x, training=True), noisy(x, training=False)])
    loud, quiet = model.predict(arrays((4, 3)))
    close(loud, quiet * 100.0)


def test_a_subclassed_model_is_trained_and_its_weights_are_saved(tmp_path):
    model = Noisy(1)
    model.compile(SGD(1e-6), "mse")
    x, y = arrays((8, 3), (8, 1))
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save_weights(tmp_path / "weights.h5")
    other = Noisy(1)
    other.build((None, 3))
    other.load_weights(tmp_path / "weights.h5")
    assert np.array_equal(other.predict(x), model.predict(x))


# -- tensors instead of arrays -----------------------------------------------------------------------------------------


def test_inputs_and_targets_that_are_tensors_need_no_arrays():
    x, y = arrays((4, 3), (4, 1))
    fixed = Input(tensor=K.variable(x))
    fed = Input((3,), name="fed")
    layer = Dense(1, use_bias=False)
    model = Model([fixed, fed], layer(add([fixed, fed])))
    model.compile(SGD(0.1), "mse", target_tensors=[K.variable(y)])
    w = layer.get_weights()[0]
    [other] = arrays((4, 3), seed=1)
    model.train_on_batch({"fed": other}, None)
    total = x + other
    close(layer.get_weights()[0], w - 0.1 * 2 * total.T @ (total @ w - y) / 4)
    close(model.predict({"fed": other}), total @ layer.get_weights()[0])


def test_a_lambda_of_a_function_of_k_is_in_the_config():
    x = Input((2, 3))
    model = Model(x, Flatten()(Lambda(K.square)(x)))
    assert np.array_equal(Model.from_config(model.get_config()).predict(np.ones((1, 2, 3)) * 3), np.full((1, 6), 9.0))
