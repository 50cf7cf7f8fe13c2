"""Data as users pass it becomes checked lists of arrays, or an error that names what was wrong."""

import numpy as np
import pytest

from polykeras import losses
from polykeras.engine import batches
from polykeras.engine.batches import ArrayFeed, batch_shuffle
from polykeras.engine.feeding import (
    check_array_length_consistency,
    check_loss_and_target_compatibility,
    standardize_input_data,
    standardize_weights,
    weights_by_output,
)


def standardize(data, names=("a",), shapes=None):
    return standardize_input_data(data, list(names), shapes, check_batch_axis=False, exception_prefix="input")


class TestStandardize:
    def test_vectors_become_columns(self):
        (array,) = standardize(np.arange(3))
        assert array.shape == (3, 1)

    def test_plain_lists_become_arrays(self):
        assert standardize([1, 2, 3])[0].tolist() == [[1], [2], [3]]
        assert standardize([[1, 2], [3, 4]])[0].tolist() == [[1, 2], [3, 4]]

    def test_dicts_are_put_into_the_models_order(self):
        a, b = np.zeros((2, 1)), np.ones((2, 1))
        assert [x[0, 0] for x in standardize({"b": b, "a": a}, "ab")] == [0, 1]

    def test_arrays_are_not_copied(self):
        array = np.zeros((3, 2), "float32")
        assert standardize(array)[0] is array
        assert standardize([array])[0] is array

    def test_missing_name(self):
        with pytest.raises(ValueError, match=r'No data provided for "b".*\[\'a\', \'b\'\]'):
            standardize({"a": np.zeros(2)}, "ab")

    def test_superfluous_name_warns(self):
        with pytest.warns(UserWarning, match="no input named 'c'"):
            standardize({"a": np.zeros(2), "c": np.zeros(2)})

    def test_wrong_number_of_arrays(self):
        with pytest.raises(ValueError, match=r"Expected to see 2 array\(s\) \(a, b\), but instead got 3"):
            standardize([np.zeros(2)] * 3, "ab")
        with pytest.raises(ValueError, match=r"expects a list of 2 arrays .*shape \(4, 3\)"):
            standardize(np.zeros((4, 3)), "ab")

    def test_data_for_a_model_without_inputs(self):
        assert standardize(None, ()) == []
        with pytest.raises(ValueError, match="expected no data"):
            standardize(np.zeros(3), ())

    def test_wrong_rank_and_shape_name_input_expected_and_found(self):
        with pytest.raises(ValueError, match=r"expected a to have 3 dimensions, but got array with shape \(4, 2\)"):
            standardize(np.zeros((4, 2)), shapes=[(None, 5, 2)])
        with pytest.raises(ValueError, match=r"checking input: expected a to have shape \(3,\) .* shape \(2,\)"):
            standardize(np.zeros((4, 2)), shapes=[(None, 3)])

    def test_unknown_dims_take_any_size(self):
        standardize(np.zeros((4, 9, 2)), shapes=[(None, None, 2)])

    def test_ragged_rows(self):
        with pytest.raises(ValueError, match="object|inhomogeneous"):
            standardize(np.array([[1], [1, 2]], dtype=object), shapes=[(None, 1)])

    def test_text(self):
        with pytest.raises(ValueError, match=r"expected a to have numbers.*<U"):
            standardize(np.array([["x", "y"]]), shapes=[(None, 2)])


class TestLengths:
    def test_inputs_differ(self):
        with pytest.raises(ValueError, match=r"input arrays \(x\).*same number of samples.*\[\(3, 1\), \(2, 1\)\]"):
            check_array_length_consistency([np.zeros((3, 1)), np.zeros((2, 1))], [])

    def test_targets_differ_from_inputs(self):
        with pytest.raises(ValueError, match="Found 3 input samples and 2 target samples"):
            check_array_length_consistency([np.zeros((3, 1))], [np.zeros((2, 1))])

    def test_weights_differ(self):
        with pytest.raises(ValueError, match="Got 1 sample_weight samples and 2 target samples"):
            check_array_length_consistency([np.zeros((2, 1))], [np.zeros((2, 1))], [np.zeros(1)])


