"""Splits dealt by person, video or whatever else must not be in two of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ccim_core.datasets.labelled_files import deal_files
from ccim_core.errors import InputError

__all__ = ["deal_units"]


def deal_units(
    units: pd.Series, labels: pd.Series, shares: Mapping[str, float], *, what: str, seed: int
) -> pd.Series:
    """Each row's split, whole units to one, in shares of the units of each label.

    units, labels: (n,) text; a unit's label is its most frequent (the first of the alphabet if
    tied). what: what a unit is, for messages.

    Raises InputError for a label with fewer units than splits.
    """
    counts = pd.crosstab(units, labels)
    most = counts.idxmax(axis=1)  # columns are sorted
    by_label = {str(label): sorted(most.index[most == label]) for label in most.unique()}
    for label, names in by_label.items():
        if len(names) < len(shares):
            raise InputError(
                f"Expected {len(shares)} or more {what}s of {label!r} to deal into "
                f"{', '.join(shares)}, got {len(names)}; give the data a split of its own."
            )
    split_of = deal_files(by_label, shares, rng=np.random.default_rng(seed))
    return units.map(split_of)
