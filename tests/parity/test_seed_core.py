"""The rows of the seed table about models, each a test named by its id."""

# ruff: noqa: E741, F403, F405, SIM905, UP008  the rows keep the table's words
from tests.parity.seed_preamble import *


def test_S001_the_backend_has_a_name():
    assert isinstance(keras.__version__, str)
    assert isinstance(K.backend(), str)


def test_S002_input_and_output_are_symbolic_tensors():
    m = Sequential([Dense(3, input_shape=(4,))])
    assert K.int_shape(m.input) == (None, 4) and K.int_shape(m.output) == (None, 3)
    assert K.int_shape(K.sum(m.output, axis=-1)) == (None,)


def test_S003_several_outputs_are_lists():
    i = Input((4,))
    m = Model(i, [Dense(2)(i), Dense(3)(i)])
    assert isinstance(m.output, list) and m.output_shape == [(None, 2), (None, 3)] and len(m.inputs) == 1


def test_S004_an_unbuilt_model():
    assert raises(AttributeError, lambda: Sequential([Dense(2)]).input, "not connected")
    assert raises(ValueError, Sequential([Dense(2)]).summary, "not yet been built")
    assert raises(RuntimeError, Dense(2).count_params, "built")
    assert Sequential([Dense(2)]).weights == []


def test_S005_summary():
    m = Sequential(
        [Dense(3, activation="relu", input_shape=(4,), name="d1"), Dense(2, activation="softmax", name="d2")]
    )
    t = printed(m.summary)
    L = t.rstrip("\n").split("\n")
    assert L[0] == "_" * 65 and L[2] == "=" * 65
    assert L[1].rstrip() == "Layer (type)                 Output Shape              Param #"
    assert L[3].rstrip() == "d1 (Dense)                   (None, 3)                 15"
    assert L[5].rstrip() == "d2 (Dense)                   (None, 2)                 8"
    assert L[-4:] == ["Total params: 23", "Trainable params: 23", "Non-trainable params: 0", "_" * 65]
    got = []
    m.summary(print_fn=got.append)
    assert len(got) == 11
    i = Input((4,), name="in")
    g = Model(i, [Dense(2, name="a")(i), Dense(3, name="b")(i)])
    t = printed(g.summary)
    assert "Connected to" in t and "in[0][0]" in t and len(t.split("\n")[0]) == 98
    t = printed(Model(i, Dense(2)(i)).summary)
    assert "Connected to" not in t and "in (InputLayer)" in t and len(t.split("\n")[0]) == 65


def test_S005_a_long_name_is_cut_to_its_column():
    t = printed(Sequential([BatchNormalization(input_shape=(3,), name="batch_normalization_1")]).summary)
    assert "batch_normalization_1 (Batch (None, 3)" in t


def test_S006_the_layers_of_a_model():
    names = [l.name for l in Sequential([Dense(3, input_shape=(4,), name="p"), Dense(2, name="q")]).layers]
    assert names == ["p", "q"]
    i = Input((4,))
    assert [type(l).__name__ for l in Model(i, Dense(2)(i)).layers] == ["InputLayer", "Dense"]


def test_S007_what_a_layer_object_tells():
    l = Sequential([Dense(3, input_shape=(4,), name="p")]).layers[0]
    assert l.output_shape == (None, 3) and l.count_params() == 15
    assert [w.shape for w in l.get_weights()] == [(4, 3), (3,)]
    assert [w.name for w in l.weights] == ["p/kernel:0", "p/bias:0"]


def test_S008_get_layer():
    m = Sequential([Dense(3, input_shape=(4,), name="pool5")])
    assert m.get_layer("pool5") is m.layers[0] and m.get_layer(index=0) is m.layers[0]
    assert raises(ValueError, lambda: m.get_layer("nope"), "No such layer", "nope")
    assert raises(ValueError, m.get_layer)
    assert raises(ValueError, lambda: m.get_layer(index=9), "9")


def test_S009_a_layers_output_makes_a_new_model():
    m = Sequential([Dense(3, input_shape=(4,), name="d1"), Dense(2)])
    f = Model(m.input, m.get_layer("d1").output)
    assert f.output_shape == (None, 3) and f.layers[1] is m.layers[0]


