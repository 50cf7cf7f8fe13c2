"""Kernels of `symbolic.ops.classification`."""

from __future__ import annotations

from typing import Any

Array = Any


class Classification:
    xp: Any

    def softmax(self, x: Array, *, axis: int = -1, out: Array = None) -> Array:
        xp = self.xp
        out = xp.subtract(x, x.max(axis=axis, keepdims=True), out=out)
        xp.exp(out, out=out)
        return xp.true_divide(out, out.sum(axis=axis, keepdims=True), out=out)

    def softmax_grad(self, g: Array, y: Array, *, axis: int = -1, out: Array = None) -> Array:
        xp = self.xp
        out = xp.multiply(g, y, out=out)
        return xp.subtract(out, y * out.sum(axis=axis, keepdims=True), out=out)

    def log_softmax(self, x: Array, *, axis: int = -1, out: Array = None) -> Array:
        xp = self.xp
        out = xp.subtract(x, x.max(axis=axis, keepdims=True), out=out)
        return xp.subtract(out, xp.log(xp.exp(out).sum(axis=axis, keepdims=True)), out=out)

    def in_top_k(self, predictions: Array, targets: Array, *, k: int) -> Array:
        xp = self.xp
        classes = predictions.shape[-1]
        known = (targets >= 0) & (targets < classes)
        rows = xp.take_along_axis(predictions, xp.where(known, targets, 0)[..., None].astype("int64"), axis=-1)
        larger = (predictions > rows).sum(axis=-1)
        return (larger < k) & known & xp.isfinite(predictions).all(axis=-1)
