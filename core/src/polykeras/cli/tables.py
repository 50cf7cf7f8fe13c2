"""Plain text in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["columns"]


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """The rows as lines, each column as wide as its widest cell; the last one as long as it is."""
    rows = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return "\n".join(indent + "  ".join(map(_pad, row, [*widths, 0])).rstrip() for row in rows)


def _pad(cell: str, width: int) -> str:
    return cell.ljust(width)
