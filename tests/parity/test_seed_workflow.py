"""Rows of the seed table about models as graphs and about optimizers' arguments, each a test named by its id."""

# ruff: noqa: C408, F403, F405  the rows keep the table's words
from tests.parity.seed_preamble import *


def test_S104_backend_operations_inside_a_model():
    i = Input((4,))
    assert Model(i, Lambda(K.square)(i)).output_shape == (None, 4)
    i = Input((4,))
    assert near(Model(i, K.square(i)).predict(np.full((1, 4), 3.0)), np.full((1, 4), 9.0))
    assert K.int_shape(Input(tensor=K.variable(np.ones((2, 4))))) == (2, 4)
    # beyond the row: saved like any layer
    model = Model(i, K.square(i))
    model.save("squares.h5")
    assert near(load_model("squares.h5").predict(np.full((1, 4), 3.0)), np.full((1, 4), 9.0))


def multi_task_model():
    main_input = Input(shape=(10,), dtype="int32", name="main_input")
    e = Embedding(output_dim=6, input_dim=50, input_length=10)(main_input)
    lstm_out = LSTM(4)(e)
    auxiliary_output = Dense(1, activation="sigmoid", name="aux_output")(lstm_out)
    auxiliary_input = Input(shape=(5,), name="aux_input")
    z = keras.layers.concatenate([lstm_out, auxiliary_input])
    main_output = Dense(1, activation="sigmoid", name="main_output")(Dense(8, activation="relu")(z))
    return Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])


def multi_task_data():
    r = np.random.RandomState(0)
    return r.randint(1, 50, (16, 10)), r.rand(16, 5), r.randint(2, size=(16, 1))


def test_S112_multi_task_model():
    model = multi_task_model()
    headline_data, additional_data, labels = multi_task_data()
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", loss_weights=[1.0, 0.2])
    h = model.fit([headline_data, additional_data], [labels, labels], epochs=2, batch_size=8, verbose=0)
    assert sorted(h.history) == ["aux_output_loss", "loss", "main_output_loss"]
    assert model.metrics_names == ["loss", "main_output_loss", "aux_output_loss"]
    v = model.evaluate([headline_data, additional_data], [labels, labels], verbose=0)
    assert near(v[0], v[1] + 0.2 * v[2])
    model.compile(
        optimizer="rmsprop",
        loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
        loss_weights={"main_output": 1.0, "aux_output": 0.2},
    )
    X, Y = (
        {"main_input": headline_data, "aux_input": additional_data},
        {"main_output": labels, "aux_output": labels},
    )
    h = model.fit(X, Y, epochs=50, batch_size=32, verbose=0)
    assert len(h.history["loss"]) == 50 and h.history["loss"][-1] < h.history["loss"][0]
    v = model.evaluate(X, Y, verbose=0)
    assert near(v[0], v[1] + 0.2 * v[2])
    names = sorted(model.fit(X, Y, validation_split=0.5, verbose=0).history)
    assert names[3:] == ["val_aux_output_loss", "val_loss", "val_main_output_loss"]
    assert [p.shape for p in model.predict(X)] == [(16, 1), (16, 1)]


def test_S112_mistakes_in_a_multi_task_model():
    model = multi_task_model()
    headline_data, additional_data, labels = multi_task_data()
    X, Y = (
        {"main_input": headline_data, "aux_input": additional_data},
        {"main_output": labels, "aux_output": labels},
    )
    assert raises(ValueError, lambda: model.compile("sgd", {"nope": "mse"}), "nope", "main_output")
    assert raises(ValueError, lambda: model.compile("sgd", "mse", loss_weights={"x": 1}), "x", "aux_output")
    assert raises(ValueError, lambda: model.compile("sgd", "mse", loss_weights=[1.0]), "2")
    assert raises(ValueError, lambda: model.compile("sgd", ["mse"]), "2")
    assert warns(lambda: model.compile("sgd", {"main_output": "mse"}), "aux_output")
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    assert model.metrics_names[3:] == ["main_output_acc", "aux_output_acc"]
    model.compile("sgd", "binary_crossentropy", metrics={"main_output": "accuracy"})
    assert model.metrics_names[3:] == ["main_output_acc"]
    assert raises(ValueError, lambda: model.fit({"main_input": headline_data}, Y, verbose=0), "aux_input")
    assert raises(ValueError, lambda: model.fit(X, [labels[:3], labels], verbose=0), "samples")
    assert warns(lambda: model.fit({**X, "superfluous": labels}, Y, verbose=0), "superfluous")


def test_S153_adagrad():
    assert args(optimizers.Adagrad) == dict(lr=0.01, epsilon=None, decay=0.0)


def test_S154_adadelta():
    assert args(optimizers.Adadelta) == dict(lr=1.0, rho=0.95, epsilon=None, decay=0.0)


def test_S156_adamax():
    assert args(optimizers.Adamax) == dict(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, decay=0.0)


def test_S157_nadam():
    assert args(optimizers.Nadam) == dict(lr=0.002, beta_1=0.9, beta_2=0.999, epsilon=None, schedule_decay=0.004)
