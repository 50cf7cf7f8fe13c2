"""Values of weights: counting them and setting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from polykeras import backend as K


def count_params(weights: Sequence[Any]) -> int:
    """The number of values in the variables, each counted once."""
    counts = [K.count_params(weight) for weight in {id(weight): weight for weight in weights}.values()]
    return sum(counts)


def set_values(owner: str, variables: Sequence[Any], values: Sequence[Any]) -> None:
    """Set the values of the variables of layer `owner`; ValueError, and nothing set, unless count and shapes fit."""
    if len(variables) != len(values):
        raise ValueError(
            f'You called `set_weights(weights)` on layer "{owner}" with a weight list of length {len(values)}, '
            f"but the layer was expecting {len(variables)} weights."
            + ("" if variables else " It has none, or is not built yet: call it on a tensor first.")
        )
    for variable, value in zip(variables, values, strict=True):
        expected, found = K.int_shape(variable), np.shape(value)
        if expected != found:
            raise ValueError(
                f"Layer weight shape {expected} not compatible with provided weight shape {found} "
                f'(weight {variable.name} of layer "{owner}").'
            )
    K.batch_set_value(list(zip(variables, values, strict=True)))
