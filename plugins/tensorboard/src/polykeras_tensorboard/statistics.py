"""What a model's weights, gradients and layer outputs look like on validation data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras_tensorboard.histogram import Histogram


class Statistics:
    """The distributions that a model shows on the validation data that callbacks are given.

    gradients: of the loss, for all weights that are trained.

    Outputs are counted over all samples; a gradient is the mean over the batches, weighted by their sizes.
    """

    def __init__(self, model: Any, gradients: bool) -> None:
        self.model = model
        self._placeholders = [*model._feed_inputs, *model._feed_targets, *model._feed_sample_weights]
        self._outputs = dict(layer_outputs(model))
        weights = model._collected_trainable_weights if gradients else []
        self._gradient_tags = [f"{weight_tag(weight)}_grad" for weight in weights]
        slopes = model.optimizer.get_gradients(model.total_loss, weights) if weights else []
        self._function = K.function(self._placeholders, [*self._outputs.values(), *slopes])

    def measure(self, validation_data: list[Any], batch_size: int) -> Iterator[tuple[str, Histogram]]:
        """(tag, histogram) of each output and each gradient."""
        arrays = validation_data[: len(self._placeholders)]
        samples = arrays[0].shape[0]
        outputs = {tag: Histogram() for tag in self._outputs}
        gradients: dict[str, Any] = dict.fromkeys(self._gradient_tags, 0.0)
        for start in range(0, samples, batch_size):
            batch = [array[start : start + batch_size] for array in arrays]
            results = self._function(batch)
            share = batch[0].shape[0] / samples
            for histogram, values in zip(outputs.values(), results, strict=False):
                histogram.add(values)
            for tag, gradient in zip(self._gradient_tags, results[len(outputs) :], strict=True):
                gradients[tag] = gradients[tag] + share * np.asarray(gradient, dtype=np.float64)
        yield from outputs.items()
        for tag, gradient in gradients.items():
            yield tag, histogram_of(gradient)


def histogram_of(values: Any) -> Histogram:
    """The histogram of an array."""
    histogram = Histogram()
    histogram.add(values)
    return histogram


def weight_tag(weight: Any) -> str:
    """What a weight is called in event files: `dense_1/kernel_0` for `dense_1/kernel:0`."""
    return str(weight.name).replace(":", "_")


def layer_outputs(model: Any) -> Iterator[tuple[str, Any]]:
    """(tag, tensor) of each output of a layer within the model: `name_out`; `name_out_0` and on for several."""
    if not model._is_graph_network:
        return
    for layer in model.layers:
        found = [
            tensor
            for node in model._graph.nodes
            if node.outbound_layer is layer
            for tensor in node.output_tensors
            if not K.is_sparse(tensor)
        ]
        for number, tensor in enumerate(found):
            yield f"{layer.name}_out" if len(found) == 1 else f"{layer.name}_out_{number}", tensor
