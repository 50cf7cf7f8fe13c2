"""Preparing sequences: padding, skip-grams, windows of a time series."""

import itertools
import math
import random

import numpy as np
import pytest

from polykeras.preprocessing.sequence import TimeseriesGenerator, make_sampling_table, pad_sequences, skipgrams
from polykeras.utils import Sequence


class TestPadSequences:
    @pytest.mark.parametrize(
        "arguments, expected",
        [
            ({}, [[0, 0, 1], [0, 1, 2], [1, 2, 3]]),
            ({"padding": "post"}, [[1, 0, 0], [1, 2, 0], [1, 2, 3]]),
            ({"maxlen": 2}, [[0, 1], [1, 2], [2, 3]]),
            ({"maxlen": 2, "truncating": "post"}, [[0, 1], [1, 2], [1, 2]]),
            ({"maxlen": 4, "value": 7, "padding": "post"}, [[1, 7, 7, 7], [1, 2, 7, 7], [1, 2, 3, 7]]),
            ({"maxlen": 0}, [[], [], []]),
        ],
    )
    def test_lists(self, arguments, expected):
        got = pad_sequences([[1], [1, 2], [1, 2, 3]], **arguments)
        assert got.tolist() == expected and got.dtype == np.int32

    def test_elements_with_a_shape(self):
        sequences = [np.full((length, 2, 3), length) for length in (1, 3)]
        got = pad_sequences(sequences, dtype="float32")
        assert got.shape == (2, 3, 2, 3) and got[0, :2].max() == 0 and (got[0, 2] == 1).all() and (got[1] == 3).all()

    def test_empty_sequences_are_all_padding(self):
        assert pad_sequences([[], [5]], maxlen=2, value=-1).tolist() == [[-1, -1], [-1, 5]]

    def test_texts(self):
        got = pad_sequences([["a"], ["b", "cc"]], dtype=object, value="pad", padding="post")
        assert got.tolist() == [["a", "pad"], ["b", "cc"]]
        with pytest.raises(ValueError, match="`dtype` int32 is not compatible with `value`'s type.*str"):
            pad_sequences([["a"]], value="pad")

    def test_errors(self):
        with pytest.raises(ValueError, match="must be iterable"):
            pad_sequences(3)
        with pytest.raises(ValueError, match="list of iterables. Found non-iterable: 4"):
            pad_sequences([[1], 4])
        with pytest.raises(ValueError, match='Padding type "before"'):
            pad_sequences([[1]], padding="before")
        with pytest.raises(ValueError, match='Truncating type "before"'):
            pad_sequences([[1]], truncating="before")
        with pytest.raises(
            ValueError, match=r"\(3,\) of sequence at position 1 is different from expected shape \(2,\)"
        ):
            pad_sequences([np.ones((2, 2)), np.ones((2, 3))])


