"""One seed for all that draws random numbers."""

from __future__ import annotations

import random

import numpy as np

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seed Python's `random` and NumPy's global generator.

    Initial weights, dropout masks and the order of samples all follow from the latter: a script that calls this before
    it builds its model gets the same numbers at each run, on every backend.

    seed: an integer from 0 to 2³² − 1; anything else is a ValueError.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"A seed is an integer from 0 to 2**32 - 1; got: {seed!r}")
    random.seed(seed)
    np.random.seed(seed)
