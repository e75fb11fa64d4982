"""What a variant of a study is: its name, the plain one, what its own forward pass is called.

Imports nothing heavy: pages ask too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["own_estimator", "plainest_variant", "run_variant"]

_SEED = re.compile(r"-seed\d+$")


def run_variant(name: str) -> str:
    """A run's name without its seed: what several seeds share."""
    return _SEED.sub("", name)


def plainest_variant(names: Iterable[str]) -> str:
    """The plain one of variants named by what they add (`ccim`, `ccim-additive`): the shortest
    name, the first of equals. Raises ValueError when there are none."""
    return min(names, key=lambda name: (len(name), name))


def own_estimator(intervention: str) -> str:
    """The estimator that is the forward pass of a run trained with an intervention."""
    return intervention if intervention in ("ccim", "counterfactual") else "likelihood"
