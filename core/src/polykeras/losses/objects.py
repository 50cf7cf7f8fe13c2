"""Losses as objects: a function with its settings, and how its values become one.

model.compile("adam", BinaryCrossentropy(from_logits=True))
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from polykeras import backend as K
from polykeras.losses import functions, variants

Objective = Callable[..., Any]


class Reduction:
    """How a loss's values become one."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


_REDUCTIONS = {
    "auto": Reduction.SUM_OVER_BATCH_SIZE,
    "none": Reduction.NONE,
    None: Reduction.NONE,
    "sum": Reduction.SUM,
    "sum_over_batch_size": Reduction.SUM_OVER_BATCH_SIZE,
    "mean": Reduction.SUM_OVER_BATCH_SIZE,
}


class Loss:
    """A loss with settings. One of one's own defines `call(y_true, y_pred)`, which gives a value per sample.

    reduction: "sum_over_batch_size" ("auto", "mean") gives the mean of the values, "sum" their sum, "none" themselves;
        as a model's loss, "none" is the mean.
    name: by default the class's name in small letters, words joined by `_`.
    """

    stands_for: Objective | None = None
    """The function of Keras 2 whose targets have the same form, if there is one."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        if reduction not in _REDUCTIONS:
            known = ", ".join(repr(one) for one in _REDUCTIONS)
            raise ValueError(f"{type(self).__name__}: `reduction` should be one of {known}; got {reduction!r}")
        self.reduction = _REDUCTIONS[reduction]
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss per sample (and time step).   (batch, ..., n), (batch, ..., n) -> (batch, ...)"""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; values are multiplied by their weights, of shape (batch,) or (batch, time), before.

        Arrays are taken as tensors are.
        """
        y_true, y_pred = _as_tensor(y_true), _as_tensor(y_pred)
        values = self.call(y_true, y_pred)
        if sample_weight is not None:
            values = values * of_rank(_as_tensor(sample_weight), values.ndim)
        if self.reduction == Reduction.NONE:
            return values
        return K.sum(values) if self.reduction == Reduction.SUM else K.mean(values)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss with the arguments that `get_config()` gave."""
        return cls(**config)


class _OfFunction(Loss):
    """A loss that calls a function with settings."""

    def __init__(self, fn: Objective, reduction: str | None, name: str | None, **arguments: Any) -> None:
        super().__init__(reduction, name)
        self._fn = fn
        self._arguments = arguments

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self._fn(y_true, y_pred, **self._arguments)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._arguments}


class MeanSquaredError(_OfFunction):
    """mean((y_pred - y_true)²)"""

    stands_for = staticmethod(functions.mean_squared_error)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_error") -> None:
        super().__init__(functions.mean_squared_error, reduction, name)


class MeanAbsoluteError(_OfFunction):
    """mean(|y_pred - y_true|)"""

    stands_for = staticmethod(functions.mean_absolute_error)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_error") -> None:
        super().__init__(functions.mean_absolute_error, reduction, name)


class MeanAbsolutePercentageError(_OfFunction):
    """100 · mean(|y_true - y_pred| / max(|y_true|, epsilon))"""

    stands_for = staticmethod(functions.mean_absolute_percentage_error)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_percentage_error"
    ) -> None:
        super().__init__(functions.mean_absolute_percentage_error, reduction, name)


class MeanSquaredLogarithmicError(_OfFunction):
    """mean((log(1 + y_pred) - log(1 + y_true))²)"""

    stands_for = staticmethod(functions.mean_squared_logarithmic_error)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_logarithmic_error"
    ) -> None:
        super().__init__(functions.mean_squared_logarithmic_error, reduction, name)


class LogCosh(_OfFunction):
    """mean(log(cosh(y_pred - y_true)))"""

    stands_for = staticmethod(functions.logcosh)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh") -> None:
        super().__init__(functions.logcosh, reduction, name)


class Huber(_OfFunction):
    """mean(d²/2 where |d| <= delta, else delta·(|d| - delta/2)), for d = y_pred - y_true"""

    stands_for = staticmethod(functions.huber)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
    ) -> None:
        super().__init__(functions.huber, reduction, name, delta=delta)


class Hinge(_OfFunction):
    """mean(max(1 - y_true·y_pred, 0)); targets 0 and 1 count as -1 and 1"""

    stands_for = staticmethod(functions.hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge") -> None:
        super().__init__(variants.signed_hinge, reduction, name)


class SquaredHinge(_OfFunction):
    """mean(max(1 - y_true·y_pred, 0)²); targets 0 and 1 count as -1 and 1"""

    stands_for = staticmethod(functions.squared_hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge") -> None:
        super().__init__(variants.signed_squared_hinge, reduction, name)


class CategoricalHinge(_OfFunction):
    """max(0, 1 + max((1 - y_true)·y_pred) - sum(y_true·y_pred)), for one-hot targets"""

    stands_for = staticmethod(functions.categorical_hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_hinge") -> None:
        super().__init__(functions.categorical_hinge, reduction, name)


class KLDivergence(_OfFunction):
    """sum(y_true·log(y_true / y_pred))"""

    stands_for = staticmethod(functions.kullback_leibler_divergence)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence") -> None:
        super().__init__(functions.kullback_leibler_divergence, reduction, name)


class Poisson(_OfFunction):
    """mean(y_pred - y_true·log(y_pred))"""

    stands_for = staticmethod(functions.poisson)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson") -> None:
        super().__init__(functions.poisson, reduction, name)


class CosineSimilarity(_OfFunction):
    """-sum(y_true/|y_true| · y_pred/|y_pred|) along `axis`: -1 for equal directions"""

    stands_for = staticmethod(functions.cosine_proximity)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
    ) -> None:
        super().__init__(variants.negative_cosine, reduction, name, axis=axis)


class BinaryCrossentropy(_OfFunction):
    """-mean(y_true·log(y_pred) + (1 - y_true)·log(1 - y_pred)) along `axis`

    from_logits: y_pred is put through the sigmoid first.
    label_smoothing: draws targets towards 0.5, by this share.
    """

    stands_for = staticmethod(functions.binary_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
    ) -> None:
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(variants.smooth_binary_crossentropy, reduction, name, **arguments)


class CategoricalCrossentropy(_OfFunction):
    """-sum(y_true·log(y_pred)) along `axis`, for one-hot targets

    from_logits: y_pred is put through the softmax first.
    label_smoothing: draws targets towards 1 / classes, by this share.
    """

    stands_for = staticmethod(functions.categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
    ) -> None:
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(variants.smooth_categorical_crossentropy, reduction, name, **arguments)


class SparseCategoricalCrossentropy(_OfFunction):
    """-log(y_pred[y_true]), for class numbers as targets; the classes lie along `axis`

    from_logits: y_pred is put through the softmax first.
    """

    stands_for = staticmethod(functions.sparse_categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(variants.sparse_crossentropy, reduction, name, from_logits=from_logits, axis=axis)


def of_rank(weights: Any, rank: int) -> Any:
    """Weights with axes of one element after the last.   (batch, ...) -> (batch, ..., 1, ...)"""
    for _ in range(rank - weights.ndim):
        weights = K.expand_dims(weights)
    return weights


def function_of(loss: Any) -> Any:
    """A loss function as it is; for a loss object, the function of Keras 2 whose targets have the same form, or it."""
    if isinstance(loss, Loss):
        return loss.stands_for or loss
    return loss


def _as_tensor(x: Any) -> Any:
    return x if K.is_tensor(x) else K.constant(x)