class TestTargets:
    def check(self, loss, found, expected):
        check_loss_and_target_compatibility([np.zeros(found)], [loss], [expected])

    def test_integer_classes_for_categorical_crossentropy(self):
        with pytest.raises(ValueError, match=r"\(4, 1\).*categorical_crossentropy.*to_categorical.*sparse_"):
            self.check(losses.categorical_crossentropy, (4, 1), (None, 3))

    @pytest.mark.parametrize("loss", [losses.mse, losses.binary_crossentropy, losses.categorical_crossentropy])
    def test_another_shape_than_the_output(self, loss):
        with pytest.raises(ValueError, match=rf"shape \(4, 2\) .* shape \(None, 3\) .*{loss.__name__}"):
            self.check(loss, (4, 2), (None, 3))

    def test_what_fits(self):
        self.check(losses.mse, (4, 3), (None, 3))
        self.check(losses.sparse_categorical_crossentropy, (4, 1), (None, 3))
        self.check(None, (4, 1), (None, 3))


class TestWeights:
    def test_ones_by_default(self):
        assert standardize_weights(np.zeros((3, 2))).tolist() == [1, 1, 1]
        assert standardize_weights(np.zeros((3, 2, 1)), sample_weight_mode="temporal").shape == (3, 2)

    def test_class_weights_of_one_hot_and_of_integer_targets(self):
        by_class = {0: 1.0, 1: 3.0, 2: 0.5}
        labels = np.array([2, 0, 1, 1])
        assert standardize_weights(np.eye(3)[labels], class_weight=by_class).tolist() == [0.5, 1, 3, 3]
        assert standardize_weights(labels[:, None], class_weight=by_class).tolist() == [0.5, 1, 3, 3]

    def test_class_and_sample_weights_are_multiplied(self):
        labels = np.array([[0], [1]])
        got = standardize_weights(labels, sample_weight=[2.0, 5.0], class_weight={0: 1.0, 1: 3.0})
        assert got.tolist() == [2, 15]

    def test_a_class_without_weight(self):
        with pytest.raises(ValueError, match=r"classes \[2\] exist in the data"):
            standardize_weights(np.array([[0], [2]]), class_weight={0: 1.0, 1: 1.0})

    def test_class_weights_of_sequences(self):
        with pytest.raises(ValueError, match=r"3\+ dimensional"):
            standardize_weights(np.zeros((2, 3, 4)), class_weight={0: 1.0})

    def test_class_weights_as_array(self):
        with pytest.raises(TypeError, match="dict.*ndarray.*enumerate"):
            standardize_weights(np.zeros((2, 1)), class_weight=np.ones(2))

    def test_time_steps_without_the_mode(self):
        with pytest.raises(ValueError, match=r"shape \(2, 3\).*temporal"):
            standardize_weights(np.zeros((2, 3, 1)), sample_weight=np.ones((2, 3)))

    def test_the_mode_without_time_steps(self):
        with pytest.raises(ValueError, match=r"shape \(2, 3\).*at least 3D"):
            standardize_weights(np.zeros((2, 3)), sample_weight=np.ones(2), sample_weight_mode="temporal")
        with pytest.raises(ValueError, match=r"shape \(2,\).*2D"):
            standardize_weights(np.zeros((2, 3, 1)), sample_weight=np.ones(2), sample_weight_mode="temporal")

    def test_wrong_length(self):
        with pytest.raises(ValueError, match=r"shape \(3,\) .* shape \(2, 1\).*broadcast"):
            standardize_weights(np.zeros((2, 1)), sample_weight=np.ones(3))

    def test_by_output(self):
        weight = np.ones(2)
        assert weights_by_output(None, ["a", "b"], "sample_weight") == [None, None]
        assert weights_by_output(weight, ["a"], "sample_weight")[0] is weight
        assert weights_by_output({"b": weight}, ["a", "b"], "sample_weight") == [None, weight]
        assert weights_by_output({0: 1.0}, ["a"], "class_weight") == [{0: 1.0}]
        with pytest.raises(ValueError, match="list of 1 elements, but the model has 2 outputs"):
            weights_by_output([weight], ["a", "b"], "sample_weight")
        with pytest.raises(ValueError, match=r"'c'.*\['a', 'b'\]"):
            weights_by_output({"c": weight}, ["a", "b"], "sample_weight")
        with pytest.raises(TypeError, match="list or a dict.*ndarray"):
            weights_by_output(weight, ["a", "b"], "sample_weight")


