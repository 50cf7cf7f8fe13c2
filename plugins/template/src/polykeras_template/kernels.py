"""The kernel of soft_cap for NumPy."""

import numpy as np


def soft_cap(x, *, limit, out=None):
    """A kernel has the op's signature, and may take `out`: the array to write into (it may be `x` itself)."""
    scale = x.dtype.type(limit)
    out = np.empty_like(x) if out is None else out
    np.divide(x, scale, out=out)
    np.tanh(out, out=out)
    return np.multiply(out, scale, out=out)
