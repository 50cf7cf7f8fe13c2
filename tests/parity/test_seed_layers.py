"""The rows of the seed table about layers, each a test named by its id."""

# ruff: noqa: C408, E731, E741, F403, F405, SIM905, UP008  the rows keep the table's words
import pytest

from tests.parity.seed_preamble import *


def test_S010_lambda_for_simple_layers():
    assert keras.layers.core.Lambda is Lambda
    assert Lambda(lambda x: x).weights == []


def test_S011_own_layers_inherit_layer():
    from polykeras.engine import Layer as C
    from polykeras.engine.base_layer import Layer as B
    from polykeras.engine.topology import Layer as A

    assert A is B and B is C and C is keras.layers.Layer


def test_S012_own_layer_with_a_weight():
    from polykeras.engine.topology import Layer

    class MyLayer(Layer):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = output_dim
            super(MyLayer, self).__init__(**kwargs)

        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel", shape=(input_shape[1], self.output_dim), initializer="uniform", trainable=True
            )
            super(MyLayer, self).build(input_shape)  # sets built = True

        def call(self, x):
            return K.dot(x, self.kernel)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], self.output_dim)

    m = Sequential([MyLayer(3, input_shape=(4,)), MyLayer(2)])
    assert m.output_shape == (None, 2) and m.count_params() == 18
    x = np.random.rand(5, 4).astype("float32")
    a, b = m.get_weights()
    assert a.shape == (4, 3) and abs(a).max() <= 0.05
    assert near(m.predict(x), x.dot(a).dot(b))
    m.compile("sgd", "mse")
    m.fit(x, np.ones((5, 2)), verbose=0)
    assert abs(m.get_weights()[0] - a).max() > 0
    assert raises(TypeError, lambda: MyLayer(3, nope=1), "not understood")
    assert raises(ValueError, lambda: model_from_json(m.to_json()), "MyLayer")


def test_S013_keywords_of_every_layer():
    assert raises(TypeError, lambda: Dense(2, foo=1), "not understood", "foo")
    assert Dense(2, batch_size=5, input_shape=(3,)).batch_input_shape == (5, 3)
    d = Dense(2, name="n", trainable=False, batch_input_shape=(None, 3), weights=[np.ones((3, 2)), np.zeros(2)])
    assert d.name == "n" and not d.trainable and near(Sequential([d]).get_weights()[0], 1)
    assert Dense(2, dtype="float64", input_shape=(3,)).dtype == "float64"
    assert Sequential([Dense(2, dtype="float64", input_shape=(3,))]).predict(np.ones((1, 3))).dtype == "float64"


def test_S014_build_sets_built():
    l = Dense(2)
    a = l.built
    sym(l, (3,))
    assert a is False and l.built is True
    assert list(args(keras.layers.Layer.add_weight))[:2] == ["name", "shape"]


def test_S015_call_runs_once():
    n = []
    f = lambda x: (n.append(1), x * 2)[1]
    assert near(run(Lambda(f, output_shape=(2,)), [[1.0, 2.0]]), [[2, 4]]) and len(n) == 1


def test_S016_compute_output_shape():
    assert keras.layers.Layer().compute_output_shape((None, 4)) == (None, 4)


def test_S022_names_of_layers():
    assert Convolution2D is Conv2D and Convolution1D is Conv1D and Convolution3D is Conv3D and MaxPool2D is MaxPooling2D
    assert SeparableConvolution2D is SeparableConv2D and Deconvolution2D is Conv2DTranspose
    assert all(hasattr(keras.layers, n) for n in "Dense Activation MaxPooling2D Flatten SimpleRNN GRU LSTM".split())


def test_S023_dense():
    assert shp(Dense(units=4), (3,)) == (None, 4) and shp(Dense(4), (5, 3)) == (None, 5, 4)
    assert wts(Dense(4), (3,)) == [("kernel", (3, 4)), ("bias", (4,))]
    assert npar(Dense(4, use_bias=False), (3,)) == 12
    assert raises(ValueError, lambda: (lambda d: (sym(d, (3,)), sym(d, (4,))))(Dense(2)), "axis -1")
    assert warns(lambda: Dense(output_dim=4), "units=4")


def test_S024_activation():
    assert near(run(Activation("relu"), [[-1, 2]]), [[0, 2]])
    assert near(run(Activation(K.tanh), [[0]]), [[0]])
    assert raises(ValueError, lambda: Activation("nope"), "nope")
    assert all(
        callable(activations.get(n))
        for n in "elu exponential hard_sigmoid linear relu selu sigmoid softmax softplus softsign tanh".split()
    )


def test_S025_dropout():
    a = train_phase(Dropout(0.4), np.ones((50, 1000)))
    assert near(sorted(set(a.ravel().tolist())), [0, 1 / 0.6]) and abs((a == 0).mean() - 0.4) < 0.02
    assert near(run(Dropout(0.4), [[1, 2]]), [[1, 2]])
    x = np.ones((4, 50))
    assert near(train_phase(Dropout(0.5, seed=7), x), train_phase(Dropout(0.5, seed=7), x))
    assert warns(lambda: Dropout(p=0.3), "rate=0.3") and raises(TypeError, lambda: Dropout(rate=0.5, p=0.5))


