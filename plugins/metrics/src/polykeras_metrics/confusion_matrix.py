"""The confusion matrix of several classes, and what is read off it: intersection over union."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras import backend as K
from polykeras.metrics import Metric
from polykeras_metrics._parts import STATE, as_tensor, ratio, weights_like

NORMALIZATIONS = (None, "true", "pred", "all")


class _Matrix(Metric):
    """Counts, by weight, how often class i (row) is said to be class j (column).

    num_classes: classes are numbers from 0 to this; others are left out.
    ignore_class: samples of this class are left out.
    sparse_y_true, sparse_y_pred: whether y_true and y_pred hold class numbers. None: unless the last axis has as many
        elements as there are classes; then the largest of these is the class.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None,
        dtype: str | None,
        ignore_class: int | None,
        sparse_y_true: bool | None,
        sparse_y_pred: bool | None,
    ) -> None:
        super().__init__(name, dtype)
        if num_classes < 1:
            raise ValueError(f"{type(self).__name__}: `num_classes` should be 1 or more; got {num_classes}")
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.matrix = self.add_weight("matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        n = self.num_classes
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        true = self._classes(y_true, "sparse_y_true")
        sparse = self._is_sparse(y_true, "sparse_y_true")
        weights = K.flatten(weights_like(y_true if sparse else y_true[..., 0], sample_weight))
        if self.ignore_class is not None:
            weights = weights * K.cast(K.not_equal(true, self.ignore_class), STATE)
        rows = K.cast(K.one_hot(true, n), STATE) * K.expand_dims(weights)
        columns = K.cast(K.one_hot(self._classes(y_pred, "sparse_y_pred"), n), STATE)
        return K.update_add(self.matrix, K.dot(K.transpose(rows), columns))

    def _classes(self, y: Any, argument: str) -> Any:
        """Class numbers, flat.   (..., num_classes) or (...) -> (n,) int32"""
        return K.cast(K.flatten(y if self._is_sparse(y, argument) else K.argmax(y, axis=-1)), "int32")

    def _is_sparse(self, y: Any, argument: str) -> bool:
        """Whether `y` holds class numbers, as the argument says, or as its shape shows."""
        given: bool | None = getattr(self, argument)
        if given is not None:
            return given
        shape = K.int_shape(y)
        if len(shape) < 2 or self.num_classes == 1:
            return True
        if shape[-1] is None:
            raise ValueError(
                f"Metric {self.name}: the shape {shape} does not tell whether these are class numbers; pass "
                f"`{argument}` as True or False."
            )
        return bool(shape[-1] != self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
        }


class ConfusionMatrix(_Matrix):
    """How often class i (row) is said to be class j (column), by weight.   -> (num_classes, num_classes)

    num_classes: classes are numbers from 0 to this; others are left out.
    normalize: None gives counts; "true" divides rows, "pred" columns, "all" everything by its sum.
    ignore_class: samples of this class are left out.
    sparse_y_true, sparse_y_pred: whether y_true and y_pred hold class numbers. None: unless the last axis has as many
        elements as there are classes; then the largest of these is the class.
    """

    def __init__(
        self,
        num_classes: int,
        normalize: str | None = None,
        name: str | None = "confusion_matrix",
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool | None = None,
        sparse_y_pred: bool | None = None,
    ) -> None:
        if normalize not in NORMALIZATIONS:
            raise ValueError(f"ConfusionMatrix: `normalize` should be one of {NORMALIZATIONS}; got {normalize!r}")
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred)
        self.normalize = normalize

    def result(self) -> Any:
        if self.normalize is None:
            return self.matrix
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return ratio(self.matrix, K.sum(self.matrix, axis=axis, keepdims=True))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "normalize": self.normalize}


class _Overlap(_Matrix):
    """Intersection over union of each class: tp / (tp + fp + fn)."""

    def overlaps(self) -> tuple[Any, Any]:
        """Intersection over union, and whether the class occurs at all, as 0 or 1.   -> (num_classes,) twice"""
        hits = K.diag(self.matrix)
        union = K.sum(self.matrix, axis=0) + K.sum(self.matrix, axis=1) - hits
        return ratio(hits, union), K.cast(K.not_equal(union, 0.0), STATE)


class MeanIoU(_Overlap):
    """The mean of tp / (tp + fp + fn) over the classes that occur, in y_true or in y_pred.

    num_classes: classes are numbers from 0 to this; others are left out.
    ignore_class: samples of this class are left out.
    sparse_y_true, sparse_y_pred: whether y_true and y_pred hold class numbers. None: unless the last axis has as many
        elements as there are classes; then the largest of these is the class.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = "mean_io_u",
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool | None = None,
        sparse_y_pred: bool | None = None,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred)

    def result(self) -> Any:
        overlaps, occurs = self.overlaps()
        return ratio(K.sum(overlaps * occurs), K.sum(occurs))


class IoU(_Overlap):
    """The mean of tp / (tp + fp + fn) over those of the target classes that occur.

    num_classes: classes are numbers from 0 to this; others are left out.
    target_class_ids: the classes that the mean is about.
    ignore_class: samples of this class are left out.
    sparse_y_true, sparse_y_pred: whether y_true and y_pred hold class numbers. None: unless the last axis has as many
        elements as there are classes; then the largest of these is the class.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = "io_u",
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool | None = None,
        sparse_y_pred: bool | None = None,
    ) -> None:
        beyond = [number for number in target_class_ids if not 0 <= number < num_classes]
        if beyond:
            raise ValueError(f"IoU: the target classes {beyond} are not among the {num_classes} classes")
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred)
        self.target_class_ids = list(target_class_ids)

    def result(self) -> Any:
        overlaps, occurs = self.overlaps()
        chosen = K.constant([float(i in self.target_class_ids) for i in range(self.num_classes)], dtype=STATE)
        return ratio(K.sum(overlaps * occurs * chosen), K.sum(occurs * chosen))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_class_ids": self.target_class_ids}