class TestSkipgrams:
    def test_couples_are_neighbours_and_words_with_random_ones(self):
        couples, labels = skipgrams([1, 2, 0, 3, 4], 10, window_size=1, negative_samples=2.0, shuffle=False)
        assert couples[:4] == [[1, 2], [2, 1], [3, 4], [4, 3]] and labels == [1] * 4 + [0] * 8
        assert all(a in (1, 2, 3, 4) and 1 <= b < 10 for a, b in couples[4:])

    def test_every_neighbour_is_there(self):
        text, window = [5, 1, 4, 1, 3, 2], 2
        couples, labels = skipgrams(text, 6, window_size=window, negative_samples=0)
        near = [[text[i], text[j]] for i, j in itertools.permutations(range(len(text)), 2) if abs(i - j) <= window]
        assert sorted(couples) == sorted(near) and labels == [1] * len(near)

    def test_couples_keep_their_labels_when_shuffled(self):
        random.seed(0)
        plain = skipgrams(list(range(1, 9)), 99, negative_samples=1.0, shuffle=False, categorical=True)
        random.seed(0)
        mixed = skipgrams(list(range(1, 9)), 99, negative_samples=1.0, seed=3, categorical=True)
        pairs = [[*couple, *label] for couple, label in zip(*plain, strict=True)]
        shuffled = [[*couple, *label] for couple, label in zip(*mixed, strict=True)]
        assert sorted(pairs) == sorted(shuffled) != shuffled and pairs != shuffled
        assert {tuple(label) for label in mixed[1]} == {(0, 1), (1, 0)}

    def test_one_seed_one_order(self):
        random.seed(1)
        first = skipgrams([1, 2, 3, 4], 5, seed=7)
        random.seed(1)
        assert skipgrams([1, 2, 3, 4], 5, seed=7) == first

    def test_a_table_leaves_words_out(self):
        table = np.array([0.0, 0.0, 1.0, 1.0])
        couples, _ = skipgrams([1, 2, 1, 3], 4, sampling_table=table, negative_samples=0, shuffle=False)
        assert {word for word, _ in couples} == {2, 3}

    def test_sampling_table_is_its_formula(self):
        def probability(rank, factor=1e-5):
            inverse = rank * (math.log(rank) + 0.577) + 0.5 - 1 / (12 * rank)
            return min(1.0, math.sqrt(factor * inverse))

        table = make_sampling_table(2000)
        np.testing.assert_allclose(table, [probability(max(1, rank)) for rank in range(2000)], rtol=1e-12)
        assert make_sampling_table(100, sampling_factor=1.0)[-1] == 1


class TestTimeseriesGenerator:
    data = np.arange(50) * 10
    targets = np.arange(50) * 10 + 1

    def windows(self, **arguments):
        return TimeseriesGenerator(self.data, self.targets, **{"length": 10, "batch_size": 2, **arguments})

    def test_a_window_ends_before_its_target(self):
        windows = self.windows(sampling_rate=2)
        assert isinstance(windows, Sequence) and len(windows) == 20
        x, y = windows[0]
        assert x.tolist() == [[0, 20, 40, 60, 80], [10, 30, 50, 70, 90]] and y.tolist() == [101, 111]
        x, y = windows[len(windows) - 1]
        assert x[-1].tolist() == [390, 410, 430, 450, 470] and y[-1] == 491

    @pytest.mark.parametrize("stride, size, start, end", [(1, 3, 0, None), (4, 5, 3, 41), (7, 2, 20, 49)])
    def test_all_windows_are_there_once(self, stride, size, start, end):
        windows = self.windows(stride=stride, batch_size=size, start_index=start, end_index=end)
        got = np.concatenate([y for _, y in windows])
        last = 49 if end is None else end
        assert got.tolist() == [10 * time + 1 for time in range(start + 10, last + 1, stride)]

    def test_reversed(self):
        x, _ = self.windows(reverse=True)[0]
        assert x[0].tolist() == list(range(90, -10, -10))

    def test_shuffled(self):
        np.random.seed(0)
        x, y = self.windows(shuffle=True, batch_size=500)[0]
        assert set(y) == set(self.targets[10:]) and (x[:, -1] == y - 11).all()

    def test_rows_and_lists(self):
        rows = np.arange(40).reshape(20, 2)
        x, y = TimeseriesGenerator(rows, rows, length=3, batch_size=4)[0]
        assert x.shape == (4, 3, 2) and y[0].tolist() == [6, 7]
        x, y = TimeseriesGenerator(list(range(9)), list("abcdefghi"), length=2, batch_size=1)[1]
        assert x.tolist() == [[1, 2]] and y.tolist() == ["d"]

    def test_errors(self):
        with pytest.raises(ValueError, match="same length. Data length is 50while|Data length is 50 while target"):
            TimeseriesGenerator(self.data, self.targets[:-1], length=3)
        with pytest.raises(ValueError, match=r"`start_index\+length=60 > end_index=49` is disallowed"):
            self.windows(start_index=50)
