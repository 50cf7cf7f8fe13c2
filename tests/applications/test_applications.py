"""Applications: their arguments, where weights come from, what is refused."""

import importlib
import json

import numpy as np
import pytest

from polykeras import applications
from polykeras import backend as K
from polykeras.applications import imagenet_utils
from polykeras.applications.resnet50 import ResNet50, decode_predictions, preprocess_input
from polykeras.applications.vgg16 import VGG16
from polykeras.applications.vgg19 import VGG19
from polykeras.layers import Dense, Input
from polykeras.models import Model

SMALL = {"weights": None, "include_top": False, "input_shape": (32, 32, 3)}


@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50"])
def test_the_face_and_the_module_show_one_function(name):
    module = importlib.import_module(f"polykeras.applications.{name.lower()}")
    assert getattr(applications, name) is getattr(module, name)
    assert module.preprocess_input is imagenet_utils.preprocess_input
    assert module.decode_predictions is imagenet_utils.decode_predictions


@pytest.mark.parametrize("network", [VGG16, VGG19, ResNet50])
def test_poolings(network):
    channels = 2048 if network is ResNet50 else 512
    assert network(**SMALL).output_shape == (None, 1, 1, channels)
    assert network(**SMALL, pooling="avg").output_shape == (None, channels)
    assert network(**SMALL, pooling="max").output_shape == (None, channels)
    assert network(weights=None, include_top=False).output_shape == (None, None, None, channels)
    assert network(weights=None, input_shape=(32, 32, 3), classes=7).output_shape == (None, 7)


def test_channels_first():
    K.set_image_data_format("channels_first")
    try:
        assert VGG16(weights=None, include_top=False).output_shape == (None, 512, None, None)
        first = ResNet50(weights=None, include_top=False, input_shape=(3, 32, 32), pooling="avg")
        K.set_image_data_format("channels_last")
        last = ResNet50(**SMALL, pooling="avg")
    finally:
        K.set_image_data_format("channels_last")
    last.set_weights(first.get_weights())
    x = np.random.RandomState(0).rand(2, 32, 32, 3).astype("float32")
    assert np.allclose(first.predict(x.transpose(0, 3, 1, 2)), last.predict(x), rtol=1e-3, atol=1e-4)


def test_a_tensor_to_begin_at():
    picture = Input((48, 48, 3))
    model = VGG16(weights=None, include_top=False, input_tensor=picture, pooling="avg")
    assert model.inputs == [picture] and model.output_shape == (None, 512)
    halved = Model(picture, picture * 0.5).output
    assert VGG16(weights=None, include_top=False, input_tensor=halved, pooling="avg").inputs == [picture]
    wrapped = VGG16(weights=None, include_top=False, input_tensor=K.variable(np.ones((2, 32, 32, 3))), pooling="avg")
    assert wrapped.predict(None, steps=1).shape == (2, 512)


def test_weights_from_a_file(tmp_path):
    saved = VGG16(**SMALL)
    saved.save_weights(tmp_path / "vgg.h5")
    again = VGG16(**{**SMALL, "weights": str(tmp_path / "vgg.h5")})
    assert all(map(np.array_equal, saved.get_weights(), again.get_weights()))


