"""A network that writes Python: characters, one after another, as in Python's own standard library.

    python examples/characters.py [--epochs N]

It reads the library's files in windows of 50 characters and learns to tell the next character at each of them. Files
that it has not seen then cost less than PROMISED bits a character; by how common each character is, without a look at
what came before, they cost about 5.1. A second model with the same weights, which keeps its states from call to call,
writes a few lines.
"""

import argparse
import sys
import sysconfig
from pathlib import Path

import numpy as np

from polykeras.layers import LSTM, Dense, Embedding
from polykeras.models import Sequential
from polykeras.optimizers import Adam
from polykeras.utils import set_random_seed

CHARACTERS = "\n\t" + "".join(map(chr, range(32, 127)))
NUMBER = {character: number for number, character in enumerate(CHARACTERS)}
INDENTATION = "    "
WINDOW = 50
BATCHES_PER_EPOCH = 100
BATCH = 64
EPOCHS = 4
PROMISED = 3.5


def read_library() -> tuple[np.ndarray, np.ndarray]:
    """All files of the library's top folder as numbers of characters: nine tenths of the files, and the rest."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [file.read_text(encoding="utf-8", errors="ignore") for file in files]
    kept, held_out = "".join(t for i, t in enumerate(texts) if i % 10), "".join(texts[::10])
    return numbers(kept), numbers(held_out)


def numbers(text: str) -> np.ndarray:
    """The text as numbers of characters, a step of indentation as one; what is not in CHARACTERS is left out."""
    text = text.replace(INDENTATION, "\t")
    return np.array([NUMBER[character] for character in text if character in NUMBER], dtype="int32")


def windows(text: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random windows of the text, and at each place the character that follows: (count, WINDOW), (count, WINDOW, 1)."""
    starts = np.random.randint(0, len(text) - WINDOW, size=count)
    places = starts[:, None] + np.arange(WINDOW)
    return text[places], text[places + 1][..., None]


def network(batch: int | None = None, steps: int | None = None) -> Sequential:
    """The next character's probabilities at each step; with `batch`, states are kept from call to call."""
    return Sequential(
        [
            Embedding(len(CHARACTERS), 32, batch_input_shape=(batch, steps)),
            LSTM(128, return_sequences=True, stateful=batch is not None),
            Dense(len(CHARACTERS), activation="softmax"),
        ]
    )


def write(weights: list[np.ndarray], start: str, count: int = 300, temperature: float = 0.5) -> str:
    """Text that follows `start`: each character is drawn by its probability, likely ones more so when it is cold."""
    model = network(batch=1, steps=1)
    model.set_weights(weights)
    written = start
    for character in start[:-1]:
        model.predict(np.array([[NUMBER[character]]]))
    for _ in range(count):
        probabilities = model.predict(np.array([[NUMBER[written[-1]]]]))[0, 0].astype("float64") ** (1 / temperature)
        written += CHARACTERS[np.random.choice(len(CHARACTERS), p=probabilities / probabilities.sum())]
    return written.replace("\t", INDENTATION)


def bits_by_frequency(library: np.ndarray, unseen: np.ndarray) -> float:
    """What a character of the unseen text costs if each is as likely as it is common in the library."""
    share = (np.bincount(library, minlength=len(CHARACTERS)) + 1) / (len(library) + len(CHARACTERS))
    return float(-np.log2(share[unseen]).mean())


def main(epochs: int = EPOCHS) -> float:
    """Train, show what the network writes, and return the bits a character that unseen files cost."""
    set_random_seed(0)
    library, unseen = read_library()
    print(f"{len(library):,} characters to learn from, {len(unseen):,} to be tested on")
    print(f"By how common characters are: {bits_by_frequency(library, unseen):.2f} bits a character")
    model = network()
    model.compile(optimizer=Adam(lr=0.005), loss="sparse_categorical_crossentropy")
    test = windows(unseen, 1000)
    for epoch in range(epochs):
        model.fit(*windows(library, BATCH * BATCHES_PER_EPOCH), batch_size=BATCH, verbose=0)
        bits = float(model.evaluate(*test, batch_size=250, verbose=0)) / np.log(2)
        print(f"Epoch {epoch + 1}/{epochs}: {bits:.2f} bits a character")
    print("-" * 60, write(model.get_weights(), "def "), "-" * 60, sep="\n")
    return bits


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    epochs = parser.parse_args().epochs
    bits = main(epochs)
    if epochs >= EPOCHS and bits > PROMISED:
        sys.exit(f"{bits:.2f} bits a character are more than the promised {PROMISED}")
