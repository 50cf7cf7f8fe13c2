"""`Sequence`: batches that have numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Sequence", "is_sequence"]


class Sequence:
    """Batches by number: a dataset that several threads or processes may read, each batch once per epoch.

    class Rows(Sequence):
        def __init__(self, x, y, size):
            self.x, self.y, self.size = x, y, size

        def __len__(self):
            return -(-len(self.x) // self.size)

        def __getitem__(self, index):
            rows = slice(index * self.size, (index + 1) * self.size)
            return self.x[rows], self.y[rows]
    """

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    def __len__(self) -> int:
        """The number of batches."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self)")

    def on_epoch_end(self) -> None:
        """Called after each pass over the batches."""

    def __iter__(self) -> Iterator[Any]:
        """The batches of one pass, in order."""
        for index in range(len(self)):
            yield self[index]


def is_sequence(data: Any) -> bool:
    """Whether batches have numbers: a `Sequence`, or what has all its methods."""
    if isinstance(data, Sequence):
        return True
    return all(hasattr(data, name) for name in ("__len__", "__getitem__", "on_epoch_end"))
