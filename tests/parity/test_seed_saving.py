"""The rows of the seed table about checkpoints and resuming, each a test named by its id."""

# ruff: noqa: F403, F405  the rows keep the table's words
from tests.parity.seed_preamble import *


def test_S105_a_checkpoint_counts_epochs():
    assert isinstance(callbacks.ModelCheckpoint("a.h5").period, int)


def test_S107_resume_from_the_newest_checkpoint():
    x, y = data()

    def make():
        return seq(
            Dense(3, activation="relu", input_shape=(4,), name="d1"),
            Dense(2, activation="softmax", name="d2"),
            loss="categorical_crossentropy",
        )

    model_file_path = "weights.{epoch:02d}.h5"
    model = make()
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callbacks.ModelCheckpoint(model_file_path)])
    assert sorted(os.listdir(".")) == ["weights.01.h5", "weights.02.h5"]
    last = sorted(os.listdir("."))[-1]
    again = make()
    if os.path.exists(last):
        again.load_weights(last)
    assert all((a == b).all() for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    h = again.fit(x, y, epochs=5, initial_epoch=int(last.split(".")[1]), verbose=0)
    assert h.epoch == [2, 3, 4]
    assert raises(OSError, lambda: again.load_weights("none.h5"))
    assert raises(ValueError, lambda: seq(Dense(3, input_shape=(4,))).load_weights(last), "2", "1")
    assert raises(ValueError, lambda: seq(Dense(5, input_shape=(4,)), Dense(2)).load_weights(last))
    import h5py

    with h5py.File(last, "r") as f:
        assert sorted(f) == ["model_weights", "optimizer_weights"]
        assert sorted(f.attrs) == ["backend", "keras_version", "model_config", "training_config"]
        assert sorted(f["model_weights"].attrs) == ["backend", "keras_version", "layer_names"]
        assert list(f["model_weights"]["d1"].attrs["weight_names"]) == [b"d1/kernel:0", b"d1/bias:0"]


def test_S108_exact_resume_with_the_optimizers_state():
    x, y = data()

    def make():
        np.random.seed(3)
        return seq(
            Dense(2, activation="softmax", input_shape=(4,)),
            optimizer=optimizers.SGD(lr=0.1, momentum=0.9),
            loss="categorical_crossentropy",
        )

    a = make()
    a.fit(x, y, epochs=2, verbose=0, shuffle=False)
    a.save("m.h5")
    a.save_weights("w.h5")
    b, c = load_model("m.h5"), make()
    c.load_weights("w.h5")
    assert near(b.predict(x), a.predict(x))
    assert near(c.predict(x), a.predict(x))
    assert all((u == v).all() for u, v in zip(a.optimizer.get_weights(), b.optimizer.get_weights(), strict=True))
    for m in (a, b, c):
        m.fit(x, y, epochs=3, verbose=0, shuffle=False)
    assert near(a.get_weights()[0], b.get_weights()[0], 1e-6)
    assert not near(a.get_weights()[0], c.get_weights()[0], 1e-6)


# Not Nadam: its product of momenta has no place in Keras's files. A backup holds it (tests/training/test_backup.py).
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax"])
def test_S108_to_the_bit_for_a_deeper_model_and_every_optimizer(name):
    x, y = data()
    a = seq(Dense(5, activation="relu", input_shape=(4,)), Dense(5, activation="tanh"), Dense(2), optimizer=name)
    a.fit(x, y, epochs=2, batch_size=3, verbose=0, shuffle=False)
    a.save("m.h5")
    b = load_model("m.h5")
    histories = [m.fit(x, y, epochs=3, batch_size=3, verbose=0, shuffle=False).history for m in (a, b)]
    assert histories[0] == histories[1]
    assert all((u == v).all() for u, v in zip(a.get_weights(), b.get_weights(), strict=True))
    assert all((u == v).all() for u, v in zip(a.optimizer.get_weights(), b.optimizer.get_weights(), strict=True))


def test_S175_a_file_name_with_the_epoch_and_values():
    x, y = data()
    checkpoint = callbacks.ModelCheckpoint("weights.{epoch:02d}-{val_loss:.2f}.hdf5")
    seq(Dense(2, input_shape=(4,))).fit(x, y, epochs=3, validation_split=0.5, verbose=0, callbacks=[checkpoint])
    f = sorted(os.listdir("."))
    assert len(f) == 3
    assert f[0].startswith("weights.01-")
    assert f[2].endswith(".hdf5")
    missing = callbacks.ModelCheckpoint("{val_loss}")
    assert raises(
        KeyError, lambda: seq(Dense(2, input_shape=(4,))).fit(x, y, verbose=0, callbacks=[missing]), "val_loss"
    )


def test_S179_save_the_model_where_the_validation_loss_falls():
    from polykeras.callbacks import ModelCheckpoint

    model = Sequential()
    model.add(Dense(10, input_dim=784, kernel_initializer="uniform"))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop")
    assert model.count_params() == 7850
    x_train, y_train = np.random.rand(16, 784), np.eye(10)[np.random.randint(10, size=16)]
    X_test, Y_test = x_train, y_train
    checkpointer = ModelCheckpoint(filepath="weights.hdf5", verbose=1, save_best_only=True)
    text = printed(
        model.fit,
        x_train,
        y_train,
        batch_size=128,
        epochs=20,
        verbose=0,
        validation_data=(X_test, Y_test),
        callbacks=[checkpointer],
    )
    assert text.strip().startswith("Epoch 00001: val_loss improved from inf to ")
    assert text.count("Epoch 000") == 20
    assert load_model("weights.hdf5").predict(X_test).shape == (16, 10)
