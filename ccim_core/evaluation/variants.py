"""Which of several variants of a study is the plain one. Imports nothing heavy: pages ask too."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["plainest_variant"]


def plainest_variant(names: Iterable[str]) -> str:
    """The plain one of variants named by what they add (`ccim`, `ccim-additive`): the shortest
    name, the first of equals. Raises ValueError when there are none."""
    return min(names, key=lambda name: (len(name), name))