class SimpleMLP(keras.Model):
    def __init__(self, use_bn=False, use_dp=False, num_classes=10):
        super(SimpleMLP, self).__init__(name="mlp")
        self.use_bn = use_bn
        self.use_dp = use_dp
        self.num_classes = num_classes
        self.dense1 = keras.layers.Dense(32, activation="relu")
        self.dense2 = keras.layers.Dense(num_classes, activation="softmax")
        if self.use_dp:
            self.dp = keras.layers.Dropout(0.5)
        if self.use_bn:
            self.bn = keras.layers.BatchNormalization(axis=-1)

    def call(self, inputs):
        x = self.dense1(inputs)
        if self.use_dp:
            x = self.dp(x)
        if self.use_bn:
            x = self.bn(x)
        return self.dense2(x)


@pytest.mark.parametrize("flags, count", [({}, 291), ({"use_bn": True, "use_dp": True}, 419)])
def test_S017_own_model(flags, count):
    x, y = data(8, 5, 3)
    model = SimpleMLP(num_classes=3, **flags)
    assert model.name == "mlp" and len(model.weights) == 0
    assert raises(ValueError, model.summary, "not yet been built")
    assert raises(RuntimeError, lambda: model.fit(x, y), "compile")
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    h = model.fit(x, y, epochs=2, batch_size=4, verbose=0)
    assert sorted(h.history) == ["acc", "loss"] and len(h.history["loss"]) == 2
    assert model.count_params() == count and model.predict(x).shape == (8, 3)
    assert near(model.predict(x).sum(1), 1)
    assert f"Total params: {count}" in printed(model.summary)
    assert raises(NotImplementedError, model.get_config) and raises(NotImplementedError, model.to_json)
    assert raises(NotImplementedError, lambda: model.save("m.h5"))
    model.save_weights("w.h5")
    before = model.predict(x)
    model.fit(x, y, verbose=0)
    model.load_weights("w.h5")
    assert near(model.predict(x), before)


def test_S017_names_and_untrained_prediction():
    model = SimpleMLP(use_bn=True, use_dp=True, num_classes=3)
    assert [l.name for l in model.layers] == ["dense_1", "dense_2", "dropout_1", "batch_normalization_1"]
    assert model.built is False
    assert model.predict(data(8, 5, 3)[0]).shape == (8, 3)
    assert (model.input_names, model.output_names) == (["input_1"], ["output_1"])
    assert sum(K.count_params(w) for w in model.non_trainable_weights) == 64


def test_S018_keras_1_spelling_of_inputs_and_outputs():
    i = Input((4,))
    o = Dense(2)(i)
    assert warns(lambda: Model(input=i, output=o), "inputs=", "outputs=")
    with pytest.warns(DeprecationWarning, match="Update your `Model` call to the Keras 2 API"):
        Model(input=i, output=o)
    assert Model(inputs=i, outputs=Dense(2)(i)).output_shape == (None, 2)


def test_S019_backend_functions_in_an_own_model():
    M = type("M", (keras.Model,), {"call": lambda self, x: self.d(x**2)})
    m = M()
    m.d = Dense(1, kernel_initializer="ones")
    assert near(m.predict(np.array([[1.0, 2.0]])), [[5.0]])
    raw = type("M", (keras.Model,), {"call": lambda self, x: K.sum(x**2, axis=-1, keepdims=True)})()
    assert near(raw.predict(np.array([[1.0, 2.0]])), [[5.0]])


def test_S020_own_models_have_no_config():
    assert raises(NotImplementedError, keras.Model(name="e").get_config)
    model = SimpleMLP(num_classes=3)
    assert raises(NotImplementedError, model.to_json, "subclassed") and raises(AttributeError, lambda: model.input)
    assert K.int_shape(model(Input((5,)))) == (None, 3)


def test_S021_the_batch_is_left_out():
    assert Sequential([Dense(2, input_shape=(3,))]).input_shape == (None, 3)


def test_S028_input():
    assert K.int_shape(Input((3,))) == (None, 3) and K.int_shape(Input(batch_shape=(4, 3))) == (4, 3)
    assert K.dtype(Input((3,), dtype="int32")) == "int32"
    assert K.int_shape(Input((None, None, 3))) == (None, None, None, 3) and K.int_shape(Input(())) == (None,)
    assert K.is_keras_tensor(Input((3,)))
    assert raises(TypeError, lambda: Input(3)) and raises(AssertionError, lambda: Input())
    expected = {"shape": None, "batch_shape": None, "name": None, "dtype": None, "sparse": False, "tensor": None}
    assert args(Input) == expected


def test_S211_every_name_of_the_table_imports():
    """The row has nothing to check; the preamble's imports, from the start and lazily, are what it ends with."""
    for name in "activations applications callbacks constraints initializers losses metrics optimizers utils".split():
        assert getattr(keras, name).__name__ == f"polykeras.{name}"
