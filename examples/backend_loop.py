"""Training without layers: variables, gradients and `K.function` only. A logistic regression on Fisher's irises.

    python examples/backend_loop.py [--epochs N]

Needs scikit-learn, which brings the data.
"""

import argparse

import numpy as np
from sklearn.datasets import load_iris

from polykeras import backend as K


def main(epochs: int = 300, rate: float = 0.5, momentum: float = 0.9) -> tuple[list[float], float]:
    """Gradient descent with momentum on all flowers but every fifth; the losses, and the accuracy on the rest."""
    measured, species = load_iris(return_X_y=True)
    measured = ((measured - measured.mean(axis=0)) / measured.std(axis=0)).astype("float32")
    held = np.arange(len(measured)) % 5 == 0

    x = K.placeholder(shape=(None, 4), name="measured")
    y = K.placeholder(shape=(None, 1), dtype="int64", name="species")
    kernel = K.zeros((4, 3), name="kernel")
    bias = K.zeros((3,), name="bias")

    scores = K.bias_add(K.dot(x, kernel), bias)
    loss = K.mean(K.sparse_categorical_crossentropy(y, scores, from_logits=True)) + 1e-3 * K.sum(K.square(kernel))
    updates = []
    for weight, slope in zip([kernel, bias], K.gradients(loss, [kernel, bias]), strict=True):
        velocity = K.zeros(K.int_shape(weight))
        new_velocity = momentum * velocity - rate * slope
        updates += [K.update(velocity, new_velocity), K.update(weight, weight + new_velocity)]

    train = K.function([x, y], [loss], updates=updates)  # one step: all updates see the values from before it
    predict = K.function([x], [K.argmax(scores, axis=-1)])

    losses = [float(train([measured[~held], species[~held, None]])[0]) for _ in range(epochs)]
    accuracy = float(np.mean(predict([measured[held]])[0] == species[held]))
    print(f"Loss {losses[0]:.4f} -> {losses[-1]:.4f}; accuracy on {held.sum()} other flowers: {accuracy:.3f}")
    return losses, accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=300)
    main(parser.parse_args().epochs)
