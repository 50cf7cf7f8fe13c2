"""`from_config(get_config())` gives an equal layer, in arguments and in numbers."""

import json

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import initializers, layers, regularizers
from tests.layers.arrays import random, run

IMAGE, SEQUENCE, VECTOR = (2, 6, 5, 3), (2, 6, 3), (2, 3)
WEIGHTS = {
    "use_bias": True, "kernel_initializer": "he_normal", "bias_initializer": "ones", "kernel_regularizer": "l1",
    "bias_regularizer": "l2", "activity_regularizer": "l1_l2", "kernel_constraint": "max_norm",
    "bias_constraint": "non_neg", "activation": "tanh",
}  # fmt: skip
CASES = [
    ("Dense", {"units": 4, **WEIGHTS}, [SEQUENCE]),
    ("Activation", {"activation": "selu"}, [VECTOR]),
    ("Dropout", {"rate": 0.3, "noise_shape": (None, 1), "seed": 4}, [VECTOR]),
    ("SpatialDropout1D", {"rate": 0.3}, [SEQUENCE]),
    ("SpatialDropout2D", {"rate": 0.3, "data_format": "channels_first"}, [IMAGE]),
    ("GaussianNoise", {"stddev": 0.3}, [VECTOR]),
    ("GaussianDropout", {"rate": 0.3}, [VECTOR]),
    ("AlphaDropout", {"rate": 0.3, "seed": 2}, [VECTOR]),
    ("Flatten", {"data_format": "channels_first"}, [IMAGE]),
    ("Reshape", {"target_shape": (-1, 2)}, [SEQUENCE]),
    ("Permute", {"dims": (2, 1)}, [SEQUENCE]),
    ("RepeatVector", {"n": 3}, [VECTOR]),
    ("Masking", {"mask_value": 2.0}, [SEQUENCE]),
    ("ActivityRegularization", {"l1": 0.5, "l2": 0.25}, [VECTOR]),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 2, **WEIGHTS}, [SEQUENCE]),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 3), "strides": 2, "padding": "same", **WEIGHTS}, [IMAGE]),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "data_format": "channels_first", "dilation_rate": 2}, [IMAGE]),
    ("MaxPooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}, [SEQUENCE]),
    ("MaxPooling2D", {"pool_size": (3, 2), "data_format": "channels_first"}, [IMAGE]),
    ("AveragePooling2D", {"pool_size": 3, "strides": (1, 2), "padding": "same"}, [IMAGE]),
    ("GlobalAveragePooling2D", {"data_format": "channels_first"}, [IMAGE]),
    ("GlobalMaxPooling1D", {}, [SEQUENCE]),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5, "epsilon": 0.1, "scale": False}, [SEQUENCE]),
    ("Add", {}, [VECTOR, VECTOR]),
    ("Concatenate", {"axis": 1}, [SEQUENCE, SEQUENCE]),
    ("Dot", {"axes": (2, 2), "normalize": True}, [SEQUENCE, SEQUENCE]),
    ("LeakyReLU", {"alpha": 0.1}, [VECTOR]),
    ("PReLU", {"alpha_initializer": "ones", "shared_axes": [1]}, [SEQUENCE]),
    ("ELU", {"alpha": 0.5}, [VECTOR]),
    ("ThresholdedReLU", {"theta": 0.5}, [VECTOR]),
    ("Softmax", {"axis": 1}, [SEQUENCE]),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, [VECTOR]),
    ("ZeroPadding1D", {"padding": (1, 2)}, [SEQUENCE]),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 3)), "data_format": "channels_first"}, [IMAGE]),
    ("Cropping1D", {"cropping": (1, 2)}, [SEQUENCE]),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1))}, [IMAGE]),
    ("UpSampling1D", {"size": 3}, [SEQUENCE]),
    ("UpSampling2D", {"size": (1, 2), "interpolation": "bilinear"}, [IMAGE]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "shapes"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_round_trip(name, arguments, shapes):
    K.clear_session()
    arrays = [random(*shape, seed=i).astype("float32") for i, shape in enumerate(shapes)]
    layer = getattr(layers, name)(name="original", trainable=False, **arguments)
    first = run(layer, *arrays)

    config = layer.get_config()
    for argument in arguments:
        assert argument in config
    saved = json.loads(json.dumps(layers.serialize(layer)))
    copy = layers.deserialize(saved)
    assert saved["class_name"] == name
    assert json.loads(json.dumps(copy.get_config())) == saved["config"]
    assert (copy.name, copy.trainable) == ("original", False)

    run(copy, *arrays)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(run(copy, *arrays), first)


def test_a_config_is_not_changed_by_making_a_layer_of_it():
    for config in (
        layers.Dense(3, input_dim=4).get_config(),
        layers.SpatialDropout2D(0.5).get_config(),
        layers.Lambda(K.abs).get_config(),
    ):
        before = dict(config)
        layers.deserialize({"class_name": _class_of(config), "config": config})
        assert config == before


def _class_of(config):
    prefix = config["name"].rpartition("_")[0]
    return {"dense": "Dense", "spatial_dropout2d": "SpatialDropout2D", "lambda": "Lambda"}[prefix]


def test_own_functions_are_kept_by_name():
    def ramp(shape, dtype=None):
        return K.constant(2, shape=shape, dtype=dtype)

    def cube(x):
        return K.sum(x**3)

    layer = layers.Dense(2, kernel_initializer=ramp, kernel_regularizer=cube)
    config = layer.get_config()
    assert (config["kernel_initializer"], config["kernel_regularizer"]) == ("ramp", "cube")
    copy = layers.deserialize({"class_name": "Dense", "config": config}, custom_objects={"ramp": ramp, "cube": cube})
    assert copy.kernel_initializer is ramp
    assert copy.kernel_regularizer is cube
    with pytest.raises(ValueError, match="ramp"):
        layers.deserialize({"class_name": "Dense", "config": config})


def test_ways_to_say_which_object():
    assert isinstance(initializers.get("ones"), initializers.Ones)
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    assert initializers.get(initializers.he_normal).scale == 2
    assert initializers.get({"class_name": "Constant", "config": {"value": 3}}).value == 3
    made = initializers.Constant(4)
    assert initializers.get(made) is made
    assert regularizers.get(None) is None
    assert regularizers.get("l2").l2 == pytest.approx(0.01)
    assert regularizers.get(regularizers.l1(0.5)).l1 == 0.5