def test_S026_dropout_noise_shape():
    a = train_phase(Dropout(0.5, noise_shape=(None, 1, None)), np.ones((20, 5, 8)))
    assert bool((a == a[:, :1]).all()) and bool((a != a[:, :, :1]).any())


def test_S027_flatten():
    assert near(run(Flatten(), [[[1, 2, 3], [4, 5, 6]]]), [[1, 2, 3, 4, 5, 6]])
    assert shp(Flatten(), (3, 4, 5)) == (None, 60)
    assert raises(ValueError, lambda: sym(Flatten(), (3,)), "min_ndim=3") and raises(
        ValueError, lambda: sym(Flatten(), (None, 3)), "not fully defined"
    )
    assert near(
        run(Flatten(data_format="channels_first"), np.arange(8).reshape(1, 2, 2, 2)), [[0, 4, 1, 5, 2, 6, 3, 7]]
    )


def test_S029_reshape():
    assert near(run(Reshape((3, 2)), [[[1, 2, 3], [4, 5, 6]]]), [[[1, 2], [3, 4], [5, 6]]])
    assert shp(Reshape((-1, 2)), (4, 3)) == (None, 6, 2) and shp(Reshape((-1, 2)), (None, 4)) == (None, None, 2)
    assert raises(ValueError, lambda: sym(Reshape((4,)), (2, 3)), "total size")


def test_S030_permute():
    x = np.arange(6.0).reshape(1, 2, 3)
    assert near(run(Permute((2, 1)), x), x.transpose(0, 2, 1))
    assert raises(ValueError, lambda: sym(Permute((2, 1)), (2, 3, 4)), "ndim")


def test_S031_repeat_vector():
    assert near(run(RepeatVector(2), [[1, 2]]), [[[1, 2], [1, 2]]])
    assert raises(ValueError, lambda: sym(RepeatVector(2), (2, 3)), "ndim=2")


def test_S032_lambda_round_trip():
    assert near(run(Lambda(lambda x: x**2), [[1, -3]]), [[1, 9]])
    assert near(run(Lambda(lambda x, k: x * k, arguments={"k": 3}), [[1, 2]]), [[3, 6]])
    assert shp(Lambda(lambda x: x[:, :1]), (3,)) == (None, 1)
    assert near(run(Lambda.from_config(cfg(Lambda(lambda x: x**2))), [[3]]), [[9]])


def test_S033_activity_regularization():
    m = seq(ActivityRegularization(l1=0.5, l2=0.25, input_shape=(2,)))
    x = np.array([[1.0, -2.0]])
    assert (
        near(m.predict(x), x)
        and near(m.evaluate(x, x, verbose=0), 2.75)
        and near(m.evaluate(np.r_[x, x], np.r_[x, x], verbose=0), 5.5)
    )


def test_S034_masking():
    assert near(run(Masking(5.0), [[[5, 5], [5, 1], [2, 3]]]), [[[0, 0], [5, 1], [2, 3]]])
    i = Input((3, 2))
    f = K.function([i], [Masking(0.0).compute_mask(i)])
    assert f([np.array([[[0, 0], [0, 1], [2, 3.0]]])])[0].tolist() == [[False, True, True]]
    assert raises(TypeError, lambda: Flatten()(Masking()(Input((3, 2)))), "masking")


def test_S035_spatial_dropout():
    a = train_phase(SpatialDropout1D(0.5), np.ones((20, 5, 8)))
    assert bool((a == a[:, :1]).all()) and bool((a != a[:, :, :1]).any())
    a = train_phase(SpatialDropout2D(0.5), np.ones((20, 4, 4, 8)))
    assert bool((a == a[:, :1, :1]).all())
    a = train_phase(SpatialDropout3D(0.5), np.ones((9, 2, 3, 4, 8)))
    assert bool((a == a[:, :1, :1, :1]).all())
    a = train_phase(SpatialDropout2D(0.5, data_format="channels_first"), np.ones((20, 4, 5, 6)))
    assert bool((a == a[:, :, :1, :1]).all())


def test_S036_conv1d():
    assert shp(Conv1D(4, 3), (None, 2)) == (None, None, 4) and wts(Conv1D(4, 3), (10, 2)) == [
        ("kernel", (3, 2, 4)),
        ("bias", (4,)),
    ]
    assert near(run(Conv1D(1, 2, padding="causal", kernel_initializer="ones"), [[[1], [2], [3]]]).ravel(), [1, 3, 5])
    assert near(
        run(Conv1D(1, 2, weights=[np.array([[[1.0]], [[10.0]]]), np.zeros(1)]), [[[1], [2], [3]]]).ravel(), [21, 32]
    )


def test_S037_conv2d_arguments():
    assert args(Conv2D) == dict(
        filters=req,
        kernel_size=req,
        strides=(1, 1),
        padding="valid",
        data_format=None,
        dilation_rate=(1, 1),
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
    )
    c = cfg(Conv2D(4, 3))
    assert tuple(c["kernel_size"]) == (3, 3) and c["data_format"] == "channels_last" and c["activation"] == "linear"


