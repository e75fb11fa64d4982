"""`python -m ccim_core COMMAND …`."""

import sys

from ccim_core.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
