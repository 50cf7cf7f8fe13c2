"""Kernels of `symbolic.ops.sparse`: sparse operands and results are `Csr`, of this backend's arrays."""

from __future__ import annotations

from typing import Any

from polykeras.runtime.sparse import Csr

Array = Any

# Products that are held at a time.
BLOCK = 1 << 22


class Sparse:
    xp: Any

    def densify(self, x: Csr | Array, *, out: Array = None) -> Array:
        if not isinstance(x, Csr):
            return self._written(x, out)  # type: ignore[attr-defined]
        if out is None:
            out = self.xp.zeros(x.shape, dtype=x.dtype)
        else:
            out.fill(0)
        out[self._rows(x), x.columns] = x.data
        return out

    def sparsify(self, x: Array, mask: Array) -> Csr:
        xp = self.xp
        starts = xp.concatenate([xp.zeros(1, "int64"), xp.cumsum(mask.sum(axis=1, dtype="int64"))])
        return Csr(x[mask], xp.nonzero(mask)[1].astype("int64"), starts, x.shape)

    def sparse_matmul(self, x: Csr, y: Array, *, transpose: bool = False, out: Array = None) -> Array:
        xp = self.xp
        if transpose:
            if x.turned is None:
                x.turned = self._turned(x)
            x = x.turned
        if out is None:
            out = xp.zeros((x.shape[0], y.shape[1]), dtype=y.dtype)
        else:
            out.fill(0)
        if not self.host:  # type: ignore[attr-defined]  # a device does not wait for sizes, and adds in any order
            xp.add.at(out, self._rows(x), y[x.columns] * x.data[:, None])
            return out
        many = BLOCK // max(y.shape[1], 1)
        first, rows = 0, x.shape[0]
        while first < rows:
            behind = int(xp.searchsorted(x.starts, x.starts[first] + many, side="right")) - 1
            last = min(max(behind, first + 1), rows)
            self._add_rows(x, y, first, last, out[first:last])
            first = last
        return out

    def _add_rows(self, x: Csr, y: Array, first: int, last: int, out: Array) -> None:
        """The rows from `first` to `last` of the product, into zeros."""
        ends = x.starts[first : last + 1]
        begin, end = int(ends[0]), int(ends[-1])
        if begin == end or not y.shape[1]:
            return
        products = y[x.columns[begin:end]] * x.data[begin:end, None]
        filled = ends[:-1] < ends[1:]
        out[filled] = self.xp.add.reduceat(products, ends[:-1][filled] - begin, axis=0)

    def sparse_concatenate(self, *xs: Csr, axis: int) -> Csr:
        xp = self.xp
        offsets = [0]
        for x in xs:
            offsets.append(offsets[-1] + x.shape[axis])
        data = xp.concatenate([x.data for x in xs])
        if axis:
            columns = xp.concatenate([x.columns + offset for x, offset in zip(xs, offsets, strict=False)])
            order = xp.argsort(xp.concatenate([self._rows(x) for x in xs]), kind="stable")
            starts = sum([x.starts for x in xs[1:]], xs[0].starts)
            return Csr(data[order], columns[order], starts, (xs[0].shape[0], offsets[-1]))
        lengths = xp.concatenate([xp.diff(x.starts) for x in xs])
        starts = xp.concatenate([xp.zeros(1, "int64"), xp.cumsum(lengths)])
        return Csr(data, xp.concatenate([x.columns for x in xs]), starts, (offsets[-1], xs[0].shape[1]))

    def _rows(self, x: Csr) -> Array:
        """The row of each element."""
        return self.xp.searchsorted(x.starts, self.xp.arange(x.data.size), side="right") - 1

    def _turned(self, x: Csr) -> Csr:
        """The transposed matrix."""
        xp = self.xp
        order = xp.argsort(x.columns, kind="stable")
        starts = xp.searchsorted(x.columns[order], xp.arange(x.shape[1] + 1))
        return Csr(x.data[order], self._rows(x)[order], starts, (x.shape[1], x.shape[0]))
