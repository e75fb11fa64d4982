"""Stand-ins for the published lists of Places365, in their form and with made-up names."""

from __future__ import annotations

__all__ = ["CATEGORIES", "INDOOR", "NAMES"]

NAMES = tuple(f"scene_{index}" if index % 7 else f"scene_{index}/indoor" for index in range(365))
CATEGORIES = "\n".join(f"/s/{name} {index}" for index, name in enumerate(NAMES))
INDOOR = (
    "\n".join(f"/s/{name} {1 if index < 160 else 2}" for index, name in enumerate(NAMES)) + "\n"
)
