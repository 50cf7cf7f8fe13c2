"""Distributions of values in the buckets that TensorBoard's own writers use."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from tensorboardX.proto.summary_pb2 import HistogramProto, Summary

SMALLEST, LARGEST, GROWTH = 1e-12, 1e20, 1.1


@functools.cache
def bucket_limits() -> np.ndarray:
    """The upper limits of all buckets: 1e-12 · 1.1ⁿ up to 1e20, their negatives, and the largest numbers there are."""
    count = int(np.ceil(np.log(LARGEST / SMALLEST) / np.log(GROWTH)))
    positive = np.append(SMALLEST * GROWTH ** np.arange(count), np.finfo(np.float64).max)
    return np.concatenate([-positive[::-1], [0.0], positive])


class Histogram:
    """Counts of values in buckets, with their sum, sum of squares, least and greatest; filled batch by batch.

    NaN and infinite values are left out: no bucket holds them.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(len(bucket_limits()), dtype=np.int64)
        self.number = 0
        self.total = self.squares = 0.0
        self.least, self.greatest = np.inf, -np.inf

    def add(self, values: Any) -> None:
        """Count the elements of an array."""
        values = np.asarray(values, dtype=np.float64).ravel()
        values = values[np.isfinite(values)]
        if not values.size:
            return
        limits = bucket_limits()
        self.counts += np.bincount(np.searchsorted(limits, values), minlength=len(limits))
        self.number += values.size
        with np.errstate(over="ignore"):
            self.total += float(values.sum())
            self.squares += float(values @ values)
        self.least = min(self.least, float(values.min()))
        self.greatest = max(self.greatest, float(values.max()))

    def record(self, tag: str) -> Any:
        """The record of an event file; None where nothing was counted."""
        if not self.number:
            return None
        used = np.flatnonzero(self.counts)
        # A bucket begins where the one before it ends, so an empty one leads.
        shown = slice(max(used[0] - 1, 0), used[-1] + 1)
        histogram = HistogramProto(
            min=self.least,
            max=self.greatest,
            num=self.number,
            sum=self.total,
            sum_squares=self.squares,
            bucket_limit=bucket_limits()[shown],
            bucket=self.counts[shown],
        )
        return Summary.Value(tag=tag, histo=histogram)
