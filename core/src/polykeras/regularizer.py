"""`polykeras.regularizer`, a misprint that scripts carry for `polykeras.regularizers`: warns, and is that module."""

import sys
import warnings

from polykeras import regularizers

warnings.warn("polykeras.regularizer is spelt polykeras.regularizers", DeprecationWarning, stacklevel=2)
sys.modules[__name__] = regularizers
