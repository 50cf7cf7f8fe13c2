"""`multi_gpu_model` on one device."""

import numpy as np
import pytest

from polykeras.layers import Dense, Input
from polykeras.models import Model, Sequential
from polykeras.utils import multi_gpu_model


@pytest.fixture
def template():
    a, b = Input((3,), name="a"), Input((2,), name="b")
    shared = Dense(4, name="hidden")
    return Model([a, b], [Dense(1, name="left")(shared(a)), Dense(1, name="right")(b)])


def test_it_computes_what_the_template_does_and_trains_its_weights(template):
    with pytest.warns(RuntimeWarning, match="one device") as caught:
        model = multi_gpu_model(template, gpus=2)
    assert caught[0].filename == __file__
    x = {"a": np.ones((4, 3)), "b": np.ones((4, 2))}
    arrays = list(x.values())
    for ours, theirs in zip(model.predict(arrays), template.predict(arrays), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model.output_names == ["left", "right"] and template in model.layers

    before = template.get_weights()
    model.compile("sgd", {"left": "mse", "right": "mae"}, loss_weights={"left": 1.0, "right": 2.0})
    model.fit(arrays, {"left": np.zeros((4, 1)), "right": np.zeros((4, 1))}, verbose=0)
    assert all(np.abs(new - old).max() > 0 for new, old in zip(template.get_weights(), before, strict=True))


@pytest.mark.parametrize("gpus", [0, 1, [0]])
def test_one_device_is_refused(template, gpus):
    with pytest.raises(ValueError, match="at least 2 devices"):
        multi_gpu_model(template, gpus)


def test_a_model_without_inputs_is_refused():
    with pytest.raises(ValueError, match="no inputs yet"):
        multi_gpu_model(Sequential([Dense(1)]), 2)
