"""What the embedding projector reads: `projector_config.pbtxt`, and a table of vectors for each layer."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.engine.training_utils import standardize_input_data
from polykeras.saving.atomic import replacing

CONFIG = "projector_config.pbtxt"


class Projector:
    """Writes the outputs of layers on given data for the embedding projector; each writing replaces the last.

    layer_names: of the layers; all layers of the class `Embedding` where empty.
    metadata:    a file with a label per line for all layers, or a dict of such files by layer name. It is looked for in
                 `log_dir`; one that is elsewhere is copied there, for TensorBoard reads nothing outside.
    data:        what the model is called on, an array or a list of arrays: each sample is one point.
    """

    def __init__(
        self,
        model: Any,
        log_dir: str | os.PathLike[str],
        layer_names: Sequence[str] | None,
        metadata: str | Mapping[str, str] | None,
        data: Any,
    ) -> None:
        self.folder = Path(log_dir)
        self.names = list(layer_names or ()) or [
            layer.name for layer in model.layers if type(layer).__name__ == "Embedding"
        ]
        self.metadata = dict.fromkeys(self.names, metadata) if isinstance(metadata, str) else dict(metadata or {})
        self.data = standardize_input_data(
            data, model._feed_input_names, model._feed_input_shapes, check_batch_axis=False, exception_prefix="input"
        )
        self._function = K.function(model._feed_inputs, [model.get_layer(name).output for name in self.names])

    def describe(self) -> None:
        """Write the projector's configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        blocks = []
        for name in self.names:
            lines = [f"tensor_name: {json.dumps(tensor_name(name))}", f"tensor_path: {json.dumps(table_name(name))}"]
            if self.metadata.get(name):
                lines.append(f"metadata_path: {json.dumps(self._labels(name))}")
            blocks.append("embeddings {\n" + "".join(f"  {line}\n" for line in lines) + "}\n")
        _write(self.folder / CONFIG, "".join(blocks))

    def write(self, batch_size: int) -> None:
        """Write the tables: a line for each sample, its vector's elements between tabs."""
        tables: list[list[str]] = [[] for _ in self.names]
        for start in range(0, len(self.data[0]), batch_size):
            batch = [array[start : start + batch_size] for array in self.data]
            for table, vectors in zip(tables, self._function(batch), strict=True):
                table += map(_line, np.asarray(vectors).reshape(len(batch[0]), -1))
        for name, table in zip(self.names, tables, strict=True):
            _write(self.folder / table_name(name), "".join(table))

    def _labels(self, name: str) -> str:
        """Where the file of a layer's labels lies, within the folder."""
        given = self.metadata[name]
        inside = (self.folder / given).resolve().is_relative_to(self.folder.resolve())
        if not Path(given).is_file() or (inside and (self.folder / given).is_file()):
            return os.fspath(given)
        copy = self.folder / f"{tensor_name(name).replace('/', '_')}_labels.tsv"
        shutil.copyfile(given, copy)
        return copy.name


def tensor_name(layer: str) -> str:
    """What the projector calls a layer's vectors."""
    return f"{layer}_embedding"


def table_name(layer: str) -> str:
    """The file of a layer's vectors."""
    return f"{tensor_name(layer).replace('/', '_')}.tsv"


def _line(vector: np.ndarray) -> str:
    return "\t".join(f"{float(element):.7g}" for element in vector) + "\n"


def _write(path: Path, text: str) -> None:
    """Replace a file at once: a projector that looks on never reads half a table."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
