"""The rows of the seed table about backend functions, each a test named by its id."""

# ruff: noqa: F403, F405  the rows keep the table's words
from tests.parity.seed_preamble import *


def test_S103_layers_within_ones_own_backend_code():
    p, y = K.placeholder((None, 4)), K.placeholder((None, 3))
    d = Dense(3)
    loss = K.mean(K.square(d(p) - y))
    g = K.gradients(loss, d.trainable_weights)
    updates = [K.update_sub(w, 0.1 * q) for w, q in zip(d.trainable_weights, g, strict=True)]
    step = K.function([p, y], [loss], updates=updates)
    losses = [float(step([np.ones((2, 4)), np.ones((2, 3))])[0]) for _ in range(30)]
    assert losses[-1] < 1e-2 and losses[-1] <= losses[0]


def test_S103_an_optimizers_updates():
    p = K.placeholder((None, 4))
    d = Dense(1)
    up = optimizers.SGD(lr=0.1).get_updates(K.mean(d(p)), d.trainable_weights)
    f = K.function([p], [K.mean(d(p))], updates=up)
    a = f([np.ones((1, 4))])[0]
    assert f([np.ones((1, 4))])[0] < a


def test_S103_a_layer_called_on_an_array():
    assert raises(ValueError, lambda: Dense(3)(np.ones((2, 4))), "symbolic tensor")


def test_S116_the_module():
    from polykeras import backend as K2

    assert K2 is keras.backend and K.image_data_format() == "channels_last"


def test_S117_placeholder():
    p = K.placeholder(shape=(2, 4, 5))
    assert K.ndim(p) == 3 and K.int_shape(p) == (2, 4, 5) and K.dtype(p) == "float32" and not K.is_keras_tensor(p)
    assert K.int_shape(K.placeholder(ndim=2)) == (None, None)
    p = K.placeholder((2,))
    assert raises(Exception, lambda: K.eval(p))


def test_S118_variable():
    v = K.variable(np.array([[1, 2], [3, 4]]), dtype="float64", name="v")
    assert K.eval(v).tolist() == [[1, 2], [3, 4]] and K.dtype(v) == "float64" and v.name == "v:0"
    v = K.variable(np.array([1, 2]))
    K.set_value(v, np.zeros(2))
    assert K.get_value(v).tolist() == [0, 0] and K.dtype(v) == "float32"


def test_S119_int_shape_and_shape():
    x = K.variable(np.ones((2, 3)))
    assert K.int_shape(x) == (2, 3) and K.eval(K.shape(x)).tolist() == [2, 3] and K.dtype(K.shape(x)) == "int32"


def test_S120_dtype_is_a_string():
    assert K.dtype(K.placeholder((2,), dtype="int32")) == "int32"


def test_S121_eval():
    assert K.eval(K.variable(np.ones(2)) * 3).tolist() == [3, 3]


def test_S122_ones_and_zeros():
    assert K.eval(K.ones((2, 2))).tolist() == [[1, 1], [1, 1]]
    assert K.eval(K.zeros((2,), dtype="int32")).tolist() == [0, 0]


def test_S123_dot():
    product = K.dot(K.variable(np.arange(6).reshape(2, 3)), K.variable(np.arange(12).reshape(3, 4)))
    assert K.eval(product).tolist() == [[20, 23, 26, 29], [56, 68, 80, 92]]
    assert K.int_shape(K.dot(K.placeholder((2, 7, 3)), K.placeholder((4, 3, 5)))) == (2, 7, 4, 5)


def test_S124_batch_dot():
    assert K.int_shape(K.batch_dot(K.ones((32, 20, 1)), K.ones((32, 30, 20)), axes=[1, 2])) == (32, 1, 30)
    assert K.int_shape(K.batch_dot(K.ones((5, 2, 3)), K.ones((5, 3, 4)))) == (5, 2, 4)
    x, y = K.variable(np.array([[1.0, 2], [3, 4]])), K.variable(np.array([[5.0, 6], [7, 8]]))
    assert K.eval(K.batch_dot(x, y, axes=1)).tolist() == [[17], [53]]
    assert raises(ValueError, lambda: K.batch_dot(x, y))


def test_S125_sum():
    x = K.variable(np.arange(6).reshape(2, 3))
    assert float(K.eval(K.sum(x))) == 15
    assert K.eval(K.sum(x, axis=0)).tolist() == [3, 5, 7]
    assert K.eval(K.sum(x, axis=-1, keepdims=True)).tolist() == [[3], [12]]
    assert float(K.eval(K.sum(x, axis=[0, 1]))) == 15


def test_S126_set_epsilon():
    a = K.epsilon()
    K.set_epsilon(1e-3)
    b = K.epsilon()
    K.set_epsilon(1e-7)
    assert a == 1e-7 and b == 1e-3