def test_S038_conv2d_kernel():
    assert (
        wts(Conv2D(4, 3), (8, 9, 2)) == [("kernel", (3, 3, 2, 4)), ("bias", (4,))]
        and npar(Conv2D(4, 3), (8, 9, 2)) == 76
    )
    assert shp(Conv2D(4, 3, data_format="channels_first"), (2, 8, 9)) == (None, 4, 6, 7)
    assert shp(Conv2D(4, 3, dilation_rate=2), (8, 9, 2)) == (None, 4, 5, 4)
    assert raises(ValueError, lambda: sym(Conv2D(4, 3), (8, 9)), "ndim=4") and raises(
        ValueError, lambda: sym(Conv2D(4, 3, strides=2, dilation_rate=2), (8, 9, 2))
    )


def test_S039_conv2d_padding():
    assert (
        shp(Conv2D(4, 3), (8, 9, 2)) == (None, 6, 7, 4)
        and shp(Conv2D(4, 3, padding="same"), (8, 9, 2)) == (None, 8, 9, 4)
        and shp(Conv2D(4, 3, strides=2, padding="same"), (8, 9, 2)) == (None, 4, 5, 4)
        and shp(Conv2D(4, 3, strides=2), (8, 9, 2)) == (None, 3, 4, 4)
    )
    assert raises(ValueError, lambda: Conv2D(4, 3, padding="x"), "valid", "same") and raises(
        ValueError, lambda: sym(Conv2D(4, 3, padding="causal"), (8, 9, 2))
    )


def test_S040_separable_weights():
    assert wts(SeparableConv2D(4, 3, depth_multiplier=3), (8, 9, 2)) == [
        ("depthwise_kernel", (3, 3, 2, 3)),
        ("pointwise_kernel", (1, 1, 6, 4)),
        ("bias", (4,)),
    ]
    assert wts(SeparableConv1D(4, 3), (10, 2)) == [
        ("depthwise_kernel", (3, 2, 1)),
        ("pointwise_kernel", (1, 2, 4)),
        ("bias", (4,)),
    ]


def test_S041_separable_is_depthwise_then_pointwise():
    w = SeparableConv2D(3, 3, use_bias=False, depth_multiplier=2)
    a = np.random.rand(1, 5, 6, 2)
    o = run(w, a)
    d, p = w.get_weights()
    assert near(
        o,
        run(
            Conv2D(3, 1, use_bias=False, weights=[p]),
            run(DepthwiseConv2D(3, use_bias=False, depth_multiplier=2, weights=[d]), a),
        ),
    )


def test_S042_depth_multiplier():
    assert (
        npar(SeparableConv2D(4, 3, depth_multiplier=3), (8, 9, 2)) == 82
        and args(SeparableConv2D)["depth_multiplier"] == 1
    )


def test_S043_separable_is_not_two_convolutions():
    two = Sequential([Conv2D(4, (3, 1), input_shape=(8, 9, 2)), Conv2D(4, (1, 3))])
    assert (
        two.output_shape == shp(SeparableConv2D(4, 3), (8, 9, 2))
        and two.count_params() == 80
        and npar(SeparableConv2D(4, 3), (8, 9, 2)) == 30
    )


def test_S044_transposed_convolution():
    assert wts(Conv2DTranspose(3, 3, strides=2), (4, 5, 2)) == [("kernel", (3, 3, 3, 2)), ("bias", (3,))]
    assert shp(Conv2DTranspose(3, 3, strides=2), (4, 5, 2)) == (None, 9, 11, 3) and shp(
        Conv2DTranspose(3, 3, strides=2, padding="same"), (4, 5, 2)
    ) == (None, 8, 10, 3)
    x = np.random.rand(1, 4, 4, 1)
    k = np.random.rand(2, 2, 1, 1)
    assert not near(
        run(Conv2DTranspose(1, 2, use_bias=False, weights=[k]), run(Conv2D(1, 2, use_bias=False, weights=[k]), x)),
        x,
        1e-2,
    )


def test_S045_transposed_example():
    kernel = np.array([[2.0, 1, 2], [1, 1, 1], [2, 1, 2]]).reshape(3, 3, 1, 1)
    want = {"valid": [[2, 3, 3, 2], [3, 5, 5, 3], [3, 5, 5, 3], [2, 3, 3, 2]], "same": [[5, 5], [5, 5]]}
    for padding in ("valid", "same"):
        ipt = Input(shape=(2, 2, 1))
        opt = Conv2DTranspose(filters=1, kernel_size=(3, 3), padding=padding)(ipt)
        model = Model(inputs=ipt, outputs=opt)
        res = model.predict(np.random.rand(1, 2, 2, 1))
        assert res.shape == {"valid": (1, 4, 4, 1), "same": (1, 2, 2, 1)}[padding]
        model.set_weights([kernel, np.zeros(1)])
        assert near(model.predict(np.ones((1, 2, 2, 1)))[0, :, :, 0], want[padding])


def test_S046_transposed_is_padded_convolution():
    x = np.random.rand(1, 3, 4, 1)
    k = np.random.rand(3, 3, 1, 1)
    t = run(Conv2DTranspose(1, 3, use_bias=False, weights=[k]), x)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), "constant")
    assert near(t, run(Conv2D(1, 3, use_bias=False, weights=[k[::-1, ::-1]]), padded))  # kernel turned by 180 degrees


