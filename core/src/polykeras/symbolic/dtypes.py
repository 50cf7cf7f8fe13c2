"""Data types are strings, as in Keras: their kinds, sizes and how they combine."""

from __future__ import annotations

from polykeras import config

FLOATS = ("float16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
ALL = ("bool", *UNSIGNED, *SIGNED, *FLOATS)

_BYTES = {name: 1 if name == "bool" else int(name.lstrip("uintfloa")) // 8 for name in ALL}


def check(dtype: object) -> str:
    """The name of `dtype`, which may be a name, a Python type or anything NumPy calls a dtype."""
    name = {float: config.floatx(), int: "int32", bool: "bool"}.get(dtype) if isinstance(dtype, type) else None
    name = name or getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    if name not in _BYTES:
        raise ValueError(f"unknown dtype {dtype!r}; expected one of {', '.join(ALL)}")
    return name


def itemsize(dtype: str) -> int:
    """Bytes of one element."""
    return _BYTES[dtype]


def is_float(dtype: str) -> bool:
    return dtype.startswith("float")


def is_integer(dtype: str) -> bool:
    return "int" in dtype


def promote(*dtypes: str) -> str:
    """The dtype in which operands of these dtypes meet.

    Floats win over integers, integers over bool; within a kind the wider wins; a signed and an unsigned
    integer meet in the signed type that holds both (int64 at most).
    """
    result = dtypes[0]
    for dtype in dtypes[1:]:
        if dtype != result:
            result = _promote_pair(result, dtype)
    return result


def _promote_pair(a: str, b: str) -> str:
    if a == "bool" or b == "bool":
        return b if a == "bool" else a
    if is_float(a) != is_float(b):
        return a if is_float(a) else b
    if is_float(a) or a.startswith("u") == b.startswith("u"):
        return a if _BYTES[a] >= _BYTES[b] else b
    signed, unsigned = (b, a) if a.startswith("u") else (a, b)
    bits = max(_BYTES[signed], min(8, 2 * _BYTES[unsigned])) * 8
    return f"int{bits}"


def of_scalar(value: bool | int | float, partner: str | None = None) -> str:
    """The dtype of a Python number: weak, so it takes its partner's where it can.

    An integer takes any numeric partner's dtype; a float any float's, and `floatx` beside integers.
    """
    if isinstance(value, bool):
        return "bool" if partner is None else partner
    if isinstance(value, int):
        return "int32" if partner in (None, "bool") else partner
    return partner if partner is not None and is_float(partner) else config.floatx()
