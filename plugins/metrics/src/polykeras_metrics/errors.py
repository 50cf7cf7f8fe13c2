"""Mean losses over all batches, weighted by the sample weights: as objects what `losses` has as functions."""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras import losses
from polykeras_metrics.mean import MeanOf


class MeanSquaredError(MeanOf):
    """The mean of (y_pred − y_true)²."""

    def __init__(self, name: str | None = "mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class RootMeanSquaredError(MeanOf):
    """√ of the mean of (y_pred − y_true)²."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)

    def result(self) -> Any:
        return K.sqrt(super().result())


class MeanAbsoluteError(MeanOf):
    """The mean of |y_pred − y_true|."""

    def __init__(self, name: str | None = "mean_absolute_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanOf):
    """100 times the mean of |y_true − y_pred| / max(|y_true|, epsilon)."""

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanOf):
    """The mean of (log(1 + y_pred) − log(1 + y_true))²."""

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: str | None = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanOf):
    """The mean of log(cosh(y_pred − y_true))."""

    def __init__(self, name: str | None = "logcosh", dtype: str | None = None) -> None:
        super().__init__(losses.logcosh, name, dtype)


class CosineSimilarity(MeanOf):
    """The mean cosine of the angle between y_true and y_pred: 1 for equal directions.

    axis: along which the vectors lie.
    """

    def __init__(self, name: str | None = "cosine_similarity", dtype: str | None = None, axis: int = -1) -> None:
        super().__init__(cosine_of_angle, name, dtype, axis=axis)


class Hinge(MeanOf):
    """The mean of max(1 − y_true·y_pred, 0); targets 0 and 1 count as −1 and 1."""

    def __init__(self, name: str | None = "hinge", dtype: str | None = None) -> None:
        super().__init__(losses.signed_hinge, name, dtype)


class SquaredHinge(MeanOf):
    """The mean of max(1 − y_true·y_pred, 0)²; targets 0 and 1 count as −1 and 1."""

    def __init__(self, name: str | None = "squared_hinge", dtype: str | None = None) -> None:
        super().__init__(losses.signed_squared_hinge, name, dtype)


class CategoricalHinge(MeanOf):
    """The mean of max(0, 1 + max((1 − y_true)·y_pred) − Σ y_true·y_pred), for one-hot targets."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: str | None = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)


class KLDivergence(MeanOf):
    """The mean of Σ y_true·log(y_true / y_pred)."""

    def __init__(self, name: str | None = "kl_divergence", dtype: str | None = None) -> None:
        super().__init__(losses.kullback_leibler_divergence, name, dtype)


class Poisson(MeanOf):
    """The mean of y_pred − y_true·log(y_pred)."""

    def __init__(self, name: str | None = "poisson", dtype: str | None = None) -> None:
        super().__init__(losses.poisson, name, dtype)


class BinaryCrossentropy(MeanOf):
    """The mean of −y_true·log(y_pred) − (1 − y_true)·log(1 − y_pred).

    from_logits: y_pred is put through the sigmoid first.
    label_smoothing: draws targets towards 0.5, by this share.
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.smooth_binary_crossentropy, name, dtype, **arguments)


class CategoricalCrossentropy(MeanOf):
    """The mean of −Σ y_true·log(y_pred), for one-hot targets.

    from_logits: y_pred is put through the softmax first.
    label_smoothing: draws targets towards 1 / classes, by this share.
    axis: along which the classes lie.
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.smooth_categorical_crossentropy, name, dtype, **arguments)


class SparseCategoricalCrossentropy(MeanOf):
    """The mean of −log(y_pred[y_true]), for class numbers as targets.

    from_logits: y_pred is put through the softmax first.
    axis: along which the classes lie.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(losses.sparse_crossentropy, name, dtype, from_logits=from_logits, axis=axis)


def cosine_of_angle(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Σ y_true/|y_true| · y_pred/|y_pred|, along the axis"""
    return K.sum(K.l2_normalize(y_true, axis=axis) * K.l2_normalize(y_pred, axis=axis), axis=axis)
