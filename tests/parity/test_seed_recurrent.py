"""The rows of the seed table about recurrent layers and wrappers, each a test named by its id."""

# ruff: noqa: C408, E731, E741, F403, F405  the rows keep the table's words
import pytest

from tests.parity.seed_preamble import *


def test_S049_convolution_of_frames():
    v = np.random.rand(2, 4, 5, 6, 2)
    c = Conv3D(3, (1, 3, 3), use_bias=False)
    o = run(c, v)
    t = TimeDistributed(Conv2D(3, 3, use_bias=False))
    sym(t, (4, 5, 6, 2))
    t.set_weights([c.get_weights()[0][0]])
    assert near(o, run(t, v))
    ones = TimeDistributed(Dense(2, use_bias=False, weights=[np.ones((3, 2))]))
    assert near(run(ones, np.ones((1, 4, 3))), 3)


def test_S060_recurrent_layers():
    assert [npar(L(32), (10, 16)) for L in (SimpleRNN, LSTM, GRU, CuDNNLSTM, CuDNNGRU)] == [
        1568, 6272, 4704, 6400, 4800,
    ]  # fmt: skip
    assert npar(GRU(32, reset_after=True), (10, 16)) == 4800
    names = "SimpleRNNCell GRUCell LSTMCell RNN StackedRNNCells CuDNNGRU CuDNNLSTM"
    assert all(hasattr(keras.layers, n) for n in names.split())


def test_S061_arguments_of_recurrent_layers():
    assert args(SimpleRNN) == dict(
        units=req, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, return_sequences=False,
        return_state=False, go_backwards=False, stateful=False, unroll=False,
    )  # fmt: skip
    a = args(LSTM)
    assert a["recurrent_activation"] == "hard_sigmoid" and a["implementation"] == 1 and a["unit_forget_bias"] is True
    assert args(GRU)["reset_after"] is False


def test_S062_weights_and_gates():
    x = np.random.rand(2, 1, 2)
    l = LSTM(3)
    o = run(l, x)
    k, _, b = l.get_weights()
    hs = lambda v: np.clip(0.2 * v + 0.5, 0, 1)
    i, _, c, q = np.split(x[:, 0].dot(k) + b, 4, -1)
    assert near(o, hs(q) * np.tanh(hs(i) * np.tanh(c)))
    l = GRU(3)
    o = run(l, x)
    k, _, b = l.get_weights()
    z, q, h = np.split(x[:, 0].dot(k) + b, 3, -1)
    assert near(o, (1 - np.clip(0.2 * z + 0.5, 0, 1)) * np.tanh(h))
    assert wts(LSTM(2), (3, 4)) == [("kernel", (4, 8)), ("recurrent_kernel", (2, 8)), ("bias", (8,))]
    l = LSTM(2)
    sym(l, (3, 4))
    assert l.get_weights()[2].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert wts(GRU(2), (3, 4)) == [("kernel", (4, 6)), ("recurrent_kernel", (2, 6)), ("bias", (6,))]


def test_S063_backwards_and_unrolled():
    x = np.random.rand(2, 5, 3)
    l = LSTM(4)
    a = run(l, x)
    w = l.get_weights()
    assert near(run(LSTM(4, go_backwards=True, weights=w), x[:, ::-1]), a)
    assert near(run(LSTM(4, unroll=True, weights=w), x), a)
    assert raises(ValueError, lambda: LSTM(2, unroll=True)(Input((None, 2))))


def test_S064_shapes_of_a_stateful_layer():
    l = LSTM(32, input_shape=(10, 16), batch_size=32, stateful=True)
    m = Sequential([l])
    assert m.input_shape == (32, 10, 16) and m.output_shape == (32, 32) and m.stateful
    assert [K.int_shape(s) for s in l.states] == [(32, 32), (32, 32)]


def test_S065_rows_of_an_image_as_steps():
    assert shp(LSTM(32), (28, 28)) == (None, 32)


def test_S067_one_cell_for_all_steps():
    assert npar(LSTM(4), (2, 3)) == npar(LSTM(4), (28, 3)) and type(LSTM(4).cell).__name__ == "LSTMCell"
    l = LSTM(3)
    x = np.random.rand(2, 4, 2)
    a = run(l, x)
    assert near(run(RNN(LSTMCell(3), weights=l.get_weights()), x), a)


