"""The callback TensorBoard."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras.callbacks import Callback
from polykeras_tensorboard.events import EventFile
from polykeras_tensorboard.graph import graph_of
from polykeras_tensorboard.image import image_records, weight_images
from polykeras_tensorboard.projector import Projector
from polykeras_tensorboard.statistics import Statistics, histogram_of, weight_tag

NO_VALIDATION = (
    "If printing histograms, validation_data must be provided, and cannot be a generator: pass arrays as "
    "`fit(validation_data=(x, y))`, or leave out `histogram_freq`."
)
NO_EMBEDDINGS_DATA = (
    "To visualize embeddings, embeddings_data must be provided: the samples that are to be points, in the form that "
    "`model.predict` takes."
)
COUNTS = frozenset(("batch", "size"))  # entries of a batch's logs that are no results


class TensorBoard(Callback):
    """Writes what TensorBoard shows of a training: `tensorboard --logdir LOG_DIR`.

    log_dir:        the folder of the event files; it is made where it is absent.
    histogram_freq: every how many epochs, from the first, the distributions of all weights and of the layers' outputs
                    on the validation data are written; 0: never. The validation data must be arrays.
    batch_size:     samples per step in these passes over the validation data.
    write_graph:    write the graph of operations that lead to outputs, loss and metrics.
    write_grads:    with the histograms, those of the gradients on the validation data.
    write_images:   with the histograms, the weights as pictures.
    embeddings_freq, embeddings_layer_names, embeddings_metadata, embeddings_data: every how many epochs the outputs of
                    the layers (all `Embedding` layers by default) on the data are written for the projector, as tables
                    of numbers; metadata is a file of labels, or a dict of files by layer name.
    update_freq:    "epoch": losses and metrics are written after each epoch, at its number from 0; "batch", or a number
                    of samples: also that often within an epoch, at the number of samples seen.

    Raises ValueError when training begins, if histograms lack validation data, or embeddings their data.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "./logs",
        histogram_freq: int = 0,
        batch_size: int = 32,
        write_graph: bool = True,
        write_grads: bool = False,
        write_images: bool = False,
        embeddings_freq: int = 0,
        embeddings_layer_names: Sequence[str] | None = None,
        embeddings_metadata: str | Mapping[str, str] | None = None,
        embeddings_data: Any = None,
        update_freq: int | str = "epoch",
    ) -> None:
        super().__init__()
        self.log_dir = log_dir
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.update_freq = _samples_between(update_freq)
        self.samples_seen = 0
        self.samples_seen_at_last_write = 0
        self.writer: EventFile | None = None
        self._statistics: Statistics | None = None
        self._projector: Projector | None = None

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._statistics = self._projector = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.histogram_freq and not _has_samples(self.validation_data):
            raise ValueError(NO_VALIDATION)
        if self.embeddings_freq and self.embeddings_data is None:
            raise ValueError(NO_EMBEDDINGS_DATA)
        self._open()

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.update_freq == "epoch":
            return
        logs = logs or {}
        self.samples_seen += logs["size"]
        if self.samples_seen - self.samples_seen_at_last_write >= self.update_freq:
            self._write_scalars(logs, self.samples_seen)
            self.samples_seen_at_last_write = self.samples_seen

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_statistics(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        self._write_scalars(logs or {}, epoch if self.update_freq == "epoch" else self.samples_seen)
        self._open().flush()

    def on_train_end(self, _: Any) -> None:
        if self.writer is not None:
            self.writer.close()
        self.writer = None

    def get_state(self) -> dict[str, int]:
        return {"samples_seen": self.samples_seen, "samples_seen_at_last_write": self.samples_seen_at_last_write}

    def set_state(self, state: dict[str, int]) -> None:
        self.samples_seen = state["samples_seen"]
        self.samples_seen_at_last_write = state["samples_seen_at_last_write"]

    def _open(self) -> EventFile:
        """The writer of this training's event file; the graph comes first in it."""
        if self.writer is None:
            self.writer = EventFile(self.log_dir)
            if self.write_graph and self.model.outputs:
                self.writer.add_graph(graph_of(_results(self.model)))
        return self.writer

    def _write_scalars(self, logs: dict[str, Any], step: int) -> None:
        writer = self._open()
        for name, value in logs.items():
            if name not in COUNTS and np.size(value) == 1:
                writer.add_scalar(name, float(np.reshape(value, ())), step)

    def _write_statistics(self, epoch: int) -> None:
        if not _has_samples(self.validation_data):
            raise ValueError(NO_VALIDATION)
        if self._statistics is None:
            self._statistics = Statistics(self.model, self.write_grads)
        weights = [weight for layer in self.model.layers for weight in layer.weights]
        tags, values = map(weight_tag, weights), K.batch_get_value(weights)
        for tag, value in dict(zip(tags, values, strict=True)).items():
            self._write_histogram(tag, histogram_of(value), epoch)
            images = weight_images(value) if self.write_images else None
            for record in () if images is None else image_records(f"{tag}_1", images):  # the tags that Keras gives
                self._open().add_value(record, epoch)
        for tag, histogram in self._statistics.measure(self.validation_data, self.batch_size):
            self._write_histogram(tag, histogram, epoch)

    def _write_histogram(self, tag: str, histogram: Any, epoch: int) -> None:
        record = histogram.record(tag)
        if record is not None:
            self._open().add_value(record, epoch)

    def _write_embeddings(self) -> None:
        if self.embeddings_data is None:
            raise ValueError(NO_EMBEDDINGS_DATA)
        if self._projector is None:
            self._projector = Projector(
                self.model, self.log_dir, self.embeddings_layer_names, self.embeddings_metadata, self.embeddings_data
            )
            self._projector.describe()
        self._projector.write(self.batch_size)


def _samples_between(update_freq: int | str) -> int | str:
    """How many samples are between two writings, or "epoch"."""
    if update_freq == "batch":
        return 1
    if update_freq == "epoch" or (isinstance(update_freq, int) and update_freq > 0):
        return update_freq
    raise ValueError(f"Unknown `update_freq`: {update_freq!r}. Expected 'epoch', 'batch' or a number of samples.")


def _has_samples(arrays: Any) -> bool:
    """Whether validation data are arrays of samples: not those of a generator, nor of a model that is fed nothing."""
    return bool(arrays) and hasattr(arrays[0], "shape")


def _results(model: Any) -> list[Any]:
    """The tensors whose graph is shown: outputs, and the loss and the metrics of a compiled model."""
    trained = [] if model.optimizer is None else [model.total_loss, *model.metrics_tensors]
    return [*model.outputs, *trained]
