"""Recurrent layers against arithmetic step by step, and against themselves written another way."""

import json
import warnings

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import layers, regularizers
from polykeras.engine.base_layer import Layer
from polykeras.layers import GRU, LSTM, RNN, Dense, GRUCell, Input, LSTMCell, SimpleRNN, SimpleRNNCell, StackedRNNCells
from polykeras.models import Model, Sequential
from tests.layers.arrays import float64, random, run


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def simple_rnn(x, h, kernel, recurrent_kernel, bias):
    h = np.tanh(x @ kernel + h[0] @ recurrent_kernel + bias)
    return h, [h]


def lstm(x, states, kernel, recurrent_kernel, bias):
    i, f, c, o = np.split(x @ kernel + states[0] @ recurrent_kernel + bias, 4, axis=-1)
    c = hard_sigmoid(f) * states[1] + hard_sigmoid(i) * np.tanh(c)
    h = hard_sigmoid(o) * np.tanh(c)
    return h, [h, c]


def gru(x, states, kernel, recurrent_kernel, bias):
    h = states[0]
    units = h.shape[-1]
    xz, xr, xh = np.split(x @ kernel + bias, 3, axis=-1)
    z = hard_sigmoid(xz + h @ recurrent_kernel[:, :units])
    r = hard_sigmoid(xr + h @ recurrent_kernel[:, units : 2 * units])
    h = z * h + (1 - z) * np.tanh(xh + (r * h) @ recurrent_kernel[:, 2 * units :])
    return h, [h]


def gru_reset_after(x, states, kernel, recurrent_kernel, bias):
    h = states[0]
    xz, xr, xh = np.split(x @ kernel + bias[0], 3, axis=-1)
    hz, hr, hh = np.split(h @ recurrent_kernel + bias[1], 3, axis=-1)
    z = hard_sigmoid(xz + hz)
    h = z * h + (1 - z) * np.tanh(xh + hard_sigmoid(xr + hr) * hh)
    return h, [h]


