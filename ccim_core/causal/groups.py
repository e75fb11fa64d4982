"""Groups of emotion × stratum coarse enough to estimate: small cells merged within the emotion."""

from __future__ import annotations

import torch
from torch import Tensor

from ccim_core.causal.prior_correction import stratum_counts

__all__ = ["coarse_groups", "group_index"]


def coarse_groups(targets: Tensor, labels: Tensor, n_strata: int, *, min_size: int) -> Tensor:
    """Membership of each row in coarse groups, (n, G), 0/1; no group is empty.

    A cell of emotion y and stratum z with `min_size` rows is a group. Of each emotion, smaller
    cells are pooled: those of strata where the emotion is commoner than overall in one group,
    those where it is rarer in another, so that rows against the bias stay apart from rows with
    it. A pool that is still too small takes in the next larger cell of its side, and then the
    smallest group of its emotion. Only an emotion of fewer rows in all has a smaller group: one.
    Equal sizes go by the stratum's number: the same rows have the same groups on every machine.

    Args:
        targets: (n, C), one-hot or multi-hot; a row is in a group of each of its emotions.
        labels: stratum of each row, (n,), in 0 … N − 1.
        n_strata: N.
        min_size: rows, ≥ 0; up to 1 nothing is merged.
    """
    labels = torch.as_tensor(labels, device=targets.device).long()
    counts, sizes = stratum_counts(targets, labels, n_strata)
    commoner = counts * len(targets) > counts.sum(0) * sizes[:, None]
    columns: list[Tensor] = []
    for y in range(targets.shape[1]):
        rows = {z: int(n) for z, n in enumerate(counts[:, y].tolist()) if n}
        of_stratum = torch.full((n_strata,), -1, device=targets.device)
        groups = _merge(rows, commoner[:, y].tolist(), min_size)
        for number, strata in enumerate(groups):
            of_stratum[strata] = number
        found = of_stratum[labels]
        columns += [(found == i) & (targets[:, y] > 0) for i in range(len(groups))]
    if not columns:
        return targets.new_zeros(len(targets), 0)
    return torch.stack(columns, dim=1).to(targets.dtype)


def group_index(membership: Tensor) -> Tensor:
    """The group of each row, (n,), of a membership (n, G) with one group a row."""
    return membership.argmax(dim=1)


def _merge(rows: dict[int, int], commoner: list[bool], min_size: int) -> list[list[int]]:
    """The strata of each group of one emotion, whose rows in each stratum are given."""

    def size(strata: list[int]) -> tuple[int, int]:
        return sum(rows[z] for z in strata), min(strata)

    groups: list[list[int]] = []
    for side in (True, False):
        cells = sorted(([z] for z in rows if commoner[z] == side), key=size)
        pool: list[int] = []
        while cells and (size(cells[0])[0] < min_size or (pool and size(pool)[0] < min_size)):
            pool += cells.pop(0)
        groups += [pool, *cells] if pool else cells
    groups.sort(key=size)
    while len(groups) > 1 and size(groups[0])[0] < min_size:
        groups = sorted([groups[0] + groups[1], *groups[2:]], key=size)
    return groups
