"""The version of the interface between core and what plugs into it.

A plugin or a backend declares the version that it was made for, `polykeras_api = (1, 0)`: a plugin in its top module, a
backend in its class. It is taken when the major numbers agree and its minor number is not newer than core's. The
numbers speak of the interface alone and are not a package's version. What declares nothing counts as made for (1, 0).
"""

from __future__ import annotations

__all__ = ["API", "mismatch"]

API = (1, 0)


def mismatch(declared: object) -> str | None:
    """Why core cannot take what declares `polykeras_api = declared`; None when it can."""
    version = _as_version(declared)
    if version is None:
        return f"it declares polykeras_api = {declared!r}; expected two integers, such as polykeras_api = {API}"
    if version[0] == API[0] and version[1] <= API[1]:
        return None
    age = "newer" if version > API else "older"
    made_for, offered = (".".join(map(str, numbers)) for numbers in (version, API))
    return f"it was made for the {age} plugin interface {made_for}; this polykeras-core offers {offered}"


def _as_version(declared: object) -> tuple[int, int] | None:
    match declared:
        case (int(major), int(minor)):
            return major, minor
    return None