class TestBatches:
    def test_in_order_they_are_views_of_all_rows(self):
        x = np.arange(7.0)
        got = list(ArrayFeed([x], 7, 3, False, ["float64"]).batches())
        assert [size for size, _ in got] == [3, 3, 1]
        assert np.concatenate([batch for _, (batch,) in got]).tolist() == x.tolist()
        assert all(np.shares_memory(batch, x) for _, (batch,) in got)

    @pytest.mark.parametrize("block_bytes", [1, 100, 1 << 18])
    @pytest.mark.parametrize("shuffle", [False, True, "batch"])
    @pytest.mark.parametrize("layout", ["C", "F", "another dtype"])
    def test_rows_stay_together_in_every_epoch(self, monkeypatch, block_bytes, shuffle, layout):
        monkeypatch.setattr(batches, "BLOCK_BYTES", block_bytes)
        x = np.arange(46.0).reshape(23, 2)
        y = np.arange(23, dtype="int64" if layout == "another dtype" else "float32") * 10
        arrays = [np.asfortranarray(x) if layout == "F" else x, y[:, None]]
        feed = ArrayFeed(arrays, 23, 4, shuffle, ["float64", "float32"])
        orders = []
        for _ in range(3):
            feed.begin_epoch()
            got = [(size, a.copy(), b.copy()) for size, (a, b) in feed.batches()]
            assert [size for size, _, _ in got] == [4] * 5 + [3]
            assert all(len(a) == len(b) == size for size, a, b in got)
            xs, ys = np.concatenate([a for _, a, _ in got]), np.concatenate([b for _, _, b in got])
            assert (xs.dtype, ys.dtype) == ("float64", "float32")
            orders.append((ys[:, 0] / 10).astype(int).tolist())
            np.testing.assert_array_equal(xs, x[orders[-1]])
            assert sorted(orders[-1]) == list(range(23))
        assert (orders[0] == orders[1] == orders[2]) == (not shuffle)
        if shuffle == "batch":
            firsts = [order[:20:4] for order in orders]
            assert all(first % 4 == 0 for first in firsts[0])
            assert all(order[20:] == [20, 21, 22] for order in orders)

    @pytest.mark.parametrize("shuffle", [False, True, "batch"])
    def test_an_epoch_goes_on_from_any_batch(self, shuffle):
        np.random.seed(3)
        x = np.arange(23.0)
        feed = ArrayFeed([x], 23, 4, shuffle, ["float64"])
        feed.begin_epoch()
        whole = [batch.tolist() for _, (batch,) in feed.batches()]
        state = feed.get_state()
        feed.begin_epoch()
        for first in range(7):
            later = ArrayFeed([x], 23, 4, shuffle, ["float64"])
            later.set_state(state)
            assert [batch.tolist() for _, (batch,) in later.batches(first)] == whole[first:]

    def test_other_data_are_refused(self):
        state = ArrayFeed([np.zeros(8)], 8, 4, True, ["float64"]).get_state()
        with pytest.raises(ValueError, match="samples was 8, and is 9 now"):
            ArrayFeed([np.zeros(9)], 9, 4, True, ["float64"]).set_state(state)
        with pytest.raises(ValueError, match="batch_size was 4, and is 2 now"):
            ArrayFeed([np.zeros(8)], 8, 2, True, ["float64"]).set_state(state)
        with pytest.raises(ValueError, match="shuffling was True, and is False now"):
            ArrayFeed([np.zeros(8)], 8, 4, False, ["float64"]).set_state(state)

    def test_batch_shuffle_keeps_batches_together(self):
        np.random.seed(0)
        shuffled = batch_shuffle(np.arange(11), 3)
        assert shuffled[-2:].tolist() == [9, 10]
        whole = shuffled[:9].reshape(3, 3)
        assert sorted(map(tuple, whole.tolist())) == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
        assert sorted(shuffled.tolist()) == list(range(11))

    def test_files_are_read_in_increasing_order(self):
        class File:
            shape = (6,)

            def __getitem__(self, rows):
                if isinstance(rows, list):
                    assert rows == sorted(rows)
                return (np.arange(6) * 10)[rows]

        np.random.seed(1)
        feed = ArrayFeed([File()], 6, 2, True, ["float64"])
        feed.begin_epoch()
        order = feed.get_state()["order"]
        assert [batch.tolist() for _, (batch,) in feed.batches()] == (order.reshape(3, 2) * 10).tolist()
