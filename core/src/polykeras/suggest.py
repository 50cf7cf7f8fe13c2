"""Words for errors about names: the nearest known one, and a short listing of what there is."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["listing", "nearest"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, capitals aside; None where none is like it."""
    import difflib

    by_lower: dict[str, str] = {}
    for candidate in sorted(known):
        by_lower.setdefault(candidate.lower(), candidate)
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def listing(names: Iterable[str], title: str, limit: int = 12) -> str:
    """`Registered: a, b, c.`, cut off after `limit` names."""
    names = sorted(names)
    shown = ", ".join(names[:limit]) or "none"
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return f"{title}: {shown}{more}."
