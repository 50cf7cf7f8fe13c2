"""Weights as pictures."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from tensorboardX.proto.summary_pb2 import Summary

MOST_IMAGES = 3  # of one weight
_PNG_COLOUR = {1: 0, 3: 2}  # channels: PNG's colour type


def weight_images(weight: np.ndarray) -> np.ndarray | None:
    """A weight as pictures (number, height, width, channels), or None where it has too many axes to be one.

    After axes of length 1 are dropped, a vector is a column, a matrix lies on its longer side, and the last of three
    axes counts the pictures: the filters of a convolution. A kernel with three input channels is taken as coloured.
    """
    if weight.ndim == 4 and weight.shape[2] == 3:
        return weight.transpose(3, 0, 1, 2)
    image = np.squeeze(weight)
    if image.ndim == 1:
        return image.reshape(1, -1, 1, 1)
    if image.ndim == 2:
        return (image if image.shape[0] <= image.shape[1] else image.T)[None, :, :, None]
    if image.ndim == 3:
        return image.transpose(2, 0, 1)[..., None]
    return None


def image_records(tag: str, images: np.ndarray) -> Iterator[Any]:
    """The records of the first pictures, `tag/image/0` and on."""
    for number, image in enumerate(images[:MOST_IMAGES]):
        height, width, channels = image.shape
        picture = Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png(as_bytes(image))
        )
        yield Summary.Value(tag=f"{tag}/image/{number}", image=picture)


def as_bytes(image: np.ndarray) -> np.ndarray:
    """Values as 0 to 255. Without negative ones the greatest becomes 255; else 0 becomes 127, the farthest an end."""
    image = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    least, greatest = image.min(initial=0.0), image.max(initial=0.0)
    if least >= 0:
        scale, offset = (255.0 / greatest if greatest > 0 else 0.0), 0.0
    else:
        scale, offset = min(127.0 / -least, 128.0 / greatest if greatest > 0 else np.inf), 127.0
    return np.clip(np.rint(image * scale + offset), 0, 255).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    """The PNG file of (height, width, 1 or 3) bytes."""
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), dtype=np.uint8)  # each row begins with its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLOUR[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
