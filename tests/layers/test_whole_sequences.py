"""LSTM, GRU and SimpleRNN as one op over the sequence, against their cell step by step, in all combinations of options.

Which outputs are asked for (`return_sequences`, `return_state`) and the activations change with the combinations, so
that each meets each of the others. All pairs of activations have a test of their own: each is a kernel to compile.
"""

import itertools
from collections import namedtuple

import numpy as np
import pytest

from polykeras import activations, layers
from polykeras import backend as K
from polykeras.layers import GRU, LSTM, RNN, Input, LSTMCell, SimpleRNN
from polykeras.runtime.select import current, resolve
from polykeras_layers._cell import RecurrentCell
from tests.layers.arrays import float64, random

STEPS, BATCH, FEATURES, UNITS = 4, 3, 2, 3
KINDS = {"SimpleRNN": (SimpleRNN, 1), "GRU": (GRU, 1), "LSTM": (LSTM, 2)}
ACTIVATIONS = ("tanh", "sigmoid", "hard_sigmoid", "relu", "linear")
PAIRS = list(itertools.product(ACTIVATIONS, repeat=2))
COMPILED = list(zip(ACTIVATIONS, (*ACTIVATIONS[1:], ACTIVATIONS[0]), strict=True))  # each once in either place
RETURNS = list(itertools.product((False, True), repeat=2))
MASK = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]], "bool")

Built = namedtuple("Built", "layer inputs results")


