"""The UCI handwritten digits that scikit-learn brings along: 1,797 grey images of 8×8 pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from polykeras import config

__all__ = ["Digits", "Part", "load"]

_TEST, _VALIDATION = 360, 180  # images; the remaining 1,257 train
_BRIGHTEST = 16.0
_SPLIT_SEED = 1998  # the split is the same whatever the seed of the training, so that accuracies compare


class Part(NamedTuple):
    """Images (n, 8, 8, 1), or (n, 1, 8, 8) with channels first, from 0 to 1; digits (n,), the true answers."""

    images: Any
    digits: Any

    def __len__(self) -> int:
        return len(self.digits)


class Digits(NamedTuple):
    """The images that train, those that watch the training, and those that judge its result."""

    training: Part
    validation: Part
    test: Part


def load() -> Digits:
    """The digits in three parts, always the same ones. Raises ImportError without scikit-learn."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    channels = 1 if config.image_data_format() == "channels_first" else -1
    images = np.expand_dims((bunch.images / _BRIGHTEST).astype("float32"), channels)
    order = np.random.RandomState(_SPLIT_SEED).permutation(len(images))
    test, validation, training = np.split(order, [_TEST, _TEST + _VALIDATION])
    return Digits(*(Part(images[chosen], bunch.target[chosen]) for chosen in (training, validation, test)))
