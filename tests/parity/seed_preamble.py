"""What the checks of the seed table are written in: short names for building, running and inspecting layers."""

# ruff: noqa: F401, F403  what a row may name
import contextlib
import inspect
import io
import json
import os
import sys
import tempfile
import warnings

import numpy as np
import pytest

import polykeras as keras
from polykeras import (
    activations,
    applications,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from polykeras import backend as K
from polykeras.layers import *
from polykeras.layers import Input
from polykeras.models import Model, Sequential, load_model, model_from_json

req = inspect.Parameter.empty  # "no default" in what `args` gives


@pytest.fixture(autouse=True)
def fresh_row(tmp_path, monkeypatch):
    """Each row runs on a fresh graph, with NumPy's generator seeded, in an empty folder."""
    K.clear_session()
    np.random.seed(0)
    monkeypatch.chdir(tmp_path)


def cfg(layer):
    return layer.get_config()


def sym(layer, *shapes):
    """The layer called on new inputs of these shapes, without the batch."""
    inputs = [Input(shape=shape) for shape in shapes]
    return layer(inputs if len(inputs) > 1 else inputs[0])


def shp(layer, *shapes):
    """The declared shape of the output, or a list of them."""
    outputs = sym(layer, *shapes)
    if isinstance(outputs, list):
        return [tuple(K.int_shape(output)) for output in outputs]
    return tuple(K.int_shape(outputs))


def npar(layer, *shapes):
    sym(layer, *shapes)
    return layer.count_params()


def wts(layer, *shapes):
    """[(weight name, shape), ...] in the order of `get_weights`."""
    sym(layer, *shapes)
    return [(w.name.split("/")[-1].split(":")[0], tuple(K.int_shape(w))) for w in layer.weights]


def run(layer, *arrays):
    """The layer's output for arrays, in the test phase."""
    arrays = [np.asarray(array, "float32") for array in arrays]
    inputs = [Input(shape=array.shape[1:]) for array in arrays]
    model = Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))
    return model.predict(arrays if len(arrays) > 1 else arrays[0])


def train_phase(layer, array):
    """The layer's output for an array, in the training phase."""
    x = Input(shape=np.shape(array)[1:])
    return K.function([x, K.learning_phase()], [layer(x)])([np.asarray(array, "float32"), 1])[0]


def raises(kind, f, *words):
    """Whether `f` raises an error of that kind with all these words."""
    try:
        f()
    except kind as error:
        return all(word in str(error) for word in words)
    return False


def warns(f, *words):
    """Whether `f` gives a warning with all these words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f()
    return any(all(word in str(warning.message) for word in words) for warning in caught)


def args(f):
    """{argument: default} of a function or class."""
    f = f.__init__ if inspect.isclass(f) else f
    parameters = inspect.signature(getattr(f, "_original_function", f)).parameters.values()
    return {p.name: p.default for p in parameters if p.name != "self" and p.kind == p.POSITIONAL_OR_KEYWORD}


def near(a, b, tol=1e-5):
    return bool(np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=tol, atol=tol))


def seq(*layers, **compile_args):
    model = Sequential(list(layers))
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compile_args})
    return model


def printed(f, *arguments, **keywords):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        f(*arguments, **keywords)
    return text.getvalue()


def data(n=8, d=4, c=2, seed=0):
    """Random inputs and one-hot targets."""
    r = np.random.RandomState(seed)
    return r.rand(n, d).astype("float32"), np.eye(c)[r.randint(c, size=n)].astype("float32")
