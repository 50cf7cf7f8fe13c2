"""Texts as numbers."""

import hashlib
import json
import math

import numpy as np
import pytest

from polykeras.preprocessing.text import (
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)

TEXTS = ["The cat sat on the mat.", "The dog sat on the log.", "Dogs and cats living together."]


def test_words():
    assert text_to_word_sequence("Hello, World!\tBye-bye") == ["hello", "world", "bye", "bye"]
    assert text_to_word_sequence("A;b a", filters="", lower=False) == ["A;b", "a"]
    assert text_to_word_sequence("a.b.c stop", filters=" ", split=".") == ["a", "b", "c", "stop"]
    assert text_to_word_sequence("ab!!!cd", filters="!", split="--") == ["ab", "cd"]
    assert text_to_word_sequence("ali! veli? kırk dokuz") == ["ali", "veli", "kırk", "dokuz"]


def test_hashes():
    words = "The cat sat on the mat".lower().split()
    numbers = [int(hashlib.md5(word.encode()).hexdigest(), 16) % 4 + 1 for word in words]
    assert hashing_trick("The cat sat on the mat.", 5, hash_function="md5") == numbers
    assert one_hot("The cat, the CAT", 50) == hashing_trick("the cat the cat", 50)
    assert one_hot("cat", 50) == [hash("cat") % 49 + 1]
    assert hashing_trick("a bb ccc", 10, len) == [2, 3, 4]
    with pytest.raises(ValueError, match="hash_function.*'sha1'"):
        hashing_trick("a", 3, "sha1")


class TestTokenizer:
    @pytest.fixture
    def fitted(self):
        tokenizer = Tokenizer()
        tokenizer.fit_on_texts(TEXTS)
        return tokenizer

    def test_frequent_words_have_small_numbers(self, fitted):
        assert fitted.word_counts["the"] == 4 and fitted.word_docs["the"] == 2 and fitted.document_count == 3
        assert fitted.word_index["the"] == 1 and {fitted.word_index[word] for word in ("sat", "on")} == {2, 3}
        assert sorted(fitted.index_word) == list(range(1, len(fitted.word_index) + 1))
        assert fitted.index_docs[1] == 2
        assert fitted.word_index["cat"] == 4  # equally frequent ones as they came

    def test_there_and_back(self, fitted):
        sequences = fitted.texts_to_sequences(TEXTS)
        assert fitted.sequences_to_texts(sequences) == [" ".join(text_to_word_sequence(text)) for text in TEXTS]
        assert fitted.texts_to_sequences(["the unknown cat"]) == [[1, 4]]
        assert fitted.texts_to_sequences([["The", "CAT"]]) == [[1, 4]]

    def test_only_the_frequent(self):
        tokenizer = Tokenizer(num_words=4)
        tokenizer.fit_on_texts(TEXTS)
        assert len(tokenizer.word_index) == 12
        assert tokenizer.texts_to_sequences(TEXTS)[2] == []
        assert max(tokenizer.texts_to_sequences(TEXTS)[0]) == 3
        assert tokenizer.sequences_to_texts([[1, 4]]) == ["the"]

    def test_a_word_for_the_others(self):
        tokenizer = Tokenizer(num_words=5, oov_token="<other>")
        tokenizer.fit_on_texts(TEXTS)
        assert tokenizer.word_index["<other>"] == 1 and tokenizer.word_index["the"] == 2
        assert tokenizer.texts_to_sequences(["the zebra cat"]) == [[2, 1, 1]]
        assert tokenizer.sequences_to_texts([[2, 1, 7, 99]]) == ["the <other> <other> <other>"]

    def test_characters(self):
        tokenizer = Tokenizer(char_level=True, lower=False)
        tokenizer.fit_on_texts(["aab", "Ab "])
        assert tokenizer.word_index == {"a": 1, "b": 2, "A": 3, " ": 4}
        assert tokenizer.texts_to_sequences(["bA"]) == [[2, 3]]

    def test_matrices(self, fitted):
        sequence = [1, 1, 2, 5]
        width = len(fitted.word_index) + 1
        rows = {mode: fitted.sequences_to_matrix([sequence, []], mode) for mode in ("binary", "count", "freq", "tfidf")}
        assert all(matrix.shape == (2, width) and not matrix[1].any() for matrix in rows.values())
        assert rows["count"][0, [1, 2, 5]].tolist() == [2, 1, 1] and rows["count"].sum() == 4
        np.testing.assert_array_equal(rows["binary"], rows["count"] > 0)
        np.testing.assert_allclose(rows["freq"], rows["count"] / 4)
        expected = (1 + math.log(2)) * math.log(1 + 3 / (1 + 2))
        assert rows["tfidf"][0, 1] == pytest.approx(expected, rel=1e-12)
        np.testing.assert_array_equal(fitted.texts_to_matrix(["the the sat"], "count")[0, :3], [0, 2, 1])

    def test_numbers_beyond_the_width_are_left_out(self):
        tokenizer = Tokenizer(num_words=3)
        assert tokenizer.sequences_to_matrix([[1, 2, 3, 50]], "freq").tolist() == [[0, 0.25, 0.25]]

    def test_counted_from_sequences(self):
        tokenizer = Tokenizer(num_words=4)
        tokenizer.fit_on_sequences([[1, 1, 2], [1]])
        assert tokenizer.document_count == 2 and dict(tokenizer.index_docs) == {1: 2, 2: 1}
        assert tokenizer.sequences_to_matrix([[2]], "tfidf")[0, 2] == pytest.approx(math.log(1 + 2 / 2))

    def test_errors(self, fitted):
        with pytest.raises(ValueError, match="num_words"):
            Tokenizer().sequences_to_matrix([[1]])
        with pytest.raises(ValueError, match="tfidf"):
            Tokenizer(num_words=3).sequences_to_matrix([[1]], "tfidf")
        with pytest.raises(ValueError, match="Unknown vectorization mode.*bag"):
            fitted.sequences_to_matrix([[1]], "bag")
        with pytest.raises(TypeError, match="Unrecognized.*words"):
            Tokenizer(words=3)
        with pytest.warns(DeprecationWarning, match="nb_words"):
            assert Tokenizer(nb_words=3).num_words == 3

    def test_json(self, fitted):
        text = fitted.to_json(indent=1)
        again = tokenizer_from_json(text)
        assert again.get_config() == fitted.get_config() and again.to_json(indent=1) == text
        assert again.texts_to_sequences(TEXTS) == fitted.texts_to_sequences(TEXTS)
        np.testing.assert_array_equal(again.texts_to_matrix(TEXTS, "tfidf"), fitted.texts_to_matrix(TEXTS, "tfidf"))
        again.fit_on_texts(TEXTS)
        assert again.word_counts["the"] == 8
        config = json.loads(text)
        assert config["class_name"] == "Tokenizer" and json.loads(config["config"]["word_counts"])["the"] == 4

    @pytest.mark.parametrize("text", ["[]", "{}", '{"config": {"num_words": 3}}', "nothing"])
    def test_other_json(self, text):
        with pytest.raises(ValueError):
            tokenizer_from_json(text)
