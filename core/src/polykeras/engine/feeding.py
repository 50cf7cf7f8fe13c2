"""From what users pass as data to lists of arrays in the model's order, checked with words that name the argument.

Errors say which array, what was expected, and what came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from polykeras import losses
from polykeras.engine.shape_advice import of_array
from polykeras.legacy.interfaces import warn_caller

Shape = tuple[int | None, ...]
Arrays = list[Any]


# -- inputs and targets ----------------------------------------------------------------------------------------------


def standardize_input_data(
    data: Any,
    names: Sequence[str],
    shapes: Sequence[Shape | None] | None = None,
    check_batch_axis: bool = True,
    exception_prefix: str = "",
) -> Arrays:
    """`data` as a list of arrays, one for each of `names`; vectors become columns `(n, 1)`.

    data: an array, a list of arrays, or a dict of arrays by name; pandas frames count as arrays.
    shapes: expected ones with the batch axis; None where any shape will do, None for dims of any size.
    exception_prefix: "input" or "target", for the error texts.

    Raises ValueError where names, number or shapes do not fit.
    """
    if not names:
        if data is None or (hasattr(data, "__len__") and len(data) == 0):
            return []
        raise ValueError(f"Error when checking model {exception_prefix}: expected no data, but got: {_brief(data)}")
    listed = _listed(data, names, exception_prefix)
    arrays = [as_column(_array(*one, exception_prefix)) for one in zip(listed, names, strict=True)]
    if shapes is not None:
        for name, array, shape in zip(names, arrays, shapes, strict=True):
            if shape is not None and not _is_symbolic(array):
                _check_shape(name, array, shape, check_batch_axis, exception_prefix)
    return arrays


def _listed(data: Any, names: Sequence[str], prefix: str) -> list[Any]:
    """One entry for each name."""
    if data is None:
        raise ValueError(f'No data provided for "{names[0]}". The model needs {prefix} data for: {list(names)}')
    if isinstance(data, Mapping):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(f'No data provided for "{missing[0]}". Need data for each key in: {list(names)}')
        superfluous = [key for key in data if key not in names]
        if superfluous:
            warn_caller(
                f"The model has no {prefix} named {', '.join(map(repr, superfluous))}; its names are {list(names)}. "
                "That data is not used.",
                UserWarning,
            )
        return [data[name] for name in names]
    if not isinstance(data, (list, tuple)):
        data = [data]
    elif len(names) == 1 and not (len(data) == 1 and _is_arraylike(data[0])):
        if all(np.ndim(one) == 0 for one in data) or (data and not any(_is_arraylike(one) for one in data)):
            data = [list(data)]  # a plain list of numbers, or of rows
    if len(data) != len(names):
        raise ValueError(_wrong_count(data, names, prefix))
    return list(data)


def _wrong_count(data: Sequence[Any], names: Sequence[str], prefix: str) -> str:
    start = f"Error when checking model {prefix}: "
    if len(data) == 1 and len(names) > 1:
        return (
            f"{start}you passed one array, but the model expects a list of {len(names)} arrays ({', '.join(names)}). "
            f"Got: {_brief(data[0])}"
        )
    return (
        f"{start}the list of arrays that you are passing to your model is not the size the model expected. "
        f"Expected to see {len(names)} array(s) ({', '.join(names)}), but instead got {len(data)}: "
        f"{', '.join(_brief(one) for one in data[:8])}"
    )


def _array(value: Any, name: str, prefix: str) -> Any:
    """What NumPy and the batching can work with: an array, a symbolic tensor, or what slices like an array."""
    if type(value) is np.ndarray or _is_symbolic(value):
        return value
    if value is None:
        raise ValueError(f'No data provided for "{name}": its place among the {prefix}s holds None.')
    if type(value).__module__.partition(".")[0] == "pandas":
        return _from_pandas(value, name, prefix)
    if hasattr(value, "tocsr"):
        return value.tocsr()
    if hasattr(value, "shape") and hasattr(value, "__getitem__"):
        return value
    try:
        return np.asarray(value)
    except ValueError as error:  # NumPy says that the rows have different lengths
        raise ValueError(
            f"Error when checking {prefix}: expected {name} to be numbers in rows of equal lengths, but the rows' "
            "lengths differ. Sequences of different lengths are made equal by "
            "polykeras.preprocessing.sequence.pad_sequences."
        ) from error


def _from_pandas(value: Any, name: str, prefix: str) -> np.ndarray:
    """The numbers of a frame or a series; of nullable types too, where a missing one is NaN."""
    array: np.ndarray = value.to_numpy()
    if array.dtype.kind in "biufc":
        return array
    try:
        return value.to_numpy(dtype="float64", na_value=np.nan)  # type: ignore[no-any-return]
    except (TypeError, ValueError) as error:
        columns = getattr(value, "columns", None)
        wrong = [] if columns is None else [str(key) for key in columns if not _is_numeric(value[key])]
        where = f"column {', '.join(map(repr, wrong))}" if wrong else "the data"
        raise ValueError(
            f"Error when checking {prefix}: expected {name} to have numbers, but {where} of the pandas "
            f"{type(value).__name__} holds something else ({error}). Encode it, or leave it out."
        ) from error


def _is_numeric(column: Any) -> bool:
    try:
        column.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        return False
    return True


def as_column(array: Any) -> Any:
    """A vector as a column."""
    if array is None or _is_symbolic(array) or len(array.shape) != 1:
        return array
    return array[:, None] if isinstance(array, np.ndarray) else np.asarray(array)[:, None]


def _check_shape(name: str, array: Any, shape: Shape, check_batch_axis: bool, prefix: str) -> None:
    found = tuple(array.shape)
    start = f"Error when checking {prefix}: expected {name} to have"
    if len(found) != len(shape):
        advice = of_array(prefix, found, shape)
        raise ValueError(f"{start} {len(shape)} dimensions, but got array with shape {found}{advice}")
    first = 0 if check_batch_axis else 1
    if any(want is not None and want != got for want, got in zip(shape[first:], found[first:], strict=True)):
        advice = of_array(prefix, found, shape)
        raise ValueError(f"{start} shape {tuple(shape[first:])} but got array with shape {found[first:]}{advice}")
    if isinstance(array, np.ndarray) and array.dtype.kind not in "biufc":
        raise ValueError(
            f"{start} numbers, but got an array of dtype {array.dtype} with shape {found}"
            + (" (rows of different lengths?)" if array.dtype == object else "")
        )


def check_array_length_consistency(inputs: Arrays, targets: Arrays, weights: Arrays | None = None) -> None:
    """ValueError unless all arrays have as many samples."""
    x = _common_length(inputs, "input arrays (x)")
    y = _common_length(targets, "target arrays (y)")
    w = _common_length(weights or [], "sample_weight arrays")
    if x is not None and y is not None and x != y:
        raise ValueError(
            "Input arrays should have the same number of samples as target arrays. "
            f"Found {x} input samples and {y} target samples."
        )
    if y is not None and w is not None and y != w:
        raise ValueError(
            "Sample_weight arrays should have the same number of samples as target arrays. "
            f"Got {w} sample_weight samples and {y} target samples."
        )


def _common_length(arrays: Arrays, what: str) -> int | None:
    countable = [array for array in arrays if _is_countable(array)]
    lengths = {int(array.shape[0]) for array in countable}
    if len(lengths) > 1:
        shapes = [tuple(array.shape) for array in countable]
        raise ValueError(f"All {what} should have the same number of samples. Got array shapes: {shapes}")
    return next(iter(lengths), None)


def check_loss_and_target_compatibility(
    targets: Arrays, loss_fns: Sequence[Any], output_shapes: Sequence[Shape | None]
) -> None:
    """ValueError where a target's shape shows that the loss cannot be meant."""
    same_shape = (losses.mean_squared_error, losses.binary_crossentropy, losses.categorical_crossentropy)
    for y, given, shape in zip(targets, loss_fns, output_shapes, strict=True):
        loss = losses.function_of(given)
        if y is None or loss is None or _is_symbolic(y):
            continue
        found = tuple(y.shape)
        if loss is losses.categorical_crossentropy and found[-1] == 1:
            raise ValueError(
                f"You are passing a target array of shape {found} while using as loss `categorical_crossentropy`. It "
                "expects targets to be binary matrices (1s and 0s) of shape (samples, classes). If your targets are "
                "integer classes, convert them with `to_categorical(y)` from polykeras.utils, or use the loss "
                "`sparse_categorical_crossentropy` instead, which expects integer targets."
            )
        if loss in same_shape and shape is not None:
            if len(found) != len(shape) or any(n not in (None, m) for n, m in zip(shape[1:], found[1:], strict=True)):
                raise ValueError(
                    f"A target array with shape {found} was passed for an output of shape {tuple(shape)} while using "
                    f"as loss `{loss.__name__}`. This loss expects targets to have the same shape as the output."
                )


