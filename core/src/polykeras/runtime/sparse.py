"""Sparse matrices as values of a program: compressed sparse rows, made of a backend's arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


class Csr:
    """A matrix without its zeros. It is never changed, and no plan gives it memory.

    data:    (n,) the elements, row by row.
    columns: (n,) int64, where each one stands in its row.
    starts:  (rows + 1,) int64, where each row begins in `data`; the last is n.
    turned:  the transposed matrix, once somebody needed it.
    """

    __slots__ = ("data", "columns", "starts", "shape", "turned")

    def __init__(self, data: Array, columns: Array, starts: Array, shape: tuple[int, int]):
        self.data = data
        self.columns = columns
        self.starts = starts
        self.shape = shape
        self.turned: Csr | None = None

    @property
    def dtype(self) -> Any:
        return self.data.dtype

    def map(self, function: Callable[[Array], Array]) -> Csr:
        """The matrix with its three arrays replaced."""
        return Csr(function(self.data), function(self.columns), function(self.starts), self.shape)

    def toarray(self) -> np.ndarray:
        """The matrix with its zeros; its arrays must be the host's."""
        dense = np.zeros(self.shape, self.dtype)
        dense[np.repeat(np.arange(self.shape[0]), np.diff(self.starts)), self.columns] = self.data
        return dense

    def __repr__(self) -> str:
        return f"<sparse matrix of shape {self.shape}, {self.dtype}>"


def is_sparse(value: Any) -> bool:
    """Is it a sparse matrix: ours, or one with SciPy's methods?"""
    return isinstance(value, Csr) or hasattr(value, "tocsr")


def as_csr(value: Any, dtype: str) -> Csr:
    """A host matrix, sparse or dense, as a sparse one of this dtype; equal places are summed up."""
    if isinstance(value, Csr):
        return Csr(value.data.astype(dtype), value.columns, value.starts, value.shape)
    if hasattr(value, "tocsr"):
        matrix = value.tocsr()
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        arrays = matrix.data.astype(dtype), matrix.indices.astype("int64"), matrix.indptr.astype("int64")
        return Csr(*arrays, tuple(matrix.shape))
    dense = np.asarray(value, dtype)
    if dense.ndim != 2:
        raise ValueError(f"a sparse tensor is a matrix, got shape {dense.shape}")
    rows, columns = np.nonzero(dense)
    starts = np.searchsorted(rows, np.arange(len(dense) + 1))
    return Csr(dense[rows, columns], columns, starts, dense.shape)


def on(backend: Any, value: Any, dtype: str) -> Any:
    """A host array, number, or sparse matrix as the backend's."""
    if isinstance(value, Csr):
        asarray = backend.asarray
        return Csr(
            asarray(value.data, dtype), asarray(value.columns, "int64"), asarray(value.starts, "int64"), value.shape
        )
    return backend.asarray(value, dtype)
