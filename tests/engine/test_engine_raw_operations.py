"""Backend operations between layers."""

import subprocess
import sys

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.topology import Input
from polykeras.models import Model, Sequential, clone_model, model_from_json
from polykeras.optimizers import SGD
from polykeras.utils import custom_object_scope
from tests.engine.tiny_layers import Affine, Double, values


def test_an_operation_as_output():
    x, a = Input((4,)), Input((4,))
    m = Model(x, K.square(x))
    assert [type(layer).__name__ for layer in m.layers] == ["InputLayer", "BackendOperations"]
    assert np.array_equal(values([a], [m(a)], [[[1, 2, 3, 4]]])[0], [[1, 4, 9, 16]])


def test_operations_between_layers():
    x, y, a, b = (Input((2,)) for _ in range(4))
    between = Double()(x) * 3.0 + K.square(Double()(y))
    m = Model([x, y], Affine(1)(between))
    assert len(m.layers) == 6 and len(m.trainable_weights) == 2
    data = [[[1, 2]], [[1, 0]]]
    assert np.array_equal(values([x, y], m.outputs, data)[0], values([a, b], [m([a, b])], data)[0])
    assert values([a, b], [m([a, b])], data)[0] == 6 + 4 + 12


def test_one_operation_used_twice_is_one_layer():
    x = Input((2,))
    squared = K.square(x)
    m = Model(x, [Double()(squared), Double()(squared)])
    assert [type(layer).__name__ for layer in m.layers].count("BackendOperations") == 1


def test_variables_in_operations_are_weights_of_the_layer():
    x, a = Input((2,)), Input((2,))
    v, steps = K.variable(np.array([1.0, 10.0])), K.variable(3, dtype="int64")
    m = Model(x, x * v + K.cast(steps, "float32"))
    assert m.trainable_weights == [v] and m.non_trainable_weights == [steps] and m.count_params() == 3
    m.layers[1].trainable = False
    assert m.trainable_weights == [] and set(m.non_trainable_weights) == {v, steps}
    assert np.array_equal(values([a], [m(a)], [[[2, 3]]])[0], [[5, 33]])


def test_a_weight_of_a_layer_stays_that_layers():
    x = Input((2,))
    affine = Affine(3)
    m = Model(x, K.dot(affine(x), K.transpose(affine.w)))
    assert m.get_layer("affine_1").weights == [affine.w, affine.b] and m.layers[-1].weights == []
    assert m.count_params() == 9


def test_layers_called_on_constants():
    x, a = Input((2,)), Input((2,))
    m = Model(x, Double()(x) + Double()(K.variable(np.ones((1, 2)))))
    assert np.array_equal(values([a], [m(a)], [[[2, 3]]])[0], [[6, 8]])


def test_foreign_placeholders_are_named():
    x, p = Input((2,)), K.placeholder((None, 2), name="stray")
    with pytest.raises(ValueError, match="Graph disconnected.*stray"):
        Model(x, x + p)


def test_learning_phase_in_operations():
    x = Input((2,))
    assert Model(x, K.in_train_phase(x * 2.0, x)).uses_learning_phase
    assert not Model(x, x * 2.0).uses_learning_phase


def test_training_changes_variables_in_operations():
    x = Input((2,))
    w = K.variable(np.zeros((2, 1)))
    m = Model(x, K.dot(x, w))
    m.compile(SGD(0.5), "mse")
    m.train_on_batch(np.array([[1.0, 2.0]]), np.array([[1.0]]))  # the gradient is -2 x
    assert np.allclose(K.get_value(w), [[1.0], [2.0]])


# -- configs and clones ------------------------------------------------------------------------------------------------


def sigmoid_of_product(h):
    return K.sigmoid(K.dot(h, K.variable(np.arange(6.0).reshape(3, 2), name="w")))


def operators(h):
    return (h[:, 0:2] + 1) * 2 - h[:, ::-1][:, :2] / (h[:, 2:] ** 2 + 3.0) + K.constant([[0.5, np.inf]]) * 0.0


def two_outputs(h):
    halves = [h[:, :1], h[:, 1:]]
    return [K.concatenate(halves), K.stack(halves[:1] * 2, axis=1), K.int_shape(h)[1] - h]


def by_phase(h):
    return K.in_train_phase(h * 100.0, h)


def random(h):
    return h + K.random_normal(K.shape(h), seed=3)


