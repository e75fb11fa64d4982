"""Side by side, two test processes leave each other a core."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before anything imports torch or NumPy; processes that tests start inherit it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
