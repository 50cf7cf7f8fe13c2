"""Rows of the seed table about applications, and about training on top of them, each a test named by its id."""

# ruff: noqa: F403, F405  the rows keep the table's words
from tests.parity.seed_preamble import *


def test_S161_arguments():
    assert raises(ValueError, lambda: applications.VGG16(weights="nope"), "weights")
    assert raises(ValueError, lambda: applications.VGG16(weights="imagenet", classes=7), "1000")
    small = {"weights": None, "include_top": False, "input_shape": (16, 16, 3)}
    assert raises(ValueError, lambda: applications.VGG16(**small), "32x32")


def test_S166_feature_extraction():
    m = applications.ResNet50(weights=None, include_top=False)
    assert m.output_shape == (None, None, None, 2048)
    assert m.predict(np.zeros((1, 64, 64, 3))).shape == (1, 2, 2, 2048)
    fixed = applications.ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))
    assert fixed.output_shape == (None, 7, 7, 2048)
    assert applications.ResNet50(weights=None, include_top=False, pooling="avg").output_shape == (None, 2048)


def test_S167_freezing_layers():
    base = applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    for layer in base.layers:
        layer.trainable = False
    model = Sequential([base, Flatten(), Dense(4, activation="softmax")])
    assert len(model.trainable_weights) == 2 and len(model.weights) == 28
    t = printed(model.summary)
    assert "Total params: 14,716,740" in t and "Trainable params: 2,052" in t
    assert "Non-trainable params: 14,714,688" in t
    model.compile("sgd", "categorical_crossentropy")
    w, head = base.get_weights(), model.layers[-1].get_weights()[0]
    x, y = np.random.rand(4, 32, 32, 3), np.eye(4)
    model.fit(x, y, verbose=0)
    assert all((a == b).all() for a, b in zip(w, base.get_weights(), strict=True))
    assert abs(head - model.layers[-1].get_weights()[0]).max() > 0
    for layer in base.layers:
        layer.trainable = True
    assert warns(lambda: model.fit(x, y, verbose=0), "trainable")
    assert warns(lambda: model.fit(x, y, verbose=0), "Discrepancy between trainable weights and collected trainable")
    d = Dense(3, trainable=False)
    sym(d, (2,))
    assert d.trainable_weights == [] and len(d.non_trainable_weights) == 2
    m = Sequential([Dense(2, input_shape=(2,)), Dense(2)])
    m.trainable = False
    assert m.trainable_weights == [] and [layer.trainable for layer in m.layers] == [True, True]


def test_S168_the_last_layer_removed():
    model = applications.VGG16(weights=None, include_top=True, input_shape=(32, 32, 3), classes=5)
    cut = Model(model.input, model.layers[-2].output)
    assert model.output_shape == (None, 5) and cut.output_shape == (None, 4096)
    assert len(cut.layers) == len(model.layers) - 1
    s = Sequential([Dense(3, input_shape=(2,)), Dense(4)])
    s.pop()
    assert s.output_shape == (None, 3) and len(s.layers) == 1
    assert raises(TypeError, Sequential().pop, "no layers")
    assert warns(model.pop, "Model(") and model.output_shape == (None, 4096)


def test_S169_bottleneck_features():
    model = applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    assert raises(TypeError, lambda: model.predict())
    bottleneck_features_train = model.predict(np.random.rand(3, 32, 32, 3))
    with open("bottleneck_features_train.npy", "wb") as file:
        np.save(file, bottleneck_features_train)
    with open("bottleneck_features_train.npy", "rb") as file:
        train_data = np.load(file)
    assert train_data.shape == (3, 1, 1, 512) and (train_data == bottleneck_features_train).all()
    top = Sequential(
        [
            Flatten(input_shape=train_data.shape[1:]),
            Dense(8, activation="relu"),
            Dropout(0.5),
            Dense(1, activation="sigmoid"),
        ]
    )
    top.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    assert sorted(top.fit(train_data, np.array([0, 1, 1]), epochs=2, verbose=0).history) == ["acc", "loss"]
