"""Sequences as arrays: padding, skip-grams, windows of a time series."""

from __future__ import annotations

import random
from collections.abc import Sequence as Items
from typing import Any

import numpy as np

from polykeras.utils.sequence import Sequence

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

EULER_GAMMA = 0.577  # as short as Keras has it: tables must agree


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths as one array: (samples, maxlen, ...).

    sequences: lists or arrays; the elements of all have one shape.
    maxlen: the length of all; by default that of the longest. Longer ones lose elements at their start
        (`truncating="pre"`) or end ("post").
    padding: "pre" or "post": where shorter ones are filled with `value`.

    Raises ValueError for sequences without length, elements of different shapes, and other words than "pre" and "post".
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"`sequences` must be iterable, with a length; got {type(sequences).__name__}.")
    for name, word in (("Truncating", truncating), ("Padding", padding)):
        if word not in ("pre", "post"):
            raise ValueError(f'{name} type "{word}" not understood; expected "pre" or "post".')
    lengths = [_length(one) for one in sequences]
    longest = max(lengths, default=0) if maxlen is None else maxlen
    shape = next((np.asarray(one).shape[1:] for one in sequences if len(one)), ())
    if isinstance(value, str) and np.dtype(dtype).kind not in "OU":
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\n"
            "You should set `dtype=object` for variable length strings."
        )
    padded = np.full((len(lengths), longest, *shape), value, dtype=dtype)
    for row, one in enumerate(sequences):
        kept = one[max(0, len(one) - longest) :] if truncating == "pre" else one[:longest]
        if not len(kept):
            continue
        array = np.asarray(kept, dtype=dtype)
        if array.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {array.shape[1:]} of sequence at position {row} is different from expected shape "
                f"{shape}"
            )
        if padding == "pre":
            padded[row, longest - len(array) :] = array
        else:
            padded[row, : len(array)] = array
    return padded


def _length(one: Any) -> int:
    try:
        return len(one)
    except TypeError:
        raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {one}") from None


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """The probability of keeping the i-th most frequent word in `skipgrams`: (size,).

    With frequencies after Zipf's law, 1/f(i) ≈ i·(ln i + γ) + 1/2 − 1/(12 i), it is min(1, √(factor / f(i))); rank 0
    counts as rank 1.
    """
    rank = np.maximum(np.arange(size), 1)
    inverse_frequency = rank * (np.log(rank) + EULER_GAMMA) + 0.5 - 1.0 / (12.0 * rank)
    scaled = sampling_factor * inverse_frequency
    return np.minimum(1.0, scaled / np.sqrt(scaled))


def skipgrams(
    sequence: Items[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words of a text, and whether they are neighbours: `(couples, labels)`, for word2vec.

    sequence: word numbers; 0 stands for no word and is left out.
    window_size: neighbours are at most so many places apart.
    negative_samples: how many pairs of a word and a random word, label 0, for each pair of neighbours, label 1.
    categorical: labels [0, 1] and [1, 0] instead of 1 and 0.
    sampling_table: the probability of keeping each word, see `make_sampling_table`.
    seed: of the order. Python's `random` draws all, and is seeded by this, as in Keras.
    """
    yes, no = ([0, 1], [1, 0]) if categorical else (1, 0)
    couples = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        for other in range(max(0, place - window_size), min(len(sequence), place + window_size + 1)):
            if other != place and sequence[other]:
                couples.append([word, sequence[other]])
    labels: list[Any] = [yes] * len(couples)
    if negative_samples > 0:
        words = [word for word, _ in couples]
        random.shuffle(words)
        for number in range(int(len(words) * negative_samples)):
            couples.append([words[number % len(words)], random.randint(1, vocabulary_size - 1)])
            labels.append(no)
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for one in (couples, labels):
            random.seed(seed)
            random.shuffle(one)
    return couples, labels


class TimeseriesGenerator(Sequence):
    """Windows of a time series with what comes after each: batches `(samples, targets)`.

        windows = TimeseriesGenerator(data, targets, length=10, sampling_rate=2, batch_size=2)
        x, y = windows[0]           # x: (batch, length / sampling_rate, ...), y: (batch, ...)

    The window before time t holds `data[t - length : t : sampling_rate]`, its target is `targets[t]`.

    data, targets: arrays or lists, one entry for each time.
    length: how long a window is, in times.
    sampling_rate: every so many-th time of a window is taken.
    stride: how far apart windows are.
    start_index, end_index: the part of the data that is used, both included.
    shuffle: windows at random places, drawn with replacement, instead of one after the other.
    reverse: the latest time first.

    Raises ValueError for data and targets of different lengths, and where no window fits.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        if len(data) != len(targets):
            raise ValueError(
                "Data and targets have to be of same length. "
                f"Data length is {len(data)} while target length is {len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is disallowed, as no part of "
                "the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            times = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            step = self.batch_size * self.stride
            first = self.start_index + step * index
            times = np.arange(first, min(first + step, self.end_index + 1), self.stride)
        samples = np.array([self.data[time - self.length : time : self.sampling_rate] for time in times])
        targets = np.array([self.targets[time] for time in times])
        return (samples[:, ::-1] if self.reverse else samples), targets