# -- sample weights and class weights --------------------------------------------------------------------------------


def weights_by_output(given: Any, names: Sequence[str], argument: str) -> list[Any]:
    """An entry or None for each output, from what `fit(sample_weight=...)` or `fit(class_weight=...)` was given."""
    if given is None or (isinstance(given, (list, Mapping)) and len(given) == 0):
        return [None] * len(names)
    if len(names) == 1:
        if isinstance(given, list) and len(given) == 1:
            return given
        if isinstance(given, Mapping) and names[0] in given:
            return [given[names[0]]]
        return [given]
    if isinstance(given, list):
        if len(given) != len(names):
            raise ValueError(
                f"Provided `{argument}` was a list of {len(given)} elements, but the model has {len(names)} outputs "
                f"({', '.join(names)}). You should provide one `{argument}` array per model output."
            )
        return given
    if isinstance(given, Mapping):
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ValueError(f"`{argument}` has entries for {unknown!r}, but the model's outputs are: {list(names)}")
        return [given.get(name) for name in names]
    raise TypeError(
        f"The model has {len(names)} outputs, so `{argument}` should be either a list or a dict by output name. "
        f"Provided `{argument}` type not understood: {type(given).__name__}"
    )


def standardize_sample_weights(sample_weight: Any, output_names: Sequence[str]) -> list[Any]:
    """An array of weights, or None, for each output."""
    return weights_by_output(sample_weight, output_names, "sample_weight")


