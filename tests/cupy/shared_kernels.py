"""The kernels that the CuPy backend shares with all others, on NumPy: what of it a machine without a GPU can prove."""

import numpy

from polykeras.runtime.xp import XpBackend


class SharedKernels(XpBackend):
    """`XpBackend` as it is, with none of the NumPy backend's own kernels and bindings."""

    name = "shared-kernels"
    xp = numpy
