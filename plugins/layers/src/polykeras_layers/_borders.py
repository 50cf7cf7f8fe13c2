"""Arguments of layers that add or take away at the borders: padding and cropping."""


def pairs(value, rank, name):
    """`((before, after), ...)`, one pair per spatial axis.

    value: an int for both sides of every axis; an int per axis; or the pairs. `name` names the argument in errors.
    """
    if isinstance(value, int):
        return ((value, value),) * rank
    try:
        entries = tuple(value)
    except TypeError:
        raise _wrong(value, rank, name) from None
    if len(entries) != rank:
        raise _wrong(value, rank, name)
    return tuple(_pair(entry, value, rank, name) for entry in entries)


def pair(value, name):
    """`(before, after)` of one axis, from an int or a pair."""
    return _pair(value, value, 1, name)


def _pair(entry, value, rank, name):
    if isinstance(entry, int):
        return (entry, entry)
    try:
        before, after = entry
    except (TypeError, ValueError):
        raise _wrong(value, rank, name) from None
    if not isinstance(before, int) or not isinstance(after, int):
        raise _wrong(value, rank, name)
    return (before, after)


def _wrong(value, rank, name):
    if rank == 1:
        return ValueError(f"`{name}` should be an int or a pair of ints (before, after). Found: {value!r}")
    forms = f"an int, a tuple of {rank} ints, or a tuple of {rank} pairs of ints, ((before, after), ...)"
    return ValueError(f"`{name}` should be {forms}. Found: {value!r}")
