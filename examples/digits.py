"""Handwritten digits with the functional API: two paths through one network, callbacks, and a saved model.

    python examples/digits.py [--epochs N]

Of 397 images that it has not seen it reads more than PROMISED rightly; 98 % is usual.
Needs scikit-learn, which brings the data.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from polykeras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from polykeras.layers import (
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
)
from polykeras.models import Model, load_model
from polykeras.utils import set_random_seed, to_categorical

EPOCHS = 15
PROMISED = 0.96


def network() -> Model:
    """A path that keeps where things are, and one that forgets it."""
    image = Input((8, 8, 1), name="image")
    features = Conv2D(16, 3, activation="relu", padding="same")(image)
    features = BatchNormalization()(features)
    places = Flatten()(Conv2D(16, 3, strides=2, activation="relu")(features))
    shapes = GlobalAveragePooling2D()(Conv2D(32, 3, activation="relu")(features))
    joined = Dropout(0.3)(Concatenate()([places, shapes]))
    digit = Dense(10, activation="softmax", name="digit")(Dense(64, activation="relu")(joined))
    return Model(inputs=image, outputs=digit)


def main(epochs: int = EPOCHS) -> float:
    """Train, keep the best epoch's model, and return its accuracy on images it has not seen."""
    set_random_seed(0)
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype("float32")
    order = np.random.permutation(len(images))
    images, digits = images[order], to_categorical(digits[order], 10)

    model = network()
    model.summary()
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    with tempfile.TemporaryDirectory() as folder:
        best = Path(folder) / "best.h5"
        model.fit(
            images[:1400],
            digits[:1400],
            batch_size=32,
            epochs=epochs,
            validation_split=0.15,
            verbose=2,
            callbacks=[
                ModelCheckpoint(str(best), monitor="val_loss", save_best_only=True),
                ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
                EarlyStopping(monitor="val_loss", patience=5),
            ],
        )
        loss, accuracy = load_model(str(best)).evaluate(images[1400:], digits[1400:], verbose=0)
    print(f"Test loss {loss:.4f}, accuracy {accuracy:.4f}")
    return float(accuracy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    epochs = parser.parse_args().epochs
    accuracy = main(epochs)
    if epochs >= EPOCHS and accuracy < PROMISED:
        sys.exit(f"The accuracy, {accuracy:.4f}, is below the promised {PROMISED}")