def combinations(kind):
    """Options of the layer and of the call."""
    options = {
        "dropout": (0.0, 0.4),
        "recurrent_dropout": (0.0, 0.4),
        "use_bias": (True, False),
        "go_backwards": (False, True),
        "stateful": (False, True),
        "masked": (False, True),
        "given_states": (False, True),
    }
    if kind != "SimpleRNN":
        options["implementation"] = (1, 2)
    if kind == "GRU":
        options["reset_after"] = (False, True)
    for number, values in enumerate(itertools.product(*options.values())):
        chosen = dict(zip(options, values, strict=True))
        chosen["return_sequences"], chosen["return_state"] = RETURNS[number * 5 // 4 % 4]
        chosen["activation"], recurrent = (("tanh", "hard_sigmoid"), ("relu", "sigmoid"))[number.bit_count() % 2]
        if kind != "SimpleRNN":
            chosen["recurrent_activation"] = recurrent
        yield chosen


CASES = [(kind, backwards) for kind in KINDS for backwards in (False, True)]


def built(kind, options, by_steps):
    """The layer's outputs and states, and the gradients of a loss in its weights and inputs."""
    options = dict(options)
    masked, given = options.pop("masked"), options.pop("given_states")
    layer_class, count = KINDS[kind]
    layer = layer_class(UNITS, **options)
    x = Input(batch_shape=(BATCH, STEPS, FEATURES))
    states = [Input(batch_shape=(BATCH, UNITS)) for _ in range(count)] if given else []
    arguments = {"mask": K.constant(MASK, dtype="bool")} if masked else {}
    drawn = itertools.count(40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(K, "dropout", lambda ones, rate: K.constant(dropped(K.int_shape(ones), rate, next(drawn))))
        if by_steps:
            patch.setattr(RecurrentCell, "is_one_op", lambda cell: False)
        outputs = layer(x, initial_state=states or None, training=True, **arguments)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    weights = [random(*K.int_shape(weight), seed=i) / 2 for i, weight in enumerate(layer.weights)]
    layer.set_weights(weights)
    loss = sum(K.sum(y * K.constant(random(*K.int_shape(y), seed=9))) for y in outputs)
    sources = [x, *states, *layer.trainable_weights]
    return Built(layer, [x, *states], [*outputs, *K.gradients(loss, sources)])


def dropped(shape, rate, seed):
    """A mask of dropout that is the same at every call."""
    return (np.random.RandomState(seed).uniform(size=shape) >= rate) / (1 - rate)


def values(made, backend):
    """Two calls, so that the states of a stateful layer count; the results of the second and the states after it."""
    function = K.function(made.inputs, made.results, updates=made.layer.updates, backend=backend)
    arrays = [random(*K.int_shape(one), seed=20 + i) for i, one in enumerate(made.inputs)]
    if made.layer.stateful:
        made.layer.reset_states()
    function(arrays)
    results = function([array + 0.1 for array in arrays])
    return [*results, *([K.get_value(state) for state in made.layer.states] if made.layer.stateful else [])]


def ops_of(tensors):
    from polykeras.symbolic.graph import topological

    return {node.op.name for node in topological(tensors)}


@pytest.mark.parametrize(("kind", "backwards"), CASES)
@pytest.mark.parametrize("with_dropout", [False, True])
def test_one_op_and_steps_agree_in_every_combination_of_options(kind, backwards, with_dropout):
    cases = [c for c in combinations(kind) if (c["go_backwards"], c["dropout"] > 0) == (backwards, with_dropout)]
    assert len(cases) in (32, 64, 128)
    with float64():
        for options in cases:
            whole, stepped = built(kind, options, False), built(kind, options, True)
            assert {"SimpleRNN": "simple_rnn", "GRU": "gru", "LSTM": "lstm"}[kind] in ops_of(whole.results), options
            assert "scan" not in ops_of(whole.results), options
            for got, wanted in zip(values(whole, current()), values(stepped, resolve("numpy")), strict=True):
                np.testing.assert_allclose(
                    got, wanted, rtol=1e-10, atol=1e-10 * max(1, np.abs(wanted).max()), err_msg=str(options)
                )
            K.clear_session()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pair", COMPILED if current().name == "numba" else PAIRS)
def test_one_op_and_steps_agree_for_every_activation(kind, pair):
    options = {"activation": pair[0], "masked": True, "given_states": True, "return_sequences": True}
    if kind != "SimpleRNN":
        options["recurrent_activation"] = pair[1]
    with float64():
        expected = values(built(kind, options, True), resolve("numpy"))
        for got, wanted in zip(values(built(kind, options, False), current()), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_gradients_agree(kind):
    """A penalty on the gradient in the inputs, as critics of generative networks have it."""
    with float64():
        found = []
        for by_steps in (False, True):
            made = built(kind, {"return_sequences": True, "masked": True, "given_states": False}, by_steps)
            (slope,) = K.gradients(K.sum(K.square(made.results[0])), [made.inputs[0]])
            penalty = K.sum(K.square(slope))
            grads = K.gradients(penalty, made.layer.trainable_weights)
            found.append(K.function(made.inputs, grads)([random(BATCH, STEPS, FEATURES)]))
        for got, wanted in zip(*found, strict=True):
            assert np.abs(wanted).max() > 1e-3
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())


@pytest.mark.parametrize("reset_after", [False, True])
@pytest.mark.parametrize("implementation", [1, 2])
def test_the_state_that_a_gru_keeps_is_dropped_with_one_mask_only(implementation, reset_after):
    """Seen in Keras 2.2.4: with `implementation=2` the mask is on all uses of the state."""
    options = {"implementation": implementation, "reset_after": reset_after, "recurrent_dropout": 0.4}
    with float64():
        made = built("GRU", {**options, "use_bias": False, "masked": False, "given_states": True}, False)
        kernel, recurrent = made.layer.get_weights()
        x, h = random(BATCH, STEPS, FEATURES, seed=20), random(BATCH, UNITS, seed=21)
        got = K.function(made.inputs, made.results[:1])([x, h])[0]
    masks = [dropped((BATCH, UNITS), 0.4, 40 + i) for i in range(3)]
    masks = masks if implementation == 1 else [masks[0]] * 3
    hard_sigmoid = np.vectorize(lambda value: min(max(0.2 * value + 0.5, 0), 1))
    uz, ur, un = np.split(recurrent, 3, axis=1)
    for t in range(STEPS):
        xz, xr, xn = np.split(x[:, t] @ kernel, 3, axis=1)
        z, r = hard_sigmoid(xz + (h * masks[0]) @ uz), hard_sigmoid(xr + (h * masks[1]) @ ur)
        seen = r * ((h * masks[2]) @ un) if reset_after else (r * h * masks[2]) @ un
        h = z * (h if implementation == 1 else h * masks[0]) + (1 - z) * np.tanh(xn + seen)
    np.testing.assert_allclose(got, h, rtol=1e-12)


def test_what_the_op_does_not_know_goes_step_by_step():
    class Doubled(LSTMCell):
        def step(self, projected, states):
            output, states = super().step(projected, states)
            return 2 * output, states

    x = Input(batch_shape=(BATCH, STEPS, FEATURES))
    for layer in (
        LSTM(UNITS, activation="softsign"),
        GRU(UNITS, recurrent_activation=lambda x: activations.tanh(x)),
        RNN(Doubled(UNITS)),
    ):
        ops = ops_of([layer(x)])
        assert "scan" in ops and not ops & {"lstm", "gru", "simple_rnn"}
    assert "lstm" in ops_of([RNN(LSTMCell(UNITS))(x)])
    assert "scan" not in ops_of([LSTM(UNITS, unroll=True)(x)])


@pytest.mark.parametrize("kind", ["CuDNNLSTM", "CuDNNGRU"])
def test_layers_with_weights_of_cudnn_are_one_op(kind):
    x = Input(batch_shape=(BATCH, STEPS, FEATURES))
    assert {"CuDNNLSTM": "lstm", "CuDNNGRU": "gru"}[kind] in ops_of([getattr(layers, kind)(UNITS)(x)])
