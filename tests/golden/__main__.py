"""`python -m tests.golden [NAME …]`: make the texts anew, from the code as it is."""

from __future__ import annotations

import sys

from tests.golden.shown import FOLDER, SHOWN

FOLDER.mkdir(exist_ok=True)
for name in sys.argv[1:] or SHOWN:
    (FOLDER / f"{name}.txt").write_text(SHOWN[name]() + "\n", encoding="utf-8")
