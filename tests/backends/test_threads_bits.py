"""One thread, two and three give the same bits: random programs, and models that are trained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import polykeras
from benchmarks.frameworks.functional import functional
from benchmarks.workloads import WORKLOADS, Network
from benchmarks.workloads import layers as described
from benchmarks.workloads.convolutional import resnet
from polykeras import backend as K
from polykeras import config
from polykeras.optimizers import Adam
from polykeras.runtime.select import backend_scope
from tests.backends.random_programs import graph, programs, run
from tests.backends.test_random_programs import trials

COUNTS = (1, 2, 3)


@pytest.fixture(autouse=True)
def numba_installed():
    pytest.importorskip("polykeras_numba", reason="polykeras-numba is not installed")
    yield
    config.set_num_threads(None)


def same_bits(results):
    """Are all lists of arrays equal to the first, NaN and the sign of zero included?"""
    first, *others = [[np.asarray(array).tobytes() for array in arrays] for arrays in results]
    return all(other == first for other in others)


@trials(12)
@given(program=programs())
def test_random_programs(program, module_backend, small_parts):
    results = []
    for count in COUNTS:
        config.set_num_threads(count)
        results.append(run(program, module_backend, "float32"))
    assert same_bits(results)


@trials(6)
@given(program=programs())
def test_random_programs_compiled_before_the_number_changes(program, module_backend, small_parts):
    inputs, outputs = graph(program, "float32")
    function = K.function(inputs, outputs, backend=module_backend)
    arrays = [array.astype(t.spec.dtype) for array, t in zip(program.arrays(), inputs, strict=True)]
    results = []
    for count in COUNTS:
        config.set_num_threads(count)
        results.append(function(arrays))
    assert same_bits(results)


# -- models ------------------------------------------------------------------------------------------------------------


def small_cnn():
    """The workload `cnn`, without what is drawn."""
    return _without_dropout(WORKLOADS["cnn"].build())


def small_lstm():
    network = Network((20,), tokens=500)
    network.add(described.Embedding(500, 32))
    network.add(described.LSTM(48))
    network.add(described.Dense(2, "softmax"))
    return network


def small_resnet():
    return resnet((1, 1, 1, 1), size=64)


def small_transformer():
    network = Network((24, 32))
    network.add(described.LayerNorm(), 0)
    attended = network.add(described.Attention(4))
    network.add(described.Add(), 0, attended)
    network.add(described.GlobalPool())
    network.add(described.Dense(10, "softmax"))
    return network


def _without_dropout(network):
    kept = Network(network.shapes[0])
    for layer, _ in network.nodes:
        if not isinstance(layer, described.Dropout):
            kept.add(layer)
    return kept


MODELS = {"cnn": small_cnn, "lstm": small_lstm, "resnet": small_resnet, "transformer": small_transformer}


def trained(network, batch, steps=3):
    """Predictions, losses and weights, before, between and after training steps."""
    model, weighted = functional(network, polykeras)
    model.compile(optimizer=Adam(lr=0.001), loss="categorical_crossentropy")
    for layer, weights in zip(weighted, network.weights(), strict=True):
        if weights:
            layer.set_weights(weights)
    random = np.random.RandomState(1)
    shape = (batch, *network.shapes[0])
    x = random.randint(network.tokens, size=shape) if network.tokens else random.rand(*shape).astype("float32")
    classes = network.shapes[-1][-1]
    y = np.eye(classes, dtype="float32")[random.randint(classes, size=batch)]
    found = [model.predict_on_batch(x)]
    found += [model.train_on_batch(x, y) for _ in range(steps)]
    return [*found, model.predict_on_batch(x), *model.get_weights()]


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("batch", [1, 8])
def test_models(name, batch):
    results = []
    with backend_scope("numba"):
        for count in COUNTS:
            config.set_num_threads(count)
            results.append(trained(MODELS[name](), batch))
    assert all(np.isfinite(array).all() for array in results[0])
    assert same_bits(results)


def test_dropout_draws_the_same_numbers():
    results = []
    with backend_scope("numba"):
        for count in COUNTS:
            config.set_num_threads(count)
            polykeras.utils.set_random_seed(3)
            results.append(trained(WORKLOADS["cnn"].build(), 8))
    assert same_bits(results)