def test_S068_shared_by_the_steps():
    assert npar(TimeDistributed(Dense(4)), (10, 32)) == npar(Dense(4), (10, 32)) == 132


def test_S069_stateful_and_shuffle():
    assert inspect.signature(Model.fit).parameters["shuffle"].default is True and args(LSTM)["stateful"] is False
    m = seq(SimpleRNN(1, stateful=True, batch_input_shape=(2, 1, 1)))
    x, y = np.zeros((8, 1, 1)), np.zeros((8, 1))
    assert m.fit(x, y, batch_size=2, verbose=0, shuffle=False).epoch == [0]
    assert warns(lambda: m.fit(x, y, batch_size=2, verbose=0), "shuffle")


def test_S070_stateful_needs_a_batch_size():
    assert raises(ValueError, lambda: Sequential([LSTM(3, stateful=True, input_shape=(5, 2))]), "batch_input_shape")
    assert raises(ValueError, lambda: LSTM(3, stateful=True)(Input((5, 2))), "batch_shape")


def test_S071_samples_divided_by_the_batch_size():
    m = seq(LSTM(3, stateful=True, batch_input_shape=(4, 5, 2)))
    assert raises(ValueError, lambda: m.predict(np.zeros((6, 5, 2)), batch_size=4), "divided")
    assert raises(ValueError, lambda: m.fit(np.zeros((6, 5, 2)), np.zeros((6, 3)), batch_size=4, verbose=0), "divided")


def test_S072_what_stateful_keeps():
    x = np.random.rand(4, 5, 2).astype("float32")
    s = Sequential([LSTM(3, stateful=True, batch_input_shape=(4, 5, 2))])
    first, second = s.predict(x, batch_size=4), s.predict(x, batch_size=4)
    assert abs(first - second).max() > 1e-4
    s.reset_states()
    assert near(s.predict(x, batch_size=4), first)
    plain = Sequential([LSTM(3, input_shape=(None, 2))])
    plain.set_weights(s.get_weights())
    assert near(second, plain.predict(np.concatenate([x, x], axis=1)))  # two batches = one sequence twice as long
    assert near(plain.predict(x), plain.predict(x))
    assert near(plain.predict(x, batch_size=1), plain.predict(x, batch_size=4))
    s.layers[0].reset_states([np.ones((4, 3)), np.ones((4, 3))])
    assert raises(ValueError, lambda: s.layers[0].reset_states([np.ones((2, 3)), np.ones((4, 3))]))
    assert raises(AttributeError, LSTM(3).reset_states, "stateful")
    plain.reset_states()


def test_S073_return_sequences():
    assert [shp(L(3, return_sequences=True), (10, 16)) for L in (SimpleRNN, LSTM, GRU)] == [(None, 10, 3)] * 3


def test_S074_return_state():
    i = Input((5, 2))
    model = Model(i, LSTM(3, return_sequences=True, return_state=True)(i))
    y, h, c = model.predict(np.random.rand(4, 5, 2))
    assert y.shape == (4, 5, 3) and h.shape == c.shape == (4, 3) and near(y[:, -1], h)


def test_S075_numbers_of_states():
    kinds = (SimpleRNN, LSTM, GRU, CuDNNLSTM, CuDNNGRU)
    assert [len(shp(L(3, return_state=True), (10, 16))) for L in kinds] == [2, 3, 2, 3, 2]


def test_S076_flow_of_data():
    x_test = np.zeros(shape=(16, 10, 16))
    ip = Input(shape=(10, 16))
    assert Model(ip, LSTM(32)(ip)).predict(x_test).shape == (16, 32)
    assert Model(ip, LSTM(32, return_sequences=True)(ip)).predict(x_test).shape == (16, 10, 32)
    op = LSTM(32, input_shape=(10, 16), return_sequences=True)(ip)
    op = TimeDistributed(Dense(4))(op)
    model = Model(inputs=ip, outputs=op)
    y = model.predict(x_test)
    assert y.shape == (16, 10, 4) and model.count_params() == 6272 + 132
    assert near(y, 0)
    assert K.int_shape(CuDNNLSTM(32, return_sequences=True)(ip)) == (None, 10, 32)
    ip = Input(shape=(10, 16))
    op = TimeDistributed(Dense(4))(CuDNNLSTM(32, input_shape=(10, 16), return_sequences=True)(ip))
    with pytest.warns(DeprecationWarning, match="inputs="):
        model = Model(input=ip, output=op)
    assert model.predict(np.zeros((512, 10, 16))).shape == (512, 10, 4)


