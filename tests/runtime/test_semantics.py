"""The table "Semantics pinned down" of docs/semantics.md: each row a test."""

from __future__ import annotations

import numpy as np
import pytest

from polykeras import backend as K


@pytest.fixture(autouse=True)
def session():
    K.clear_session()
    yield
    K.clear_session()


def var(*values):
    return K.variable(np.array(values, "float32"))


def test_a_call_reads_every_variable_as_it_was_at_entry():
    a, b = var(1, 2), var(10, 20)
    f = K.function([], [a * 1.0, a + b], [(a, a + b), (b, a * 2.0)])
    seen, total = f([])
    assert seen.tolist() == [1, 2] and total.tolist() == [11, 22]
    assert K.get_value(a).tolist() == [11, 22]
    assert K.get_value(b).tolist() == [2, 4]


def test_outputs_are_taken_before_writes():
    a = var(1, 2)
    f = K.function([], [a], [(a, a + 1.0)])
    first = f([])[0]
    assert first.tolist() == [1, 2] and f([])[0].tolist() == [2, 3]
    assert first.tolist() == [1, 2]  # a result is no view of the variable


def test_the_last_of_two_updates_wins_and_a_pair_swaps():
    a, b = var(1), var(2)
    K.function([], [], [(a, a + 1.0), (a, a + 10.0)])([])
    assert K.get_value(a).tolist() == [11]
    K.function([], [], [(a, b), (b, a)])([])
    assert K.get_value(a).tolist() == [2] and K.get_value(b).tolist() == [11]


def test_three_variables_rotate():
    a, b, c = var(1), var(2), var(3)
    K.function([], [], [(a, b), (b, c), (c, a)])([])
    assert [K.get_value(v).item() for v in (a, b, c)] == [2, 3, 1]


def test_updates_that_read_each_other_use_the_old_values():
    a, b = var(3), var(5)
    K.function([], [], [(a, a + b), (b, a - b)])([])
    assert K.get_value(a).tolist() == [8] and K.get_value(b).tolist() == [-2]


def test_adding_updates_accumulate():
    a, m = var(1), var(0)
    updates = [K.update_add(a, var(2)), K.update_sub(a, var(0.5)), K.update_add(a, var(4))]
    updates += [K.moving_average_update(m, var(8), 0.5), K.moving_average_update(m, var(8), 0.5)]
    K.function([], [], updates)([])
    assert K.get_value(a).tolist() == [6.5] and K.get_value(m).tolist() == [8]


def test_an_update_used_as_a_value_is_performed_when_reached():
    a = var(1)
    new = K.update(a, a + 1.0)
    K.function([], [a * 2.0])([])
    assert K.get_value(a).tolist() == [1]
    assert K.function([], [new * 10.0])([])[0].tolist() == [20]
    assert K.get_value(a).tolist() == [2]


def test_an_update_in_a_branch_happens_when_the_branch_is_taken():
    a = var(1)
    p = K.placeholder((), dtype="bool")
    f = K.function([p], [K.switch(p, lambda: K.update_add(a, var(1)), lambda: var(7) * 1.0)])
    assert f([False])[0].tolist() == [7] and K.get_value(a).tolist() == [1]
    assert f([True])[0].tolist() == [2] and K.get_value(a).tolist() == [2]


def test_an_update_under_the_untaken_phase_does_not_happen():
    a = var(1)
    y = K.in_train_phase(lambda: K.update_add(a, var(1)), lambda: a * 1.0)
    f = K.function([K.learning_phase()], [y])
    f([0])
    assert K.get_value(a).tolist() == [1]
    f([1])
    assert K.get_value(a).tolist() == [2]


def test_an_update_in_a_loop_is_an_error():
    a = var(1)
    with pytest.raises(ValueError, match="loop's step.*carry it as a state"):
        K.foldl(lambda acc, x: acc + K.update_add(a, x), K.placeholder((3, 1)), var(0))


