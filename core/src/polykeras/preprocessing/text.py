"""Texts as numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from polykeras.legacy.interfaces import warn_caller

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text: in lower case if `lower`, parted by `split` and by each character of `filters`."""
    if lower:
        text = text.lower()
    parted = "".join(split if character in filters else character for character in text)
    return [word for word in parted.split(split) if word]


def one_hot(text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[int]:
    """`hashing_trick` with Python's `hash`, which differs from process to process."""
    return hashing_trick(text, n, hash, filters, lower, split)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
) -> list[int]:
    """The words of a text as numbers from 1 to n − 1, by hash: different words may have one number.

    hash_function: a function of a string; "md5", equal in every process; None: Python's `hash`, which is not.
    """
    if hash_function is None:
        hash_function = hash
    elif hash_function == "md5":
        hash_function = _md5
    elif not callable(hash_function):
        raise ValueError(f'hash_function should be a function, "md5" or None; got {hash_function!r}')
    return [int(hash_function(word) % (n - 1) + 1) for word in text_to_word_sequence(text, filters, lower, split)]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Texts as lists of word numbers, or as rows of a matrix with a column for each word.

        tokenizer = Tokenizer(num_words=1000)
        tokenizer.fit_on_texts(texts)
        sequences = tokenizer.texts_to_sequences(texts)

    Words are numbered from 1, the most frequent first; 0 is no word's. A text may also be a list of words.

    num_words: only the `num_words` − 1 most frequent are used; None: all.
    filters, lower, split: see `text_to_word_sequence`.
    char_level: every character is a word.
    oov_token: stands for the words that have no number, or too large a one; it has number 1. Without it they are left
        out.

    After `fit_on_texts`: `word_index` and `index_word` (numbers of words, words of numbers), `word_counts`,
    `word_docs` (in how many texts a word is), `index_docs` (the same by number), `document_count`.
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        document_count: int = 0,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            warn_caller("The `nb_words` argument in `Tokenizer` has been renamed `num_words`.")
            num_words = kwargs.pop("nb_words")
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.document_count = document_count
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: defaultdict[str, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, list):
            words = [word.lower() for word in text] if isinstance(text, list) else text.lower()
            return list(words if self.lower else text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of these texts, and number all that were counted so far."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        vocabulary = [] if self.oov_token is None else [self.oov_token]
        vocabulary += sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        self.word_index = {word: number for number, word in enumerate(vocabulary, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Count in how many of these sequences each number is: what mode "tfidf" needs."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for number in set(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The texts as lists of word numbers."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The texts as lists of word numbers, one after the other."""
        for text in texts:
            numbers = (self._used(self.word_index.get(word)) for word in self._words(text))
            yield [number for number in numbers if number is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Texts of the words that have these numbers."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Texts of the words that have these numbers, one after the other."""
        for sequence in sequences:
            numbers = (self._used(number if number in self.index_word else None) for number in sequence)
            yield " ".join(self.index_word[number] for number in numbers if number is not None)

    def _used(self, number: int | None) -> int | None:
        """The number of a word if it is used, else that of `oov_token`, if there is one."""
        if number is None or (self.num_words and number >= self.num_words):
            return None if self.oov_token is None else self.word_index.get(self.oov_token)
        return number

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """The texts as rows: see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """Sequences as rows: (samples, words).

        mode: for a word that is c times in a sequence of n, among N documents of which d have it:
            "binary" 1, "count" c, "freq" c / n, "tfidf" (1 + ln c)·ln(1 + N / (1 + d)).

        Raises ValueError for other modes, without a known number of words, and for "tfidf" before anything was counted.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError("Unknown vectorization mode:", mode)
        width = self.num_words or (len(self.word_index) + 1 if self.word_index else None)
        if width is None:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        matrix = np.zeros((len(sequences), width))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in Counter(sequence).items():
                if number < width:
                    row[number] = self._entry(mode, number, count, len(sequence))
        return matrix

    def _entry(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "binary":
            return 1.0
        if mode == "count":
            return count
        if mode == "freq":
            return count / length
        documents = 1 + self.index_docs.get(number, 0)
        return float((1 + np.log(count)) * np.log(1 + self.document_count / documents))

    def get_config(self) -> dict[str, Any]:
        """All that was set and counted; the tables are JSON strings, as Keras has them."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            "word_counts": json.dumps(self.word_counts),
            "word_docs": json.dumps(self.word_docs),
            "index_docs": json.dumps(self.index_docs),
            "index_word": json.dumps(self.index_word),
            "word_index": json.dumps(self.word_index),
        }

    def to_json(self, **kwargs: Any) -> str:
        """A JSON string, of which `tokenizer_from_json` makes an equal tokenizer; `kwargs` are `json.dumps`'s."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_json` wrote; ValueError for another text."""
    found = json.loads(json_string)
    try:
        config = dict(found["config"])
        tables = {
            name: json.loads(config.pop(name))
            for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        }
        tokenizer = Tokenizer(**config)
        tokenizer.word_counts = OrderedDict(tables["word_counts"])
        tokenizer.word_docs = defaultdict(int, tables["word_docs"])
        tokenizer.index_docs = defaultdict(int, {int(key): count for key, count in tables["index_docs"].items()})
        tokenizer.index_word = {int(key): word for key, word in tables["index_word"].items()}
        tokenizer.word_index = tables["word_index"]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"This is not what Tokenizer.to_json writes: {type(error).__name__}: {error}") from error
    return tokenizer
