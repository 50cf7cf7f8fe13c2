"""The small framework of docs/tour.md, step by step; at the end it and the real one train alike."""

import gc
import types
import weakref

import numpy as np
import pytest

from tests.tour import page


@pytest.fixture(scope="module")
def tour():
    """The names that the page defines."""
    return types.SimpleNamespace(**page.run())


@pytest.mark.parametrize("title", page.steps())
def test_each_step_stands_on_the_ones_before_it(title):
    page.run(last=title)


def test_the_page_is_as_short_as_it_says():
    lines = [line for blocks in page.steps().values() for code in blocks for line in code.splitlines() if line.strip()]
    stated = int(page.PAGE.read_text(encoding="utf-8").splitlines()[0].split()[-2])
    assert abs(len(lines) - stated) <= 10


# -- 1, 2: ops and graphs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "a, b, both",
    [
        ((None, 3), (3,), (None, 3)),
        ((), (2, 3), (2, 3)),
        ((2, 1), (1, 3), (2, 3)),
        ((None,), (4,), (4,)),
        ((4,), (None,), (4,)),
        ((1,), (None,), (None,)),
        ((None,), (1,), (None,)),
    ],
)
def test_shapes_broadcast(tour, a, b, both):
    assert tour.broadcast(a, b) == both


def test_an_error_names_the_op_and_the_shapes(tour):
    x, y = tour.placeholder(shape=(2, 3)), tour.placeholder(shape=(2, 4))
    with pytest.raises(ValueError, match=r"add\(\(2, 3\), \(2, 4\)\): the shapes do not fit"):
        x + y


def test_ancestors_stand_in_an_order_in_which_they_can_be_computed(tour):
    x = tour.placeholder(shape=(2,))
    y = tour.tanh(x) * tour.tanh(x) + x
    order = tour.ancestors(y)
    assert all(order.index(source) < order.index(t) for t in order for source in t.inputs)
    assert len(order) == len(set(order)) == 5


def test_a_graph_goes_away_with_its_end(tour):
    gc.disable()
    try:
        y = tour.tanh(tour.placeholder(shape=(2,)))
        gone = weakref.ref(y)
        del y
        assert gone() is None, "something holds the graph, or it is a cycle"
    finally:
        gc.enable()


# -- 3: gradients ------------------------------------------------------------------------------------------------------

# functions of x (2, 3) and y (3, 4), with all ops in them
FORMULAS = {
    "add": lambda t, x, y: x + (2.0 + t.total(y)),
    "broadcast": lambda t, x, y: t.transpose(x) * t.sum_to(y, t.placeholder(shape=(3, 1))) + 3.0 * t.transpose(x),
    "matmul": lambda t, x, y: t.matmul(x, y),
    "transpose": lambda t, x, y: t.matmul(t.transpose(y), t.transpose(x)),
    "tanh": lambda t, x, y: t.tanh(t.matmul(x, y) - 0.5),
    "sigmoid": lambda t, x, y: t.sigmoid(1.0 - t.matmul(x, y)) * t.tanh(t.total(x)),
}


class Precise:
    """Makes a backend of the page compute in float64."""

    def asarray(self, value):
        return np.array(value, "float64")


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("formula", FORMULAS)
def test_gradients_agree_with_finite_differences(tour, formula, order):
    backend = type("Float64", (Precise, tour.NumpyBackend), {})()
    rng = np.random.default_rng(0)
    x, y = tour.placeholder(shape=(2, 3)), tour.placeholder(shape=(3, 4))
    loss = tour.total(tour.tanh(FORMULAS[formula](tour, x, y)))
    if order == 2:
        slope = tour.gradients(loss, [x])[0]
        loss = tour.total(slope * slope)
    found = tour.gradients(loss, [x])
    [exact] = tour.Function([x, y], found, backend=backend)(a := rng.normal(size=(2, 3)), b := rng.normal(size=(3, 4)))
    direction, step = rng.normal(size=(2, 3)), 1e-6
    value = tour.Function([x, y], [loss], backend=backend)
    slope = (value(a + step * direction, b)[0] - value(a - step * direction, b)[0]) / (2 * step)
    assert np.sum(exact * direction) == pytest.approx(slope, rel=1e-5, abs=1e-7)
    assert np.any(exact)


def test_what_is_not_connected_has_no_gradient(tour):
    x, y = tour.placeholder(shape=(2,)), tour.placeholder(shape=(2,))
    assert tour.gradients(tour.tanh(x), [y]) == [None]


