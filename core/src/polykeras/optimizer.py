"""`polykeras.optimizer`, a misprint that scripts carry for `polykeras.optimizers`: warns, and is that module."""

import sys
import warnings

from polykeras import optimizers

warnings.warn("polykeras.optimizer is spelt polykeras.optimizers", DeprecationWarning, stacklevel=2)
sys.modules[__name__] = optimizers
