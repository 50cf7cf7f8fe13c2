"""Nothing in the library keeps layers and models alive."""

import gc
import weakref

from polykeras.engine.topology import Input
from polykeras.models import Model, Sequential
from tests.engine.tiny_layers import Affine, Counting, Penalised


def make(kind):
    if kind == "sequential":
        return Sequential([Affine(3, input_shape=(4,)), Counting(), Affine(2)])
    x = Input((4,))
    inner = Model(x, Penalised()(Affine(3)(x)))
    y = Input((4,))
    return Model(y, inner(y) * 2.0)


def test_dropped_models_are_collected():
    models = [make("sequential") for _ in range(150)] + [make("functional") for _ in range(150)]
    watched = [weakref.ref(thing) for m in models for thing in (m, m.layers[0], m.weights[0])]
    del models
    gc.collect()
    assert sum(ref() is not None for ref in watched) == 0