def test_bad_feeds_leave_variables_alone():
    a = var(1)
    x = K.placeholder((2,))
    f = K.function([x], [x], [(a, a + 1.0)])
    with pytest.raises(ValueError, match=r"expects shape \(2,\), got \(3,\)"):
        f([[1, 2, 3]])
    with pytest.raises(ValueError, match="1 inputs, got 2"):
        f([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="cannot be made of"):
        f([["a", "b"]])
    assert K.get_value(a).tolist() == [1]


def test_inputs_are_cast_and_lists_and_scalars_accepted():
    x, n = K.placeholder((2,)), K.placeholder(())
    f = K.function([x, n, 1], [x * n])  # a fixed learning phase among the inputs is ignored
    result = f([[1, 2], 3, 1])[0]
    assert result.dtype == np.float32 and result.tolist() == [3, 6]
    assert f([np.array([1, 2], "int64"), np.float64(2), 0])[0].tolist() == [2, 4]


def test_not_fed_names_the_placeholder_and_the_place():
    x = K.placeholder((2,), name="pixels")
    with pytest.raises(ValueError, match=r"pixels.*not fed.*test_semantics"):
        K.function([], [x + 1.0])([])


def test_evaluation_stops_at_a_fed_tensor():
    x = K.placeholder((2,))
    middle = K.exp(x)
    f = K.function([middle], [middle * 2.0, middle])
    fed = np.array([1, 5], "float32")
    doubled, same = f([fed])
    assert doubled.tolist() == [2, 10] and same.tolist() == [1, 5]
    same[0] = 9
    assert fed.tolist() == [1, 5]  # fed and fetched is copied


def test_a_fed_variable_keeps_its_value():
    a = var(1, 2)
    assert K.function([a], [a * 3.0])([[5, 6]])[0].tolist() == [15, 18]
    assert K.get_value(a).tolist() == [1, 2]


def test_a_tensor_may_be_fed():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    a = var(1, 2)
    f = K.function([x, y], [x * y])
    assert f([a * 10.0, [3, 4]])[0].tolist() == [30, 80]
    assert f([a * 10.0, a])[0].tolist() == [10, 40]


def test_the_learning_phase_is_test_unless_fed():
    x = K.placeholder((1,))
    y = K.in_train_phase(x * 2.0, x)
    assert K.function([x], [y])([[3]])[0].tolist() == [3]
    f = K.function([x, K.learning_phase()], [y])
    assert f([[3], 1])[0].tolist() == [6] and f([[3], 0])[0].tolist() == [3]


def test_a_set_learning_phase_is_fixed_when_the_graph_is_built():
    x = K.placeholder((1,))
    K.set_learning_phase(1)
    y = K.in_train_phase(x * 2.0, x)
    K.set_learning_phase(0)
    assert K.function([x], [y])([[3]])[0].tolist() == [6]
    assert K.function([x], [K.in_train_phase(x * 2.0, x, training=True)])([[3]])[0].tolist() == [6]


def test_training_may_be_a_tensor():
    x, flag = K.placeholder((1,)), K.placeholder((), dtype="bool")
    computed = K.greater(K.sum(x), 0)
    f = K.function([x], [K.in_train_phase(x * 2.0, x, training=computed)])
    assert f([[3]])[0].tolist() == [6] and f([[-3]])[0].tolist() == [-3]
    g = K.function([x, flag], [K.in_train_phase(x * 2.0, x, training=flag)])
    assert g([[3], True])[0].tolist() == [6] and g([[3], False])[0].tolist() == [3]


def test_results_have_the_tensors_dtype_and_scalars_are_numpy_scalars():
    x = K.placeholder((2,))
    total, flag = K.function([x], [K.sum(x), K.greater(x, 1)])([[1, 2]])
    assert isinstance(total, np.float32) and flag.dtype == bool


def test_a_random_op_draws_once_a_call_for_all_readers():
    r = K.random_uniform((4,), seed=3)
    f = K.function([], [r, r * 1.0])
    a, b = f([])
    c, _ = f([])
    assert a.tolist() == b.tolist() and a.tolist() != c.tolist()


def test_equal_seeds_give_equal_sequences():
    draws = []
    for _ in range(2):
        f = K.function([], [K.random_normal((5,), seed=11)])
        draws.append([f([])[0].tolist() for _ in range(3)])
    assert draws[0] == draws[1] and draws[0][0] != draws[0][1]


def test_a_random_op_and_its_gradient_share_the_draw():
    x = K.placeholder((1000,))
    mask = K.cast(K.greater(K.random_uniform((1000,), seed=1), 0.5), "float32")
    y = x * mask
    out, grad = K.function([x], [y, K.gradients(K.sum(y), x)[0]])([np.ones(1000)])
    assert out.tolist() == grad.tolist()


def test_a_random_op_in_a_loop_draws_for_each_step_and_again_the_same_in_reverse():
    x = K.placeholder((6, 50))

    def step(elements):
        return elements * K.random_uniform((50,), seed=5)

    y = K.map_fn(step, x)
    out, grad = K.function([x], [y, K.gradients(K.sum(y), x)[0]])([np.ones((6, 50))])
    assert np.array_equal(out, grad)
    assert len({row.tobytes() for row in out}) == 6
    again = K.function([x], [y])([np.ones((6, 50))])[0]
    assert not np.array_equal(out, again)


def test_masked_steps_repeat_the_first_state():
    x = K.placeholder((1, 3, 1))
    start = K.constant([[7.0]])
    _, outputs, _ = K.rnn(lambda v, s: (v + s[0], [v + s[0]]), x, [start], mask=K.constant([[0, 1, 0]], dtype="bool"))
    assert K.function([x], [outputs])([[[[1], [2], [4]]]])[0].ravel().tolist() == [7, 9, 9]


def test_unrolled_masked_steps_give_zeros_before_the_first():
    x = K.placeholder((1, 3, 1))
    mask = K.constant([[0, 1, 0]], dtype="bool")
    _, outputs, _ = K.rnn(lambda v, s: (v + s[0], [v + s[0]]), x, [K.constant([[7.0]])], mask=mask, unroll=True)
    assert K.function([x], [outputs])([[[[1], [2], [4]]]])[0].ravel().tolist() == [0, 9, 9]


def test_the_last_output_of_no_steps_is_an_error():
    x = K.placeholder((1, None, 1))
    last, _, _ = K.rnn(lambda v, s: (v + s[0], [v + s[0]]), x, [K.constant([[0.0]])])
    with pytest.raises(ValueError):
        K.function([x], [last])([np.zeros((1, 0, 1))])


def test_switch_selects_elementwise_and_an_infinite_branch_gives_nan_gradients():
    x = K.placeholder((2,))
    y = K.switch(K.greater(x, 0), K.log(x), x)
    out, grad = K.function([x], [y, K.gradients(K.sum(y), x)[0]])([[0, 2]])
    assert out[0] == 0 and out[1] == pytest.approx(np.log(2))
    assert np.isnan(grad[0]) or np.isinf(grad[0])


def test_gradients_are_a_list_and_none_where_unconnected():
    x, z = K.placeholder((2,)), K.placeholder((2,))
    n = K.placeholder((2,), dtype="int32")
    y = K.square(x) + K.cast(n, "float32")
    g = K.gradients(y, x)
    assert isinstance(g, list) and len(g) == 1
    assert K.function([x], g)([[1, 3]])[0].tolist() == [2, 6]  # a loss that is no scalar is summed
    assert K.gradients(y, [z, n]) == [None, None]
    assert K.gradients(K.stop_gradient(y), [x]) == [None]
    middle = K.exp(x)
    assert K.function([x], K.gradients(K.square(middle), middle))([[0, 0]])[0].tolist() == [2, 2]


def test_an_empty_batch_keeps_shapes():
    x = K.placeholder((None, 3))
    f = K.function([x], [K.relu(x), K.sum(x), K.mean(x), K.sum(x, axis=0)])
    same, total, mean, columns = f([np.zeros((0, 3))])
    assert same.shape == (0, 3) and total == 0 and np.isnan(mean) and columns.tolist() == [0, 0, 0]


def test_python_scalars_are_weak_and_integers_become_float_beside_floats():
    n, x = K.placeholder((2,), dtype="int32"), K.placeholder((2,), dtype="float16")
    assert K.dtype(n + 1) == "int32" and K.dtype(n + 1.5) == "float32" and K.dtype(x + 1.5) == "float16"
    assert K.dtype(n * x) == "float16" and K.dtype(n / 2) == "float32"


def test_floating_warnings_are_silent(recwarn):
    x = K.placeholder((2,))
    out = K.function([x], [K.log(x), 1.0 / x])([[0, -1]])
    assert out[0][0] == -np.inf and out[1][0] == np.inf
    assert not [w for w in recwarn if issubclass(w.category, RuntimeWarning)]


def test_a_tensor_has_no_truth_value_length_or_iteration():
    x = K.placeholder((2, 3))
    with pytest.raises(TypeError, match="truth value"):
        bool(x)
    with pytest.raises(TypeError, match="len"):
        len(x)
    with pytest.raises(TypeError, match="iterated"):
        list(x)
    assert x in [x] and [x].index(x) == 0 and x != K.placeholder((2, 3))


def test_size_arithmetic_needs_no_arrays():
    x = K.placeholder((None, 6))
    n = K.shape(x)[0]
    assert K.int_shape(K.reshape(x, K.stack([n, 2, 3]))) == (None, 2, 3)
    assert K.function([x], [K.reshape(x, (n, 2, 3))])([np.zeros((4, 6))])[0].shape == (4, 2, 3)
