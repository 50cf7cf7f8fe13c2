"""Sparse tensors: fed, constant, multiplied, put together, differentiated, trained on."""

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.layers import Concatenate, Dense, Input, Lambda
from polykeras.models import Model
from polykeras.runtime.sparse import as_csr

sparse = pytest.importorskip("scipy.sparse")


def matrix(rows=5, columns=4, seed=0):
    return sparse.random(rows, columns, density=0.4, format="csr", random_state=seed, dtype="float32")


@pytest.mark.parametrize("form", ["tocsr", "tocsc", "tocoo", "tolil", "todok", "toarray"])
def test_a_placeholder_takes_every_form(form):
    x = K.placeholder((None, 4), sparse=True)
    assert K.is_sparse(x) and not K.is_sparse(K.to_dense(x)) and K.int_shape(K.to_dense(x)) == (None, 4)
    a = matrix()
    f = K.function([x], [K.to_dense(x), x])
    for result in f([getattr(a, form)()]):
        np.testing.assert_array_equal(result, a.toarray())


def test_equal_places_are_summed_up():
    a = sparse.coo_matrix(([1.0, 2.0, 5.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 3))
    x = K.placeholder((None, 3), sparse=True)
    assert K.function([x], [K.to_dense(x)])([a])[0].tolist() == [[0, 3, 0], [5, 0, 0]]


def test_another_shape_is_refused():
    x = K.placeholder((None, 4), sparse=True, name="features")
    with pytest.raises(ValueError, match=r"features.*expects shape \(None, 4\), got \(5, 3\)"):
        K.function([x], [K.to_dense(x)])([matrix(5, 3)])


def test_a_sparse_tensor_is_a_matrix():
    with pytest.raises(ValueError, match="rank 2"):
        K.placeholder((None, 3, 4), sparse=True)


@pytest.mark.parametrize("order", ["sparse first", "dense first"])
def test_dot_and_its_gradient(order):
    a, b = matrix(5, 4), np.random.RandomState(1).normal(size=(4, 3) if order == "sparse first" else (3, 5))
    x, w = K.placeholder((None, 4), sparse=True), K.variable(b)
    product = K.dot(x, w) if order == "sparse first" else K.dot(w, x)
    loss = K.sum(K.square(product))
    values = K.function([x], [product, *K.gradients(loss, [w])])([a])
    dense = K.placeholder((None, 4))
    product = K.dot(dense, w) if order == "sparse first" else K.dot(w, dense)
    expected = K.function([dense], [product, *K.gradients(K.sum(K.square(product)), [w])])([a.toarray()])
    for got, want in zip(values, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    assert K.gradients(loss, [x]) == [None]


def test_blocks_of_rows_give_the_whole_product(monkeypatch):
    from polykeras.runtime.xp import sparse as kernels

    monkeypatch.setattr(kernels, "BLOCK", 7)
    a, b = matrix(40, 30, seed=3), np.random.RandomState(1).normal(size=(30, 3)).astype("float32")
    x = K.placeholder((None, 30), sparse=True)
    np.testing.assert_allclose(K.function([x], [K.dot(x, K.constant(b))])([a])[0], a @ b, rtol=1e-5, atol=1e-6)


def test_a_variable_of_a_sparse_matrix_is_a_sparse_constant():
    a = matrix()
    v = K.variable(a)
    assert K.is_sparse(v) and K.int_shape(v) == (5, 4) and K.dtype(v) == "float32"
    np.testing.assert_array_equal(K.eval(v), a.toarray())
    np.testing.assert_allclose(K.eval(K.dot(v, K.ones((4, 2)))), a @ np.ones((4, 2)), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenation(axis):
    a, b = matrix(4, 4, seed=1), matrix(4, 4, seed=2)
    both = K.concatenate([K.variable(a), K.variable(b)], axis=axis)
    assert K.is_sparse(both)
    np.testing.assert_array_equal(K.eval(both), np.concatenate([a.toarray(), b.toarray()], axis=axis))
    mixed = K.concatenate([K.variable(a), K.constant(b.toarray())], axis=axis)
    assert not K.is_sparse(mixed)
    np.testing.assert_array_equal(K.eval(mixed), K.eval(both))


@pytest.mark.parametrize("function", [K.exp, K.sum, K.transpose, lambda x: x + 1, lambda x: x[0], K.flatten, K.softmax])
def test_everything_else_refuses_it_and_says_what_to_do(function):
    with pytest.raises(TypeError, match="K.to_dense"):
        function(K.placeholder((None, 4), sparse=True))


def test_inside_a_branch_and_a_loop():
    a = matrix()
    x, w, flag = K.placeholder((None, 4), sparse=True), K.variable(np.ones((4, 2))), K.placeholder((), dtype="bool")
    chosen = K.switch(flag, lambda: K.dot(x, w), lambda: K.dot(x, w * 2))
    f = K.function([x, flag], [chosen, K.gradients(chosen, w)[0]])
    np.testing.assert_allclose(f([a, False])[0], 2 * (a @ np.ones((4, 2))), rtol=1e-6)
    np.testing.assert_allclose(f([a, True])[1], np.asarray(a.sum(axis=0)).T.repeat(2, 1), rtol=1e-6)
    power = K.foldl(lambda state, e: K.dot(x, state) * e, K.constant([2.0, 3.0]), K.constant(np.ones((4, 1))))
    square = matrix(4, 4)
    np.testing.assert_allclose(
        K.function([x], [power])([square])[0], 6 * (square @ (square @ np.ones((4, 1)))), rtol=1e-5
    )
    with pytest.raises(TypeError, match="to_dense"):
        K.switch(flag, lambda: x, lambda: x)


def test_a_batch_of_another_number_of_elements_needs_no_new_program():
    x = K.placeholder((None, 4), sparse=True)
    f = K.function([x], [K.dot(x, K.ones((4, 2)))])
    for seed in range(5):
        a = matrix(seed=seed)
        np.testing.assert_allclose(f([a])[0], a @ np.ones((4, 2)), rtol=1e-6)
    assert len(f.programs) == 1


def test_the_rows_of_our_own_form():
    a = as_csr(matrix(0, 4).toarray(), "float64")
    assert a.shape == (0, 4) and a.toarray().shape == (0, 4)
    assert as_csr([[0, 2], [0, 0]], "float32").toarray().tolist() == [[0, 2], [0, 0]]


# -- models ------------------------------------------------------------------------------------------------------------


def small_model(is_sparse):
    x = Input((20,), sparse=is_sparse, name="x")
    hidden = Dense(6, activation="tanh", name="hidden")(x)
    model = Model(x, Dense(1, name="out")(hidden))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("form", ["csr_matrix", "csc_matrix", "coo_matrix"])
def test_a_model_trains_on_it_as_on_the_dense_matrix(form):
    a = getattr(sparse, form)(matrix(33, 20, seed=5))
    y = np.asarray(a.sum(axis=1))
    results = []
    start = small_model(True).get_weights()
    for is_sparse, data in ((True, a), (False, a.toarray()), (False, a)):
        model = small_model(is_sparse)
        model.set_weights(start)
        np.random.seed(0)
        losses = model.fit(data, y, batch_size=8, epochs=3, verbose=0).history["loss"]
        results.append([losses, model.predict(data, batch_size=10), model.evaluate(data, y, verbose=0)])
        results[-1].append(model.train_on_batch(data, y))
    assert results[0][0][-1] < results[0][0][0]
    for other in results[1:]:
        for got, want in zip(other, results[0], strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def test_layers_around_it():
    x, z = Input((3,), sparse=True), Input((2,), sparse=True)
    joined = Concatenate()([x, z])
    model = Model([x, z], Lambda(K.to_dense, output_shape=(5,))(joined))
    a, b = matrix(6, 3), matrix(6, 2)
    np.testing.assert_array_equal(model.predict([a, b]), np.hstack([a.toarray(), b.toarray()]))
    again = Model.from_config(model.get_config())
    assert K.is_sparse(again.inputs[0])