def test_S127_set_floatx():
    K.set_floatx("float64")
    try:
        i = Input((2,))
        p = Model(i, Dense(2)(i)).predict(np.ones((1, 2)))
        d = K.dtype(K.ones((1,)))
    finally:
        K.set_floatx("float32")
    assert p.dtype == "float64" and d == "float64"
    assert raises(ValueError, lambda: K.set_floatx("int8"), "int8")


def test_S128_one_hot():
    hot = K.one_hot(K.variable(np.array([[0, 2], [1, 0]]), dtype="int32"), 3)
    assert K.eval(hot).tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0]]] and K.dtype(hot) == "float32"


def test_S129_softmax():
    assert near(K.eval(K.softmax(K.variable(np.array([[0.0, np.log(3)]])))), [[0.25, 0.75]])
    assert near(K.eval(K.softmax(K.variable(np.array([[0.0, 1], [0, 1]])), axis=0)), np.full((2, 2), 0.5))


def test_S130_gradients():
    x = K.variable(np.array([1.0, 2, 3]))
    g = K.gradients(K.sum(x**3), [x])
    assert K.eval(g[0]).tolist() == [3, 12, 27]
    assert K.eval(K.gradients(K.sum(g[0]), [x])[0]).tolist() == [6, 12, 18]
    x = K.variable(np.array([1.0, 2]))
    assert K.eval(K.gradients(x**2, [x])[0]).tolist() == [2, 4]
    assert K.gradients(K.sum(x), [K.variable(1.0)]) == [None] and len(K.gradients(K.sum(x), x)) == 1


def test_S131_l2_normalize():
    assert near(K.eval(K.l2_normalize(K.variable(np.array([[3.0, 4], [0, 0]])), axis=1)), [[0.6, 0.8], [0, 0]])


def test_S132_dropout():
    a = K.eval(K.dropout(K.variable(np.ones(10000)), 0.25, seed=1))
    assert near(sorted(set(a.tolist())), [0, 4 / 3.0]) and abs((a == 0).mean() - 0.25) < 0.03


def test_S133_conv1d():
    x, k = K.variable(np.arange(5.0).reshape(1, 5, 1)), K.variable(np.array([1.0, 10]).reshape(2, 1, 1))
    assert K.eval(K.conv1d(x, k)).ravel().tolist() == [10, 21, 32, 43]
    assert K.eval(K.conv1d(x, k, padding="causal")).ravel().tolist() == [0, 10, 21, 32, 43]


def images():
    """A 3x3 image and a 2x2 kernel."""
    kernel = np.array([[1.0, 2], [3, 4]]).reshape(2, 2, 1, 1)
    return K.variable(np.arange(9.0).reshape(1, 3, 3, 1)), K.variable(kernel)


def test_S134_conv2d():
    x, k = images()
    assert K.eval(K.conv2d(x, k))[0, :, :, 0].tolist() == [[27, 37], [57, 67]]
    same = K.eval(K.conv2d(x, k, padding="same"))
    assert same[0, :, :, 0].tolist() == [[27, 37, 17], [57, 67, 29], [20, 23, 8]]


def test_S135_conv2d_transpose_and_its_old_name():
    x, k = images()
    y = K.eval(K.conv2d_transpose(x, k, (1, 4, 4, 1)))
    assert y[0, :, :, 0].tolist() == [[0, 1, 4, 4], [3, 13, 23, 18], [15, 43, 53, 36], [18, 45, 52, 32]]
    with pytest.deprecated_call(match="conv2d_transpose"):
        assert near(K.eval(K.deconv2d(x, k, (1, 4, 4, 1))), y)
    with pytest.deprecated_call(match="conv3d_transpose"):
        assert K.int_shape(K.deconv3d(K.ones((1, 2, 2, 2, 1)), K.ones((2, 2, 2, 3, 1)), (1, 3, 3, 3, 3)))[-1] == 3


def test_S136_conv3d():
    assert K.eval(K.conv3d(K.ones((1, 2, 2, 2, 1)), K.ones((2, 2, 2, 1, 1)))).ravel().tolist() == [8]


def test_S137_pool2d():
    x, _ = images()
    assert K.eval(K.pool2d(x, (2, 2)))[0, :, :, 0].tolist() == [[4, 5], [7, 8]]
    mean = K.eval(K.pool2d(x, (2, 2), padding="same", pool_mode="avg"))
    assert mean[0, :, :, 0].tolist() == [[2, 3, 3.5], [5, 6, 6.5], [6.5, 7.5, 8]]
    assert raises(ValueError, lambda: K.pool2d(x, (2, 2), pool_mode="x"), "x")


def test_S138_function():
    i = K.placeholder((None, 2))
    f = K.function([i], [K.sum(i), i * 2])
    a = f([np.ones((3, 2))])
    assert isinstance(a, list) and float(a[0]) == 6
    assert raises(TypeError, lambda: f(np.ones((3, 2))), "list")