KINDS = {
    "SimpleRNN": (SimpleRNN, {}, simple_rnn, 1),
    "LSTM": (LSTM, {}, lstm, 2),
    "GRU": (GRU, {}, gru, 1),
    "GRU reset after": (GRU, {"reset_after": True}, gru_reset_after, 1),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def step_by_step(step, x, states, weights, mask=None):
    """All outputs and the last states; a masked step keeps the states."""
    outputs = []
    for t in range(x.shape[1]):
        output, new = step(x[:, t], states, *weights)
        if mask is not None:
            keep = mask[:, t, None]
            output = np.where(keep, output, states[0])
            new = [np.where(keep, n, o) for n, o in zip(new, states, strict=True)]
        states = new
        outputs.append(output)
    return np.stack(outputs, axis=1), states


def with_random_weights(layer, *shapes, seed=3):
    """The layer, built on inputs of these shapes, with weights that are neither zero nor alike."""
    layer(Input(batch_shape=shapes[0]))
    layer.set_weights([0.5 * random(*w.shape, seed=seed + i) for i, w in enumerate(layer.get_weights())])
    return layer


@kinds
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_arithmetic(kind, masked, backwards):
    make, arguments, step, count = KINDS[kind]
    with float64():
        x = random(3, 6, 2)
        mask = random(3, 6, seed=1) > 0 if masked else None
        layer = make(4, return_sequences=True, return_state=True, go_backwards=backwards, **arguments)
        with_random_weights(layer, (None, None, 2))
        i = Input((None, 2))
        outputs = layer(i, **({"mask": K.constant(mask, dtype="bool")} if masked else {}))
        found = K.function([i], outputs)([x])
        turn = slice(None, None, -1 if backwards else 1)
        states = [np.zeros((3, 4))] * count
        turned = None if mask is None else mask[:, turn]
        wanted, last = step_by_step(step, x[:, turn], states, layer.get_weights(), turned)
    for got, expected in zip(found, [wanted, *last], strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-12)


def outputs_and_gradients(layer, x, mask, states):
    """What the layer gives for float64 arrays, and the gradients of a sum of it in x, the states and the weights."""
    i = Input(batch_shape=x.shape)
    s = [Input(batch_shape=state.shape) for state in states]
    arguments = {"mask": K.constant(mask, dtype="bool")} if mask is not None else {}
    outputs = layer(i, initial_state=s or None, **arguments)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    total = sum(K.sum(o * K.constant(random(*K.int_shape(o), seed=9), dtype="float64")) for o in outputs)
    gradients = K.gradients(total, [i, *s, *layer.trainable_weights])
    return K.function([i, *s], [*outputs, *gradients])([x, *states])


@kinds
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("started", [False, True])
def test_loop_and_unrolled_agree_in_values_and_gradients(kind, masked, backwards, sequences, started):
    make, arguments, _, count = KINDS[kind]
    with float64():
        x = random(3, 5, 2)
        mask = random(3, 5, seed=1) > 0 if masked else None
        if masked:
            mask[:, [0, -1]] = True  # before the first step an unrolled loop repeats zeros, and the other the state
        states = [random(3, 4, seed=5 + i) for i in range(count)] if started else []
        found = []
        options = {"return_sequences": sequences, "return_state": True, "go_backwards": backwards, **arguments}
        for unroll, implementation in ((False, 1), (True, 1), (False, 2)):
            if make is not SimpleRNN:
                options["implementation"] = implementation
            layer = with_random_weights(make(4, unroll=unroll, **options), x.shape)
            found.append(outputs_and_gradients(layer, x, mask, states))
    for others in found[1:]:
        for a, b in zip(found[0], others, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10)


@kinds
def test_layer_is_rnn_of_its_cell(kind):
    make, arguments, _, _ = KINDS[kind]
    cell = {SimpleRNN: SimpleRNNCell, GRU: GRUCell, LSTM: LSTMCell}[make](4, **arguments)
    x = random(3, 5, 2).astype("float32")
    layer = with_random_weights(make(4, **arguments), (None, 5, 2))
    np.testing.assert_allclose(run(RNN(cell, weights=layer.get_weights()), x), run(layer, x), rtol=1e-6)


@kinds
def test_time_major_swaps_the_first_axes(kind):
    make, arguments, _, _ = KINDS[kind]
    x = random(3, 5, 2).astype("float32")
    mask = random(3, 5, seed=1) > 0
    options = {"return_sequences": True, **arguments}
    batch_major = with_random_weights(make(4, **options), (None, 5, 2))
    time_major = make(4, time_major=True, weights=batch_major.get_weights(), **options)
    i = Input(batch_shape=(5, None, 2))
    y = time_major(i, mask=K.constant(mask.T, dtype="bool"))
    assert K.int_shape(y)[0] == 5 and time_major.compute_output_shape((5, None, 2)) == (5, None, 4)
    (found,) = K.function([i], [y])([x.swapaxes(0, 1)])
    np.testing.assert_allclose(found.swapaxes(0, 1), run(batch_major, x, mask=mask), rtol=1e-5, atol=1e-6)
    assert make.from_config(time_major.get_config()).time_major
    assert "time_major" not in batch_major.get_config()


# -- dropout -----------------------------------------------------------------------------------------------------------


def echo(**arguments):
    """A SimpleRNN that gives what it sees of its inputs."""
    return SimpleRNN(
        50, activation="linear", kernel_initializer="identity", recurrent_initializer="zeros", return_sequences=True,
        **arguments,
    )  # fmt: skip


def test_inputs_are_dropped_alike_at_every_step():
    seen = run(echo(dropout=0.4), np.ones((20, 6, 50), "float32"), training=1)
    np.testing.assert_allclose(np.unique(seen.round(5)), [0, 1.66667])
    assert (seen == seen[:, :1]).all()
    assert (seen[0, 0] != seen[1, 0]).any()
    assert abs((seen == 0).mean() - 0.4) < 0.06
    np.testing.assert_array_equal(run(echo(dropout=0.4), np.ones((2, 6, 50), "float32"), training=0), 1)


def test_states_are_dropped_alike_at_every_step():
    layer = SimpleRNN(
        50, activation="linear", kernel_initializer="zeros", recurrent_initializer="identity", bias_initializer="ones",
        recurrent_dropout=0.5, return_sequences=True,
    )  # fmt: skip
    y = run(layer, np.zeros((10, 4, 50), "float32"), training=1)
    dropped = y[:, 1] == 1
    assert 0.3 < dropped.mean() < 0.7
    np.testing.assert_array_equal(y[dropped.nonzero()[0], :, dropped.nonzero()[1]], 1)
    kept = y[(~dropped).nonzero()[0], :, (~dropped).nonzero()[1]]
    np.testing.assert_array_equal(kept, np.broadcast_to([1, 3, 7, 15], kept.shape))


@pytest.mark.parametrize("make, gates", [(LSTMCell, 4), (GRUCell, 3)])
@pytest.mark.parametrize("implementation", [1, 2])
def test_gates_have_masks_of_their_own_or_share_one(make, gates, implementation):
    cell = make(30, dropout=0.5, recurrent_dropout=0.5, implementation=implementation)
    i = Input((4, 20))
    RNN(cell)(i)
    for masks, size in ((cell._dropout_mask, 20), (cell._recurrent_dropout_mask, 30)):
        masks = masks if isinstance(masks, list) else [masks]
        found = K.function([i, K.learning_phase()], masks)([np.ones((5, 4, 20)), 1])
        assert [mask.shape for mask in found] == [(5, size)] * (gates if implementation == 1 else 1)
        assert len({mask.tobytes() for mask in found}) == len(found)


@pytest.mark.parametrize("make", [LSTM, GRU])
@pytest.mark.parametrize("implementation", [1, 2])
def test_dropout_is_of_training_alone(make, implementation):
    x = random(4, 5, 3).astype("float32")
    layer = make(6, dropout=0.5, recurrent_dropout=0.5, implementation=implementation)
    i = Input((5, 3))
    y = layer(i)
    assert y._uses_learning_phase
    plain = make(6, weights=layer.get_weights())
    function = K.function([i, K.learning_phase()], [y])
    np.testing.assert_allclose(function([x, 0])[0], run(plain, x), rtol=1e-5, atol=1e-6)
    assert (function([x, 1])[0] != function([x, 1])[0]).any()
    fixed = make(6, dropout=0.5, implementation=implementation)
    forced = fixed(i, training=True)
    assert not getattr(forced, "_uses_learning_phase", False)
    a, b = (K.function([i], [forced])([x])[0] for _ in range(2))
    assert (a != b).any()


def test_stacked_cells_drop_too():
    layer = RNN([SimpleRNNCell(5, dropout=0.5), LSTMCell(4, recurrent_dropout=0.5)])
    x = random(4, 5, 3).astype("float32")
    i = Input((5, 3))
    y = layer(i)
    function = K.function([i, K.learning_phase()], [y])
    assert (function([x, 1])[0] != function([x, 1])[0]).any()
    np.testing.assert_array_equal(function([x, 0])[0], function([x, 0])[0])


# -- states ------------------------------------------------------------------------------------------------------------


def test_stateful_in_training_test_and_prediction():
    model = Sequential([LSTM(3, stateful=True, batch_input_shape=(2, 4, 2)), Dense(1)])
    model.compile("sgd", "mse")
    x, y = random(2, 4, 2), random(2, 1)
    layer = model.layers[0]

    def moved(f):
        before = K.batch_get_value(layer.states)
        f()
        return all((a != b).any() for a, b in zip(before, K.batch_get_value(layer.states), strict=True))

    assert moved(lambda: model.train_on_batch(x, y))
    assert moved(lambda: model.test_on_batch(x, y))
    assert moved(lambda: model.predict(x, batch_size=2))
    layer.trainable = False
    assert moved(lambda: model.predict(x, batch_size=2))
    model.reset_states()
    for state in K.batch_get_value(layer.states):
        np.testing.assert_array_equal(state, 0)


def test_of_two_calls_of_a_stateful_layer_the_last_leaves_its_states():
    layer = SimpleRNN(3, stateful=True)
    a, b = Input(batch_shape=(2, 4, 2)), Input(batch_shape=(2, 4, 2))
    model = Model([a, b], [layer(a), layer(b)])
    x, y = random(2, 4, 2), random(2, 4, 2, seed=1)
    _, last = model.predict([x, y], batch_size=2)
    np.testing.assert_allclose(K.get_value(layer.states[0]), last)


def test_another_batch_size_is_an_error():
    layer = LSTM(3, stateful=True)
    layer(Input(batch_shape=(2, 4, 5)))
    with pytest.raises(ValueError, match=r"shape=\(2, None, 5\).*\(3, 4, 5\)"):
        layer(Input(batch_shape=(3, 4, 5)))


def test_states_to_start_from():
    with float64():
        x, h, c = random(3, 4, 2), random(3, 5, seed=1), random(3, 5, seed=2)
        layer = with_random_weights(LSTM(5), (None, 4, 2))
        wanted = step_by_step(lstm, x, [h, c], layer.get_weights())[0][:, -1]
        as_variables = layer(Input((4, 2)), initial_state=[K.variable(h), K.variable(c)])
        inputs = [Input((4, 2)), Input((5,)), Input((5,))]
        as_inputs = layer(inputs[0], initial_state=inputs[1:])
        in_a_list = layer(inputs)
        model = Model(inputs, [as_inputs, in_a_list])
        for found in model.predict([x, h, c]):
            np.testing.assert_allclose(found, wanted, rtol=1e-10)
        i = layer.get_input_at(1)
        np.testing.assert_allclose(K.function([i], [as_variables])([x])[0], wanted, rtol=1e-10)


def test_encoder_and_decoder_go_through_their_config_without_a_warning():
    source, target = Input((None, 3)), Input((None, 2))
    _, h, c = LSTM(4, return_state=True)(source)
    model = Model([source, target], LSTM(4, return_sequences=True)(target, initial_state=[h, c]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    arrays = [random(2, 5, 3), random(2, 4, 2)]
    np.testing.assert_array_equal(again.predict(arrays), model.predict(arrays))


WRONG_STATES = {
    "number": (lambda layer: [Input((4,))], r"\[4, 4\].*\(None, 4\)"),
    "sizes": (lambda layer: [Input((4,)), Input((5,))], r"\[4, 4\].*\(None, 5\)"),
    "kinds": (lambda layer: [Input((4,)), K.variable(np.zeros((2, 4)))], "all Keras tensors"),
}


@pytest.mark.parametrize("case", WRONG_STATES)
def test_wrong_initial_states(case):
    make, message = WRONG_STATES[case]
    layer = LSTM(4, name="culprit")
    with pytest.raises(ValueError, match=f"(?s)culprit.*{message}"):
        layer(Input((3, 2)), initial_state=make(layer))


# -- cells of one's own ------------------------------------------------------------------------------------------------


class Minimal:
    """Not a layer: the running sum of what comes."""

    state_size = 3

    def call(self, inputs, states):
        total = states[0] + inputs
        return total, [total]


class Offset(Layer):
    """h' = x · kernel + h + constant · scale"""

    def __init__(self, units, **kwargs):
        self.units = units
        self.state_size = units
        super().__init__(**kwargs)

    def build(self, input_shape):
        features, constant = input_shape
        self.kernel = self.add_weight(shape=(features[-1], self.units), initializer="ones", name="kernel")
        self.scale = self.add_weight(
            shape=(constant[-1], self.units), initializer="ones", name="scale", regularizer=regularizers.l2(0.5)
        )
        self.built = True

    def call(self, inputs, states, constants):
        h = K.dot(inputs, self.kernel) + states[0] + K.dot(constants[0], self.scale)
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_cell_that_is_no_layer():
    x = random(2, 4, 3).astype("float32")
    layer = RNN(Minimal(), return_sequences=True)
    np.testing.assert_allclose(run(layer, x), np.cumsum(x, axis=1), rtol=1e-5, atol=1e-6)
    assert layer.weights == []


def test_constants():
    x, constant = random(2, 4, 3).astype("float32"), random(2, 1).astype("float32")
    i, k = Input((4, 3)), Input((1,))
    layer = RNN(Offset(2))
    y = layer(i, constants=k)
    model = Model([i, k], y)
    wanted = x.sum(axis=(1, 2))[:, None] + 4 * constant
    np.testing.assert_allclose(model.predict([x, constant]), np.repeat(wanted, 2, 1), rtol=1e-5)
    assert len(model.losses) == 1 and K.eval(model.losses[0]) == pytest.approx(1.0)
    assert layer.get_config()["num_constants"] == 1
    again = Model.from_config(model.get_config(), custom_objects={"Offset": Offset})
    np.testing.assert_allclose(again.predict([x, constant]), model.predict([x, constant]))
    start = Input((2,))
    started = Model([i, start, k], layer(i, initial_state=start, constants=k))
    np.testing.assert_allclose(
        started.predict([x, np.ones((2, 2)), constant]), model.predict([x, constant]) + 1, rtol=1e-5
    )


def test_a_stack_is_layers_on_each_other():
    x = random(2, 4, 3).astype("float32")
    first = with_random_weights(LSTM(5, return_sequences=True), (None, None, 3))
    second = with_random_weights(GRU(4, return_sequences=True), (None, None, 5), seed=7)
    stack = RNN([LSTMCell(5), GRUCell(4)], return_sequences=True, return_state=True)
    i = Input((None, 3))
    outputs = stack(i)
    stack.set_weights(first.get_weights() + second.get_weights())
    found = K.function([i], outputs)([x])
    np.testing.assert_allclose(found[0], run(second, run(first, x)), rtol=1e-5, atol=1e-6)
    assert [state.shape for state in found[1:]] == [(2, 5), (2, 5), (2, 4)]
    assert stack.compute_output_shape((None, 6, 3)) == [(None, 6, 4), (None, 5), (None, 5), (None, 4)]


def test_stacked_cells_weights_and_config():
    stack = StackedRNNCells([LSTMCell(5), GRUCell(4)])
    RNN(stack)(Input((None, 3)))
    again = StackedRNNCells.from_config(stack.get_config())
    assert again.get_config() == stack.get_config()
    arrays = [array + 1 for array in stack.get_weights()]
    stack.set_weights(arrays)
    for a, b in zip(arrays, stack.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    stack.cells[0].trainable = False
    assert len(stack.trainable_weights) == len(stack.non_trainable_weights) == 3


@pytest.mark.parametrize("wrong", [object(), type("NoSize", (), {"call": None})()])
def test_what_is_no_cell(wrong):
    for make in (RNN, lambda cell: StackedRNNCells([cell]), lambda cell: RNN([cell])):
        with pytest.raises(ValueError, match="`call`|`state_size`"):
            make(wrong)


def test_weights_and_losses_of_the_cell_are_the_layers():
    layer = LSTM(3, kernel_regularizer="l2", activity_regularizer="l1")
    i = Input((4, 2))
    model = Model(i, layer(i))
    assert len(layer.get_losses_for(None)) == len(layer.get_losses_for(i)) == 1
    assert len(model.losses) == 2
    layer.trainable = False
    assert model.trainable_weights == [] and len(layer.non_trainable_weights) == 3


def test_parts_of_the_weights_by_gate():
    cell = LSTMCell(3)
    cell.build((None, 2))
    whole = np.concatenate([K.eval(getattr(cell, f"kernel_{gate}")) for gate in "ifco"], axis=1)
    np.testing.assert_array_equal(whole, K.get_value(cell.kernel))
    np.testing.assert_array_equal(K.eval(cell.bias_f), 1)
    cell = GRUCell(3, reset_after=True)
    cell.build((None, 2))
    assert K.int_shape(cell.recurrent_bias_r) == (3,) and K.int_shape(cell.recurrent_kernel_h) == (3, 3)
    cell = GRUCell(3, use_bias=False)
    cell.build((None, 2))
    assert cell.input_bias_z is None and cell.recurrent_bias_z is None


# -- cuDNN -------------------------------------------------------------------------------------------------------------


def test_cudnn_start_of_the_biases():
    layer = layers.CuDNNLSTM(2)
    layer(Input((3, 4)))
    assert layer.get_weights()[2].tolist() == [0] * 10 + [1, 1] + [0] * 4
    assert layer.cell.state_size == (2, 2) and layers.CuDNNGRU(2).cell.state_size == 2


@pytest.mark.parametrize("make", [layers.CuDNNLSTM, layers.CuDNNGRU])
def test_cudnn_states_and_gradients(make):
    with float64():
        layer = with_random_weights(make(3, stateful=True, return_state=True), (2, 4, 5))
        i = Input(batch_shape=(2, 4, 5))
        output, *states = layer(i)
        step = K.function([i], [output], updates=layer.get_updates_for(i))
        x = random(2, 8, 5)
        step([x[:, :4]])
        (halves,) = step([x[:, 4:]])
        plain = make(3, weights=layer.get_weights())
        np.testing.assert_allclose(halves, run(plain, x), rtol=1e-10)
        assert all(g is not None for g in K.gradients(K.sum(output), layer.trainable_weights))
        assert len(states) == len(layer.states)


# -- size --------------------------------------------------------------------------------------------------------------


def graph_size(tensors):
    """The number of nodes that the tensors rest on, those of bodies counted once."""
    seen, left = set(), [tensor.node for tensor in tensors]
    while left:
        node = left.pop()
        if node in seen:
            continue
        seen.add(node)
        left += [tensor.node for tensor in node.inputs]
        for body in node.attrs.values():
            left += list(getattr(body, "nodes", ()))
    return len(seen)


def long_models():
    yield "lstm", lambda steps: Sequential([LSTM(4, input_shape=(steps, 2)), Dense(1)])
    yield "bidirectional", lambda steps: Sequential([
        layers.Bidirectional(GRU(3, return_sequences=True), input_shape=(steps, 2)),
        layers.Bidirectional(LSTM(3, return_sequences=True)),
        layers.Bidirectional(SimpleRNN(3)),
        Dense(1),
    ])  # fmt: skip


@pytest.mark.parametrize("name, make", list(long_models()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_graph_does_not_grow_with_the_steps(name, make):
    sizes = set()
    for steps in (3, 200):
        model = make(steps)
        model.compile("sgd", "mse")
        sizes.add(graph_size(K.gradients(model.total_loss, model.trainable_weights)))
    assert len(sizes) == 1
    losses = [model.train_on_batch(random(4, 200, 2), np.ones((4, 1))) for _ in range(8)]
    assert losses[-1] < losses[0]