def test_S047_transposed_same_is_cropped_valid():
    x = np.random.rand(1, 3, 4, 1)
    k = np.random.rand(3, 3, 1, 1)
    assert near(
        run(Conv2DTranspose(1, 3, padding="same", use_bias=False, weights=[k]), x),
        run(Conv2DTranspose(1, 3, use_bias=False, weights=[k]), x)[:, 1:-1, 1:-1],
    )


def test_S048_conv3d():
    assert shp(Conv3D(4, 3), (5, 8, 9, 2)) == (None, 3, 6, 7, 4) and npar(Conv3D(4, 3), (5, 8, 9, 2)) == 220
    assert shp(Conv3DTranspose(4, 3), (2, 3, 4, 2)) == (None, 4, 5, 6, 4)


def test_S050_cropping_defaults():
    assert (
        args(Cropping1D) == {"cropping": (1, 1)}
        and args(Cropping2D) == {"cropping": ((0, 0), (0, 0)), "data_format": None}
        and args(Cropping3D)["cropping"] == ((1, 1), (1, 1), (1, 1))
    )
    assert shp(Cropping3D(((1, 2), (1, 1), (0, 3))), (8, 8, 8, 2)) == (None, 5, 6, 5, 2)


def test_S051_cropping_forms():
    assert (
        shp(Cropping2D(2), (28, 28, 3)) == (None, 24, 24, 3)
        and shp(Cropping2D((2, 4)), (28, 28, 3)) == (None, 24, 20, 3)
        and shp(Cropping2D(((1, 2), (3, 4))), (28, 28, 3)) == (None, 25, 21, 3)
        and shp(Cropping1D((1, 2)), (10, 2)) == (None, 7, 2)
    )
    assert near(run(Cropping2D(((1, 0), (0, 1))), [[[[1], [2]], [[3], [4]]]]), [[[[3]]]])
    assert raises(ValueError, lambda: Cropping2D((1, 2, 3)))


def test_S052_cropping_example():
    model = Sequential()
    model.add(Cropping2D(cropping=((2, 2), (4, 4)), input_shape=(28, 28, 3)))
    assert model.output_shape == (None, 24, 20, 3)
    model.add(Conv2D(64, (3, 3), padding="same"))
    model.add(Cropping2D(cropping=((2, 2), (2, 2))))
    assert model.output_shape == (None, 20, 16, 64)  # the notes print "16. 64", a misprint


def test_S053_upsampling():
    assert (
        args(UpSampling1D) == {"size": 2}
        and args(UpSampling2D) == {"size": (2, 2), "data_format": None, "interpolation": "nearest"}
        and args(UpSampling3D)["size"] == (2, 2, 2)
    )
    assert near(
        run(UpSampling2D(), [[[[1], [2]], [[3], [4]]]])[0, :, :, 0],
        [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]],
    )
    assert near(
        run(UpSampling2D(interpolation="bilinear"), [[[[1], [2]], [[3], [4]]]])[0, :, :, 0],
        [[1, 1.5, 2, 2], [2, 2.5, 3, 3], [3, 3.5, 4, 4], [3, 3.5, 4, 4]],
    )


def test_S054_upsampling_shapes():
    assert near(run(UpSampling2D(), np.full((1, 2, 2, 1), 5.0)), np.full((1, 4, 4, 1), 5.0))
    assert shp(UpSampling1D(2), (3, 2)) == (None, 6, 2) and shp(UpSampling3D(2), (2, 3, 4, 1)) == (None, 4, 6, 8, 1)


def test_S055_zero_padding():
    assert (
        args(ZeroPadding2D) == {"padding": (1, 1), "data_format": None}
        and args(ZeroPadding1D)["padding"] == 1
        and args(ZeroPadding3D)["padding"] == (1, 1, 1)
    )
    assert (
        shp(ZeroPadding2D(), (3, 4, 2)) == (None, 5, 6, 2)
        and shp(ZeroPadding2D((1, 2)), (3, 4, 2)) == (None, 5, 8, 2)
        and shp(ZeroPadding2D(((1, 2), (3, 4))), (3, 4, 2)) == (None, 6, 11, 2)
        and shp(ZeroPadding1D((1, 2)), (3, 2)) == (None, 6, 2)
        and shp(ZeroPadding3D(), (2, 3, 4, 1)) == (None, 4, 5, 6, 1)
    )
    assert near(
        run(ZeroPadding2D(((1, 0), (0, 2))), [[[[1], [2]], [[3], [4]]]])[0, :, :, 0],
        [[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]],
    )