def dropped(h):
    return K.in_train_phase(K.dropout(h, 0.5, seed=1), h)


def loop(h):
    w = K.variable(2.0)
    return K.permute_dimensions(K.map_fn(lambda row: row * w + K.sum(h), K.permute_dimensions(h, (1, 0))), (1, 0))


def nested_loop(h):
    def outer(total, row):
        return total + K.foldl(lambda a, b: a + b * row[0], row) * K.switch(row[0] > 1, row[1], row[2])

    return K.expand_dims(K.foldl(outer, h, initializer=K.constant(0.0)) + K.sum(h, axis=1))


def branch(h):
    return K.switch(K.mean(h) > 0.0, lambda: h * 2.0, lambda: h - K.variable(7.0))


def gathered(h):
    return K.gather(K.transpose(h), K.constant([2, 0], dtype="int32"))[0]


def gradient(h):
    return K.gradients(K.sum(K.square(h)), h)[0]


def reshaped(h):
    return K.reshape(h, (-1, 1, K.int_shape(h)[1]))


def masked_infinity(h):
    return K.max(K.concatenate([h, K.zeros_like(h) - np.inf]), axis=1, keepdims=True)


PROGRAMS = (
    sigmoid_of_product, operators, two_outputs, by_phase, random, dropped, loop, nested_loop, branch, gathered,
    gradient, reshaped, masked_infinity,
)  # fmt: skip


def run(model, arrays):
    phase = K.learning_phase()
    return K.function([*model.inputs, phase], model.outputs)([*arrays, 0]) + K.function(
        [*model.inputs, phase], model.outputs
    )([*arrays, 1])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_config_through_json_gives_the_same_values(program):
    x = Input((4,))
    model = Model(x, program(Affine(3, start=0.3, name="affine")(x)))
    with custom_object_scope({"Affine": Affine}):
        again = model_from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert [K.int_shape(w) for w in again.weights] == [K.int_shape(w) for w in model.weights]
    again.set_weights(model.get_weights())
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    data = [np.random.RandomState(0).randn(5, 4).astype("float32")]
    expected = run(model, data)
    assert all(map(np.array_equal, run(again, data), expected))
    assert all(map(np.array_equal, run(clone, data), expected))


def test_a_clone_has_variables_of_its_own_with_the_same_values():
    x = Input((2,))
    w = K.variable(np.array([[2.0], [3.0]]))
    m = Model(x, K.dot(x, w))
    clone = clone_model(m)
    assert clone.weights[0] is not w and np.array_equal(clone.get_weights()[0], [[2.0], [3.0]])
    K.set_value(w, np.zeros((2, 1)))
    assert np.array_equal(clone.predict(np.ones((1, 2))), [[5.0]])


def test_ties_survive_configs_and_clones():
    """A variable that two operations use, and a layer's weight that an operation uses, stay one."""
    x = Input((2,))
    affine, scale = Affine(3), K.variable(2.0)
    middle = Affine(2)(affine(x) * scale)
    m = Model(x, K.dot(K.dot(middle, affine.w), K.transpose(affine.w)) * scale)
    with custom_object_scope({"Affine": Affine}):
        again = Model.from_config(m.get_config())
    for other in (again, clone_model(m)):
        assert len(other.weights) == len(m.weights) == 5
        other.set_weights([value + 1.0 for value in m.get_weights()])
    m.set_weights([value + 1.0 for value in m.get_weights()])
    data = np.array([[1.0, -2.0]])
    assert np.array_equal(again.predict(data), m.predict(data))
    assert np.array_equal(clone_model(m).get_weights()[0].shape, (2, 3))


def test_ties_to_a_layer_that_is_called_later():
    x = Input((2,))
    affine = Affine(2)
    affine(x)
    m = Model(x, affine(K.dot(x, affine.w)))
    with custom_object_scope({"Affine": Affine}):
        again = Model.from_config(m.get_config())
    assert len(again.weights) == 2 and len(clone_model(m).weights) == 2
    again.set_weights(m.get_weights())
    assert np.array_equal(again.predict(np.ones((1, 2))), m.predict(np.ones((1, 2))))


