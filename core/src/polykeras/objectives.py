"""`polykeras.objectives`, as Keras 1 called `polykeras.losses`: is that module."""

import sys

from polykeras import losses

sys.modules[__name__] = losses