def test_S077_every_time_step():
    x = np.random.rand(3, 10, 32)
    t = TimeDistributed(Dense(4))
    o = run(t, x)
    assert near(o.reshape(30, 4), run(Dense(4, weights=t.get_weights()), x.reshape(30, 32)))


def test_S078_after_any_recurrent_layer():
    assert all(
        shp(Sequential([L(3, return_sequences=True, input_shape=(10, 16)), TimeDistributed(Dense(4))]), (10, 16))
        == (None, 10, 4)
        for L in (SimpleRNN, LSTM, GRU)
    )


def test_S079_masked_steps():
    m = Sequential([Masking(0.0, input_shape=(5, 2)), LSTM(3)])
    p = Sequential([LSTM(3, input_shape=(None, 2))])
    p.set_weights(m.get_weights())
    x = np.random.rand(4, 5, 2)
    a = x.copy()
    a[:, 3:] = 0
    b = x.copy()
    b[:, 1] = 0
    assert near(m.predict(a), p.predict(x[:, :3])) and near(m.predict(b), p.predict(x[:, [0, 2, 3, 4]]))


def test_S080_what_masking_is_for():
    m = Sequential([Masking(0.0, input_shape=(5, 2)), LSTM(3, return_sequences=True)])
    x = np.random.rand(4, 5, 2)
    x[:, 3:] = 0
    y = m.predict(x)
    assert near(y[:, 2], y[:, 4])
    assert raises(TypeError, lambda: Conv1D(3, 2)(Masking()(Input((5, 2)))), "masking")
    assert raises(TypeError, lambda: Flatten()(Masking()(Input((5, 2)))), "masking")
    assert raises(ValueError, lambda: CuDNNLSTM(3)(Masking()(Input((5, 2)))), "Masking is not supported")
    x = np.random.rand(4, 5, 2)
    x[:, 2, 0] = 0
    p = Sequential([LSTM(3, return_sequences=True, input_shape=(None, 2))])
    p.set_weights(m.get_weights())
    assert near(m.predict(x), p.predict(x))


def test_S081_path_of_masking():
    assert keras.layers.core.Masking is Masking and args(Masking) == {"mask_value": 0.0}


def test_S092_bidirectional():
    assert args(Bidirectional) == dict(layer=req, merge_mode="concat", weights=None)
    b = Bidirectional(LSTM(3, name="l"))
    sym(b, (5, 4))
    assert [b.forward_layer.name, b.backward_layer.name] == ["forward_l", "backward_l"]
    assert b.count_params() == 192 and len(b.weights) == 6


def test_S093_merge_modes():
    shapes = {"sum": (None, 3), "mul": (None, 3), "ave": (None, 3), "concat": (None, 6), None: [(None, 3)] * 2}
    assert all(shp(Bidirectional(LSTM(3), merge_mode=m), (5, 4)) == s for m, s in shapes.items())
    x = np.random.rand(2, 5, 4)
    b = Bidirectional(LSTM(3, return_sequences=True))
    o = run(b, x)
    w = b.get_weights()
    f = run(LSTM(3, return_sequences=True, weights=w[:3]), x)
    g = run(LSTM(3, return_sequences=True, go_backwards=True, weights=w[3:]), x)[:, ::-1]
    assert near(o, np.concatenate([f, g], -1))
    b = Bidirectional(LSTM(3), merge_mode="ave")
    o = run(b, x)
    w = b.get_weights()
    assert near(o, (run(LSTM(3, weights=w[:3]), x) + run(LSTM(3, go_backwards=True, weights=w[3:]), x)) / 2)
    assert raises(ValueError, lambda: Bidirectional(LSTM(3), merge_mode="x"), "merge mode")


def test_S094_bidirectional_states():
    assert shp(Bidirectional(LSTM(3, return_state=True)), (5, 4)) == [(None, 6)] + [(None, 3)] * 4


