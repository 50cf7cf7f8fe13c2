"""`multi_gpu_model` where there are no several devices."""

import pytest

from polykeras.layers import Dense
from polykeras.models import Sequential
from polykeras.utils import multi_gpu_model


@pytest.mark.parametrize("gpus", [None, 0, 1, [0]])
def test_fewer_than_two_devices(gpus):
    with pytest.raises(ValueError, match="call `multi_gpu_model` with `gpus >= 2`"):
        multi_gpu_model(Sequential([Dense(1, input_shape=(2,))]), gpus)


@pytest.mark.parametrize("gpus, last", [(8, "/gpu:7"), ([0, 3], "/gpu:3")])
def test_devices_that_are_not_there(gpus, last):
    model = Sequential([Dense(1, input_shape=(2,))], name="net")
    advice = rf"{last}'\], but there is only \['/cpu:0'\].*Train 'net' itself"
    with pytest.raises(ValueError, match=advice) as caught:
        multi_gpu_model(model, gpus=gpus)
    assert f"gpus={gpus}" in str(caught.value)
