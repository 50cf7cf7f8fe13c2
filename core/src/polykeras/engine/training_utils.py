"""What prepares data and metrics for training, under the names and in the place that Keras gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from polykeras.engine.batches import batch_shuffle, make_batches
from polykeras.engine.compiling import averaged, metrics_by_output
from polykeras.engine.feeding import (
    as_column,
    check_array_length_consistency,
    check_loss_and_target_compatibility,
    number_of_samples,
    standardize_class_weights,
    standardize_input_data,
    standardize_sample_weights,
    standardize_weights,
    weights_by_output,
)
from polykeras.utils.generic_utils import to_list

__all__ = [
    "batch_shuffle", "check_array_length_consistency", "check_loss_and_target_compatibility", "check_num_samples",
    "collect_metrics", "iter_sequence_infinite", "make_batches", "standardize_class_weights", "standardize_input_data",
    "standardize_sample_or_class_weights", "standardize_sample_weights", "standardize_single_array",
    "standardize_weights", "to_list", "weighted_masked_objective",
]  # fmt: skip


def check_num_samples(
    ins: Sequence[Any], batch_size: int | None = None, steps: int | None = None, steps_name: str = "steps"
) -> int | None:
    """The number of samples in `ins`; None where `steps` says how long to go on. ValueError for both or none."""
    if steps is not None and batch_size is not None:
        raise ValueError(f"If {steps_name} is set, the `batch_size` must be None; got batch_size={batch_size}.")
    samples = number_of_samples(ins) if steps is None else None
    if steps is None and samples is None:
        raise ValueError(
            f"The input data should have a shape; where they are symbolic tensors, specify the `{steps_name}` argument."
        )
    return samples


def collect_metrics(metrics: Any, output_names: Sequence[str]) -> list[list[Any]]:
    """A list of metrics for each output, from what `compile(metrics=...)` was given."""
    return metrics_by_output(metrics, output_names)


def iter_sequence_infinite(seq: Sequence[Any]) -> Iterator[Any]:
    """The items of a `Sequence`, again and again."""
    while True:
        for index in range(len(seq)):
            yield seq[index]


def standardize_sample_or_class_weights(x_weight: Any, output_names: Sequence[str], weight_type: str) -> list[Any]:
    """An entry or None for each output; `weight_type` is the argument's name, for errors."""
    return weights_by_output(x_weight, output_names, weight_type)


def standardize_single_array(x: Any) -> Any:
    """A vector as a column; everything else as it is."""
    return as_column(x)


def weighted_masked_objective(fn: Callable[[Any, Any], Any] | None) -> Callable[..., Any] | None:
    """A function of `(y_true, y_pred, weights, mask=None)` whose result is the weighted mean of `fn`'s values."""
    return None if fn is None else averaged(fn)
