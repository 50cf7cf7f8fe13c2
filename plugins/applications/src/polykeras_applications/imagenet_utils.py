"""Pictures into the numbers that ImageNet's models were trained on, and their predictions into words."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras_applications._inputs import CLASSES
from polykeras_applications._weights import fetched

__all__ = ["decode_predictions", "preprocess_input"]

_MEANS = {"caffe": (103.939, 116.779, 123.68), "torch": (0.485, 0.456, 0.406)}
_DEVIATIONS = (0.229, 0.224, 0.225)
_CLASS_INDEX = (
    "imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
    "https://s3.amazonaws.com/deep-learning-models/image-models/",
)


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe", **kwargs: Any) -> Any:
    """Pictures with values from 0 to 255, RGB, as a model takes them.

    x:           an array or a tensor, (height, width, 3) or (batch, height, width, 3); or channels first. A float array
                 is changed in place, as in Keras.
    data_format: `channels_last` or `channels_first`; by default `K.image_data_format()`.
    mode:        `caffe`: BGR, less ImageNet's mean in each channel; `tf`: x / 127.5 - 1; `torch`: x / 255, less the
                 mean and divided by the standard deviation of each channel.

    Raises ValueError for another format or mode.
    """
    data_format = data_format or K.image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f"Unknown data_format {data_format}; it is 'channels_first' or 'channels_last'")
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"Unknown mode {mode!r}; it is 'caffe', 'tf' or 'torch'")
    axis = -1 if data_format == "channels_last" else -3
    return _tensor(x, axis, mode) if K.is_tensor(x) else _array(np.asarray(x), axis, mode)


def _array(x: np.ndarray, axis: int, mode: str) -> np.ndarray:
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(K.floatx())
    if mode == "tf":
        x /= 127.5
        x -= 1.0
        return x
    if mode == "caffe":
        x = np.flip(x, axis)  # a view: what follows changes the argument
    else:
        x /= 255.0
    shape = (3,) + (1,) * (-axis - 1)
    x -= np.reshape(_MEANS[mode], shape).astype(x.dtype)
    if mode == "torch":
        x /= np.reshape(_DEVIATIONS, shape).astype(x.dtype)
    return x


def _tensor(x: Any, axis: int, mode: str) -> Any:
    if not K.dtype(x).startswith("float"):
        x = K.cast(x, K.floatx())
    if mode == "tf":
        return x / 127.5 - 1.0
    x = K.reverse(x, axis % K.ndim(x)) if mode == "caffe" else x / 255.0
    shape = (3,) + (1,) * (-axis - 1)
    x = x - np.reshape(_MEANS[mode], shape)
    return x / np.reshape(_DEVIATIONS, shape) if mode == "torch" else x


def decode_predictions(preds: Any, top: int = 5, **kwargs: Any) -> list[list[tuple[str, str, float]]]:
    """The most likely classes of each picture, best first: `(WordNet id, name, score)`.

    preds: (batch, 1000), what a model of ImageNet's classes predicts.
    top:   how many for each picture.

    Raises ValueError for another shape, OSError where the file of the classes' names cannot be had.
    """
    if np.ndim(preds) != 2 or np.shape(preds)[1] != CLASSES:
        raise ValueError(
            f"`decode_predictions` expects a batch of predictions, an array of shape (samples, {CLASSES}); "
            f"got shape {np.shape(preds)}"
        )
    names = _class_names()
    return [[(*names[i], scores[i]) for i in np.argsort(scores)[: -top - 1 : -1]] for scores in preds]


@functools.cache
def _class_names() -> Sequence[tuple[str, str]]:
    """For each class its WordNet id and its name."""
    index = json.loads(Path(fetched(*_CLASS_INDEX)).read_text(encoding="utf-8"))
    return [tuple(index[str(number)]) for number in range(CLASSES)]
