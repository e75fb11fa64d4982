"""What a variant of a study is: the plain one or not, and what its own forward pass is called.

Imports nothing heavy: pages ask too.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["own_estimator", "plainest_variant"]


def plainest_variant(names: Iterable[str]) -> str:
    """The plain one of variants named by what they add (`ccim`, `ccim-additive`): the shortest
    name, the first of equals. Raises ValueError when there are none."""
    return min(names, key=lambda name: (len(name), name))


def own_estimator(intervention: str) -> str:
    """The estimator that is the forward pass of a run trained with an intervention."""
    return intervention if intervention in ("ccim", "counterfactual") else "likelihood"