def test_S056_pooling():
    assert args(MaxPooling2D) == {
        "pool_size": (2, 2),
        "strides": None,
        "padding": "valid",
        "data_format": None,
    } and args(AveragePooling2D) == args(MaxPooling2D)
    assert near(run(MaxPooling2D(), [[[[1], [2]], [[3], [4]]]]), [[[[4]]]]) and near(
        run(AveragePooling2D(), [[[[1], [2]], [[3], [4]]]]), [[[[2.5]]]]
    )
    assert near(
        run(AveragePooling2D(3, strides=1, padding="same"), [[[[1], [2]], [[3], [4]]]]), np.full((1, 2, 2, 1), 2.5)
    )
    assert shp(MaxPooling1D(), (10, 2)) == (None, 5, 2) and shp(AveragePooling3D(), (4, 5, 6, 2)) == (None, 2, 2, 3, 2)


def test_S057_pooling_strides():
    assert tuple(cfg(MaxPooling2D((3, 2)))["strides"]) == (3, 2)
    assert (
        shp(MaxPooling2D(), (7, 8, 2)) == (None, 3, 4, 2)
        and shp(MaxPooling2D(padding="same"), (7, 8, 2)) == (None, 4, 4, 2)
        and shp(MaxPooling2D((3, 3), strides=1), (7, 8, 2)) == (None, 5, 6, 2)
    )


def test_S058_global_pooling():
    assert near(run(GlobalMaxPooling2D(), [[[[1], [2]], [[3], [4]]]]), [[4]]) and near(
        run(GlobalAveragePooling2D(), [[[[1], [2]], [[3], [4]]]]), [[2.5]]
    )
    assert (
        shp(GlobalMaxPooling1D(), (7, 2))
        == shp(GlobalAveragePooling1D(), (7, 2))
        == shp(GlobalMaxPooling3D(), (4, 5, 6, 2))
        == shp(GlobalAveragePooling3D(), (4, 5, 6, 2))
        == (None, 2)
    )


def test_S059_locally_connected():
    assert (
        wts(LocallyConnected2D(4, 3), (8, 9, 2)) == [("kernel", (42, 18, 4)), ("bias", (6, 7, 4))]
        and npar(LocallyConnected2D(4, 3), (8, 9, 2)) == 3192
    )
    assert wts(LocallyConnected1D(4, 3), (10, 2)) == [("kernel", (8, 6, 4)), ("bias", (8, 4))]
    assert raises(ValueError, lambda: LocallyConnected2D(4, 3, padding="same"), "valid") and raises(
        ValueError, lambda: sym(LocallyConnected2D(4, 3), (None, 9, 2)), "defined"
    )


def test_S082_embedding_weight():
    assert wts(Embedding(10, 4), (3,)) == [("embeddings", (10, 4))]


def test_S083_embedding_arguments():
    assert args(Embedding) == dict(
        input_dim=req,
        output_dim=req,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        activity_regularizer=None,
        embeddings_constraint=None,
        mask_zero=False,
        input_length=None,
    )


def test_S084_embedding_index_out_of_range():
    e = Sequential([Embedding(1000, 4, input_length=3, name="words")])
    for index in (1000, -1):
        with pytest.raises(IndexError, match=f"index {index} is out of range .* 1000 .*in layer 'words'"):
            e.predict(np.full((1, 3), index))


def test_S085_embedding_mask():
    i = Input((3,))
    e = Embedding(10, 4, mask_zero=True)
    e(i)
    assert K.function([i], [e.compute_mask(i)])([np.array([[1, 0, 2]])])[0].tolist() == [[True, False, True]]


def test_S086_embedding_length():
    assert Sequential([Embedding(10, 4)]).output_shape == (None, None, 4)
    assert raises(ValueError, lambda: Embedding(10, 4, input_length=3)(Input((4,))), "input_length")


def test_S087_embedding_example():
    model = Sequential()
    model.add(Embedding(1000, 64, input_length=10))
    assert model.output_shape == (None, 10, 64) and model.count_params() == 64000
    input_array = np.random.randint(1000, size=(32, 10))  # no index above 999
    model.compile("rmsprop", "mse")
    output_array = model.predict(input_array)
    assert output_array.shape == (32, 10, 64)
    (table,) = model.get_weights()
    assert (output_array == table[input_array]).all() and abs(table).max() <= 0.05


def test_S088_merge_layers():
    a, b = [[1, 2, 3.0]], [[4, -5, 6.0]]
    assert [
        run(L(), a, b).ravel().tolist() for L in (Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate)
    ] == [[5, -3, 9], [-3, 7, -3], [4, -10, 18], [2.5, -1.5, 4.5], [4, 2, 6], [1, -5, 3], [1, 2, 3, 4, -5, 6]]
    a, b = [[1, 2, 3.0]], [[4, -5, 6.0]]
    assert near(run(Dot(axes=1), a, b), [[12]]) and near(
        run(Dot(axes=-1, normalize=True), a, b), [[12 / np.sqrt(14 * 77)]]
    )


def test_S089_merge_functions():
    i, j = Input((3,)), Input((3,))
    assert near(Model([i, j], keras.layers.add([i, j])).predict([np.ones((1, 3)), np.ones((1, 3))]), [[2, 2, 2]])
    assert all(
        callable(getattr(keras.layers, n))
        for n in "add subtract multiply average maximum minimum concatenate dot".split()
    )


