"""Attention and MultiHeadAttention against arithmetic."""

import json

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Attention, Input, Masking, MultiHeadAttention
from polykeras.models import Model
from polykeras.testing.layers import check_layer
from tests.layers.arrays import float64, random


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal):
    with float64():
        query, value, key = random(2, 4, 3), random(2, 5, 6, seed=1), random(2, 5, 3, seed=2)
        inputs = [Input(array.shape[1:]) for array in (query, value, key)]
        outputs = Attention(use_scale=True)(inputs, return_attention_scores=True, use_causal_mask=causal)
        found, weights = Model(inputs, outputs).predict([query, value, key])
        scores = query @ key.swapaxes(1, 2)
        if causal:
            scores = np.where(np.tril(np.ones((4, 5))) > 0, scores, -np.inf)
    np.testing.assert_allclose(weights, softmax(scores), atol=1e-12)
    np.testing.assert_allclose(found, softmax(scores) @ value, atol=1e-12)


def test_attention_without_a_key_and_by_concatenation():
    with float64():
        query, value = random(2, 4, 3), random(2, 5, 3, seed=1)
        inputs = [Input((None, 3)), Input((None, 3))]
        plain, concat = Attention(), Attention(score_mode="concat")
        found = Model(inputs, [plain(inputs), concat(inputs)]).predict([query, value])
    np.testing.assert_allclose(found[0], softmax(query @ value.swapaxes(1, 2)) @ value, atol=1e-12)
    scores = np.tanh(query[:, :, None] + value[:, None]).sum(-1)
    np.testing.assert_allclose(found[1], softmax(scores) @ value, atol=1e-12)


def test_masks_of_attention():
    query, value = random(2, 4, 3), random(2, 5, 3, seed=1)
    query[:, 3], value[:, 2] = 0, 0
    inputs = [Input((4, 3)), Input((5, 3))]
    y = Attention()([Masking()(x) for x in inputs])
    assert K.int_shape(y._keras_mask) == (None, 4)
    found = Model(inputs, y).predict([query, value])
    kept = value[:, [0, 1, 3, 4]]
    np.testing.assert_allclose(found[:, :3], (softmax(query @ kept.swapaxes(1, 2)) @ kept)[:, :3], rtol=1e-5)
    np.testing.assert_array_equal(found[:, 3], 0)


@pytest.mark.parametrize("hidden", [None, "causal", "mask", "steps"])
@pytest.mark.parametrize("bias", [False, True])
def test_multi_head_attention(hidden, bias):
    with float64():
        query, value, key = random(2, 4, 3), random(2, 5, 6, seed=1), random(2, 5, 7, seed=2)
        attends = random(2, 4, 5, seed=3) > 0
        attends[..., 0] = True
        if hidden == "steps":
            value[:, 2] = 0
        inputs = [Input(array.shape[1:]) for array in (query, value, key)]
        layer = MultiHeadAttention(2, 3, value_dim=4, use_bias=bias, output_shape=5)
        q, v, k = inputs
        arguments = {"causal": {"use_causal_mask": True}, "mask": {"attention_mask": K.constant(attends, dtype="bool")}}
        v = Masking()(v) if hidden == "steps" else v
        outputs = layer(q, v, k, return_attention_scores=True, **arguments.get(hidden, {}))
        assert [K.int_shape(output)[1:] for output in outputs] == [(4, 5), (2, 4, 5)]
        layer.set_weights([random(*w.shape, seed=10 + i) for i, w in enumerate(layer.get_weights())])
        found, weights = K.function(inputs, outputs)([query, value, key])
        kernels = [K.get_value(w) for w in layer.weights if "kernel" in w.name]
        biases = [K.get_value(w) for w in layer.weights if "bias" in w.name] or [0.0] * 4
    seen = {
        None: np.ones((4, 5)), "causal": np.tril(np.ones((4, 5))), "mask": attends,
        "steps": np.arange(5) != 2,
    }[hidden]  # fmt: skip
    seen = np.broadcast_to(seen, (2, 4, 5)) > 0
    wanted = np.zeros((2, 4, 5)) + biases[3]
    for h in range(2):
        qh, kh, vh = (
            array @ kernel[:, h] + (b[h] if bias else 0)
            for array, kernel, b in zip((query, key, value), kernels[:3], biases[:3], strict=True)
        )
        share = softmax(np.where(seen, qh @ kh.swapaxes(1, 2) / np.sqrt(3), -np.inf))
        np.testing.assert_allclose(weights[:, h], share, atol=1e-12)
        wanted = wanted + share @ vh @ kernels[3][h]
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_self_attention_in_a_model():
    i = Input((4, 6))
    model = Model(i, MultiHeadAttention(2, 3, dropout=0.1)(i, i))
    model.compile("adam", "mse")
    x = random(8, 4, 6)
    losses = [model.train_on_batch(x, x[:, ::-1]) for _ in range(30)]
    assert losses[-1] < losses[0]
    again = Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(x), model.predict(x))
    names = [w.name.split("/", 1)[1] for w in model.layers[1].weights]
    assert names[:2] == ["query/kernel:0", "query/bias:0"] and names[-1] == "attention_output/bias:0"


@pytest.mark.parametrize("layer, arguments", [
    (Attention, {"use_scale": True}),
    (Attention, {"score_mode": "concat"}),
    (MultiHeadAttention, {"num_heads": 2, "key_dim": 3, "bias_initializer": "ones"}),
])  # fmt: skip
def test_kit(layer, arguments):
    check_layer(layer, arguments, [(None, 4, 6), (None, 5, 6)])


def test_dropout_of_weights():
    inputs = [Input((4, 3)), Input((50, 3))]
    y = Attention(dropout=0.5)(inputs)
    assert y._uses_learning_phase
    function = K.function([*inputs, K.learning_phase()], [y])
    arrays = [np.zeros((2, 4, 3)), np.ones((2, 50, 3))]
    np.testing.assert_allclose(function([*arrays, 0])[0], 1, rtol=1e-5)
    trained = function([*arrays, 1])[0]
    assert trained.std() > 0 and abs(trained.mean() - 1) < 0.3


@pytest.mark.parametrize("make, words", [
    (lambda: Attention(name="culprit")(Input((4, 3))), "culprit.*query, value"),
    (lambda: Attention(name="culprit", score_mode="x"), "culprit.*dot.*concat"),
    (lambda: MultiHeadAttention(2, 3, name="culprit")(Input((4, 3))), "culprit.*layer\\(x, x\\)"),
    (lambda: MultiHeadAttention(2, 3, name="culprit")(Input((3,)), Input((4, 3))), "culprit.*the query.*None, 3"),
])  # fmt: skip
def test_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