def test_nested_models_with_operations():
    a, x = Input((2,)), Input((2,))
    w = K.variable(np.eye(2) * 3.0)
    inner = Model(a, K.dot(a, w) + 1.0)
    middle = Sequential([inner, Double()])
    m = Model(x, K.dot(middle(x), w) + middle(x * 2.0))
    with custom_object_scope({"Double": Double}):
        again = Model.from_config(m.get_config())
    assert len(again.weights) == 1
    again.set_weights(m.get_weights())
    data = np.array([[1.0, 2.0]])
    assert np.array_equal(again.predict(data), m.predict(data))
    assert np.array_equal(clone_model(m).predict(data), m.predict(data))


def test_a_saved_model_is_loaded_in_a_new_process(tmp_path):
    """Without custom objects; the file holds no code, only operations by name."""
    x = Input((3,))
    w = K.variable(np.random.randn(3, 2), name="w")
    m = Model(x, [K.sigmoid(K.dot(x, w)) + K.constant([[1.0, 2.0]]), dropped(x), loop(x)])
    m.compile(SGD(0.1), "mse")
    data = np.random.randn(4, 3).astype("float32")
    m.save(tmp_path / "m.h5")
    np.savez(tmp_path / "values.npz", data, *m.predict(data))
    program = (
        "import numpy as np, polykeras\n"
        "m = polykeras.models.load_model('m.h5')\n"
        "data, *expected = np.load('values.npz').values()\n"
        "assert all(map(np.array_equal, m.predict(data), expected))\n"
        "m.fit(data, expected, verbose=0)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_summary_shows_operations():
    x = Input((3,))
    lines = []
    Model(x, K.dot(x, K.variable(np.ones((3, 2)))) + 1.0).summary(print_fn=lines.append)
    assert any("add_1 (BackendOperations)" in line and line.split()[-1] == "6" for line in lines)


def test_a_sparse_input_times_a_variable():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    x = Input((4,), sparse=True)
    m = Model(x, K.dot(x, K.variable(np.arange(8.0).reshape(4, 2))))
    again = Model.from_config(m.get_config())
    again.set_weights(m.get_weights())
    data = scipy_sparse.csr_matrix(np.eye(4)[[2, 0]])
    assert np.array_equal(again.predict(data), [[4, 5], [0, 1]])
    constant = K.variable(data)
    dense = Input((3,))
    with pytest.raises(NotImplementedError, match="a sparse constant.*sparse=True"):
        Model(dense, dense + K.sum(K.dot(constant, K.ones((4, 1))))).get_config()


# -- what a config must not hold ---------------------------------------------------------------------------------------


def test_what_no_config_can_hold_is_named():
    x = Input((2,))
    counted = K.variable(0.0)
    with pytest.raises(NotImplementedError, match="add_1.*`assign_add`.*layer of your own"):
        Model(x, x + K.update_add(counted, 1.0)).get_config()
    large = K.constant(np.zeros((1024, 1025)))
    with pytest.raises(NotImplementedError, match=r"4,198,400 bytes.*K\.variable"):
        Model(x, x + K.sum(large)).get_config()


def changed(change):
    x = Input((2,))
    config = Model(x, x * 2.0 + 1.0).get_config()
    change(config["layers"][1]["config"])
    return config


def product(config):
    return next(entry for entry in config["operations"] if entry["op"] == "multiply")


def unknown_op(config):
    product(config)["op"] = "multiplicate"


def assignment(config):
    product(config)["op"] = "assign"


def too_few_inputs(config):
    del product(config)["inputs"][0]


def dangling(config):
    product(config)["inputs"][0] = ["operation", 99, 0]


def unknown_attribute(config):
    product(config)["attributes"] = {"code": "import os"}


def no_operations(config):
    del config["operations"]


def giant_size(config):
    config["operations"] = [
        {"op": "constant", "value": 1 << 40, "dtype": "int64"},
        *[{"op": "multiply", "inputs": [["operation", i, 0]] * 2} for i in range(60)],
    ]


def foreign_layer(config):
    config["variables"] = [{"layer": "nobody", "weight": 0, "built_for": [None, 2], "dtype": "float32", "shape": [2]}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unknown_op, "is 'multiplicate'.*Did you mean 'multiply'"),
        (assignment, "'assign'.*no op"),
        (too_few_inputs, "'multiply' takes 2 inputs, got 1"),
        (dangling, "malformed"),
        (unknown_attribute, "malformed.*code"),
        (no_operations, "malformed.*operations"),
        (giant_size, "Operation 1 computes a size of more than 63 bits"),
        (foreign_layer, "nobody"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_malformed_operations_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Model.from_config(changed(change))