def test_S095_bidirectional_stack():
    model = Sequential()
    model.add(Bidirectional(LSTM(10, return_sequences=True), input_shape=(5, 10)))
    model.add(Bidirectional(LSTM(10)))
    model.add(Dense(5))
    model.add(Activation("softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop")
    assert [l.output_shape for l in model.layers] == [(None, 5, 20), (None, 20), (None, 5), (None, 5)]
    assert [l.count_params() for l in model.layers] == [1680, 2480, 105, 0]
    h = model.fit(np.random.rand(4, 5, 10), np.eye(5)[:4], verbose=0)
    assert list(h.history) == ["loss"]


def test_S109_a_model_at_every_time_step():
    model = Sequential([Dense(7, activation="relu", input_shape=(784,)), Dense(3)])
    input_sequences = Input(shape=(20, 784))
    processed_sequences = TimeDistributed(model)(input_sequences)
    assert K.int_shape(processed_sequences) == (None, 20, 3)
    whole = Model(input_sequences, processed_sequences)
    assert whole.count_params() == model.count_params() == 5519
    a = np.random.rand(2, 20, 784)
    assert near(whole.predict(a), model.predict(a.reshape(-1, 784)).reshape(2, 20, 3))
    before = model.get_weights()[0]
    whole.compile("sgd", "mse")
    whole.fit(a, np.ones((2, 20, 3)), verbose=0)
    assert abs(model.get_weights()[0] - before).max() > 0
    assert raises(ValueError, lambda: TimeDistributed(Dense(3))(Input((4,))))
    assert K.int_shape(TimeDistributed(Dense(3))(Input((None, 4)))) == (None, None, 3)


def test_S110_one_dense_for_all_steps():
    x = np.random.rand(6, 10, 16)
    i = Input((10, 16))
    h = LSTM(32, return_sequences=True)(i)
    t = TimeDistributed(Dense(4))
    m, s = Model(i, t(h)), Model(i, h)
    assert near(m.predict(x), s.predict(x).dot(t.get_weights()[0]) + t.get_weights()[1], 1e-4)


def test_S111_any_layer_at_every_step():
    assert shp(TimeDistributed(Conv2D(4, 3)), (5, 8, 8, 2)) == (None, 5, 6, 6, 4)
    t = TimeDistributed(Dense(2))
    sym(t, (3, 4))
    t.trainable = False
    assert t.trainable_weights == [] and len(t.weights) == 2


def test_S113_shared_lstm():
    tweet_a, tweet_b = Input(shape=(7, 3)), Input(shape=(7, 3))
    shared_lstm = LSTM(64)
    encoded_a = shared_lstm(tweet_a)
    encoded_b = shared_lstm(tweet_b)
    merged_vector = keras.layers.concatenate([encoded_a, encoded_b], axis=-1)
    assert K.int_shape(merged_vector) == (None, 128)
    model = Model([tweet_a, tweet_b], Dense(1, activation="sigmoid")(merged_vector))
    assert shared_lstm.count_params() == 17408 and model.count_params() == 17408 + 129
    assert [type(l).__name__ for l in model.layers] == ["InputLayer", "InputLayer", "LSTM", "Concatenate", "Dense"]
    z = np.random.rand(2, 7, 3)
    assert near(Model(tweet_a, encoded_a).predict(z), Model(tweet_b, encoded_b).predict(z))
    assert shared_lstm.get_output_at(0) is encoded_a and shared_lstm.get_output_at(1) is encoded_b
    assert raises(AttributeError, lambda: shared_lstm.output, "get_output_at")
    assert raises(ValueError, lambda: shared_lstm.get_output_at(2)) and shared_lstm.input_shape == (None, 7, 3)
    model.compile("rmsprop", "binary_crossentropy")
    assert list(model.fit([z, z], np.array([0, 1]), verbose=0).history) == ["loss"]


def test_S115_stacked_lstm():
    timesteps, data_dim = 8, 16
    model = Sequential()
    model.add(LSTM(32, return_sequences=True, input_shape=(timesteps, data_dim)))
    model.add(LSTM(32, return_sequences=True))
    model.add(LSTM(32))
    model.add(Dense(10, activation="softmax"))
    assert [l.output_shape for l in model.layers] == [(None, 8, 32), (None, 8, 32), (None, 32), (None, 10)]
    assert [l.count_params() for l in model.layers] == [6272, 8320, 8320, 330]
    model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    x, y = np.random.rand(16, 8, 16), np.eye(10)[np.random.randint(10, size=16)]
    h = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0)
    assert sorted(h.history) == ["acc", "loss", "val_acc", "val_loss"]
    assert near(model.predict(x).sum(-1), 1)
    assert raises(ValueError, lambda: Sequential([LSTM(3, input_shape=(8, 16)), LSTM(3)]), "ndim=3", "ndim=2")
