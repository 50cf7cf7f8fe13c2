"""A year's course of diabetes from ten measurements: a layer and a loss of one's own.

    python examples/diabetes.py [--epochs N]

The network tells a mean and a spread for each patient; the loss is the negative log-likelihood of a normal
distribution. Needs scikit-learn, which brings the data.
"""

import argparse
import math

import numpy as np
from sklearn.datasets import load_diabetes

from polykeras import backend as K
from polykeras.engine.topology import Layer
from polykeras.layers import Dense
from polykeras.models import Sequential
from polykeras.optimizers import Adam
from polykeras.utils import set_random_seed


class RadialBasis(Layer):
    """How near the inputs are to `units` learnt centres: exp(-width_j · |x - centre_j|²).

    x: (batch, dim) -> (batch, units)
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.centres = self.add_weight(name="centres", shape=(self.units, input_shape[-1]), initializer="random_normal")
        self.log_widths = self.add_weight(name="log_widths", shape=(self.units,), initializer="zeros")
        super().build(input_shape)

    def call(self, x):
        distances = K.sum(K.square(K.expand_dims(x, 1) - self.centres), axis=-1)
        return K.exp(-K.exp(self.log_widths) * distances / K.int_shape(x)[-1])

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def normal_likelihood(y_true, y_pred):
    """-log of the density of y_true under N(mean, spread²); y_pred: (batch, 2), mean and log of the spread."""
    mean, log_spread = y_pred[:, :1], y_pred[:, 1:]
    squared = K.square((y_true - mean) * K.exp(-log_spread))
    return K.mean(0.5 * squared + log_spread + 0.5 * math.log(2 * math.pi), axis=-1)


def within_spread(y_true, y_pred):
    """The share of patients that lie within the spread about the mean: 68 % if the network knows what it knows."""
    return K.mean(K.cast(K.abs(y_true - y_pred[:, :1]) < K.exp(y_pred[:, 1:]), "float32"))


def main(epochs: int = 80) -> tuple[float, float]:
    """Train; return the loss on patients not seen, and the loss of a network that ignores the measurements."""
    set_random_seed(1)
    measured, course = load_diabetes(return_X_y=True)
    measured = measured / measured.std(axis=0)
    order = np.random.permutation(len(measured))
    training, test = order[:350], order[350:]
    mean, spread = course[training].mean(), course[training].std()
    course = ((course - mean) / spread).reshape(-1, 1)

    model = Sequential([RadialBasis(12, input_shape=(10,)), Dense(2, kernel_regularizer="l2")])
    model.compile(optimizer=Adam(lr=0.01), loss=normal_likelihood, metrics=[within_spread])
    model.fit(
        measured[training],
        course[training],
        batch_size=50,
        epochs=epochs,
        verbose=0,
        validation_data=(measured[test], course[test]),
    )
    predicted = model.predict(measured[test])
    loss = float(K.eval(K.mean(normal_likelihood(K.constant(course[test]), K.constant(predicted)))))
    ignorant = float(np.mean(0.5 * course[test] ** 2 + 0.5 * math.log(2 * math.pi)))
    inside = float(K.eval(within_spread(K.constant(course[test]), K.constant(predicted))))
    print(f"Negative log-likelihood of {len(test)} patients: {loss:.3f}; without the measurements: {ignorant:.3f}")
    print(f"Within the predicted spread: {inside:.0%} of them; 68% would, were the spreads right")
    return loss, ignorant


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=80)
    main(parser.parse_args().epochs)