def standardize_class_weights(class_weight: Any, output_names: Sequence[str]) -> list[Any]:
    """A dict of weights by class, or None, for each output."""
    return weights_by_output(class_weight, output_names, "class_weight")


def standardize_weights(
    y: Any, sample_weight: Any = None, class_weight: Any = None, sample_weight_mode: str | None = None
) -> np.ndarray:
    """The weights of the samples of `y` (of its time steps in mode "temporal"); ones where none are given.

    Weights of samples and of classes, given together, are multiplied.
    """
    if sample_weight_mode not in (None, "temporal"):
        raise ValueError(f'sample_weight_mode should be None or "temporal". Found: {sample_weight_mode!r}')
    rank = 2 if sample_weight_mode == "temporal" else 1
    shape = tuple(y.shape)
    if rank == 2 and len(shape) < 3:
        raise ValueError(
            f"Found a sample_weight array for a target with shape {shape}. Timestep-wise sample weighting (use of "
            'sample_weight_mode="temporal") is restricted to outputs that are at least 3D, '
            "i.e. that have a time dimension."
        )
    weights = None
    if sample_weight is not None:
        weights = np.asarray(sample_weight)
        _check_weights(weights, shape, rank)
    if class_weight is not None:
        by_class = _class_weights(y, class_weight)
        if rank == 2:
            raise ValueError(
                '`class_weight` not supported with sample_weight_mode="temporal"; pass sample_weight instead.'
            )
        weights = by_class if weights is None else weights * by_class
    return np.ones(shape[:rank], dtype="float32") if weights is None else weights


def _check_weights(weights: np.ndarray, shape: Shape, rank: int) -> None:
    if weights.ndim != rank:
        if rank == 2:
            advice = "In order to use timestep-wise sample weighting, you should pass a 2D sample_weight array."
        else:
            advice = (
                'In order to use timestep-wise sample weights, you should specify sample_weight_mode="temporal" in '
                "compile(). If you just mean to use sample-wise weights, make sure your sample_weight array is 1D."
            )
        raise ValueError(f"Found a sample_weight array with shape {weights.shape}. {advice}")
    if weights.shape != shape[:rank]:
        raise ValueError(
            f"Found a sample_weight array with shape {weights.shape} for a target with shape {shape}. "
            f"sample_weight cannot be broadcast; expected shape {shape[:rank]}."
        )


def _class_weights(y: Any, class_weight: Any) -> np.ndarray:
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"`class_weight` should be a dict from class numbers to weights; got {type(class_weight).__name__}"
            + ("; for computed weights: dict(enumerate(weights))" if hasattr(class_weight, "__len__") else "")
        )
    if len(y.shape) > 2:
        raise ValueError(
            f"`class_weight` not supported for 3+ dimensional targets; the target has shape {tuple(y.shape)}. "
            "Pass sample_weight instead."
        )
    y = np.asarray(y)
    classes = y.argmax(axis=1) if y.shape[1] > 1 else y.reshape(-1)
    present, index = np.unique(classes, return_inverse=True)
    missing = [number for number in present.tolist() if number not in class_weight]
    if missing:
        raise ValueError(
            f"`class_weight` must contain all classes in the data. The classes {missing} exist in the data but not in "
            f"`class_weight`, which has {sorted(class_weight)}."
        )
    values: np.ndarray = np.asarray([class_weight[number] for number in present.tolist()])[index]
    return values


# -- small helpers ---------------------------------------------------------------------------------------------------


def number_of_samples(arrays: Sequence[Any]) -> int | None:
    """The samples of the first array that has rows, or None."""
    return next((int(array.shape[0]) for array in arrays if _is_countable(array)), None)


def _is_countable(array: Any) -> bool:
    return array is not None and not _is_symbolic(array) and len(getattr(array, "shape", ())) > 0


def _is_symbolic(value: Any) -> bool:
    return hasattr(value, "spec") and hasattr(value, "node")


def _is_arraylike(value: Any) -> bool:
    return hasattr(value, "shape")


def _brief(value: Any) -> str:
    """An array's shape and dtype, or a short form of another value."""
    if hasattr(value, "shape"):
        return f"array of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