def test_S090_merge_errors():
    assert (
        raises(ValueError, lambda: Add()(Input((3,))), "list")
        and raises(ValueError, lambda: sym(Add(), (3,), (4,)), "(3,)", "(4,)")
        and raises(ValueError, lambda: sym(Subtract(), (3,), (3,), (3,)), "2")
        and raises(ValueError, lambda: sym(Concatenate(axis=1), (2, 3), (3, 4)), "concat")
    )
    assert shp(Add(), (2, 1), (2, 3)) == (None, 2, 3) and shp(Concatenate(axis=1), (2, 3), (4, 3)) == (None, 6, 3)


def test_S091_merge_example():
    import polykeras as keras

    input1 = keras.layers.Input(shape=(16,))
    x1 = keras.layers.Dense(8, activation="relu")(input1)
    input2 = keras.layers.Input(shape=(32,))
    x2 = keras.layers.Dense(8, activation="relu")(input2)
    added = keras.layers.Add()([x1, x2])  # the same as keras.layers.add([x1, x2])
    out = keras.layers.Dense(4)(added)
    model = keras.models.Model(inputs=[input1, input2], outputs=out)
    assert model.output_shape == (None, 4) and model.count_params() == 436
    assert model.input_shape == [(None, 16), (None, 32)]
    assert [type(l).__name__ for l in model.layers] == ["InputLayer", "InputLayer", "Dense", "Dense", "Add", "Dense"]
    assert model.predict([np.zeros((2, 16)), np.zeros((2, 32))]).shape == (2, 4)


def test_S096_batch_normalization_arguments():
    assert args(BatchNormalization) == dict(
        axis=-1,
        momentum=0.99,
        epsilon=0.001,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
    )


def test_S097_batch_normalization_phases():
    assert [n for n, s in wts(BatchNormalization(), (3,))] == ["gamma", "beta", "moving_mean", "moving_variance"] and [
        n for n, s in wts(BatchNormalization(center=False, scale=False), (3,))
    ] == ["moving_mean", "moving_variance"]
    x = np.random.rand(8, 3) * 4
    assert near(run(BatchNormalization(), x), x / np.sqrt(1.001)) and near(
        train_phase(BatchNormalization(), x), (x - x.mean(0)) / np.sqrt(x.var(0) + 0.001), 1e-4
    )
    assert wts(BatchNormalization(axis=1), (3, 5))[0] == ("gamma", (3,))


def test_S098_batch_normalization_moving_averages():
    m = seq(BatchNormalization(input_shape=(3,)))
    x = np.random.rand(8, 3)
    m.fit(x, x, batch_size=8, verbose=0)
    assert abs(m.get_weights()[2]).max() > 0


def test_S099_batch_normalization_frozen():
    m = Sequential([BatchNormalization(input_shape=(3,))])
    m.trainable = False
    m.compile("sgd", "mse")
    w = m.get_weights()
    x = np.random.rand(8, 3)
    m.fit(x, x, verbose=0)
    assert len(m.trainable_weights) == 0 and near(w[2], m.get_weights()[2])


def test_S100_gaussian_noise():
    a = train_phase(GaussianNoise(0.5), np.ones((50, 2000)))
    assert abs(a.mean() - 1) < 0.01 and abs(a.std() - 0.5) < 0.01 and near(run(GaussianNoise(0.5), [[1]]), [[1]])
    assert raises(TypeError, lambda: GaussianNoise(), "stddev")


def test_S101_gaussian_dropout():
    a = train_phase(GaussianDropout(0.2), np.ones((50, 2000)))
    assert abs(a.mean() - 1) < 0.01 and abs(a.std() - 0.5) < 0.01


def test_S102_alpha_dropout():
    assert args(AlphaDropout) == dict(rate=req, noise_shape=None, seed=None)
    a = train_phase(AlphaDropout(0.1), np.random.randn(50, 2000))
    assert abs(a.mean()) < 0.02 and abs(a.std() - 1) < 0.02


def test_S114_residual_connection():
    from polykeras.layers import Conv2D, Input

    x = Input(shape=(256, 256, 3))
    y = Conv2D(3, (3, 3), padding="same")(x)
    z = keras.layers.add([x, y])  # x + y
    assert K.int_shape(z) == (None, 256, 256, 3) and Model(x, z).count_params() == 84
    s = Input(shape=(6, 6, 3))  # with a zero kernel the block is the identity
    m = Model(s, keras.layers.add([s, Conv2D(3, (3, 3), padding="same", kernel_initializer="zeros")(s)]))
    v = np.random.rand(1, 6, 6, 3)
    assert near(m.predict(v), v)
    assert raises(ValueError, lambda: keras.layers.add([s, Conv2D(3, 3)(s)]), "(6, 6, 3)", "(4, 4, 3)")


def test_S140_initializer_identifiers():
    m = Sequential([Dense(2, kernel_initializer="ones", bias_initializer=initializers.Constant(3), input_shape=(1,))])
    assert m.get_weights()[0].tolist() == [[1, 1]] and m.get_weights()[1].tolist() == [3, 3]
    assert raises(ValueError, lambda: Dense(2, kernel_initializer="nope"), "nope")
    assert all(
        initializers.get(n).get_config()["scale"] == s
        for n, s in (
            ("glorot_normal", 1),
            ("glorot_uniform", 1),
            ("he_normal", 2),
            ("he_uniform", 2),
            ("lecun_normal", 1),
            ("lecun_uniform", 1),
        )
    )


