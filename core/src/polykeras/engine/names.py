"""How layers get their names: `MyLayer` makes `my_layer_1`, `my_layer_2`, ..."""

from __future__ import annotations

import re

from polykeras import backend as K

_WORD_IN_CAPITALS = re.compile(r"(.)([A-Z][a-z0-9]+)")
_CAPITAL_AFTER_SMALL = re.compile(r"([a-z])([A-Z])")


def snake_case(name: str) -> str:
    """A class name in small letters and underscores, as Keras splits it: `ConvLSTM2D` is `conv_lst_m2d`."""
    split = _WORD_IN_CAPITALS.sub(r"\1_\2", name)
    split = _CAPITAL_AFTER_SMALL.sub(r"\1_\2", split).lower()
    return f"private{split}" if split.startswith("_") else split


def numbered(prefix: str) -> str:
    """`prefix_1`, `prefix_2`, ...: counted for each prefix, from 1 again after `K.clear_session()`."""
    return f"{prefix}_{K.get_uid(prefix)}"
