"""Which of the persons in a picture a row means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Choice", "choose_person"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A person, and why this one.

    index: among those given. reason: `only` (there was one), `holds_face` (the given face is in
    its box), `largest`.
    """

    index: int
    reason: str


def choose_person(persons: np.ndarray, face: Sequence[float] | None) -> Choice | None:
    """The person a row means, or None where there is none.

    With a face: of the persons whose box holds its centre the one whose box's middle top is
    nearest to it, for a head is at the top of its body. Without: the largest.

    Args:
        persons: (n, 4 or more), x1, y1, x2, y2 in pixels first.
        face: the row's own face box, if it is given.
    """
    if not len(persons):
        return None
    x1, y1, x2, y2 = persons[:, :4].T
    if face is None:
        largest = int(np.argmax((x2 - x1) * (y2 - y1)))
        return Choice(index=largest, reason="only" if len(persons) == 1 else "largest")
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    holds = (x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2)
    if not holds.any():
        return None
    distance = np.where(holds, np.hypot((x1 + x2) / 2 - x, y1 - y), np.inf)
    return Choice(index=int(np.argmin(distance)), reason="holds_face")