# -- 4: programs -------------------------------------------------------------------------------------------------------


def test_equal_steps_are_merged_and_unneeded_ones_left_out(tour):
    x = tour.placeholder(shape=(None, 3))
    tour.tanh(x + 5.0)  # nobody asks for it
    program = tour.specialise({x: (2, 3)}, [tour.tanh(x) + tour.tanh(x)], [], lambda op: True)
    assert [step.op for step in program.steps] == ["tanh", "add"]


def test_sizes_that_were_unknown_are_checked_when_they_are_known(tour):
    x, y = tour.placeholder(shape=(None,)), tour.placeholder(shape=(None,))
    with pytest.raises(ValueError, match="do not fit"):
        tour.specialise({x: (2,), y: (3,)}, [x + y], [], lambda op: True)


def test_what_is_not_fed_is_an_error(tour):
    with pytest.raises(ValueError, match=r"placeholder of shape \(2,\) is not fed"):
        tour.Function([], [tour.tanh(tour.placeholder(shape=(2,)))])()


def test_a_backend_without_the_kernel_and_one_with_it_agree(tour):
    x = tour.placeholder(shape=(None,))
    y = [tour.sigmoid(x), *tour.gradients(tour.sigmoid(x), [x])]
    values = np.linspace(-4, 4, 9)
    plain, native = (tour.Function([x], y, backend=b) for b in (tour.NumpyBackend(), tour.LogisticBackend()))
    for a, b in zip(plain(values), native(values), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    [few, many] = [len(f.programs[(9,),].program.steps) for f in (native, plain)]
    assert few < many


# -- 5, 6: calls -------------------------------------------------------------------------------------------------------


def test_a_backend_has_ten_methods(tour):
    assert len([name for name in vars(tour.NumpyBackend) if not name.startswith("_")]) == 10


def test_reads_see_the_values_at_entry(tour):
    v, w = (tour.variable(storage=tour.Storage(np.float32(n))) for n in (1, 2))
    swap = tour.Function([], [v], [(v, w + 0.0), (w, v + 0.0)])
    assert swap()[0] == 1
    assert (v.attrs["storage"].value, w.attrs["storage"].value) == (2, 1)


def test_a_kernel_that_fails_leaves_the_variables_alone(tour):
    class Broken(tour.NumpyBackend):
        def tanh(self, x):
            raise RuntimeError("no")

    v, w = (tour.variable(storage=tour.Storage(np.float32(n))) for n in (1, 2))
    step = tour.Function([], [], [(v, v + 1.0), (w, tour.tanh(w))], Broken())
    with pytest.raises(RuntimeError):
        step()
    assert (v.attrs["storage"].value, w.attrs["storage"].value) == (1, 2)


def test_each_signature_has_one_program(tour):
    x = tour.placeholder(shape=(None, 2))
    f = tour.Function([x], [tour.tanh(x)])
    for rows in (1, 2, 1, 2, 3):
        f(np.zeros((rows, 2)))
    assert list(f.programs) == [((1, 2),), ((2, 2),), ((3, 2),)]
    with pytest.raises(ValueError, match=r"expected an array of shape \(None, 2\), got \(1, 3\)"):
        f(np.zeros((1, 3)))


# -- 7, 8: the small one and the real one ------------------------------------------------------------------------------


def test_it_trains_as_polykeras_does(tour):
    """From the same weights, the losses and the weights of gradient descent are the same."""
    from polykeras import backend as K
    from polykeras.layers import Dense
    from polykeras.models import Sequential
    from polykeras.optimizers import SGD

    def squared(y_true, y_pred):
        return K.sum(K.square(y_pred - y_true))

    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([[0], [1], [1], [0]], "float32")
    np.random.seed(0)
    small = tour.Model([tour.Dense(8, tour.tanh), tour.Dense(1, tour.sigmoid)], size=2)
    small.compile(lr=0.5)
    real = Sequential([Dense(8, activation="tanh", input_shape=(2,)), Dense(1, activation="sigmoid")])
    real.set_weights([w.attrs["storage"].value for w in small.weights])
    real.compile(SGD(lr=0.5), squared)
    losses = small.fit(x, y, epochs=50)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose([real.train_on_batch(x, y) for _ in range(50)], losses, rtol=1e-3)
    for ours, theirs in zip(small.weights, real.get_weights(), strict=True):
        np.testing.assert_allclose(ours.attrs["storage"].value, theirs, rtol=1e-2, atol=1e-3)