def test_S141_constant_initializers():
    assert (
        K.eval(initializers.Zeros()((2,))).tolist() == [0, 0]
        and K.eval(initializers.Ones()((2,))).tolist() == [1, 1]
        and K.eval(initializers.Constant(3)((2,))).tolist() == [3, 3]
        and initializers.Constant().get_config() == {"value": 0}
    )


def test_S142_random_normal():
    assert (
        args(initializers.RandomNormal) == dict(mean=0.0, stddev=0.05, seed=None)
        and abs(K.eval(initializers.RandomNormal()((300, 300))).std() - 0.05) < 0.001
    )
    assert near(K.eval(initializers.RandomNormal(seed=1)((3,))), K.eval(initializers.RandomNormal(seed=1)((3,))))


def test_S143_random_uniform():
    a = K.eval(initializers.RandomUniform()((300, 300)))
    assert (
        args(initializers.RandomUniform) == dict(minval=-0.05, maxval=0.05, seed=None)
        and -0.05 <= a.min() < -0.049
        and 0.049 < a.max() <= 0.05
    )


def test_S144_truncated_normal():
    a = K.eval(initializers.TruncatedNormal(stddev=0.5)((200, 200)))
    assert abs(a).max() <= 1 and abs(a.std() - 0.44) < 0.01


def test_S145_orthogonal():
    m = Sequential([Dense(4, kernel_initializer="orthogonal", input_shape=(6,))])
    q = m.get_weights()[0]
    assert near(q.T.dot(q), np.eye(4), 1e-4)
    m = Sequential([Dense(6, kernel_initializer=initializers.Orthogonal(2.0), input_shape=(4,))])
    q = m.get_weights()[0]
    assert near(q.dot(q.T), 4 * np.eye(4), 1e-4)


def test_S146_identity():
    assert Sequential([Dense(2, kernel_initializer=initializers.Identity(2.0), input_shape=(2,))]).get_weights()[
        0
    ].tolist() == [[2, 0], [0, 2]]
    assert raises(ValueError, lambda: initializers.Identity()((2, 2, 2)), "2D") and raises(
        ValueError, lambda: initializers.Identity()((2, 3))
    )


def test_S147_own_initializer():
    def my_init(shape, dtype=None):
        return K.random_normal(shape, dtype=dtype)

    model = Sequential()
    model.add(Dense(64, kernel_initializer=my_init, input_shape=(32,)))
    w = model.get_weights()[0]
    assert w.shape == (32, 64) and abs(w.std() - 1) < 0.1
    assert cfg(model.layers[0])["kernel_initializer"] == "my_init"
    assert raises(ValueError, lambda: model_from_json(model.to_json()), "my_init")


