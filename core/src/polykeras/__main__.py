"""`python -m polykeras`: the command line."""

import sys

from polykeras.cli import main

if __name__ == "__main__":
    sys.exit(main())
