"""`keras`: polykeras under the name of what it stands in for."""

import polykeras as _polykeras
from polykeras import _tree

__getattr__, __dir__ = _polykeras.__getattr__, _polykeras.__dir__
__all__ = _polykeras.__getattr__("__all__")
__version__ = "2.2.4"

if __name__ == "keras":  # not where tools walk through polykeras's own modules
    _tree.alias("keras", "polykeras")