def test_S189_regularizers_are_losses():
    assert (
        len(
            Sequential(
                [Dense(2, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2", input_shape=(3,))]
            ).losses
        )
        == 3
    )


def test_S190_regularizer_identifiers():
    assert (
        isinstance(regularizers.l2(0.1), regularizers.Regularizer)
        and type(regularizers.l1(0.1)).__name__ == "L1L2"
        and args(regularizers.l1_l2) == dict(l1=0.01, l2=0.01)
        and args(regularizers.l1) == dict(l=0.01)
    )
    assert near(regularizers.get("l1_l2").get_config()["l1"], 0.01) and raises(
        ValueError, lambda: regularizers.get("nope"), "nope"
    )


def test_S191_regularizers_built_in_and_own():
    from polykeras import regularizers

    x = np.random.rand(4, 64).astype("float32")
    model = Sequential()
    model.add(
        Dense(64, input_dim=64, kernel_regularizer=regularizers.l2(0.01), activity_regularizer=regularizers.l1(0.01))
    )
    model.compile("sgd", "mse")
    p, w = model.predict(x), model.get_weights()[0]
    assert near(model.evaluate(x, p, verbose=0), 0.01 * (w**2).sum() + 0.01 * abs(p).sum(), 1e-4)

    def l1_reg(weight_matrix):
        return 0.01 * K.sum(K.abs(weight_matrix))

    model = Sequential()
    model.add(Dense(64, input_dim=64, kernel_regularizer=l1_reg))
    model.compile("sgd", "mse")
    assert near(model.evaluate(x, model.predict(x), verbose=0), 0.01 * abs(model.get_weights()[0]).sum(), 1e-4)
    assert cfg(model.layers[0])["kernel_regularizer"] == "l1_reg"
    assert raises(ValueError, lambda: model_from_json(model.to_json()), "l1_reg")


def test_S194_layer_modules():
    from importlib import import_module as im

    for n in (
        "core convolutional recurrent wrappers embeddings normalization noise merge pooling local "
        "advanced_activations convolutional_recurrent cudnn_recurrent"
    ).split():
        assert im("polykeras.layers." + n).Dense is Dense
    assert keras.layers.core.Dense is Dense


def test_S195_activation_attributes():
    a = Activation("relu")
    assert a.supports_masking is True and a.activation is activations.relu and a.weights == []


def test_S196_activation_config():
    c = cfg(Activation("relu", name="a"))
    assert (
        c == {"name": "a", "trainable": True, "activation": "relu"}
        and cfg(Activation.from_config(c)) == c
        and json.loads(json.dumps(c)) == c
        and cfg(Activation(activations.tanh))["activation"] == "tanh"
    )


def test_S197_base_config():
    assert (
        list(cfg(keras.layers.Layer(name="l")).items()) == [("name", "l"), ("trainable", True)]
        and cfg(Dense(3, input_shape=(4,)))["batch_input_shape"] == (None, 4)
        and cfg(Dense(3, input_shape=(4,)))["dtype"] == "float32"
    )


def test_S198_dropout_rate_is_cut():
    assert [Dropout(-1).rate, Dropout(100).rate, Dropout(0.3).rate] == [0, 1, 0.3]


def test_S199_dropout_get_noise_shape():
    assert Dropout(0.5)._get_noise_shape(K.ones((2, 3))) is None and [
        int(v) if isinstance(v, int) else int(K.eval(v))
        for v in Dropout(0.5, noise_shape=(None, 1))._get_noise_shape(K.ones((2, 3)))
    ] == [2, 1]


def test_S200_dropout_call():
    assert near(train_phase(Dropout(100), np.ones((2, 5))), np.ones((2, 5))) and near(
        train_phase(Dropout(0.0), np.ones((2, 5))), np.ones((2, 5))
    )
    assert K.eval(Dropout(0.5, seed=1)(K.ones((9, 9)), training=True)).min() == 0


def test_S201_dropout_config():
    assert (
        cfg(Dropout(0.5, noise_shape=(None, 1), seed=3, name="d"))
        == dict(name="d", trainable=True, rate=0.5, noise_shape=(None, 1), seed=3)
        and Dropout(0.5).supports_masking
    )


def test_S202_dense_arguments():
    assert args(Dense) == dict(
        units=req,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
    )


def test_S203_dense_input_dim():
    assert Dense(3, input_dim=4).batch_input_shape == (None, 4)
    assert raises(TypeError, lambda: Dense(3, input_dim=4, input_shape=(5,)), "input_dim")


def test_S204_dense_attributes():
    d = Dense(3, kernel_regularizer="l2", kernel_constraint="non_neg")
    assert (
        callable(d.activation)
        and callable(d.kernel_initializer)
        and d.kernel_regularizer.l2 > 0
        and callable(d.kernel_constraint)
        and d.input_spec.min_ndim == 2
        and d.supports_masking
    )


def test_S205_dense_build():
    d = Dense(3)
    sym(d, (4,))
    assert d.input_spec.axes == {-1: 4} and d.built and K.int_shape(d.kernel) == (4, 3) and K.int_shape(d.bias) == (3,)
    d = Dense(3, use_bias=False)
    sym(d, (4,))
    assert d.bias is None
    assert raises((AssertionError, ValueError), lambda: Dense(2).build((3,)))


def test_S206_dense_call():
    x = np.random.rand(2, 5, 4).astype("float32")
    d = Dense(3, activation="relu", bias_initializer="ones")
    o = run(d, x)
    assert near(o, np.maximum(x.dot(d.get_weights()[0]) + 1, 0))


def test_S207_dense_output_shape():
    assert (
        Dense(3).compute_output_shape((None, 7, 4)) == (None, 7, 3)
        and raises((AssertionError, ValueError), lambda: Dense(3).compute_output_shape((4,)))
        and raises((AssertionError, ValueError), lambda: Dense(3).compute_output_shape((2, None)))
    )


def test_S208_dense_config():
    assert (
        list(cfg(Dense(3)))
        == (
            "name trainable units activation use_bias kernel_initializer bias_initializer kernel_regularizer "
            "bias_regularizer activity_regularizer kernel_constraint bias_constraint"
        ).split()
        and cfg(Dense(3))["activation"] == "linear"
        and cfg(Dense(3))["kernel_initializer"]
        == {
            "class_name": "VarianceScaling",
            "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
        }
    )
    c = cfg(Dense(3, activation="relu", kernel_regularizer="l2", name="z"))
    assert cfg(Dense.from_config(c)) == c


def test_S209_masks_pass():
    i = Input((3, 2))
    m = Masking()(i)
    assert all((l(m), l.output_mask)[1] is not None for l in (Activation("relu"), Dropout(0.5), Dense(2)))


def test_S210_keras1_spellings():
    assert all(
        warns(f)
        for f in (
            lambda: Dense(3, init="uniform"),
            lambda: Dense(3, W_regularizer="l2"),
            lambda: Dense(3, bias=False),
            lambda: Conv2D(4, 3, 3),
            lambda: Convolution2D(nb_filter=4, nb_row=3, nb_col=3, border_mode="same"),
            lambda: MaxPooling2D(pool_size=2, border_mode="same", dim_ordering="tf"),
            lambda: LSTM(output_dim=3),
            lambda: BatchNormalization(mode=0),
        )
    )
    x, y = data()
    m = seq(Dense(2, input_shape=(4,)))
    assert warns(lambda: m.fit(x, y, nb_epoch=1, verbose=0), "epochs")
