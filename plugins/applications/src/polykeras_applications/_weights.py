"""Where the weights of applications come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polykeras_applications._inputs import CLASSES


@dataclass(frozen=True)
class Published:
    """Weights that were trained on ImageNet and published with Keras 2.

    origin:     folder of the files on the net.
    top, notop: name and md5 of the files with and without the last layers; no md5 where none is known.
    """

    origin: str
    top: tuple[str, str | None]
    notop: tuple[str, str | None]


def published(origin: str, stem: str, top: str, notop: str) -> Published:
    """Weights whose files are named in Keras's usual way; `top` and `notop` are their md5."""
    name = f"{stem}_weights_tf_dim_ordering_tf_kernels"
    return Published(origin, (f"{name}.h5", top), (f"{name}_notop.h5", notop))


def check_weights(weights: Any, include_top: bool, classes: int) -> None:
    """Refuse weights that are neither None, `imagenet` nor a file, and ImageNet's for other classes."""
    if weights not in (None, "imagenet") and not Path(weights).exists():
        raise ValueError(
            f"The `weights` argument should be `None` (random initialization), 'imagenet' (trained on ImageNet), or "
            f"the path of a weights file; {weights!r} is no file."
        )
    if weights == "imagenet" and include_top and classes != CLASSES:
        raise ValueError(
            f"With `weights='imagenet'` and `include_top=True`, `classes` should be {CLASSES}; got {classes}. "
            f"Pass `include_top=False` and put layers of your own on top."
        )


def load(model: Any, weights: str | None, include_top: bool, source: Published) -> None:
    """Give the model the weights that its caller asked for; OSError where published ones cannot be had."""
    if weights is None:
        return
    if weights == "imagenet":
        otherwise = ", or pass `weights=` the path of a file, or `weights=None`"
        weights = fetched(*(source.top if include_top else source.notop), source.origin, otherwise)
    model.load_weights(weights)


def fetched(name: str, md5: str | None, origin: str, otherwise: str = "") -> str:
    """The path of a published file, downloaded if it is not in the cache.

    otherwise: what else the caller may do, for the error: OSError, on a machine without a network.
    """
    from polykeras.utils import get_file

    try:
        return str(get_file(name, origin + name, cache_subdir="models", file_hash=md5))
    except Exception as error:  # whatever the download died of, this is what to do
        raise OSError(
            f"'{name}' could not be fetched from {origin} ({error}). On a machine without a network put the file "
            f"{'' if md5 is None else f'(md5 {md5}) '}into `~/.keras/models`{otherwise}."
        ) from error