@pytest.mark.parametrize(
    ("network", "name"),
    [
        (VGG16, "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        (VGG19, "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        (ResNet50, "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"),
    ],
)
def test_published_weights_are_asked_for_by_name_and_hash(network, name, monkeypatch, tmp_path):
    saved = network(weights=None, include_top=False)
    saved.save_weights(tmp_path / "weights.h5")
    asked = []

    def get_file(fname, origin, **options):
        asked.append((fname, origin, options))
        return tmp_path / "weights.h5"

    monkeypatch.setattr("polykeras.utils.get_file", get_file)
    model = network(weights="imagenet", include_top=False)
    assert all(map(np.array_equal, saved.get_weights(), model.get_weights()))
    [(fname, origin, options)] = asked
    assert fname == name and origin.endswith(name) and origin.startswith("https://")
    assert options["cache_subdir"] == "models" and len(options["file_hash"]) == 32


def test_offline_the_error_says_which_file_to_put_where(monkeypatch):
    def get_file(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr("polykeras.utils.get_file", get_file)
    with pytest.raises(OSError, match=r"'vgg16_weights\S*_notop.h5'.*no route to host.*~/.keras/models.*weights=None"):
        VGG16(include_top=False)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"weights": "nope"}, ValueError, "'nope' is no file"),
        ({"weights": "imagenet", "classes": 7}, ValueError, "`classes` should be 1000"),
        ({"weights": "imagenet", "input_shape": (64, 64, 3)}, ValueError, r"\(224, 224, 3\)"),
        ({"weights": "imagenet", "include_top": False, "input_shape": (64, 64, 1)}, ValueError, "3 channels"),
        ({"weights": None, "include_top": False, "input_shape": (16, 16, 3)}, ValueError, "at least 32x32"),
        ({"weights": None, "include_top": False, "input_shape": (64, 64)}, ValueError, "three integers"),
        ({"weights": None, "input_shape": (None, None, 3)}, ValueError, "must be known"),
        ({"weights": None, "inclde_top": False}, TypeError, "inclde_top.*include_top"),
    ],
)
@pytest.mark.parametrize("network", [VGG16, ResNet50])
def test_refused(network, options, kind, words):
    with pytest.raises(kind, match=words):
        network(**options)


def test_unusual_channels_are_told():
    with pytest.warns(UserWarning, match="1 or 3 input channels"):
        VGG16(weights=None, include_top=False, input_shape=(32, 32, 5))


# -- pictures and words ------------------------------------------------------------------------------------------------


def test_float_arrays_are_preprocessed_in_place_and_integers_are_not():
    pixels = np.full((1, 2, 2, 3), 100, "uint8")
    assert preprocess_input(pixels).dtype == K.floatx() and (pixels == 100).all()
    floats = pixels.astype("float32")
    preprocess_input(floats)
    assert np.allclose(floats[0, 0, 0], 100 - np.array([123.68, 116.779, 103.939]))


def test_preprocessing_within_a_model():
    picture = Input((32, 32, 3))
    model = Model(picture, VGG16(**SMALL, pooling="avg")(preprocess_input(picture)))
    x = np.random.RandomState(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    assert np.allclose(model.predict(x), model.layers[-1].predict(preprocess_input(x.copy())), rtol=1e-4, atol=1e-5)


def test_unknown_modes_and_formats():
    with pytest.raises(ValueError, match="channels_middle"):
        preprocess_input(np.zeros((2, 2, 3)), data_format="channels_middle")
    with pytest.raises(ValueError, match="'theano'"):
        preprocess_input(np.zeros((2, 2, 3)), mode="theano")


def test_predictions_become_words(monkeypatch, tmp_path):
    names = {str(number): [f"n{number:08}", f"thing {number}"] for number in range(1000)}
    (tmp_path / "classes.json").write_text(json.dumps(names))
    monkeypatch.setattr("polykeras.utils.get_file", lambda *args, **options: tmp_path / "classes.json")
    imagenet_utils._class_names.cache_clear()
    try:
        scores = np.zeros((2, 1000))
        scores[0, [7, 8]] = 0.25, 0.75
        scores[1, 999] = 1.0
        first, second = decode_predictions(scores, top=2)
    finally:
        imagenet_utils._class_names.cache_clear()
    assert first == [("n00000008", "thing 8", 0.75), ("n00000007", "thing 7", 0.25)]
    assert second[0] == ("n00000999", "thing 999", 1.0)
    with pytest.raises(ValueError, match=r"\(samples, 1000\).*\(1, 7\)"):
        decode_predictions(np.zeros((1, 7)))


def test_a_frozen_network_under_a_new_top():
    """A model's flag holds where the model is used as a layer; its layers keep their own."""
    base = VGG16(**SMALL, pooling="avg")
    base.trainable = False
    picture = Input((32, 32, 3))
    assert len(Model(picture, Dense(2)(base(picture))).trainable_weights) == 2
    assert len(Model(base.input, Dense(2)(base.output)).trainable_weights) == 2 + 26


def asked_for(monkeypatch, make):
    """Name and options of the file that a call asks for, and then does without."""
    asked = []

    def get_file(fname, origin, **options):
        asked.append((fname, origin, options))
        raise OSError("no network")

    monkeypatch.setattr("polykeras.utils.get_file", get_file)
    with pytest.raises(OSError, match="no network"):
        make()
    [(fname, origin, options)] = asked
    assert origin.startswith("https://") and origin.endswith(f"/{fname}") and options["cache_subdir"] == "models"
    return fname, options["file_hash"]


KERNELS = "weights_tf_dim_ordering_tf_kernels"


@pytest.mark.parametrize(
    ("module", "name", "options", "file"),
    [
        ("vgg16", "VGG16", {}, f"vgg16_{KERNELS}.h5"),
        ("xception", "Xception", {}, f"xception_{KERNELS}.h5"),
        ("inception_v3", "InceptionV3", {"include_top": False}, f"inception_v3_{KERNELS}_notop.h5"),
        ("densenet", "DenseNet121", {}, f"densenet121_{KERNELS}.h5"),
        ("mobilenet", "MobileNet", {}, "mobilenet_1_0_224_tf.h5"),
        ("mobilenet", "MobileNet", {"alpha": 0.75, "input_shape": (160, 160, 3)}, "mobilenet_7_5_160_tf.h5"),
        ("mobilenet", "MobileNet", {"include_top": False, "alpha": 0.5}, "mobilenet_5_0_224_tf_no_top.h5"),
        ("mobilenet_v2", "MobileNetV2", {}, f"mobilenet_v2_{KERNELS}_1.0_224.h5"),
        ("mobilenet_v2", "MobileNetV2", {"alpha": 1.4, "include_top": False, "input_shape": (96, 96, 3)},
         f"mobilenet_v2_{KERNELS}_1.4_96_no_top.h5"),
    ],
)  # fmt: skip
def test_names_of_published_files(module, name, options, file, monkeypatch):
    network = getattr(importlib.import_module(f"polykeras.applications.{module}"), name)
    found, md5 = asked_for(monkeypatch, lambda: network(weights="imagenet", **options))
    assert found == file
    assert (md5 is None) == module.startswith("mobilenet")


def test_narrow_networks():
    narrow = applications.MobileNet(weights=None, alpha=0.25, input_shape=(64, 64, 3), classes=7, depth_multiplier=2)
    assert narrow.name == "mobilenet_0.25_64" and narrow.output_shape == (None, 7)
    assert narrow.get_layer("conv_pw_13").output_shape == (None, 2, 2, 256)
    assert narrow.get_layer("conv_dw_1").output_shape == (None, 32, 32, 16)
    wide = applications.MobileNetV2(weights=None, alpha=1.4, include_top=False, input_shape=(33, 47, 3))
    assert wide.output_shape == (None, 2, 2, 1792) and wide.name == "mobilenetv2_1.40_33"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: applications.MobileNet(alpha=0.3), "`alpha` of 1.0, 0.75, 0.5, 0.25; got 0.3"),
        (lambda: applications.MobileNet(depth_multiplier=2), "`depth_multiplier=1`; got 2"),
        (lambda: applications.MobileNetV2(alpha=2.0), "got 2.0"),
        (lambda: applications.Xception(weights=None, input_shape=(70, 70, 3)), "at least 71x71"),
        (lambda: applications.InceptionV3(weights=None, input_shape=(74, 74, 3)), "at least 75x75"),
        (lambda: VGG16(weights=None, include_top=False, pooling="mean"), "'avg', 'max' or None; got 'mean'"),
    ],
)
def test_refused_by_some(make, words):
    with pytest.raises(ValueError, match=words):
        make()
